"""A node whose folder was emptied joins again: it votes only once it has caught up, so that nothing that
was acknowledged is lost. Until then it refuses at once, and says which nodes it waits for."""

import contextlib
import http.client
import itertools
import threading
import time

from cluster import Cluster, wait_for

VALUES = 200
MORE = 30  # writes before the next node loses its folder
AT_ONCE = 1.0  # seconds


def lose_folder(node):
    node.kill()
    node.lose_folder()


class Writer(threading.Thread):
    """Writes new keys at every node that serves, and keeps those that were acknowledged."""

    def __init__(self, nodes):
        super().__init__(daemon=True)
        self.nodes = nodes
        self.ended = threading.Event()
        self.acknowledged = []

    def run(self):
        for number in itertools.count():
            if self.ended.is_set():
                return
            try:
                if self.nodes[number % len(self.nodes)].put(f"w/{number}", str(number)).status == 200:
                    self.acknowledged.append(number)
            except (OSError, http.client.HTTPException):
                pass  # that node is down

    def wait_for_more(self):
        enough = len(self.acknowledged) + MORE
        wait_for(lambda: len(self.acknowledged) >= enough, "writes go on")

    def end(self):
        self.ended.set()
        self.join()


def check_all(node, numbers):
    found = node.contents()
    missing = [number for number in numbers if found.get(f"w/{number}".encode()) != str(number).encode()]
    assert not missing, f"{node} lacks {missing[:10]}"


def test_each_loses_its_folder_in_turn():
    """One after the other, until no node is left that was there at the beginning, while a writer runs. The node itself
    writes as well: its new proposals are not taken for those of its earlier life."""
    with Cluster() as cluster:
        writer = Writer(cluster.nodes)
        writer.start()
        for turn, node in itertools.product(range(2), cluster.nodes):
            writer.wait_for_more()
            life = node.status()["life"]
            lose_folder(node)
            node.start()
            assert node.status()["standing"] == "member" and node.status()["life"] == life + 1
            assert node.put("own", f"{node.port} {turn}").status == 200
            assert node.value("own") == f"{node.port} {turn}".encode()
        writer.end()
        cluster.wait_equal()
        for node in cluster.nodes:
            check_all(node, writer.acknowledged)


def waits(node, *absent):
    """Whether it waits, and names exactly these nodes."""
    with contextlib.suppress(OSError):  # it has not begun to listen
        why = node.status()["why"]
        unreached = why.partition("not reached: ")[2]
        return "folder is new" in why and unreached.split(", ") == [other.addr for other in absent]


def check_refuses(node, absent):
    start = time.monotonic()
    answer = node.put("new", "x")
    assert answer.status == 503 and "folder is new" in answer.error and absent.addr in answer.error, answer
    assert node.get("old").status == 503
    assert node.request("GET", "/readyz").status == 503
    assert time.monotonic() - start < AT_ONCE
    assert "folder is new" in node.why() and absent.addr in node.why()


def test_it_waits_for_all_that_could_know():
    """Two of three would be a majority, but the node that is down and this one may have acknowledged entries that the
    other does not have."""
    with Cluster(on_quorum_loss="stale") as cluster:
        node, witness, absent = cluster.nodes
        for number in range(VALUES):
            assert node.put(f"k/{number}", str(number)).status == 200
        absent.kill()
        assert node.put("old", "known").status == 200
        lose_folder(node)
        node.start(wait=False)
        wait_for(lambda: waits(node, absent), f"{node} waits for {absent}")
        check_refuses(node, absent)
        assert not witness.status()["quorum"] and "still joining: " + node.addr in witness.status()["why"]
        wait_for(lambda: "warn  join: no quorum: this node's folder is new" in node.log_tail(100),
                 "its log says so")
        absent.start()
        node.wait_ready()
        assert node.value("old") == b"known"
        assert len(node.contents("&prefix=k")) == VALUES
        assert node.why() == ""


def test_of_two_nodes_either_comes_back():
    with Cluster(count=2) as cluster:
        for number, node in enumerate(cluster.nodes):
            assert node.put(f"k{number}", "x").status == 200
            lose_folder(node)
            node.start()
        for node in cluster.nodes:
            node.wait_ready()
            assert set(node.contents()) == {b"k0", b"k1"}
