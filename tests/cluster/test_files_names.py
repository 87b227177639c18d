"""Names: any bytes but NUL and slash, 255 of them, and no two that are taken for the same."""

import errno
import os

from files import fails


def test_case_and_normal_forms_are_told_apart(at):
    names = ["name", "Name", "NAME", "é", "e\u0301", " ", "a ", " a", "a.", "CON", "-rf", "*", "\n", "\t", "a\\b"]
    for number, name in enumerate(names):
        (at[0] / name).write_text(str(number))
    assert sorted(os.listdir(at[1])) == sorted(names)
    for number, name in enumerate(names):
        assert (at[2] / name).read_text() == str(number)


def test_bytes_that_are_no_text(at):
    root, other = os.fsencode(at[0]), os.fsencode(at[1])
    names = {b"\xff", b"\xc3", b"\xc3\x28", b"\xed\xa0\x80", b"\x01\x7f\x80", b"..."}
    for name in names:
        os.mkdir(root + b"/" + name)
        os.rename(root + b"/" + name, root + b"/x" + name)
    assert set(os.listdir(other)) == {b"x" + name for name in names}


def test_lengths(at):
    (at[0] / ("n" * 255)).write_text("x")
    (at[0] / ("é" * 127)).write_text("x")
    assert len(os.listdir(at[1])) == 2
    for act in (os.mkdir, os.stat, os.unlink, os.readlink, lambda path: os.open(path, os.O_CREAT),
                lambda path: os.symlink("x", path), lambda path: os.rename(at[0] / ("n" * 255), path)):
        fails(errno.ENAMETOOLONG, act, at[0] / ("n" * 256))
    fails(errno.ENAMETOOLONG, os.stat, at[0] / ("n/" * 2048))


def test_the_existing_name_decides(at):
    (at[0] / "f").write_text("")
    (at[0] / "d").mkdir()
    for name, act, number in (("f", os.mkdir, errno.EEXIST), ("d", os.mkdir, errno.EEXIST),
                              ("f", os.rmdir, errno.ENOTDIR), ("d", os.unlink, errno.EISDIR),
                              ("none", os.unlink, errno.ENOENT), ("none", os.rmdir, errno.ENOENT),
                              ("f/x", os.mkdir, errno.ENOTDIR), ("none/x", os.mkdir, errno.ENOENT),
                              ("d/.", os.rmdir, errno.EINVAL), ("d/..", os.rmdir, errno.ENOTEMPTY)):
        fails(number, act, f"{at[1]}/{name}")


def test_the_reserved_name(cluster):
    """Only at the root."""
    for node in cluster.nodes:
        reserved = node.path(".quorumfs")
        fails(errno.EEXIST, os.mkdir, reserved)
        fails(errno.EPERM, os.rename, reserved, node.path("x"))
        fails(errno.EROFS, os.mkdir, reserved / "x")
        assert ".quorumfs" not in os.listdir(node.mount)
    cluster.nodes[0].path("below").mkdir()
    cluster.nodes[1].path("below/.quorumfs").mkdir()
    assert os.listdir(cluster.nodes[2].path("below")) == [".quorumfs"]
