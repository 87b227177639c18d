"""Part "nodes": clusters of three, five and seven, beside etcd."""

import contextlib

import wrk
from etcd import Etcd
from quorumfs import Quorumfs
from table import attempt, rounds

KEYS, CONNECTIONS = 1000, 64


def measure(bench):
    bench.table.section(f"more nodes, all on this machine; {CONNECTIONS} connections at the leader")
    for count in (3, 5) if bench.quick else (3, 5, 7):
        with contextlib.ExitStack() as stack:
            clusters = [stack.enter_context(Quorumfs(bench.work, count)), stack.enter_context(Etcd(bench.work, count))]
            for cluster in clusters:
                cluster.fill(0, KEYS)
            for operation in ("put", "get"):
                row = bench.table.row(f"{count} nodes: {operation}", "/s")
                for cluster in rounds(clusters, bench.rounds):
                    with attempt(cluster.apis[0], row):
                        seen = wrk.run(cluster.url(cluster.leader()), cluster.apis[0], operation, CONNECTIONS,
                                       bench.load_seconds(operation), KEYS)
                        row.add(cluster.apis[0], seen.rate, seen.p50, seen.p99)
