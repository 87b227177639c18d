"""While a majority is alive, the failure of the rest is a pause and not an error; without one, a node refuses."""

import concurrent.futures
import subprocess
import threading
import time

import pytest

from cluster import Cluster, wait_for


class Users:
    """Programs that use a node through its doors, until they are told to stop."""

    def __init__(self, nodes):
        self.over = threading.Event()
        self.errors = []
        self.done = 0
        self.threads = [threading.Thread(target=self.run, args=(use, node), daemon=True)
                        for node in nodes for use in (self.use_http, self.use_mount)]
        for thread in self.threads:
            thread.start()

    def run(self, use, node):
        number = 0
        while not self.over.is_set() and not self.errors:
            try:
                use(node, number)
            except (AssertionError, OSError) as error:
                self.errors.append((node, error))
            number += 1
            self.done += 1

    def use_http(self, node, number):
        for answer in (node.put(f"http/{node.port}", str(number)), node.get(f"http/{node.port}")):
            assert answer.status == 200, answer

    def use_mount(self, node, number):
        path = node.path(f"file-{node.port}")
        path.write_text(str(number))
        assert path.read_text() == str(number)

    def stop(self):
        self.over.set()
        for thread in self.threads:
            thread.join(30)
        assert not self.errors, self.errors


@pytest.mark.parametrize("fails", ["kill", "pause"])
@pytest.mark.parametrize("seconds", [0, 0.05, 0.15, 0.4, 0.8])
def test_a_node_fails_in_the_first_second_of_a_cluster(seconds, fails):
    with Cluster() as cluster:
        *others, victim = cluster.nodes
        users = Users(others)
        time.sleep(seconds)  # no condition: the moment is what is varied
        getattr(victim, fails)()
        before = users.done
        wait_for(lambda: users.done > before + 40 or users.errors, "they go on")
        users.stop()


def test_a_majority_that_is_away_for_a_moment():
    with Cluster(heartbeat_ms=200) as cluster:
        here, *away = cluster.nodes
        cluster.wait_begun()
        users = Users([here])
        for node in away:
            node.pause()
        wait_for(lambda: not here.status()["quorum"], "it has lost its quorum")
        assert "not reached" in here.status()["why"]
        for node in away:
            node.resume()
        before = users.done
        wait_for(lambda: users.done > before + 10 or users.errors, "they go on")
        users.stop()


def test_a_node_that_starts_alone_refuses_after_a_moment():
    with Cluster(heartbeat_ms=300) as cluster:
        for node in cluster.nodes:
            node.stop()
        alone = cluster.nodes[0].start(wait=False)
        answer = wait_for(lambda: answer_of(alone), "it listens")
        assert answer.status == 503 and "quorum" in answer.error, answer
        began = time.monotonic()  # the moment is over for all requests
        assert alone.put("k", "v").status == 503
        assert time.monotonic() - began < 1


def answer_of(node):
    try:
        return node.put("k", "v")
    except ConnectionRefusedError:
        return None


STANDSTILL = 0.25  # seconds: more than an election took to depose the leader


def leader_changes(cluster):
    return max(node.metrics()["leader_changes_total"] for node in cluster.nodes)


def test_nodes_that_stand_still_now_and_then_keep_their_leader():
    """As beside other programs on a busy machine: another leader would be as slow, and each change costs."""
    with Cluster() as cluster:
        users = Users(cluster.nodes)
        for turn in range(40):
            if turn == 10:  # by now they know how slow they are
                before = leader_changes(cluster)
            node = cluster.nodes[turn % 3]
            node.pause()
            time.sleep(STANDSTILL)
            node.resume()
            time.sleep(STANDSTILL / 5)
        after = leader_changes(cluster)
        users.stop()
        assert after <= before + 2


def test_a_burst_that_is_larger_than_the_queue_of_a_link():
    """Its end would be dropped, and only be proposed again after a second, and so on."""
    with Cluster(mount=False) as cluster:
        leader = cluster.leader()
        node = next(node for node in cluster.nodes if node is not leader)
        dropped = node.metrics()["frames_dropped_total"]
        with concurrent.futures.ThreadPoolExecutor(48) as threads:
            answers = list(threads.map(lambda i: node.put(f"burst/{i}", b"x" * 2**20), range(48)))
        assert not [answer for answer in answers if answer.status != 200]
        assert node.metrics()["frames_dropped_total"] == dropped


def test_the_rest_of_a_large_asynchronous_write_waits_in_the_kernel(tmp_path):
    """Otherwise everything else that programs do at the mount has to wait behind all of it."""
    with Cluster(1) as cluster:
        device = cluster.nodes[0].mount.stat().st_dev
        subprocess.run(["mount", "-t", "fusectl", "none", tmp_path], check=True)
        try:
            assert int((tmp_path / str(device) / "max_background").read_text()) == 16
        finally:
            subprocess.run(["umount", tmp_path], check=True)
