"""Part "locks": flock(2) at mounts of several nodes, beside etcd's locks, GlusterFS and ext4."""

import contextlib
import statistics

from etcd import Etcd
from gluster import Gluster
from lockers import EtcdLock, FileLock, handovers, pairs, storm
from quorumfs import Quorumfs
from table import OURS, attempt, rounds

HANDOVERS, CONTENDERS = 200, 100
QUICK_HANDOVERS = 40
HANDOVER_MS = 2
ETCD, EXT4 = Etcd.name, "ext4"


class Lockers:
    """What makes a lock, at each of the two places of a system."""

    def __init__(self, name, leader, follower):
        self.name = name
        self.places = {"leader": leader, "follower": follower}
        self.fresh = 0

    def makers(self, *places):
        """Of one lock that nobody has used yet, since killed programs may have left their waits."""
        self.fresh += 1
        return [lambda place=place, name=f"lock-{self.fresh}": self.places[place](name) for place in places]


def measure(bench):
    with contextlib.ExitStack() as stack:
        ours = stack.enter_context(Quorumfs(bench.work, mount=True))
        etcd = stack.enter_context(Etcd(bench.work))
        gluster = stack.enter_context(Gluster(bench.work))
        (bench.work / "ext4").mkdir(exist_ok=True)
        systems = [of_quorumfs(ours), of_etcd(etcd),
                   of_files(Gluster.name, *(gluster.mount(f"locks_{n}", "log-level=ERROR") for n in (1, 2))),
                   of_files(EXT4, bench.work / "ext4", bench.work / "ext4")]
        bench.table.note(f"locks: flock(2) at mounts of two nodes; {Gluster.name}: at two mounts of one volume; {EXT4}: in "
                         "one folder, where no other machine sees it; etcd: /v3/lock with a lease for each program")
        bench.table.section("locks, lock + unlock by one program")
        for place in ("leader", "follower"):
            uncontended(bench, systems, place)
        handed_over(bench, systems)
        contended(bench, systems)


def of_quorumfs(cluster):
    leader = cluster.leader()
    nodes = cluster.nodes[leader], cluster.follower()
    return of_files(OURS, *(node.mount for node in nodes))


def of_files(name, leader, follower):
    return Lockers(name, lambda lock: FileLock(leader, lock), lambda lock: FileLock(follower, lock))


def of_etcd(cluster):
    leader = cluster.leader()
    addresses = [address_of(cluster, number) for number in (leader, (leader + 1) % cluster.count)]
    return Lockers(ETCD, *(lambda lock, address=address: EtcdLock(address, lock) for address in addresses))


def address_of(cluster, number):
    host, _, port = cluster.url(number).removeprefix("http://").rpartition(":")
    return host, int(port)


def uncontended(bench, systems, place):
    row = bench.table.row(f"at the {place}", "/s", at_least=1, against=(ETCD,))
    for system in rounds(systems, bench.rounds):
        with attempt(system.name, row), contextlib.closing(system.makers(place)[0]()) as lock:
            taken = pairs(lock, bench.seconds)
            row.add(system.name, len(taken) / sum(taken), statistics.median(taken), percentile(taken, 99))


def handed_over(bench, systems):
    bench.table.section("a lock goes from a program at one node to one at another, that waits for it")
    called = bench.table.row("from the call of unlock until the other runs, p50", "ms", less_is_better=True, at_least=1,
                             against=(ETCD,), own_mark=HANDOVER_MS)
    late = bench.table.row("the same, p99", "ms", less_is_better=True)
    returned = bench.table.row("from the return of unlock, p50 (0.001: before it)", "ms", less_is_better=True)
    for system in rounds(systems, bench.rounds):
        with attempt(system.name, called, late, returned):
            seen = handovers(system.makers("leader", "follower"), QUICK_HANDOVERS if bench.quick else HANDOVERS)
            from_call, from_return = ([1000 * pair[of] for pair in seen] for of in (0, 1))
            called.add(system.name, statistics.median(from_call))
            late.add(system.name, percentile(from_call, 99))
            returned.add(system.name, max(statistics.median(from_return), 0.001))


def contended(bench, systems):
    bench.table.section(f"{CONTENDERS} programs, half of them at each of two nodes, want one lock")
    row = bench.table.row("from hand to hand", "/s", at_least=1, against=(ETCD,))
    for system in rounds(systems, bench.rounds):
        with attempt(system.name, row):
            row.add(system.name, storm(system.makers(*("leader", "follower") * (CONTENDERS // 2)), bench.seconds))


def percentile(values, part):
    return sorted(values)[min(len(values) - 1, len(values) * part // 100)]
