"""The lines of nodes: none while all is well, and at debug all that a maintainer follows (doc/debugging.md)."""

import re

import pytest

from cluster import Cluster, wait_for

LINE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z (error|warn |info |debug) (\w+: .*)")

KEY, VALUE = "the-name-of-a-secret", "the-secret-itself"


class Logs:
    """The lines of nodes since, or from their start on."""

    def __init__(self, *nodes):
        self.begun = {node: node.log.stat().st_size for node in nodes}

    def lines(self, node):
        """SUBJECT: TEXT of each line, in their order."""
        with open(node.log, encoding="utf-8") as file:
            file.seek(self.begun.get(node, 0))
            found = [LINE.fullmatch(line.rstrip("\n")) for line in file if line.endswith("\n")]
        assert all(found)
        return [match[2] for match in found]

    def follow(self, node, *patterns):
        """Waits for lines that match these, in this order, with others in between; returns the groups of the
        matches."""
        def found():
            rest, groups = iter(self.lines(node)), []
            for pattern in patterns:
                match = next(filter(None, (re.fullmatch(pattern, line) for line in rest)), None)
                if not match:
                    return None
                groups += match.groups()
            return groups or [None]
        return wait_for(found, f"{node} says all of {patterns}")


@pytest.fixture
def quiet(monkeypatch):
    monkeypatch.delenv("QUORUMFS_LOG", raising=False)


@pytest.fixture
def talkative(monkeypatch):
    monkeypatch.setenv("QUORUMFS_LOG", "debug")


def test_nothing_is_said_while_all_is_well(quiet):
    with Cluster() as cluster:
        for node in cluster.nodes:
            assert node.put(KEY, VALUE).status == 200
            assert node.path(KEY).read_text() == VALUE
            node.path(f"file-{node.port}").write_text(VALUE)
            node.path(f"file-{node.port}").unlink()
        cluster.wait_equal()
        for node in cluster.nodes:
            node.ask_to_stop()
        for node in cluster.nodes:
            node.stop()
        assert [node.log.read_text() for node in cluster.nodes] == ["", "", ""]


def test_one_write_can_be_followed_through_all_nodes(talkative):
    with Cluster(mount=False) as cluster:
        leader = cluster.leader()
        asked, other = (node for node in cluster.nodes if node is not leader)
        logs = Logs(*cluster.nodes)
        assert asked.put(KEY, VALUE).status == 200
        me, lead = cluster.nodes.index(asked) + 1, cluster.nodes.index(leader) + 1

        stamp, = logs.follow(asked, rf"write: ({me}/[0-9a-f]+/\d+) submitted")
        ballot, index = logs.follow(
            asked, f"write: {stamp} proposed", rf"propose: to {lead}: ProposalForward count 1",
            rf"accept: from {lead}: AcceptDecide (\d+\.\d+\.{lead}) entries (\d+)\+1 decided \d+",
            rf"write: {stamp} is entry \d+", r"disk: write \d+: entries .*")
        end = int(index) + 1
        logs.follow(asked, f"accept: to {lead}: Accepted {re.escape(ballot)} accepted {end} decided .*")
        logs.follow(asked, f"log: decided {end}, before {index}", f"write: {stamp} applied at index {index}: ok",
                    f"write: {stamp} done", rf"http: PUT /key/ with {len(KEY)} bytes of key after \d+ ms: 200")
        logs.follow(leader, rf"propose: from {me}: ProposalForward count 1",
                    f"write: {stamp} forwarded by node {me}", f"log: accepted {end}, before {index}",
                    rf"accept: to \d: AcceptDecide {re.escape(ballot)} entries {index}\+1 decided \d+",
                    rf"accept: from \d: Accepted {re.escape(ballot)} accepted {end} decided \d+",
                    f"log: decided {end}, before {index}", f"write: {stamp} applied at index {index}: ok")
        logs.follow(other, rf"accept: from {lead}: AcceptDecide {re.escape(ballot)} entries {index}\+1 decided \d+",
                    f"write: {stamp} is entry {index}", f"write: {stamp} applied at index {index}: ok")


def test_one_read_can_be_followed(talkative):
    with Cluster(mount=False) as cluster:
        leader = cluster.leader()
        node = next(node for node in cluster.nodes if node is not leader)
        me, lead = cluster.nodes.index(node) + 1, cluster.nodes.index(leader) + 1
        logs = Logs(*cluster.nodes)
        assert node.get(KEY).status == 404
        read, = logs.follow(node, r"read: asks up to ([0-9a-f]+), a lease is welcome")
        logs.follow(node, rf"read: to {lead}: ReadRequest [0-9.]+ read {read}",
                    rf"read: from {lead}: ReadIndex [0-9.]+ read {read} decided \d+",
                    rf"read: confirmed up to {read} at index \d+, by the leader", rf"read: {read} after \d+ ms: done",
                    rf"http: GET /key/ with {len(KEY)} bytes of key after \d+ ms: 404")
        logs.follow(leader, rf"read: from {me}: ReadRequest [0-9.]+ read {read}",
                    rf"read: to {me}: ReadIndex [0-9.]+ read {read} decided \d+")


def agreed_leader(nodes, old):
    named = {node.status()["leader"] for node in nodes}
    return len(named) == 1 and old not in named and named.pop()


def test_an_election_can_be_followed(talkative):
    with Cluster(mount=False) as cluster:
        logs = Logs()  # from the start: young nodes may still change their leader
        leader = cluster.leader()
        lead = cluster.nodes.index(leader) + 1
        rest = [node for node in cluster.nodes if node is not leader]
        leader.kill()
        mine = wait_for(lambda: agreed_leader(rest, lead), "the others agree on a leader")
        next_one = cluster.nodes[mine - 1]
        follower = next(node for node in rest if node is not next_one)
        for node in rest:
            logs.follow(node, f"link: to {lead} is up", f"link: to {lead} is down",
                        f"election: node {lead} no longer answers heartbeats")
        ballot, = logs.follow(next_one, rf"phase: leader of ([0-9.]+\.{mine}), accept")
        ballot = re.escape(ballot)
        logs.follow(next_one, f"election: raises its ballot to {ballot}", f"phase: leader of {ballot}, prepare",
                    rf"prepare: to \d: Prepare {ballot} .*", rf"prepare: from \d: Promise {ballot} .*",
                    f"accept: accepts in {ballot}", f"phase: leader of {ballot}, accept",
                    rf"sync: to \d: AcceptSync {ballot} .*")
        logs.follow(follower, rf"prepare: from {mine}: Prepare {ballot} .*", f"prepare: promises {ballot}",
                    rf"prepare: to {mine}: Promise {ballot} .*", rf"sync: from {mine}: AcceptSync {ballot} .*",
                    f"accept: accepts in {ballot}", f"phase: follower of {ballot}, accept")


def test_stored_data_stays_out_of_the_logs(talkative):
    with Cluster(1) as cluster:
        node, = cluster.nodes
        assert node.put(KEY, VALUE).status == 200
        assert node.post(KEY, VALUE).status == 200
        assert node.get(KEY).status == 200
        assert node.path(KEY).read_text() == VALUE
        node.path(KEY + "-2").write_text(VALUE)
        node.path(KEY + "-2").rename(node.path(KEY + "-3"))
        logs = node.log.read_text()
        assert re.search(r"debug fs: \d+ create of inode 1, \d+ bytes", logs)
        assert re.search(r"debug fs: \d+ write of inode [0-9a-f]+ after \d+ ms: done", logs)
        assert KEY not in logs and VALUE not in logs
