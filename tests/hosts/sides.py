"""The systems that are measured side by side, on equal hosts: quorumfs, and etcd with two election timeouts."""

from etcd import Etcd
from hosts import Hosts

ETCD_ELECTION_MS = (1000, 500)  # its default, and the least that it takes with its heartbeat of 100 ms


def sides(count):
    """Each is a context, in which its nodes run."""
    yield Hosts(count, mount=False)
    for election_ms in ETCD_ELECTION_MS:
        yield Etcd(count, election_ms)
