"""A node that was emptied fetches the tree over a line that is hardly faster than the writes."""

import os
import threading
import time

from cluster import wait_for
from slow_links import SlowLinks

MIB = 1024 * 1024
TREE = 24 * MIB
LINE = 6 * MIB  # bytes a second
WRITES = 3 * MIB
VALUE = 64 * 1024


def fill(nodes, size):
    for number in range(size // MIB):
        assert nodes[number % len(nodes)].put(f"old/{number}", os.urandom(MIB)).status == 200


class Writer:
    """Writes at a steady rate, over few keys, until it is told to end."""

    def __init__(self, node):
        self.node = node
        self.values = {}
        self.written = 0
        self.problem = None
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.ended.set()
        self.thread.join()
        assert not self.problem, self.problem

    def _run(self):
        began = time.monotonic()
        try:
            while not self.ended.wait(max(0, began + self.written / WRITES - time.monotonic())):
                key, value = f"new/{self.written // VALUE % 40}", os.urandom(VALUE)
                assert self.node.put(key, value).status == 200
                self.values[key.encode()] = value
                self.written += VALUE
        except BaseException as error:
            self.problem = error


def test_a_slow_line_is_fast_enough_if_it_is_faster_than_the_writes():
    with SlowLinks(mount=False) as cluster:
        *others, away = cluster.nodes
        wait_for(lambda: others[0].status()["level"] >= 3, "the cluster is at level 3")
        away.stop()
        away.lose_folder()
        fill(others, TREE)
        wait_for(lambda: all(node.status()["log"]["compacted"] > 0 for node in others), "the log was trimmed")
        cluster.links[away.addr].rate = LINE
        with Writer(others[0]) as writer:
            away.start(wait=False)
            wait_for(lambda: any(node.status()["tree"]["snapshots_sent"] for node in others), "the tree is fetched")
            began = time.monotonic()
            first = [node.status()["log"] for node in others]
            away.wait_ready(90)
            seconds = time.monotonic() - began
            print(f"{TREE // MIB} MiB and {writer.written // MIB} MiB written meanwhile took {seconds:.1f} s")
            fetched = away.status()
        # The first attempt, and what was written meanwhile came with it.
        assert sum(node.status()["tree"]["snapshots_sent"] for node in others) == 1
        assert fetched["tree"]["snapshots_received"] == 1
        assert fetched["log"]["compacted"] > max(log["applied"] for log in first) + 20
        # Nor does serving it keep that node from trimming the log, which happens every few seconds.
        server = [node.status()["tree"]["snapshots_sent"] for node in others].index(1)
        wait_for(lambda: others[server].status()["log"]["compacted"] > first[server]["applied"], "the log is trimmed")
        cluster.links[away.addr].rate = None
        cluster.wait_equal()
        assert dict(away.contents("&consistency=local")).items() >= writer.values.items()
        assert away.contents("&consistency=local") == others[0].contents("&consistency=local")
