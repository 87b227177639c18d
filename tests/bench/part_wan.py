"""Part "wan": three nodes, each a host of its own, 50 ms one way apart, beside etcd."""

import contextlib

import wrk
from etcd import Etcd
from network import Network
from quorumfs import Quorumfs
from table import attempt, rounds

KEYS, COUNT, DELAY_SECONDS, HEARTBEAT_MS = 1000, 3, 0.05, 300


def measure(bench):
    times = min(bench.rounds, 2)  # figures that wait for the link hardly vary
    bench.table.section(f"50 ms one way between the nodes, rounds: {times}; the client is at the host of its node")
    bench.table.note(f"wan: both with a heartbeat of {HEARTBEAT_MS} ms, as a way there and back takes 100 ms")
    with contextlib.ExitStack() as stack:
        network = stack.enter_context(contextlib.closing(Network(COUNT)))
        network.slow(network.links(), DELAY_SECONDS)
        stack.enter_context(network.router.inside())
        addresses = [network.address(number) for number in network.hosts]
        inside = [host.command() for host in network.hosts.values()]
        clusters = [Quorumfs(bench.work, hosts=addresses, inside=inside, clients=["10.77.0.0/16"], clients_as="0:0",
                             heartbeat_ms=HEARTBEAT_MS),
                    Etcd(bench.work, hosts=addresses, inside=inside, heartbeat_ms=HEARTBEAT_MS)]
        for cluster in clusters:
            stack.enter_context(cluster)
        for cluster in clusters:
            cluster.fill(0, KEYS)
        for operation in ("put", "get"):
            for connections in (1, 64):
                for place in ("leader", "follower"):
                    measure_one(bench, clusters, inside, operation, connections, place, times)


def measure_one(bench, clusters, inside, operation, connections, place, times):
    row = bench.table.row(f"{operation}, {connections} connection{'s' * (connections > 1)}, at the {place}", "/s")
    for cluster in rounds(clusters, times):
        with attempt(cluster.apis[0], row):
            number = (cluster.leader() + (place == "follower")) % cluster.count
            seen = wrk.run(cluster.url(number), cluster.apis[0], operation, connections, bench.seconds, KEYS,
                           inside=inside[number])
            row.add(cluster.apis[0], seen.rate, seen.p50, seen.p99)
