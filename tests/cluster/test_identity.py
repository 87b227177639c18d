"""The ids of a cluster and of its nodes are made when it is founded, and follow from no address."""

import contextlib
import shutil
import time

from cluster import Cluster, free_ports, wait_for

STILL = 1.5  # seconds in which nothing must happen; a cluster is founded in less than one


def ids(cluster):
    """cluster id -> node ids, as the nodes say."""
    found = {}
    for node in cluster.nodes:
        status = node.status()
        found.setdefault(status["cluster"], set()).add(status["node"])
    return found


def answers(node):
    """Its status as soon as it listens."""
    with contextlib.suppress(OSError):
        return node.status()


def said(node, text):
    return text in node.log.read_text(errors="replace")


def move(node):
    """Gives a node that is down another address, in its own node.json only."""
    port, = free_ports(1)
    node.addr, node.port = f"127.0.0.1:{port}", port
    node.config["addr"] = node.addr
    node.write_config()


def test_ids_are_made_once():
    with Cluster() as cluster:
        (first, numbers), = ids(cluster).items()
        assert numbers == {1, 2, 3}
        for node in cluster.nodes:
            node.stop()
        cluster.start()
        assert ids(cluster) == {first: numbers}
        # The same addresses again, and a new cluster.
        for node in cluster.nodes:
            node.stop()
            node.lose_folder()
        cluster.start()
        (second, numbers), = ids(cluster).items()
        assert second != first and numbers == {1, 2, 3}


def test_silence_is_no_consent():
    """The one that is down has all data. The others have lost theirs, and must not begin anew without it."""
    with Cluster() as cluster:
        first, second, absent = cluster.nodes
        assert first.put("k", "v").status == 200
        cluster.wait_equal()
        for node in cluster.nodes:
            node.kill()
        first.lose_folder()
        second.lose_folder()
        for node in (first, second):
            node.start(wait=False)
        wait_for(lambda: answers(first) and answers(second), "both listen")
        time.sleep(STILL)
        for node in (first, second):
            assert node.put("k", "other").status == 503
            assert absent.addr in node.why() and "folder is new" in node.why()
        # It tells them who they are, and then is gone again: they know that there is data.
        absent.start(wait=False)
        wait_for(lambda: answers(absent), "it listens")
        wait_for(lambda: ids(cluster).keys() == {absent.status()["cluster"]}, "they know their cluster")
        absent.kill()
        for node in (first, second):
            node.kill()
            node.start(wait=False)
        wait_for(lambda: answers(first) and answers(second), "both listen")
        time.sleep(STILL)
        for node in (first, second):
            assert node.put("k", "other").status == 503


def test_a_person_may_found_without_all():
    with Cluster(start=False) as cluster:
        first, second, late = cluster.nodes
        first.start("--found", wait=False)
        second.start()
        first.wait_ready()
        assert first.put("old", "known").status == 200
        late.start()
        assert late.value("old") == b"known"
        assert len(ids(cluster)) == 1


def test_a_node_comes_back_under_another_address():
    """The others learn it only from the node itself, and remember it when the node is silent."""
    with Cluster() as cluster:
        for node in cluster.nodes:
            number = node.status()["node"]
            before = ids(cluster)
            node.stop()
            move(node)
            node.start()
            assert node.status()["node"] == number and ids(cluster) == before
            assert node.put("moved", node.addr).status == 200
            wait_for(lambda: all(node.addr in str(other.status()["peers"]) for other in cluster.nodes
                                 if other is not node), "the others know its address")
        # None of them is where node.json of the others says.
        cluster.wait_equal()
        for node in cluster.nodes:
            node.stop()
        cluster.start()
        for node in cluster.nodes:
            assert node.value("moved") == cluster.nodes[2].addr.encode()


def test_a_strange_peer_is_named():
    with Cluster() as cluster:
        node = cluster.nodes[0]
        node.stop()
        node.config["peers"] = [*node.config["peers"], "127.0.0.1:11999"]
        node.write_config()
        node.start()
        assert node.put("k", "v").status == 200
        wait_for(lambda: said(node, "node.json names the peer 127.0.0.1:11999, which is not among the members"),
                 "its log names the stranger")


def test_a_node_of_another_cluster_is_kept_out():
    with Cluster() as cluster, Cluster(count=1) as other:
        stranger, = other.nodes
        victim = cluster.nodes[2]
        stranger.stop()
        victim.stop()
        for name in ("log.db", "log.db-wal", "tree.db"):
            with contextlib.suppress(FileNotFoundError):
                shutil.copy(stranger.folder / name, victim.folder / name)
        victim.start(wait=False)
        wait_for(lambda: answers(victim), "it listens")
        time.sleep(STILL)
        assert victim.status()["cluster"] not in {node.status()["cluster"] for node in cluster.nodes[:2]}
        assert cluster.nodes[0].put("k", "v").status == 200
        victim.kill()
        victim.lose_folder()
        victim.start()
        assert victim.value("k") == b"v"
