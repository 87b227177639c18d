"""Nodes whose configurations do not fit together: it is refused at the start, or named when they talk."""

import contextlib
import time

import pytest

from cluster import LEAVE_OUT, Cluster, Node, free_ports, wait_for
from slow_links import SlowLink


def heard(node):
    with contextlib.suppress(OSError):
        return node.status()


def remarks(node):
    return "\n".join(node.status()["remarks"])


def test_a_heartbeat_that_one_node_has_alone():
    with Cluster(start=False) as cluster:
        odd, *others = cluster.nodes
        odd.config["heartbeat_ms"] = 20000
        odd.config["lease_time"] = "300ms"
        odd.write_config()
        cluster.start()
        wait_for(lambda: remarks(odd) and all(map(remarks, others)), "all have said it")
        for node in others:
            assert "heartbeat_ms is 20000 at node 1" in remarks(node) and "lease_time is 300 ms" in remarks(node)
            assert "heartbeat_ms is 20000" in node.log.read_text()
        assert remarks(odd).count("20000 here") == 2 and "20000 here" in odd.log.read_text()
        # It follows the others, so it does not hold an election up.
        leader = cluster.leader()
        (others[0] if leader is odd else leader).kill()
        began = time.monotonic()
        wait_for(lambda: odd.put("k", "v").status == 200, "writes go on")
        assert time.monotonic() - began < 5
        # And said once.
        assert odd.log.read_text().count("heartbeat_ms is 100 at node 2") == 1


def test_equal_settings_need_no_remark():
    with Cluster(mount=False) as cluster:
        wait_for(lambda: all(peer["linked"] for node in cluster.nodes for peer in node.status()["peers"]), "all are linked")
        assert [node.status()["remarks"] for node in cluster.nodes] == [[], [], []]


@pytest.mark.parametrize("addr, peers, text", [
    ("0.0.0.0:{0}", ["127.0.0.1:{1}"], "addr: the peers cannot reach this node at 0.0.0.0:{0}"),
    ("[::]:{0}", ["127.0.0.1:{1}"], "addr: the peers cannot reach this node at [::]:{0}"),
    ("127.0.0.1:{0}", ["0.0.0.0:{1}"], "peers: no node is reached at 0.0.0.0:{1}"),
    ("127.0.0.1:{0}", ["localhost:{0}", "127.0.0.1:{1}"], "localhost:{0} is this node's own addr, 127.0.0.1:{0}"),
    ("127.0.0.1:{0}", ["127.1:{0}", "127.0.0.1:{1}"], "127.1:{0} is this node's own addr"),
    ("127.0.0.1:{0}", ["[::1]:{1}", "[0::1]:{1}"], "peers: [::1]:{1} is given twice, also as [0::1]:{1}"),
    ("127.0.0.1:{0}", ["Node.example:{1}", "node.example.:{1}"], "is given twice, also as node.example.:{1}"),
])
def test_addresses_that_cannot_be_right(tmp_path, addr, peers, text):
    ports = free_ports(2)
    config = {"addr": addr.format(*ports), "peers": [peer.format(*ports) for peer in peers]}
    node = Node(tmp_path / "data", config["addr"], config).start(wait=False)
    assert node.process.wait(10) == 2
    assert text.format(*ports) in node.log_tail(1)


def test_alone_a_node_may_listen_everywhere(tmp_path):
    port, = free_ports(1)
    node = Node(tmp_path / "data", f"127.0.0.1:{port}", {"addr": f"0.0.0.0:{port}", "peers": LEAVE_OUT}).start()
    assert node.put("k", "v").status == 200
    node.stop()


def test_three_nodes_that_are_two(tmp_path):
    """One has two addresses that no rule on spelling shows to be the same."""
    with Cluster(count=2, mount=False, start=False) as cluster, contextlib.ExitStack() as stack:
        first, second = cluster.nodes
        alias = stack.enter_context(forwarding(second))
        for node in cluster.nodes:
            node.config["peers"] = [first.addr, second.addr, alias]
            node.write_config()
            node.start(wait=False)
        wait_for(lambda: heard(first) and heard(second), "both listen")
        wait_for(lambda: "leads to this node itself" in second.log.read_text(), "the second one notices itself")
        wait_for(lambda: f"this node itself: {alias}" in second.status()["why"], "and says so")
        wait_for(lambda: f"none says that this is its addr: {alias}" in first.status()["why"], "the other one wonders")
        assert alias in remarks(first) and alias in remarks(second)
        assert f"{first.addr} takes this node for two of its peers" in second.log.read_text()
        assert not first.status()["quorum"] and not second.status()["quorum"]
        # Corrected, they are a cluster of two.
        for node in cluster.nodes:
            node.stop()
            node.config["peers"] = [first.addr, second.addr]
            node.write_config()
        cluster.start()
        assert remarks(first) == ""


def test_nodes_with_different_peers_found_nothing():
    with Cluster(count=3, mount=False, start=False) as cluster:
        first, second, third = cluster.nodes
        second.config["peers"] = [first.addr]
        second.write_config()
        for node in (first, second):
            node.start(wait=False)
        wait_for(lambda: heard(first) and heard(second), "both listen")
        for node, other in ((first, second), (second, first)):
            wait_for(lambda: f"has other peers than this node: {other.addr}" in node.status()["why"], "it says so")
            assert f"{other.addr} has another list of peers" in node.log.read_text()
            assert not node.status()["quorum"]
        second.stop()
        second.config["peers"] = [first.addr, third.addr]
        second.write_config()
        for node in (second, third):
            node.start(wait=False)
        for node in cluster.nodes:
            node.wait_ready()
            assert remarks(node) == ""


@contextlib.contextmanager
def forwarding(node):
    """The address of a listener that passes connections on to the node."""
    link = SlowLink(node.addr)
    try:
        yield link.addr
    finally:
        link.close()
