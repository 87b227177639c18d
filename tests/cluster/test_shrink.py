"""What was deleted goes back to the file system, at every node, without a word to it."""

import concurrent.futures
import time

import pytest

from cluster import Cluster, wait_for

MIB = 1024 * 1024


@pytest.fixture
def cluster():
    with Cluster(mount=False) as cluster:
        yield cluster


def tree_bytes(node):
    """Of the file alone; what is set aside beyond its end counts as well."""
    status = (node.folder / "tree.db").stat()
    return max(status.st_size, status.st_blocks * 512)


def fill(cluster, count=80):
    def put(number):
        return cluster.nodes[number % 3].put(f"large/{number}", bytes([number]) * MIB)
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        assert all(answer.status == 200 for answer in pool.map(put, range(count)))
    wait_for(lambda: all(tree_bytes(node) > count * MIB for node in cluster.nodes), "tree.db has the values", 60)


def delete(node, numbers):
    keys = [f"large/{number}" for number in numbers]
    assert node.request("DELETE", "/keys", keys, timeout=60).status == 200


def test_files_shrink_while_the_cluster_serves(cluster):
    fill(cluster)
    node = cluster.nodes[0]
    kept = range(0, 80, 16)
    delete(node, [number for number in range(80) if number not in kept])
    slowest, count = 0, 0

    def small():
        nonlocal slowest, count
        began = time.monotonic()
        assert node.put(f"small/{count}", "s").status == 200
        slowest = max(slowest, time.monotonic() - began)
        count += 1
        return all(tree_bytes(other) < 20 * MIB for other in cluster.nodes)
    wait_for(small, "tree.db is small at every node", 90)
    print(f"{count} puts, the slowest {slowest * 1000:.0f} ms")
    for other in cluster.nodes:
        assert all(other.value(f"large/{number}") == bytes([number]) * MIB for number in kept)
        assert other.value("small/0") == b"s"


def test_files_shrink_when_nobody_writes_and_across_kills(cluster):
    fill(cluster)
    delete(cluster.nodes[0], range(79))
    for node in cluster.nodes:
        node.kill()
    cluster.start()
    wait_for(lambda: all(tree_bytes(node) < 10 * MIB for node in cluster.nodes), "tree.db is small at every node", 90)
    assert all(node.value("large/79") == bytes([79]) * MIB for node in cluster.nodes)
