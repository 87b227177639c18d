"""How long a turn of a node's loop takes while clients ask for much: heartbeats and all others wait that long. Measured
is the time of a processor, since other processes of this machine can make any turn long."""

import contextlib
import json
import pathlib
import selectors
import threading
import time

import pytest

from cluster import QUORUMFS, Cluster
from test_bounds import MIB, frame, get_frame, open_socket, open_websocket

SANITIZED = b"__asan_init" in pathlib.Path(QUORUMFS).read_bytes()
TURN_MS_MAX = 600 if SANITIZED else 100
CLIENTS, LARGE_BODIES = 50, 20


class Turns:
    """The longest ones, while it looks."""

    def __init__(self, node, statuses=(200,)):
        self.node = node
        self.statuses = statuses
        self.longest_ms = 0
        self.wait_ms = 0  # of a small put

    def look(self):
        began = time.monotonic()
        assert self.node.put("small", "s").status in self.statuses
        self.wait_ms = max(self.wait_ms, 1000 * (time.monotonic() - began))
        self.longest_ms = max(self.longest_ms, self.node.status()["turns"]["longest_processor_ms"])

    def look_until(self, threads):
        while any(thread.is_alive() for thread in threads):
            self.look()
            time.sleep(0.05)
        self.look()
        print(f"longest turn: {self.longest_ms} ms; longest wait of a small put: {self.wait_ms:.0f} ms")


@pytest.fixture
def cluster():
    with Cluster(mount=False) as cluster:
        cluster.leader()
        yield cluster


def run(node, client, statuses=(200,), clients=CLIENTS):
    """Many clients at once; each adds what it was answered. Small puts are answered meanwhile, with these statuses."""
    answers = []
    threads = [threading.Thread(target=lambda number=number: answers.append(client(number)))
               for number in range(clients)]
    for thread in threads:
        thread.start()
    turns = Turns(node, statuses)
    turns.look_until(threads)
    assert len(answers) == clients
    assert turns.longest_ms <= TURN_MS_MAX
    return answers


@pytest.mark.parametrize("value", [b"v" * (8 * MIB), b"\x01" * (8 * MIB), bytes(8 * MIB)],
                         ids=["text", "escaped", "base64"])
def test_large_answers(cluster, value):
    node = cluster.leader()
    assert node.put("large", value).status == 200
    answers = run(node, lambda number: node.request("GET", "/key/large", timeout=60))
    assert {answer.status for answer in answers} <= {200, 503}
    sizes = {len(answer.body) for answer in answers if answer.status == 200}
    assert len(sizes) == 1 and min(sizes) > 8 * MIB


def test_large_bodies(cluster):
    node = cluster.leader()

    def client(number):
        return node.request("POST", "/key", {"key": f"k{number}", "value": "v" * (8 * MIB - 1000)}, timeout=60)
    # A slow disk has hundreds of megabytes to write first.
    answers = run(node, client, statuses=(200, 503, 504), clients=LARGE_BODIES)
    assert {answer.status for answer in answers} <= {200, 503, 504}
    assert any(answer.status in (200, 504) for answer in answers)


def test_many_keys(cluster):
    node = cluster.leader()
    for first in range(0, 20000, 5000):
        assert node.request("POST", "/keys", [{"key": f"list/{number:05}", "value": "v" * 20}
                                              for number in range(first, first + 5000)]).status == 200
    answers = run(node, lambda number: node.request("GET", "/keys?limit=10000", timeout=60))
    assert all(answer.status == 200 and len(answer.multiple) == 10000 for answer in answers)


def received(stream):
    """A whole message, of however many fragments. The stream may have read into the next one."""
    message, final = b"", False
    while not final:
        head = stream.read(2)
        final = head[0] & 0x80
        length = head[1]
        if length > 125:
            length = int.from_bytes(stream.read(2 if length == 126 else 8), "big")
        message += stream.read(length)
    return message


def test_large_replies(cluster):
    node = cluster.leader()
    assert node.put("large", b"v" * (8 * MIB)).status == 200
    with contextlib.ExitStack() as clients:
        connections = [open_websocket(node, clients) for _ in range(CLIENTS)]

        def client(number):
            connections[number].settimeout(120)
            connections[number].sendall(get_frame("large"))
            return received(connections[number].makefile("rb"))
        answers = run(node, client)
    assert any(len(answer) > 8 * MIB for answer in answers)
    assert all(len(answer) > 8 * MIB or b"Error" in answer for answer in answers)


def test_large_messages_and_small_ones_behind_them(cluster):
    node = cluster.leader()
    with contextlib.ExitStack() as clients:
        connections = [open_websocket(node, clients) for _ in range(CLIENTS)]

        def client(number):
            connections[number].settimeout(120)
            for value in ("v" * (MIB // 2), "last"):
                put = {"APIRequest": {"Put": {"key": f"k{number}", "value": value}}}
                connections[number].sendall(frame(json.dumps(put).encode()))
            stream = connections[number].makefile("rb")
            return [received(stream) for _ in range(2)]
        answers = run(node, client, statuses=(200, 503, 504))
    replies = [[json.loads(reply) for reply in both] for both in answers]
    taken = [number for number, both in enumerate(replies) if all("Put" in reply.get("response", {}) for reply in both)]
    assert taken
    assert all(node.value(f"k{number}") == b"last" for number in taken)


@pytest.mark.skipif(SANITIZED, reason="two minutes")
def test_slow_readers_of_a_large_value():
    with Cluster() as cluster, contextlib.ExitStack() as clients:
        node = cluster.leader()
        node.path("large").write_bytes(bytes(100 * MIB))
        turns = Turns(node)
        readers = selectors.DefaultSelector()
        for _ in range(200):
            connection = open_socket(node, clients)
            connection.sendall(b"GET /key/large HTTP/1.1\r\nHost: localhost\r\n"
                               b"Accept: application/octet-stream\r\n\r\n")
            readers.register(connection, selectors.EVENT_READ)
        got = 0
        until = time.monotonic() + 5
        while time.monotonic() < until:
            for key, _ in readers.select(1):
                got += len(key.fileobj.recv(16 * 1024))
            turns.look()
        assert got > 10 * MIB
        assert turns.longest_ms <= TURN_MS_MAX
