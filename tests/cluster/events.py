"""Events of GET /watch, as a client reads them."""

import http.client
import json
import queue
import socket
import threading
import urllib.parse


def watch_path(prefix, since=None, wait=None):
    path = "/watch?prefix=" + urllib.parse.quote(prefix)
    path += f"&since={since}" if since is not None else ""
    return path + (f"&wait={wait}" if wait else "")


class Events:
    """A stream that is read in a thread: events (revision, verb, key, value) in the order in which they come."""

    def __init__(self, node, prefix, since=None, headers=None):
        self.connection = node.connect(timeout=None)
        self.connection.request("GET", watch_path(prefix, since), headers=headers or {})
        self.answer = self.connection.getresponse()
        assert self.answer.status == 200, self.answer.read()
        assert self.answer.headers["Content-Type"] == "text/event-stream"
        self.socket = self.answer.fp.raw._sock  # http.client has let go of it
        self.queue = queue.Queue()
        self.ids, self.comments = [], []
        self.ended = False
        self.thread = threading.Thread(target=self.read)
        self.thread.start()

    def read(self):
        fields = {}
        try:
            for line in self.answer:
                name, _, text = line.decode().rstrip("\n").partition(": ")
                if line == b"\n":
                    if fields:
                        self.put(fields)
                    fields = {}
                elif not name:
                    self.comments.append(text)
                else:
                    fields[name] = text
        except (OSError, ValueError, http.client.HTTPException):
            pass
        self.ended = True

    def put(self, fields):
        data = json.loads(fields["data"])
        assert int(fields["id"]) == data["revision"]
        self.ids.append(fields["id"])
        self.queue.put((data["revision"], fields["event"], data.get("key"), data.get("value")))

    def take(self, count, seconds=15):
        return [self.queue.get(timeout=seconds) for _ in range(count)]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        try:
            self.socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.thread.join(10)
        self.answer.close()
        self.connection.close()


def events_of(node, prefix, count, since=None, headers=None):
    with Events(node, prefix, since, headers) as events:
        return events.take(count)


def poll(node, prefix, wait, since=None):
    answer = node.request("GET", watch_path(prefix, since, wait), timeout=60)
    assert answer.status == 200, answer
    return answer.json["Watch"]
