"""Part "http": puts and gets of three nodes, from 1 to 256 connections, beside etcd's two interfaces."""

import contextlib
import time

import machine
import wrk
from etcd import Etcd, V2
from plots import Curve
from quorumfs import Quorumfs
from table import attempt, rounds

KEYS = 10000
CONNECTIONS = (1, 16, 64, 256)
LARGE = ((64 << 10, 16), (1 << 20, 4))  # bytes of a value, connections


class Target:
    """An interface of a cluster, at its leader and at a follower."""

    def __init__(self, cluster, api):
        self.cluster = cluster
        self.api = api
        leader = cluster.leader()
        self.places = {"leader": cluster.url(leader), "follower": cluster.url((leader + 1) % cluster.count)}

    def load(self, operation, connections, seconds, place="leader", **options):
        return wrk.run(self.places[place], self.api, operation, connections, seconds, options.pop("keys", KEYS),
                       **options)


def measure(bench):
    with contextlib.ExitStack() as stack:
        clusters = [stack.enter_context(Quorumfs(bench.work)), stack.enter_context(Etcd(bench.work))]
        wires = {cluster: machine.Wire(cluster.name, cluster.peer_ports) for cluster in clusters}
        targets = [Target(cluster, api) for cluster in clusters for api in cluster.apis]
        for target in targets:
            warm_up(target)
        rates(bench, targets, "put", at_least={64: 5, 256: 5})
        rates(bench, targets, "get", at_least={64: 10})
        lists_and_large(bench, targets)
        costs(bench, targets, wires)


def warm_up(target):
    """Every key is there, and both kinds of request have been made."""
    if target.api == V2:
        target.cluster.fill_v2(KEYS)
    else:
        target.cluster.fill(0, KEYS)
    for operation in ("put", "get"):
        target.load(operation, 64, 1)


def rates(bench, targets, operation, at_least):
    """at_least: for each number of connections, the ratio to reach at the leader."""
    bench.table.section(f"{operation} by HTTP, 128 bytes, three nodes")
    curves = {target.api: Curve(target.api) for target in targets}
    for place in ("leader", "follower"):
        for connections in CONNECTIONS:
            what = f"{operation}, {connections} connection{'s' * (connections > 1)}, at the {place}"
            mark = at_least.get(connections) if place == "leader" else None
            row = bench.table.row(what, "/s", at_least=mark)
            for target in rounds(targets, bench.rounds):
                with attempt(target.api, row):
                    seen = target.load(operation, connections, bench.load_seconds(operation, place), place)
                    row.add(target.api, seen.rate, seen.p50, seen.p99)
            if connections == 1:
                median_of(bench, row, what, at_least=2 if operation == "put" and place == "leader" else None)
            if place == "leader":
                for api in row.values:
                    curves[api].add(row.median(api), row.median_p50(api) * 1000)
    bench.plots.curves(f"{operation}-latency", f"{operation}, 128 bytes, 1 to 256 connections at the leader",
                       f"{operation}s a second", "median latency, ms", curves.values(), log_y=True)


def median_of(bench, row, what, at_least):
    """The median latency as a row of its own."""
    own = bench.table.row(f"{what}, p50", "ms", less_is_better=True, at_least=at_least)
    for api, latencies in row.latencies.items():
        for p50, _ in latencies:
            own.add(api, p50 * 1000)


def lists_and_large(bench, targets):
    bench.table.section("many keys a request, and large values, at the leader")
    row = bench.table.row("put of 100 keys a request, 16 connections", "keys/s")
    for target in rounds([t for t in targets if t.api != V2], bench.rounds):
        with attempt(target.api, row):
            row.add(target.api, 100 * target.load("list", 16, bench.seconds, of_list=100).rate)
    for value, connections in LARGE:
        row = bench.table.row(f"put of {value >> 10} KiB, {connections} connections", "MiB/s")
        for target in rounds(targets, bench.rounds):
            with attempt(target.api, row):
                seen = target.load("put", connections, bench.seconds, value=value, keys=50)
                row.add(target.api, seen.rate * value / 2**20)


def costs(bench, targets, wires):
    """The cost of puts and gets, summed over all three nodes."""
    bench.table.section("cost of a request, all three nodes, 64 connections at the leader")
    put_cpu = bench.table.row("CPU of a put", "µs", less_is_better=True, at_least=4)
    get_cpu = bench.table.row("CPU of a get", "µs", less_is_better=True)
    disk = bench.table.row("written to the disks by a put of 128 bytes", "bytes", less_is_better=True)
    wire = bench.table.row("sent between nodes by a put of 128 bytes", "bytes", less_is_better=True)
    client = bench.table.row("CPU of the client, wrk, for a put (not counted above)", "µs", less_is_better=True)
    for target in rounds(targets, bench.rounds):
        pids, counter = target.cluster.pids(), wires[target.cluster]
        with attempt(target.api, put_cpu, disk, wire, client):
            before = machine.cpu_seconds(pids), machine.disk_bytes(pids), counter.bytes()
            seen = target.load("put", 64, bench.load_seconds("put"))
            time.sleep(0.3)  # work that belongs to the last puts
            after = machine.cpu_seconds(pids), machine.disk_bytes(pids), counter.bytes()
            put_cpu.add(target.api, (after[0] - before[0]) / seen.requests * 1e6)
            disk.add(target.api, (after[1] - before[1]) / seen.requests)
            wire.add(target.api, (after[2] - before[2]) / seen.requests)
            client.add(target.api, seen.client_cpu * 1e6)
        with attempt(target.api, get_cpu):
            before = machine.cpu_seconds(pids)
            seen = target.load("get", 64, bench.load_seconds("get"))
            get_cpu.add(target.api, (machine.cpu_seconds(pids) - before) / seen.requests * 1e6)
