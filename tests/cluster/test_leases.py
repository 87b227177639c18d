"""Read leases: reads that a node answers alone, and that are no older for it."""

import contextlib
import random
import threading
import time

import pytest

from cluster import Cluster, wait_for

LEASE = "200ms"
SOON = 3.0  # seconds in which writes go on: a lease and an election, on a busy machine


@pytest.fixture(scope="module")
def cluster():
    with Cluster(lease_time=LEASE) as cluster:
        yield cluster


@pytest.fixture(scope="module")
def seed():
    seed = random.SystemRandom().randrange(2**32)
    print(f"seed {seed}")
    return seed


def metric(node, name):
    lines = node.request("GET", "/metrics").body.decode().splitlines()
    return int(float(next(line.split()[1] for line in lines if line.startswith(f"quorumfs_{name} "))))


def leased(node, read, times=20):
    """How many of so many reads the node answered alone."""
    before = metric(node, "reads_leased_total")
    for _ in range(times):
        read()
    return metric(node, "reads_leased_total") - before


def hold_a_lease(node):
    wait_for(lambda: leased(node, lambda: node.value("key"), 3) == 3, f"{node} answers alone")


def test_each_node_answers_reads_alone(cluster):
    assert cluster.nodes[0].put("key", "value").status == 200
    for node in cluster.nodes:
        wait_for(lambda: leased(node, lambda: node.value("key")) >= 18, f"{node} answers HTTP alone")
        wait_for(lambda: leased(node, lambda: node.path("key").stat()) >= 18, f"{node} answers the kernel alone")


class Register:
    """A key that only rises, what was written to it, and what was read meanwhile."""

    def __init__(self, key):
        self.key = key
        self.written = 0  # and acknowledged
        self.over = threading.Event()
        self.stale = []
        self.reads = 0

    def write(self, choose, pause):
        while not self.over.is_set():
            answer = choose().put(self.key, str(self.written + 1))
            assert answer.status == 200, answer
            self.written += 1
            time.sleep(pause)

    def read(self, node):
        while not self.over.is_set() and not self.stale:
            least = self.written
            value = int(node.value(self.key) or 0)
            self.reads += 1
            if value < least:
                self.stale.append((node, value, least))

    @contextlib.contextmanager
    def in_use(self, nodes, choose, pause):
        threads = [threading.Thread(target=self.read, args=(node,)) for node in nodes]
        threads.append(threading.Thread(target=self.write, args=(choose, pause)))
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self.over.set()
            for thread in threads:
                thread.join()


def test_a_read_sees_what_was_written_through_any_node(cluster, seed):
    dice = random.Random(seed)
    register = Register("register")
    before = sum(metric(node, "reads_leased_total") for node in cluster.nodes)
    with register.in_use(cluster.nodes, lambda: dice.choice(cluster.nodes), 0.01):
        wait_for(lambda: register.written >= 100 or register.stale, "a hundred writes")
    assert not register.stale
    assert sum(metric(node, "reads_leased_total") for node in cluster.nodes) > before + 50


def write_soon(node):
    begin = time.monotonic()
    assert node.put("key", "after").status == 200
    assert time.monotonic() - begin < SOON


def test_writes_go_on_when_a_holder_dies(cluster):
    leader = cluster.leader()
    holder = next(node for node in cluster.nodes if node is not leader)  # who was waited for gets none for a while
    hold_a_lease(holder)
    holder.kill()
    write_soon(leader)
    assert holder.start().value("key") == b"after"


def test_writes_go_on_when_the_leader_dies(cluster):
    leader = cluster.leader()
    other, holder = [node for node in cluster.nodes if node is not leader]
    hold_a_lease(leader)
    hold_a_lease(holder)
    leader.kill()
    write_soon(other)
    assert holder.value("key") == b"after"
    assert leader.start().value("key") == b"after"


def test_a_holder_that_was_stopped_does_not_go_on_with_what_it_knew(cluster, seed):
    dice = random.Random(seed + 1)
    leader = cluster.leader()
    node = next(node for node in cluster.nodes if node is not leader)
    register = Register("stopped")
    with register.in_use([node], lambda: leader, 0):
        for _ in range(8):
            begun = register.reads
            wait_for(lambda: register.reads >= begun + 20 or register.stale, f"{node} answers")
            node.pause()
            before = register.written
            wait_for(lambda: register.written > before + dice.randrange(1, 20), "writes go on without the holder")
            node.resume()
    assert not register.stale
