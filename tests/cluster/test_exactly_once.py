"""The leader dies again and again: the clients of the other nodes get no error, and nothing is lost or
done twice."""

import itertools
import threading
import time

from cluster import Cluster, wait_for
from workload import append_file

ROUNDS = 5


class Client(threading.Thread):
    """Appends lines to a shared file, and counts a shared key up by conditional PUTs."""

    def __init__(self, node, until):
        super().__init__(name=f"client of {node}", daemon=True)
        self.node = node
        self.until = until
        self.node_down = threading.Event()
        self.kills = 0  # of its node
        self.lines, self.lines_unknown = [], set()
        self.counted, self.counted_unknown = 0, 0
        self.last_start = self.last_success = 0.0  # of the last request that had one: when it began and ended
        self.errors = []

    def run(self):
        for act in itertools.cycle((self.append, self.count)):
            if self.until.is_set():
                return
            start, kills = time.monotonic(), self.kills
            if self.node_down.is_set():
                self.until.wait(0.02)
            else:
                try:
                    act()
                except Exception as error:
                    if self.kills == kills:
                        self.errors.append(f"{self.node}: {act.__name__}: {error!r}")
                        self.until.wait(0.2)
                else:
                    self.last_start, self.last_success = start, time.monotonic()

    def append(self):
        line = f"{self.node.port} {len(self.lines) + len(self.lines_unknown)}\n"
        self.lines_unknown.add(line)
        append_file(self.node, b"shared", line.encode())
        self.lines_unknown.discard(line)
        self.lines.append(line)

    def count(self):
        while not self.until.is_set():
            answer = self.node.request("GET", "/key/counter", headers={"Accept": "application/octet-stream"})
            assert answer.status == 200, answer
            self.counted_unknown += 1
            answer = self.node.put("counter", str(int(answer.body) + 1), {"If-Match": answer.headers["ETag"]})
            if answer.status in (200, 412, 503):
                self.counted_unknown -= 1
            if answer.status == 200:
                self.counted += 1
                return
            assert answer.status == 412, answer


def test_the_leader_dies_and_no_client_notices():
    until = threading.Event()
    pauses = []
    with Cluster() as cluster:
        assert cluster.nodes[0].put("counter", "0").status == 200
        assert cluster.nodes[0].put("shared", "").status == 200
        clients = [Client(node, until) for node in cluster.nodes]
        for client in clients:
            client.start()
        for _ in range(ROUNDS):
            pauses.append(kill_the_leader(cluster, clients))
        until.set()
        for client in clients:
            client.join(30)
            assert not client.is_alive(), f"{client.name} hangs"
        assert [error for client in clients for error in client.errors] == []
        cluster.wait_equal()
        check_lines(cluster, clients)
        check_counter(cluster, clients)
    print("from the kill to the next accepted write:", ", ".join(f"{pause * 1000:.0f} ms" for pause in pauses))
    assert max(pauses) < 3


def kill_the_leader(cluster, clients):
    """Returns the seconds until a write is accepted that began after the kill."""
    leader = cluster.leader()
    others = [client for client in clients if client.node is not leader]
    itself = next(client for client in clients if client.node is leader)
    before = [len(client.lines) for client in others]
    wait_for(lambda: all(len(client.lines) > count + 20 for client, count in zip(others, before)), "writes flow")
    itself.node_down.set()
    itself.kills += 1
    killed = time.monotonic()
    leader.kill()
    wait_for(lambda: any(client.last_start > killed for client in others), "writes flow again")
    pause = min(client.last_success for client in others if client.last_start > killed) - killed
    wait_for(lambda: all(client.last_start > killed for client in others), "writes flow at both")
    leader.start()
    itself.node_down.clear()
    return pause


def check_lines(cluster, clients):
    for node in cluster.nodes:
        found = node.value("shared").decode().splitlines(keepends=True)
        assert len(found) == len(set(found)), "lines are doubled"
        for client in clients:
            own = [line for line in found if line.startswith(f"{client.node.port} ")]
            assert [line for line in own if line not in client.lines_unknown] == client.lines


def check_counter(cluster, clients):
    low = sum(client.counted for client in clients)
    high = low + sum(client.counted_unknown for client in clients)
    for node in cluster.nodes:
        assert low <= int(node.value("counter")) <= high
