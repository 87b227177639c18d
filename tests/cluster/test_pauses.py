"""While a majority is alive, the failure of the rest is a pause and not an error; without one, a node refuses."""

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
