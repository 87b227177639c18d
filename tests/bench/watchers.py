"""Watchers that count what they are told, and one that says when."""

import http.client
import json
import select
import socket
import time
import urllib.parse

from etcd import text64
from lockers import Fork, Numbers, wait_until

READ_BYTES = 1 << 16


class Stream:
    """An answer that does not end, read as it comes: an event is told from the next one by a mark."""

    def __init__(self, address, request, mark):
        self.socket = socket.create_connection(address, timeout=60)
        self.socket.sendall(request)
        self.mark = mark
        self.rest = b""  # that may be the beginning of a mark

    def events(self):
        """How many of them have come in one read."""
        got = self.socket.recv(READ_BYTES)
        if not got:
            raise OSError("the stream has ended")
        text = self.rest + got
        self.rest = text[-(len(self.mark) - 1):]
        return text.count(self.mark)

    def fileno(self):
        return self.socket.fileno()

    def close(self):
        self.socket.close()


def quorumfs_stream(address, prefix):
    request = f"GET /watch?prefix={urllib.parse.quote(prefix)} HTTP/1.1\r\nHost: localhost\r\n\r\n"
    return Stream(address, request.encode(), b"\nevent: ")


def etcd_stream(address, prefix):
    end = prefix[:-1] + chr(ord(prefix[-1]) + 1)
    body = json.dumps({"create_request": {"key": text64(prefix), "range_end": text64(end)}})
    request = f"POST /v3/watch HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n\r\n{body}"
    return Stream(address, request.encode(), b'"kv":')


class Putter:
    """Puts of one key, over one connection."""

    def __init__(self, address, api, key):
        self.connection = http.client.HTTPConnection(*address, timeout=60)
        if api == "quorumfs":
            self.request = ("PUT", f"/key/{key}", "x" * 128)
        else:
            self.request = ("POST", "/v3/kv/put", json.dumps({"key": text64(key), "value": text64("x" * 128)}))

    def put(self):
        self.connection.request(*self.request)
        answer = self.connection.getresponse()
        answer.read()
        if answer.status != 200:
            raise OSError(f"a put was answered with {answer.status}")


def delays(make_stream, putter, count):
    """For each of so many puts, the seconds from its call, and from its return, until a watcher elsewhere has it."""
    told = Numbers(2)  # the events, and the time of the last of them

    def watch():
        stream = make_stream()
        while True:
            events = stream.events()
            told[1] = time.monotonic()
            told[0] += events
    with Fork(watch):
        while not told[0]:  # until the stream has begun
            putter.put()
            time.sleep(0.1)
        before, found = told[0], []
        for number in range(1, count + 1):
            called = time.monotonic()
            putter.put()
            returned = time.monotonic()
            wait_until(lambda: told[0] == before + number)
            found.append((told[1] - called, told[1] - returned))
        return found


def counted(make_stream, watchers, write, seconds):
    """Events a second to so many watchers together, while `write` is at work."""
    told, ready = Numbers(1), Numbers(1)

    def watch():
        streams = {stream.fileno(): stream for stream in (make_stream() for _ in range(watchers))}
        poll = select.epoll()
        for descriptor in streams:
            poll.register(descriptor, select.EPOLLIN)
        ready[0] = 1
        while True:
            for descriptor, _ in poll.poll():
                told[0] += streams[descriptor].events()
    with Fork(watch):
        wait_until(lambda: ready[0], 60)
        with write():
            time.sleep(0.5)
            before, began = told[0], time.monotonic()
            time.sleep(seconds)
            return (told[0] - before) / (time.monotonic() - began)
