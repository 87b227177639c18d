"""What was deleted goes back to the file system, at every node, without a word to it."""

import concurrent.futures
import time

import pytest

from cluster import Cluster, wait_for

MIB = 1024 * 1024
COUNT, KEPT = 32, range(0, 32, 16)  # values of 1 MiB, and those of them that are not deleted
SMALL = COUNT * MIB // 3


@pytest.fixture
def cluster():
    with Cluster(mount=False) as cluster:
        yield cluster


def tree_bytes(node):
    """Of the file alone; what is set aside beyond its end counts as well."""
    status = (node.folder / "tree.db").stat()
    return max(status.st_size, status.st_blocks * 512)


def fill(cluster):
    def put(number):
        return cluster.nodes[number % 3].put(f"large/{number}", bytes([number]) * MIB)
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        assert all(answer.status == 200 for answer in pool.map(put, range(COUNT)))
    wait_for(lambda: all(tree_bytes(node) > COUNT * MIB for node in cluster.nodes), "tree.db has the values", 60)


def delete(node, numbers):
    keys = [f"large/{number}" for number in numbers]
    assert node.request("DELETE", "/keys", keys, timeout=60).status == 200


def test_files_shrink_while_the_cluster_serves(cluster):
    fill(cluster)
    node = cluster.nodes[0]
    delete(node, [number for number in range(COUNT) if number not in KEPT])
    slowest, count = 0, 0

    def small():
        nonlocal slowest, count
        began = time.monotonic()
        assert node.put(f"small/{count}", "s").status == 200
        slowest = max(slowest, time.monotonic() - began)
        count += 1
        return all(tree_bytes(other) < SMALL for other in cluster.nodes)
    wait_for(small, "tree.db is small at every node", 90)
    print(f"{count} puts, the slowest {slowest * 1000:.0f} ms")
    for other in cluster.nodes:
        assert all(other.value(f"large/{number}") == bytes([number]) * MIB for number in KEPT)
        assert other.value("small/0") == b"s"


def test_files_shrink_when_nobody_writes_and_across_kills(cluster):
    fill(cluster)
    delete(cluster.nodes[0], range(COUNT - 1))
    for node in cluster.nodes:
        node.kill()
    cluster.start()
    wait_for(lambda: all(tree_bytes(node) < SMALL for node in cluster.nodes), "tree.db is small at every node", 90)
    assert all(node.value(f"large/{COUNT - 1}") == bytes([COUNT - 1]) * MIB for node in cluster.nodes)
