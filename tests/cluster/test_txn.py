"""POST /txn on real clusters: one branch runs, at every node the same, and no update is lost."""

import threading
import time

from cluster import Cluster, wait_for

CONFIG = {"mount": False}
ACCOUNTS = [f"account/{n}" for n in range(4)]
MONEY = 100  # on each account at first
RACE_SECONDS = 5


def put(key, value):
    return {"put": {"key": key, "value": str(value)}}


def revision(answer):
    return int(answer.headers["ETag"].strip('"'))


def test_one_branch_runs(cluster):
    a, b, c = cluster.nodes
    made = a.txn([{"key": "lock", "exists": False}], [put("lock", "a"), put("who/a", 1)], [put("late/a", 1)])
    assert made.status == 200 and made.transaction["succeeded"] is True, made
    assert made.transaction["results"] == [{"put": {"key": "lock", "value": "a"}},
                                           {"put": {"key": "who/a", "value": "1"}}]
    late = b.txn([{"key": "lock", "exists": False}], [put("lock", "b"), put("who/b", 1)], [put("late/b", 1)])
    assert late.transaction["succeeded"] is False, late
    assert late.transaction["results"] == [{"put": {"key": "late/b", "value": "1"}}]
    assert late.transaction["revision"] > made.transaction["revision"] == revision(b.get("lock"))
    same = [{"key": "lock", "revision": made.transaction["revision"]}, {"key": "lock", "exists": True}]
    freed = c.txn(same, [{"delete": "lock"}])
    assert freed.transaction["results"] == [{"delete": {"key": "lock", "exists": True, "overwritten_value": "a"}}]
    assert a.txn(same, [], [{"delete": "who/a"}]).transaction["succeeded"] is False
    for node in cluster.nodes:
        assert node.contents().keys() >= {b"late/b"} and node.value("late/a") is None
        assert [node.value(key) for key in ("lock", "who/a", "who/b")] == [None, None, None]


def test_a_refused_transaction_changes_nothing(cluster):
    a, b, _ = cluster.nodes
    a.put("in/the/way", "x")
    for operation, status in [({"delete": "in/the"}, 409), (put("in/the/way/x", 1), 409), (put("a//b", 1), 400),
                              (put(".quorumfs", 1), 403), ({"move": "a"}, 400)]:
        answer = a.txn([], [put("refused", 1), operation])
        assert answer.status == status and answer.error, answer
        assert b.value("refused") is None


class Racer(threading.Thread):
    """Moves money between accounts, unless another client came first, and counts the money that it moved."""

    def __init__(self, number, node, until):
        super().__init__(name=f"racer at {node}", daemon=True)
        self.number, self.node, self.until = number, node, until
        self.moved = self.lost = 0
        self.error = None

    def run(self):
        try:
            while time.monotonic() < self.until:
                self.move()
        except Exception as error:
            self.error = error

    def move(self):
        turn = self.moved + self.lost + self.number
        keys = [ACCOUNTS[turn % 4], ACCOUNTS[(turn + 1 + turn % 3) % 4], "moves"]
        found = [self.node.get(key) for key in keys]
        conditions = [{"key": key, "revision": revision(one)} for key, one in zip(keys, found)]
        values = [int(one.single["value"]) + change for one, change in zip(found, (-1, 1, 1))]
        answer = self.node.txn(conditions, [put(key, value) for key, value in zip(keys, values)],
                               [put(f"lost/{self.number}", self.lost + 1)])
        assert answer.status == 200, answer
        if answer.transaction["succeeded"]:
            self.moved += 1
        else:
            self.lost += 1


def test_no_update_is_lost(cluster):
    for key in ACCOUNTS:
        cluster.nodes[0].put(key, str(MONEY))
    cluster.nodes[0].put("moves", "0")
    until = time.monotonic() + RACE_SECONDS
    racers = [Racer(n, cluster.nodes[n % 3], until) for n in range(6)]
    for racer in racers:
        racer.start()
    for racer in racers:
        racer.join(60)
        assert not racer.is_alive() and racer.error is None, (racer.name, racer.error)
    assert sum(racer.moved for racer in racers) > 0 and sum(racer.lost for racer in racers) > 0
    for node in cluster.nodes:
        assert sum(int(node.value(key)) for key in ACCOUNTS) == MONEY * len(ACCOUNTS)
        assert int(node.value("moves")) == sum(racer.moved for racer in racers)
        for racer in racers:
            assert int(node.value(f"lost/{racer.number}") or 0) == racer.lost
    cluster.wait_equal()


def done(node, *lists):
    """The answer, also while the cluster looks for a leader: 503 says that nothing has happened."""
    answer = wait_for(lambda: (answer := node.txn(*lists)).status != 503 and answer, "a quorum")
    assert answer.status == 200, answer
    return answer.transaction


def test_branches_survive_a_restart():
    with Cluster(mount=False) as cluster:
        a, b, c = cluster.nodes
        c.stop()
        for n in range(20):
            assert done(a, [{"key": "k", "exists": n % 2 == 1}], [put("k", n)] if n % 2 == 0 else [{"delete": "k"}],
                        [put("wrong", n)])["succeeded"] is True
        c.start()
        b.stop()
        assert done(a, [{"key": "k", "exists": False}], [put("k", "last")], [put("wrong", "last")])["succeeded"] is True
        b.start()
        cluster.wait_equal()
        for node in cluster.nodes:
            assert node.value("wrong") is None and node.value("k") == b"last"
