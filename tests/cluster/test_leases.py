"""Read leases: reads that a node answers alone, and that are no older for it."""

import contextlib
import random
import threading
import time

import pytest

from cluster import wait_for

LEASE = "200ms"
LEASE_SECONDS = 0.3  # until it has run out everywhere
SOON = 3.0  # seconds in which writes go on: a lease and an election, on a busy machine

CONFIG = {"lease_time": LEASE}


@pytest.fixture(scope="module")
def seed():
    seed = random.SystemRandom().randrange(2**32)
    print(f"seed {seed}")
    return seed


def reads_leased(node):
    return node.metrics()["reads_leased_total"]


def leased(node, read, times=20):
    """How many of the reads the node answered alone."""
    before = reads_leased(node)
    for _ in range(times):
        read()
    return reads_leased(node) - before


def hold_a_lease(node):
    wait_for(lambda: leased(node, lambda: node.value("key"), 3) == 3, f"{node} answers alone")


def test_each_node_answers_reads_alone(cluster):
    assert cluster.nodes[0].put("key", "value").status == 200
    for node in cluster.nodes:
        wait_for(lambda: leased(node, lambda: node.value("key")) >= 15, f"{node} answers HTTP alone")
        wait_for(lambda: leased(node, lambda: node.path("key").stat()) >= 15, f"{node} answers the kernel alone")


class Register:
    """A key that only rises, the values written to it, and those read meanwhile."""

    def __init__(self, key):
        self.key = key
        self.written = 0  # and acknowledged
        self.stale = []

    def write(self, node):
        answer = node.put(self.key, str(self.written + 1))
        assert answer.status == 200, answer
        self.written += 1

    def read(self, node):
        least = self.written
        value = int(node.value(self.key) or 0)
        if value < least:
            self.stale.append((node, value, least))


@contextlib.contextmanager
def repeated(*acts):
    """Each of them again and again, at the same time as the others."""
    over = threading.Event()

    def repeat(act):
        while not over.is_set():
            act()

    threads = [threading.Thread(target=repeat, args=(act,)) for act in acts]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        over.set()
        for thread in threads:
            thread.join()


def test_a_stopped_holder_does_not_go_on_with_old_knowledge(cluster):
    """It must answer requests that were made while it stood still as of that time."""
    leader = cluster.leader()
    node = next(node for node in cluster.nodes if node is not leader)
    register = Register("stopped")
    for _ in range(5):
        hold_a_lease(node)
        with repeated(lambda: register.read(node)):
            node.pause()
            time.sleep(LEASE_SECONDS)  # a node that is waited for would get no lease in the next round
            register.write(leader)
            with repeated(lambda: register.read(node)):
                node.resume()
        assert not register.stale


def test_a_read_sees_writes_through_any_node(cluster, seed):
    dice = random.Random(seed)
    register = Register("register")
    before = sum(reads_leased(node) for node in cluster.nodes)
    with repeated(*(lambda node=node: register.read(node) for node in cluster.nodes)):
        while register.written < 100 and not register.stale:
            register.write(dice.choice(cluster.nodes))
            time.sleep(0.01 * dice.random())  # with a pause, leases are given in between
    assert not register.stale
    assert sum(reads_leased(node) for node in cluster.nodes) > before


def write_soon(node):
    begin = time.monotonic()
    assert node.put("key", "after").status == 200
    assert time.monotonic() - begin < SOON


def test_writes_go_on_when_a_holder_dies(cluster):
    leader = cluster.leader()
    holder = next(node for node in cluster.nodes if node is not leader)  # one that was waited for gets none for a while
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


def test_a_node_that_takes_part_no_longer_remembers_its_leases_for_a_while(cluster):
    node = next(node for node in cluster.nodes if node is not cluster.leader())
    remembered = node.folder / "leases"
    assert remembered.exists()
    node.stop()
    node.config["lease_time"] = "0s"
    node.write_config()
    node.start()
    wait_for(lambda: not remembered.exists(), f"{node} has forgotten it")
    node.stop()
    node.config["lease_time"] = LEASE
    node.write_config()
    node.start()
    assert remembered.exists()
    hold_a_lease(node)
