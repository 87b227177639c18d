"""Watches over HTTP: each event once and in order, at whichever node, across restarts, snapshots and cuts."""

import contextlib
import json
import socket
import subprocess
import threading
import time

from cluster import Cluster, wait_for
from events import Events, events_of, poll

CONFIG = {"mount": False}


def revision(answer):
    return int(answer.headers["ETag"].strip('"+'))


def test_each_change_is_told_at_every_node(cluster):
    a, b, c = cluster.nodes
    with Events(a, "w/") as at_a, Events(b, "w/") as at_b, Events(c, "w/one") as at_c:
        made = revision(a.put("w/one", "1"))
        again = revision(b.put("w/one", "2"))
        c.put("elsewhere", "3")
        other = revision(c.put("w/two", "x" * 5000))
        a.delete("w/one")
        expected = [(made, "created", "w/one", "1"), (again, "written", "w/one", "2"),
                    (other, "created", "w/two", None)]
        for events in (at_a, at_b):
            told = events.take(4)
            assert told[:3] == expected, told
            assert told[3][0] > other and told[3][1:] == ("deleted", "w/one", None)
        assert [event[1:3] for event in at_c.take(3)] == [("created", "w/one"), ("written", "w/one"),
                                                          ("deleted", "w/one")]


def test_after_an_event_a_read_sees_it(cluster):
    a, b, _ = cluster.nodes
    with Events(b, "k") as events:
        for number in range(50):
            a.put("k", str(number))
            at, _, _, value = events.take(1)[0]
            answer = b.get("k", "?consistency=local")
            assert revision(answer) >= at and answer.single["value"] == value == str(number)


def test_a_list_is_told_whole(cluster):
    a, b, _ = cluster.nodes
    a.put("t/old", "1")
    with Events(b, "t/") as events:
        then = [{"put": {"key": f"t/{n}", "value": str(n)}} for n in range(5)] + [{"delete": "t/old"}]
        at = a.txn([], then).transaction["revision"]
        told = events.take(6)
        assert {event[0] for event in told} == {at}
        assert [event[1:3] for event in told] == [("created", f"t/{n}") for n in range(5)] + [("deleted", "t/old")]
        assert events.ids[-6:] == [f"+{at}"] * 5 + [str(at)]


def test_a_watch_goes_on_at_another_node(cluster):
    a, b, c = cluster.nodes
    revisions = [revision(a.put("r/k", str(n))) for n in range(10)]
    assert [event[0] for event in events_of(b, "r/", 10, since=revisions[0] - 1)] == revisions
    assert [event[0] for event in events_of(c, "r/", 5, since=revisions[4])] == revisions[5:]
    # A client that comes back says where it was, whatever its first address said.
    told = events_of(c, "r/", 3, since=revisions[0], headers={"Last-Event-ID": str(revisions[6])})
    assert [event[0] for event in told] == revisions[7:]
    told = events_of(c, "r/", 4, headers={"Last-Event-ID": f"+{revisions[6]}"})
    assert [event[0] for event in told] == revisions[6:]


def test_a_long_poll_answers_once_there_is_something(cluster):
    a, b, _ = cluster.nodes
    begun = poll(a, "p/", wait="10ms")
    assert begun["events"] == []
    first = revision(a.put("p/a", "1"))
    answer = poll(b, "p/", wait="30s", since=begun["revision"])
    assert [(event["revision"], event["event"], event["key"], event["value"]) for event in answer["events"]] == [
        (first, "created", "p/a", "1")]
    later = threading.Timer(0.5, lambda: a.put("p/b", "2"))
    later.start()
    started = time.monotonic()
    answer = poll(b, "p/", wait="30s", since=answer["revision"])
    assert time.monotonic() - started < 10 and [event["key"] for event in answer["events"]] == ["p/b"]
    later.join()
    a.put("q", "1")  # what does not match need not be looked at again
    ended = poll(b, "p/", wait="200ms", since=answer["revision"])
    assert ended["events"] == [] and ended["revision"] > answer["revision"]


def test_what_is_too_old_is_gone():
    with Cluster(1, mount=False) as cluster:
        node = cluster.nodes[0]
        node.put("first", "1")
        name = "long/" + "/".join(["x" * 250] * 15)
        for n in range(60):
            then = [{"put": {"key": f"{name}/{n}", "value": ""}}, {"delete": f"{name}/{n}"}] * 50
            assert node.txn([], then).status == 200
        answer = node.request("GET", "/watch?since=1")
        assert answer.status == 410 and "not known any more" in answer.error, answer
        lost = answer.single["lost"]
        assert events_of(node, "long/", 1, since=lost)[0][0] == lost + 1
        assert node.request("GET", f"/watch?since={lost - 1}&wait=1s").status == 410
        assert node.request("GET", "/watch", headers={"Last-Event-ID": "1"}).status == 410


def test_malformed_requests_are_refused(cluster):
    node = cluster.nodes[0]
    for query in ("since=x", "since=-1", "since=", "wait=0s", "wait=301s", "wait=s", "wait=1h", "wait=99999999999s",
                  "revisions=1", "prefix=%zz"):
        assert node.request("GET", "/watch?" + query).status == 400, query
    for marker in ("x", "+", "+0", "1 2", "-1"):
        assert node.request("GET", "/watch", headers={"Last-Event-ID": marker}).status == 400, marker
    assert node.request("PUT", "/watch", "x").status == 405
    head = node.request("HEAD", "/watch")
    assert head.status == 200 and head.headers["Content-Type"] == "text/event-stream"


