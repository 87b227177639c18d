"""Somebody moves, deletes or replaces what a running node has open: the node must not go on acknowledging
what its next start would not find."""

import os
import shutil
import time

import pytest

from cluster import Cluster, wait_for

GONE = 4  # exit status
SECONDS = 10  # a node looks each second; the machine may be busy


def expect_stop(node, *texts):
    assert node.process.wait(SECONDS) == GONE, node.log_tail(10)
    said = node.log_tail(3)
    for text in texts:
        assert text in said, said
    assert "nothing that was acknowledged is lost" not in said


@pytest.fixture(scope="module")
def alone():
    with Cluster(1, mount=False) as cluster:
        yield cluster.nodes[0]


@pytest.fixture
def node(alone):
    if not alone.running:
        alone.start()
    yield alone
    if alone.running:
        alone.kill()


@pytest.mark.parametrize("name", ["lock", "log.db", "log.db-wal", "tree.db", "tree.db-wal", "tree.db-shm"])
def test_a_file_that_is_moved_away_ends_the_node(node, name):
    place, away = node.folder / name, node.folder.with_name("away")
    os.rename(place, away)
    expect_stop(node, str(place), "is gone")
    os.rename(away, place)


def test_a_file_that_is_replaced_ends_the_node(node):
    place, first = node.folder / "tree.db", node.folder / "first"
    os.rename(place, first)
    shutil.copy(first, node.folder / "copy")
    os.rename(node.folder / "copy", place)
    expect_stop(node, str(place), "is another file")
    os.rename(first, place)


def test_files_of_others_may_come_and_go(node):
    (node.folder / "notes").write_text("theirs")
    (node.folder / "notes").unlink()
    os.rename(node.folder / "node.json", node.folder / "config")  # was read at the start
    os.rename(node.folder / "config", node.folder / "node.json")
    over = time.monotonic() + 1.5  # it has looked again by then
    wait_for(lambda: node.request("PUT", "/key/a", "1").status == 200 and time.monotonic() > over, "it has looked")


def test_folders_of_a_majority_are_moved_away_under_writers():
    """What was acknowledged meanwhile is there when the folders are put back."""
    with Cluster(mount=False) as cluster:
        acknowledged = []

        def write():
            key = f"k{len(acknowledged)}"
            if cluster.nodes[2].request("PUT", f"/key/{key}", key).status == 200:
                acknowledged.append(key)
            return len(acknowledged)

        wait_for(lambda: write() > 50, "some keys are written")
        lost = cluster.nodes[:2]
        for node in lost:
            os.rename(node.folder, node.folder.with_name(node.folder.name + "-away"))
        wait_for(lambda: write() < 0 or not any(node.running for node in lost), "both have stopped", SECONDS)
        for node in lost:
            expect_stop(node, str(node.folder), "is gone")
        refused = cluster.nodes[2].request("PUT", "/key/late", "1")
        assert refused.status == 503 and "no quorum" in refused.error
        for node in lost:
            os.rename(node.folder.with_name(node.folder.name + "-away"), node.folder)
            node.start(wait=False)
        for node in cluster.nodes:
            node.wait_ready()
        cluster.wait_equal()
        assert {key.encode() for key in acknowledged} <= set(cluster.nodes[0].contents())
