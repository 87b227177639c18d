"""Old copies of a node's folder: a node that runs on one has forgotten what it acknowledged since, and the
others know."""

import shutil

import pytest

from cluster import Cluster, wait_for

STOPPED = 4  # exit status
SECONDS = 20


@pytest.fixture
def cluster():
    with Cluster(mount=False) as made:
        yield made


def start_again(node):
    """Starts it once more than the copy knows of."""
    node.start()
    wait_for(lambda: all(peer["linked"] for peer in node.status()["peers"]), f"{node} is linked")


def write(node, name):
    for number in range(40):
        assert node.request("PUT", f"/key/{name}{number}", "1").status == 200


def expect_stop(node):
    assert node.process.wait(SECONDS) == STOPPED, node.log_tail(5)
    said = node.log_tail(3)
    assert "this folder is an old copy" in said and "if a majority of the other nodes have their data" in said, said


def test_an_old_copy_is_noticed(cluster):
    node, *others = cluster.nodes
    write(node, "before")
    node.stop()
    copy = node.copy_folder()
    start_again(node)
    write(node, "since")
    node.stop()
    node.put_back(copy)
    node.start(wait=False)
    expect_stop(node)
    assert any("runs on an old copy" in other.log.read_text() for other in others)
    write(others[0], "later")  # they go on
    node.start(wait=False)  # and it stays stopped
    assert node.process.wait(SECONDS) == STOPPED
    assert "damaged says" in node.log_tail(2)
    node.lose_folder()
    start_again(node)
    cluster.wait_equal()
    assert len(node.contents()) == 120


def test_old_copies_of_a_majority_stop_and_the_one_that_is_right_does_not(cluster):
    *old, right = cluster.nodes
    for node in old:
        node.stop()
    copies = [node.copy_folder() for node in old]
    for node in old:
        node.start(wait=False)
    for node in cluster.nodes:
        node.wait_ready()
    write(right, "since")
    cluster.wait_equal()
    for node in cluster.nodes:
        node.stop()
    for node, copy in zip(old, copies):
        node.put_back(copy)
    right.start(wait=False)
    for node in old:
        node.start(wait=False)
    for node in old:
        expect_stop(node)
    assert right.running and "no quorum" in right.status()["why"]
    assert len(right.contents("&consistency=local")) == 40
    for node, copy in zip(old, copies):  # nothing else is wrong with it
        shutil.rmtree(copy)


def test_copies_of_one_moment_are_a_cluster_again(cluster):
    write(cluster.nodes[0], "before")
    cluster.wait_equal()
    for node in cluster.nodes:
        node.stop()
    copies = [node.copy_folder() for node in cluster.nodes]
    for node in cluster.nodes:
        node.start(wait=False)
    write_when_ready(cluster, "since")
    for node in cluster.nodes:
        node.stop()
    for node, copy in zip(cluster.nodes, copies):
        node.put_back(copy)
        node.start(wait=False)
    write_when_ready(cluster, "later")
    assert not any(key.startswith(b"since") for key in cluster.nodes[2].contents())


def write_when_ready(cluster, name):
    for node in cluster.nodes:
        node.wait_ready()
    write(cluster.nodes[1], name)
    cluster.wait_equal()
