"""Part "watches": how soon and how often watchers at another node hear of changes, beside etcd."""

import contextlib
import statistics

import wrk
from etcd import Etcd, V3
from part_locks import address_of, percentile
from quorumfs import API, Quorumfs
from table import attempt, rounds
from watchers import Putter, counted, delays, etcd_stream, quorumfs_stream

PUTS, QUICK_PUTS = 300, 50
WATCHERS = (1, 100, 1000)
KEYS, CONNECTIONS = 1000, 8  # of those who write meanwhile
DELAY_MS = 2
STREAMS = {API: quorumfs_stream, V3: etcd_stream}


def measure(bench):
    with contextlib.ExitStack() as stack:
        systems = {API: stack.enter_context(Quorumfs(bench.work)), V3: stack.enter_context(Etcd(bench.work))}
        bench.table.note("watches: server-sent events, and etcd's /v3/watch; a put at the leader, watchers at a follower")
        latencies(bench, systems)
        for cluster in systems.values():
            cluster.fill(0, KEYS)
        fan_out(bench, systems)


def ends(cluster):
    """The addresses of the leader and of a follower."""
    leader = cluster.leader()
    return address_of(cluster, leader), address_of(cluster, (leader + 1) % cluster.count)


def latencies(bench, systems):
    bench.table.section("from a put at one node to its event at another")
    called = bench.table.row("from the call of the put, p50", "ms", less_is_better=True, at_least=1)
    returned = bench.table.row("from its return, p50 (0.001: before it)", "ms", less_is_better=True, own_mark=DELAY_MS)
    late = bench.table.row("the same, p99", "ms", less_is_better=True)
    for api in rounds(systems, bench.rounds):
        with attempt(api, called, returned, late):
            leader, follower = ends(systems[api])
            seen = delays(lambda: STREAMS[api](follower, "watched/"), Putter(leader, api, "watched/key"),
                          QUICK_PUTS if bench.quick else PUTS)
            from_call, from_return = ([1000 * pair[of] for pair in seen] for of in (0, 1))
            called.add(api, statistics.median(from_call))
            returned.add(api, max(statistics.median(from_return), 0.001))
            late.add(api, max(percentile(from_return, 99), 0.001))


def fan_out(bench, systems):
    bench.table.section(f"events a second, while {CONNECTIONS} connections put at the leader")
    for watchers in WATCHERS:
        row = bench.table.row(f"to {watchers} watcher{'s' * (watchers > 1)}", "/s", at_least=1)
        for api in rounds(systems, bench.rounds):
            with attempt(api, row):
                leader, follower = ends(systems[api])
                row.add(api, counted(lambda: STREAMS[api](follower, "bench/"), watchers,
                                     lambda: writing(leader, api, bench.seconds + 2), bench.seconds))


@contextlib.contextmanager
def writing(address, api, seconds):
    load = wrk.Load(f"http://{address[0]}:{address[1]}", api, "put", CONNECTIONS, seconds, KEYS)
    try:
        yield
    finally:
        load.end()
        load.wait()
