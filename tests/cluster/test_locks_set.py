"""A set that several clients at all nodes change under a lock, while nodes and clients are stopped, killed and started
again: no addition that was acknowledged is lost, and no two holders have each had a change applied.

`LOCKS_SECONDS=600 LOCKS_SEED=7 /usr/bin/python3 -m pytest tests/cluster/test_locks_set.py` is the same for longer.
"""

import os
import pathlib
import random
import signal
import subprocess
import sys
import time

import pytest

from cluster import Cluster, wait_for

SECONDS = float(os.environ.get("LOCKS_SECONDS", 8))
SEED = os.environ.get("LOCKS_SEED") or str(random.SystemRandom().randrange(10**6))
SESSION = 1
CLIENTS = 2  # at each node
FEW = 5  # additions that a run must have at least


class Clients:
    def __init__(self, cluster, folder, way, logs):
        self.until = logs / "over"
        self.logs = []
        self.processes = []
        client = pathlib.Path(__file__).with_name("lock_client.py")
        for number, node in enumerate(cluster.nodes * CLIENTS):
            self.logs.append(logs / f"c{number}")
            with open(self.logs[-1], "w") as log:
                self.processes.append(subprocess.Popen(
                    [sys.executable, client, node.mount / folder, f"c{number}", way, SEED, self.until], stdout=log))

    def end(self):
        self.until.touch()
        for process in self.processes:
            assert process.wait(60) == 0

    def kill(self):
        for process in self.processes:
            if process.poll() is None:
                process.send_signal(signal.SIGCONT)
                process.kill()

    def told(self, word):
        lines = (line.split() for log in self.logs for line in log.read_text().splitlines())
        return [line for line in lines if line[0] == word]


# ---- Faults ----

def sleeping_node(cluster, clients, dice):
    node = dice.choice(cluster.nodes)
    node.pause()
    time.sleep(dice.uniform(0.2, 3) * SESSION)
    node.resume()


def sleeping_leader(cluster, clients, dice):
    node = cluster.leader()
    node.pause()
    time.sleep(dice.uniform(0.2, 3) * SESSION)
    node.resume()


def no_quorum(cluster, clients, dice):
    """Two of three sleep, and wake up one after the other."""
    two = dice.sample(cluster.nodes, 2)
    for node in two:
        node.pause()
    for node in two:
        time.sleep(dice.uniform(0.2, 1.5) * SESSION)
        node.resume()


def killed_node(cluster, clients, dice):
    node = dice.choice(cluster.nodes)
    node.kill()
    time.sleep(dice.uniform(0, 1.5) * SESSION)
    node.start(wait=False)


def stopped_node(cluster, clients, dice):
    node = dice.choice(cluster.nodes)
    node.stop()
    time.sleep(dice.uniform(0, 0.5) * SESSION)
    node.start(wait=False)


def sleeping_client(cluster, clients, dice):
    process = dice.choice(clients.processes)
    process.send_signal(signal.SIGSTOP)
    time.sleep(dice.uniform(0, 2) * SESSION)
    process.send_signal(signal.SIGCONT)


FAULTS = [sleeping_node, sleeping_node, sleeping_leader, no_quorum, killed_node, stopped_node, sleeping_client]


def befall(cluster, clients, dice, tell):
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        fault = dice.choice(FAULTS)
        tell(fault.__name__)
        fault(cluster, clients, dice)
        for node in cluster.nodes:
            node.wait_ready()
        time.sleep(dice.uniform(0, 0.7))


# ---- The judge ----

def judge(clients, data):
    version, *items = data.split()
    acknowledged = clients.told("ok")
    possible = {line[1] for line in acknowledged + clients.told("maybe")}
    lost = [line for line in acknowledged if line[1] not in items]
    assert not lost, f"additions that were acknowledged are lost: {lost}"
    versions = [line[2] for line in acknowledged]
    twice = {number for number in versions if versions.count(number) > 1}
    assert not twice, f"two holders at a time have each had a change applied: {twice}"
    assert len(items) == len(set(items)) == int(version)
    assert set(items) <= possible
    assert len(acknowledged) >= FEW, "nearly nothing has happened"


@pytest.mark.parametrize("way, commit", [("descriptor", "write"), ("rename", "write"), ("descriptor", "close")])
def test_no_addition_is_lost(way, commit, tmp_path):
    dice = random.Random(f"{SEED}/{way}")
    print(f"LOCKS_SEED={SEED}")
    with Cluster(session_time=f"{SESSION}s", request_timeout="3s", commit=commit) as cluster:
        folder = cluster.nodes[0].mount / "set"
        folder.mkdir()
        (folder / "lock").touch()
        clients = Clients(cluster, "set", way, tmp_path)
        try:
            befall(cluster, clients, dice, print)
            clients.end()
        finally:
            clients.kill()
        wait_for(lambda: not cluster.nodes[0].request("GET", "/locks").multiple, "no lock is left")
        name = "set/lock" if way == "descriptor" else "set/data"
        print(len(clients.told("ok")), "acknowledged,", len(clients.told("maybe")), "unknown")
        for node in cluster.nodes:
            judge(clients, node.value(name).decode())
