"""Nodes are killed at random while writers use every door; acknowledged writes are there afterwards."""

import os
import random
import threading
import time

from cluster import Cluster, tree_of
from workload import Writer

SECONDS = float(os.environ.get("SURVIVAL_SECONDS", "14"))
WRITERS = 6


def kill_and_restart(cluster, dice, seconds):
    """Mostly one node at a time, sometimes enough that the quorum is lost."""
    deadline = time.monotonic() + seconds
    kills = 0
    while time.monotonic() < deadline:
        time.sleep(dice.uniform(0.2, 2))
        victims = dice.sample(cluster.nodes, dice.choice([1, 1, 1, 1, 2, 3]))
        for node in victims:
            node.kill()
        kills += len(victims)
        time.sleep(dice.uniform(0, 1.5))
        for node in victims:
            node.start(wait=False)
        if dice.random() < 0.7:
            for node in cluster.nodes:
                node.wait_ready()
    return kills


def test_nothing_acknowledged_is_lost():
    seed = int(os.environ.get("SURVIVAL_SEED", random.SystemRandom().randrange(2**32)))
    print(f"seed {seed}")
    until = threading.Event()
    with Cluster() as cluster:
        writers = [Writer(cluster.nodes, number, seed, until) for number in range(WRITERS)]
        for writer in writers:
            writer.start()
        try:
            kills = kill_and_restart(cluster, random.Random(seed), SECONDS)
        finally:
            until.set()
            for writer in writers:
                writer.join(30)
        for writer in writers:
            assert not writer.is_alive(), f"{writer.name} hangs"
            if writer.problem:
                raise writer.problem
        for node in cluster.nodes:
            node.wait_ready()
        cluster.wait_equal()
        print(f"{kills} kills;", ", ".join(f"{sum(getattr(w, what) for w in writers)} {what}"
                                           for what in ("acknowledged", "refused", "unknown")))
        assert all(writer.acknowledged > 20 for writer in writers)
        for contents in check_equal(cluster):
            for writer in writers:
                writer.check(contents)


def check_equal(cluster):
    """The three trees are the same, seen as files and as keys. Returns the contents of each."""
    trees = [tree_of(node.local()) for node in cluster.nodes]
    assert trees[0] == trees[1] == trees[2]
    files = {path: about[6] for path, about in sorted(trees[0].items()) if about[6] is not None}
    contents = [node.contents() for node in cluster.nodes]
    for keys in contents:
        assert keys == files and list(keys) == list(files)
    return contents
