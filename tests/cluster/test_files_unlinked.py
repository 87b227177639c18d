"""Files that are open when they are removed or replaced, here or by another node; and that nothing of them stays."""

import errno
import os
import subprocess

from cluster import wait_for
from files import fails, sh

MIB = 1024 * 1024


def inodes(cluster):
    """How many there are, once all nodes say the same."""
    def counts():
        return {node.status()["tree"]["inodes"] for node in cluster.nodes}
    wait_for(lambda: len(counts()) == 1, "all nodes have the same inodes")
    return counts().pop()


def wait_freed(cluster, before):
    wait_for(lambda: inodes(cluster) == before, f"there are {before} inodes again")


def test_the_node_that_removes_it_reads_and_writes_on(cluster, at):
    before = inodes(cluster)
    with open(at[0] / "f", "w+b", buffering=0) as file:
        file.write(b"x" * 100000)
        os.unlink(at[0] / "f")
        assert not (at[1] / "f").exists()
        file.write(b"y" * 100000)
        assert os.fstat(file.fileno()).st_size == 200000 and os.fstat(file.fileno()).st_nlink == 0
        os.truncate(file.fileno(), 150000)
        os.fchmod(file.fileno(), 0o600)
        os.fsync(file.fileno())
        file.seek(0)
        assert file.read() == b"x" * 100000 + b"y" * 50000
        assert os.stat(f"/proc/self/fd/{file.fileno()}").st_size == 150000
    wait_freed(cluster, before)


def test_another_node_removes_it(cluster, at):
    before = inodes(cluster)
    (at[0] / "f").write_bytes(b"small")
    (at[0] / "g").write_bytes(b"z" * 3 * MIB)
    with open(at[1] / "f", "r+b", buffering=0) as small, open(at[2] / "g", "rb") as large:
        os.unlink(at[0] / "f")
        sh("echo new > h && mv h g", at[0])
        assert small.read() == b"small" and os.fstat(small.fileno()).st_nlink == 0
        assert large.read() == b"z" * 3 * MIB
        assert (at[2] / "g").read_text() == "new\n"
        fails(errno.ESTALE, small.write, b"too late")
    os.unlink(at[0] / "g")
    wait_freed(cluster, before)


def test_every_holder_reads_on(cluster, at):
    """Open at all three, replaced at one."""
    before = inodes(cluster)
    (at[0] / "f").write_text("old")
    holders = [open(folder / "f") for folder in at]
    sh("echo new > g && mv g f", at[1])
    for holder in holders:
        assert holder.read() == "old"
        holder.close()
    assert (at[0] / "f").read_text() == "new\n"
    os.unlink(at[2] / "f")
    wait_freed(cluster, before)


def test_a_name_of_several_goes(cluster, at):
    (at[0] / "a").write_text("two names")
    os.link(at[0] / "a", at[0] / "b")
    with open(at[1] / "a", "r+b", buffering=0) as file:
        os.unlink(at[1] / "a")
        file.write(b"TWO")
        assert (at[2] / "b").read_text() == "TWO names"
        os.unlink(at[2] / "b")
        assert os.pread(file.fileno(), 100, 0) == b"TWO names"


def test_a_folder_that_is_a_working_directory(at):
    (at[0] / "d").mkdir()
    inside = os.open(at[1] / "d", os.O_RDONLY | os.O_DIRECTORY)
    os.rmdir(at[0] / "d")
    assert os.listdir(inside) == []
    assert os.fstat(inside).st_nlink == 0
    fails(errno.ENOENT, os.stat, "x", dir_fd=inside)
    os.close(inside)


def test_readers_never_miss_a_file_that_is_replaced_all_the_time(at):
    """The way in which configuration is updated: write beside it, rename over it."""
    (at[0] / "f").write_text("0")
    lines = ("i=0; while [ ! -e stop ]; do i=$((i+1)); echo $i > new; mv new f; done")
    writer = subprocess.Popen(["sh", "-c", lines], cwd=at[0])
    try:
        for number in range(100):
            for folder in at:
                assert (folder / "f").read_text().strip().isdigit()
                assert (folder / "f").stat().st_mode and os.access(folder / "f", os.R_OK)
                os.chmod(folder / "f", 0o644)
                os.setxattr(folder / "f", "user.a", b"")
                os.utime(folder / "f")
    finally:
        (at[1] / "stop").write_text("")
        assert writer.wait(30) == 0


def test_inodes_that_a_killed_node_held_are_freed(cluster, at):
    """When it is back: until then it might only be cut off."""
    before = inodes(cluster)
    node = cluster.nodes[2]
    holder = os.open(at[2] / "f", os.O_CREAT | os.O_RDWR)
    os.write(holder, b"x" * MIB)
    os.unlink(at[2] / "f")
    assert inodes(cluster) == before + 1
    node.kill()
    fails(errno.ENOTCONN, os.pread, holder, 1, 0)
    try:
        os.close(holder)
    except OSError:
        pass
    node.start()
    wait_freed(cluster, before)


def test_a_release_that_failed_is_made_later(cluster, at):
    """The last close comes while there is no quorum."""
    before = inodes(cluster)
    holder = os.open(at[0] / "f", os.O_CREAT | os.O_RDWR)
    os.unlink(at[0] / "f")
    for node in cluster.nodes[1:]:
        node.kill()
    wait_for(cluster.nodes[0].why, "it has no quorum")
    os.close(holder)
    for node in cluster.nodes[1:]:
        node.start(wait=False)
    for node in cluster.nodes[1:]:
        node.wait_ready()
    wait_freed(cluster, before)


def test_unmounting_gives_back_too(cluster, at):
    before = inodes(cluster)
    node = cluster.nodes[1]
    holder = os.open(at[1] / "f", os.O_CREAT | os.O_RDWR)
    os.unlink(at[1] / "f")
    node.stop()
    try:
        os.close(holder)
    except OSError:
        pass
    node.start()
    wait_freed(cluster, before)
