"""Folders that the former version has written open, hold what they held, and are written further."""

import contextlib
import os

import pytest

import former
from cluster import wait_for
from files import needs_root

pytestmark = needs_root  # their files belong to many

ALONE = ("compacted", "applied", "digest", "life", "standing")


@pytest.fixture(scope="module", params=list(former.ADDRESSES))
def kept(request):
    """Nodes with the folders of one kind, none of them started."""
    with former.KeptCluster(request.param, cluster_secret="kept") as cluster:
        former.unpack(request.param, cluster.folder)
        yield cluster


@contextlib.contextmanager
def alone(node):
    """A node without the others has no quorum: nothing is added to what its folder holds."""
    node.start(wait=False)
    try:
        wait_for(lambda: former.is_caught_up(node), f"{node} has applied its log")
        yield
    finally:
        node.stop()


def assert_holds(node, tree):
    found = former.describe(node)
    assert found.keys() == tree.keys()
    for path, about in tree.items():
        assert found[path] == about, f"{path} at {node}"


def test_each_folder_has_the_history_that_it_had(kept):
    """The digest says that every entry of the log was read, and had the same result."""
    if len(kept.nodes) == 1:
        return  # it is a quorum by itself, and goes on at once
    logs = former.read_description(kept.kind)["nodes"]
    for node in kept.nodes:
        with alone(node):
            found = former.describe_log(node)
        expected = logs[node.folder.name]
        assert {name: found[name] for name in ALONE} == {name: expected[name] for name in ALONE}


def test_every_door_shows_the_same_as_before(kept):
    description = former.read_description(kept.kind)
    kept.start()
    former.wait_risen(kept.nodes)
    for node in kept.nodes:
        status = node.status()
        assert status["log"]["applied"] >= description["nodes"][node.folder.name]["applied"]
        assert status["standing"] == "member"
        wait_for(lambda: former.inodes_of(node) == description["inodes"], "what was held is freed")
        assert_holds(node, description["tree"])
    assert_equal(kept)


def test_it_is_written_further(kept):
    """Old files of each kind of contents are changed, and new ones made; a restart keeps both, and the rest."""
    tree = former.read_description(kept.kind)["tree"]
    revisions = [int(about["http"]["etag"].strip('"')) for about in tree.values() if "etag" in about.get("http", {})]
    write_further(kept.nodes)
    check_further(kept.nodes, max(revisions))
    for node in kept.nodes:
        node.ask_to_stop()
    for node in kept.nodes:
        node.stop()
    kept.start()
    check_further(kept.nodes, max(revisions))
    found = former.describe(kept.nodes[-1])
    for path in tree.keys() - CHANGED:
        assert found[path] == tree[path], path
    assert found.keys() == tree.keys() - GONE | NEW
    assert_equal(kept)


GONE = {"late/0", "kinds/dangling", "moved/linked%20elsewhere"}
NEW = {"further", "further/moved%20here", "further/key"}
# With the folders of what is gone, and the other names of what is linked.
CHANGED = GONE | {".", "late", "kinds", "moved", "appended", "sparse", "of%203072%20bytes", "attributes/new",
                  "keys/1/1", "kinds/linked", "kinds/linked%20again", "further"}


def write_further(nodes):
    first, last = nodes[0], nodes[-1]
    with open(first.path("appended"), "ab", buffering=0) as file:
        file.write(b"further")
    with open(last.path("sparse"), "r+b", buffering=0) as file:
        os.pwrite(file.fileno(), b"further", 1638400 + 1000)
    with open(first.path("of 3072 bytes"), "ab", buffering=0) as file:
        file.write(b"beyond the limit")
    os.setxattr(last.path("attributes/new"), "user.text", b"further", os.XATTR_REPLACE)
    first.path("further").mkdir()
    last.path("moved/linked elsewhere").rename(last.path("further/moved here"))
    last.path("kinds/dangling").unlink()
    assert first.delete("late/0").single["overwritten_value"] == "late 0"
    etag = last.get("keys/1/1").headers["ETag"]
    assert last.put("keys/1/1", "further", {"If-Match": etag}).status == 200
    assert first.put("further/key", "new").status == 200


def check_further(nodes, revision):
    for node in nodes:
        assert node.path("appended").read_bytes().endswith(b"late line 24\nfurther")
        written = node.path("sparse").read_bytes()[1638400:][:1007]
        assert written == b"data at 1638400".ljust(1000, b"\0") + b"further"
        assert node.path("of 3072 bytes").read_bytes()[3070:] == b"0\nbeyond the limit"
        assert os.getxattr(node.path("attributes/new"), "user.text") == b"further"
        assert node.path("further/moved here").read_text() == "three names"
        assert node.path("kinds/linked").stat().st_nlink == 3
        assert node.value("keys/1/1") == b"further"
        assert node.value("late/0") is None
        assert int(node.get("further/key").headers["ETag"].strip('"')) > revision


def assert_equal(cluster):
    cluster.wait_equal()
    assert len({node.status()["log"]["digest"] for node in cluster.nodes}) == 1