def test_history_survives_restarts(cluster):
    a, b, c = cluster.nodes
    revisions = [revision(a.put("s/k", str(n))) for n in range(20)]
    for node in cluster.nodes:
        node.stop()
    for node in cluster.nodes:
        node.start(wait=False)
    for node in cluster.nodes:
        node.wait_ready()
        assert [event[0] for event in events_of(node, "s/", 20, since=revisions[0] - 1)] == revisions
    a.kill()
    a.start()
    revisions.append(revision(b.put("s/k", "last")))
    assert [event[0] for event in events_of(a, "s/", 21, since=revisions[0] - 1)] == revisions


def test_without_a_quorum_no_watch_begins_and_an_open_one_says_so(cluster):
    a, b, c = cluster.nodes
    with Events(a, "n/") as events:
        a.put("n/k", "1")
        events.take(1)
        b.pause()
        c.pause()
        wait_for(lambda: any("no quorum" in comment for comment in events.comments), "the watch says so", 30)
        answer = a.request("GET", "/watch?prefix=n/")
        assert answer.status == 503 and "quorum" in answer.error, answer
        b.resume()
        c.resume()
        wait_for(lambda: any("has a quorum again" in comment for comment in events.comments), "it says so again", 30)
        a.put("n/k", "2")
        assert events.take(1)[0][3] == "2"


def test_a_watch_ends_with_its_node(cluster):
    a, b, _ = cluster.nodes
    with Events(b, "e/") as events:
        a.put("e/k", "1")
        events.take(1)
        waiting = []
        asking = threading.Thread(target=lambda: waiting.append(b.request("GET", "/watch?prefix=e/&wait=60s", timeout=60)))
        asking.start()
        wait_for(lambda: b.metrics()["watches"] == 2, "both are watching")
        b.stop()
        events.thread.join(10)
        assert not events.thread.is_alive() and events.ended, "the stream did not end"
        assert any("stopping" in comment for comment in events.comments)
        asking.join(10)
        assert waiting[0].status == 200 and waiting[0].json["Watch"]["events"] == []
    b.start()


def test_a_reader_that_reads_nothing_is_bounded(cluster):
    """It falls behind, holds little, slows nothing, and has everything in the end."""
    a = cluster.nodes[0]
    name = "b/" + "long" * 50
    with contextlib.closing(a.connect()) as connection:
        connection.connect()
        connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        connection.request("GET", "/watch?prefix=b/")
        answer = connection.getresponse()
        assert answer.status == 200
        then = [{"put": {"key": f"{name}{n}", "value": "v" * 1000}} for n in range(100)]
        revisions = [a.txn([], then).transaction["revision"] for _ in range(200)]
        assert a.metrics()["http_held_bytes"] < 1024 * 1024
        told = []
        while len(told) < 100 * 200:
            line = answer.readline().decode()
            assert line, "the stream has ended"
            if line.startswith("id: "):
                told.append(int(line[4:]))
        assert told == [at for at in revisions for _ in range(100)]


def test_curl_reads_a_stream(cluster):
    node = cluster.nodes[0]
    command = ["curl", "-sN", "--max-time", "5", f"http://{node.addr}/watch?prefix=curl/"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as curl:
        assert curl.stdout.readline().startswith(": after revision ")
        assert curl.stdout.readline() == "\n"
        at = revision(node.put("curl/k", "v"))
        lines = [curl.stdout.readline() for _ in range(4)]
        curl.kill()
    assert lines[:2] == [f"id: {at}\n", "event: created\n"] and lines[3] == "\n"
    assert json.loads(lines[2].removeprefix("data: ")) == {"key": "curl/k", "revision": at, "value": "v"}


def test_a_snapshot_brings_the_history_along():
    with Cluster(3, mount=False) as cluster:
        a, b, c = cluster.nodes
        c.stop()
        revisions = [revision(a.put("z/k", "first"))]
        big = "x" * 1000000
        for n in range(60):
            assert a.put(f"fill/{n % 5}", big).status in (200, 201, 204)
        revisions.append(revision(a.put("z/k", "last")))
        c.lose_folder()
        c.start(wait=False)
        c.wait_ready(60)
        assert [event[0] for event in events_of(c, "z/", 2, since=revisions[0] - 1)] == revisions
        assert c.metrics()["snapshots_received_total"] >= 1


def test_a_websocket_hears_of_events_between_its_answers(cluster):
    a, b, _ = cluster.nodes
    made = revision(a.put("ws/k", "1"))
    with contextlib.closing(b.websocket()) as client:
        def ask(request):
            client.send(json.dumps({"APIRequest": request}))
        ask({"Watch": {"prefix": "ws/", "since": made - 1}})
        assert json.loads(client.recv())["response"] == {"Watch": {"prefix": "ws/", "revision": made - 1}}
        assert json.loads(client.recv())["event"] == {"prefix": "ws/", "event": "created", "key": "ws/k",
                                                       "revision": made, "value": "1"}
        for n in range(50):
            a.put("ws/k", str(n))
            ask({"Get": "ws/k"})
        got = [json.loads(client.recv()) for _ in range(100)]
        assert [message["event"]["value"] for message in got if "event" in message] == [str(n) for n in range(50)]
        assert sum("response" in message for message in got) == 50
        ask({"Unwatch": "ws/"})
        assert json.loads(client.recv())["response"] == {"Unwatch": {"prefix": "ws/"}}
        a.put("ws/k", "unseen")
        ask({"Ping": 1})
        assert "Pong" in json.loads(client.recv())["response"]
