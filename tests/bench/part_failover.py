"""Part "failover": how long nothing is written after the leader is killed, beside etcd."""

import contextlib
import time

from cluster import wait_for
from etcd import Etcd
from quorumfs import Quorumfs
from table import attempt, rounds

PATIENCE = 0.25  # seconds after which the client asks again: etcd never answers what its dead leader had


def measure(bench):
    times = 2 if bench.quick else 5
    bench.table.section(f"the leader is killed (kill -9), rounds: {times}; both with a heartbeat of 100 ms")
    row = bench.table.row("until a put at another node is accepted", "ms", less_is_better=True)
    with contextlib.ExitStack() as stack:
        clusters = [stack.enter_context(Quorumfs(bench.work)), stack.enter_context(Etcd(bench.work))]
        for cluster in rounds(clusters, times):
            with attempt(cluster.name, row):
                row.add(cluster.name, without_leader(cluster) * 1000)


def without_leader(cluster):
    """Seconds."""
    leader = cluster.leader()
    other = (leader + 1) % cluster.count
    wait_for(lambda: cluster.put_one(other, PATIENCE), "a put is accepted")
    began = time.monotonic()
    cluster.kill(leader)
    wait_for(lambda: cluster.put_one(other, PATIENCE), "a put is accepted again", seconds=60)
    taken = time.monotonic() - began
    cluster.start(leader)
    return taken
