"""Part "keys": how rates, sizes and recovery grow with the number of keys, beside etcd."""

import contextlib
import time

import machine
import wrk
from cluster import wait_for
from etcd import Etcd
from plots import Curve
from quorumfs import Quorumfs
from table import attempt, rounds

CONNECTIONS = 64
WRITER_SECONDS, PATIENCE = 3, 300  # at least and at most seconds of a writer; fewer would make its p99 meaningless
KEPT_SHARE, STALL_MS, RESTART_SECONDS, RESIDENT_MIB = 80, 50, 2, 150  # ratios to reach at the largest number of keys


def measure(bench):
    sizes = (1000, 20000) if bench.quick else (1000, 100000, 1000000)
    curves = {operation: {} for operation in ("put", "get")}
    with contextlib.ExitStack() as stack:
        clusters = [stack.enter_context(Quorumfs(bench.work)), stack.enter_context(Etcd(bench.work))]
        before = 0
        for size in sizes:
            for cluster in clusters:
                cluster.fill(before, size)
                cluster.compact()
            before = size
            measure_size(bench, clusters, size, curves, last=size == sizes[-1])
    kept(bench, curves, sizes[0], sizes[-1])
    for operation, of_systems in curves.items():
        bench.plots.curves(f"{operation}-keys", f"{operation}, {CONNECTIONS} connections at the leader", "keys",
                           f"{operation}s a second", of_systems.values(), log_x=True)


def measure_size(bench, clusters, size, curves, last):
    bench.table.section(f"{size:,} keys of 128 bytes; but for the rates, once each")
    stall = bench.table.row(f"{size:,} keys: worst wait of a writer beyond its p99, all of the below", "ms",
                            less_is_better=True, own_mark=STALL_MS)
    for operation, of_systems in curves.items():
        row = bench.table.row(f"{size:,} keys: {operation}, {CONNECTIONS} connections at the leader", "/s")
        for cluster in rounds(clusters, bench.rounds):
            with attempt(api(cluster), row, stall):
                seen = load(cluster, operation, CONNECTIONS, bench.load_seconds(operation), size).wait()
                row.add(api(cluster), seen.rate, seen.p50, seen.p99)
                if operation == "put":
                    stall.add(api(cluster), beyond_p99(seen))
        for system in row.values:
            of_systems.setdefault(system, Curve(system)).add(size, row.median(system))
    sizes_of_nodes(bench, clusters, size, last)
    recovery(bench, clusters, size, last, stall)
    stall.keep_worst()


def api(cluster):
    return cluster.apis[0]


def load(cluster, operation, connections, seconds, keys):
    return wrk.Load(cluster.url(cluster.leader()), api(cluster), operation, connections, seconds, keys)


def sizes_of_nodes(bench, clusters, size, last):
    data = bench.table.row(f"{size:,} keys: size of a node's folder", "MiB", less_is_better=True)
    resident = bench.table.row(f"{size:,} keys: memory of the largest node", "MiB", less_is_better=True,
                               own_mark=RESIDENT_MIB if last else None)
    for cluster in clusters:
        with attempt(api(cluster), data, resident):
            data.add(api(cluster), max(cluster.data_mib(number) for number in range(cluster.count)))
            resident.add(api(cluster), max(map(machine.resident_mib, cluster.pids())))


def recovery(bench, clusters, size, last, stall):
    """A node starts again, another one with nothing, while one client writes at the leader."""
    restart = bench.table.row(f"{size:,} keys: restart of a node", "s", less_is_better=True,
                              own_mark=RESTART_SECONDS if last else None)
    catch_up = bench.table.row(f"{size:,} keys: until an emptied node has caught up", "s", less_is_better=True)
    for cluster in clusters:
        number = (cluster.leader() + 1) % cluster.count
        with attempt(api(cluster), restart):
            cluster.stop(number)
            began = time.monotonic()
            cluster.start(number)
            restart.add(api(cluster), time.monotonic() - began)
        with attempt(api(cluster), catch_up, stall):
            cluster.stop(number)
            cluster.empty(number)
            taken, seen = until_caught_up(cluster, number, size)
            catch_up.add(api(cluster), taken)
            stall.add(api(cluster), beyond_p99(seen))


def until_caught_up(cluster, number, keys):
    """Seconds from the start of the node, and the writes of a client meanwhile."""
    index = cluster.applied(cluster.leader())
    writer = load(cluster, "put", 1, PATIENCE, keys)
    try:
        began = time.monotonic()
        cluster.start(number)
        wait_for(lambda: cluster.caught_up(number, index), "the node has caught up", seconds=PATIENCE)
        taken = time.monotonic() - began
        time.sleep(max(0, WRITER_SECONDS - taken))
    finally:
        writer.end()
    return taken, writer.wait()


def beyond_p99(seen):
    """The longest wait, in milliseconds."""
    return (seen.max - seen.p99) * 1000


def kept(bench, curves, fewest, most):
    for operation, of_systems in curves.items():
        row = bench.table.row(f"{operation}s at {most:,} keys, as a share of those at {fewest:,}", "%",
                              own_mark=KEPT_SHARE)
        for system, curve in of_systems.items():
            with attempt(system, row):
                rates = dict(curve.points)
                row.add(system, rates[most] / rates[fewest] * 100)
