"""mount(8) with a line of fstab(5): the node starts with its mount, in the background, and ends with it."""

import contextlib
import errno
import os
import pathlib
import shutil
import signal
import subprocess

import pytest

from cluster import QUORUMFS, Cluster, mounts_below, wait_for
from files import fails, needs_root

pytestmark = [needs_root, pytest.mark.skipif(not shutil.which("mount.fuse3"), reason="mount.fuse3 is missing")]


@pytest.fixture
def cluster():
    with Cluster(start=False, mount=False) as made:
        with ended_at_last(made):
            yield made


@contextlib.contextmanager
def ended_at_last(cluster):
    """Whatever happens, no node that mount(8) has started stays."""
    try:
        yield
    finally:
        for point in mounts_below(cluster.folder):
            subprocess.run(["umount", "-l", point], check=False)
        wait_for(lambda: not processes(cluster), "the nodes have ended")


def processes(cluster):
    """Those that run on a folder of this cluster without our having started them."""
    ours = {node.process.pid for node in cluster.nodes if node.running}
    found = []
    for entry in pathlib.Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            words = (entry / "cmdline").read_bytes().split(b"\0")
            folder = os.fsencode(cluster.folder)
            if len(words) > 1 and words[1].startswith(folder) and int(entry.name) not in ours:
                found.append(int(entry.name))
    return found


def mount(cluster, node, options, status=0):
    """Writes the line, and lets mount(8) do what it says. It is that of mount.fuse3(8) for a program that is not
    installed; for one that is, it has the folder alone, and the type fuse.quorumfs."""
    table = cluster.folder / "fstab"
    table.write_text(f"{QUORUMFS}#{node.folder} {node.mount} fuse {options} 0 0\n")
    with contextlib.suppress(OSError):  # there is one already, perhaps with a dead mount
        node.mount.mkdir()
    done = subprocess.run(["mount", "-T", table, node.mount], capture_output=True, text=True, timeout=60)
    assert done.returncode == status or status != 0 != done.returncode, done.stderr
    return done.stderr


def answers(node):
    with contextlib.suppress(OSError):
        return node.request("GET", "/readyz").status == 200


def test_a_node_lives_with_its_mount(cluster):
    for node in cluster.nodes:
        mount(cluster, node, "_netdev,nofail,noexec,commit=close,request_timeout=9s")
    for node in cluster.nodes:
        wait_for(lambda: answers(node), f"{node} is ready")
    first, second, third = cluster.nodes
    line = next(text for text in pathlib.Path("/proc/self/mounts").read_text().splitlines() if str(first.mount) in text)
    assert line.split()[0] == str(first.folder) and "noexec" in line and "fuse.quorumfs" in line
    first.path("f").write_text("by fstab\n")
    assert second.path("f").read_text() == "by fstab\n"

    with open(first.path("f"), "a") as file:  # commit=close has come through
        file.write("more")
        file.flush()
        assert third.path("f").read_text() == "by fstab\n"
    assert third.path("f").read_text() == "by fstab\nmore"

    before = len(processes(cluster))
    subprocess.run(["umount", first.mount], check=True)
    wait_for(lambda: len(processes(cluster)) == before - 1, "the node has ended with its mount")
    assert second.path("f").read_text() == "by fstab\nmore"
    mount(cluster, first, "defaults")
    subprocess.run(["umount", first.mount], check=True)
    mount(cluster, first, "defaults")  # the process before is still ending
    wait_for(lambda: answers(first), "it is ready again")
    assert first.path("f").read_text() == "by fstab\nmore"


def test_a_signal_ends_it_too(cluster):
    node = cluster.nodes[0]
    mount(cluster, node, "rw")
    process, = processes(cluster)
    os.kill(process, signal.SIGTERM)
    wait_for(lambda: not processes(cluster), "it has ended")
    assert not mounts_below(node.folder)


def test_a_mount_of_a_killed_node_is_replaced(cluster):
    nodes = cluster.nodes
    for node in nodes:
        mount(cluster, node, "rw")
    first = nodes[0]
    wait_for(lambda: answers(first), "it is ready")
    first.path("f").write_text("1")
    for _ in range(3):
        process, = [pid for pid in processes(cluster) if os.fsencode(first.folder) in
                    pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")]
        os.kill(process, signal.SIGKILL)
        wait_for(lambda: len(processes(cluster)) == 2, "it is dead")
        mount(cluster, first, "rw")
        assert mounts_below(first.folder) == [str(first.mount)]
        wait_for(lambda: answers(first), "it is ready again")
    assert first.path("f").read_text() == "1"
    subprocess.run(["umount", first.mount], check=True)
    fails(errno.EPERM, first.path("bare").write_text, "x")


@pytest.mark.parametrize("opened", [False, True], ids=["idle", "with an open file"])
def test_a_node_ends_with_its_mount_although_another_namespace_has_a_copy(cluster, opened):
    for node in cluster.nodes:
        mount(cluster, node, "rw")
    first = cluster.nodes[0]
    wait_for(lambda: answers(first), "it is ready")
    keep = f"exec 9>{first.mount}/open; echo ready; exec sleep 1000" if opened else "echo ready; exec sleep 1000"
    holder = subprocess.Popen(["unshare", "--mount", "sh", "-c", keep], stdout=subprocess.PIPE, text=True)
    try:
        assert holder.stdout.readline() == "ready\n"
        subprocess.run(["umount", first.mount], check=True)
        wait_for(lambda: len(processes(cluster)) == 2, "the node has ended with its mount", 8)
        mount(cluster, first, "rw")
        wait_for(lambda: answers(first), "it is ready again")
        first.path("f").write_text("1")
        subprocess.run(["umount", first.mount], check=True)
        mount(cluster, first, "rw")  # at once
        wait_for(lambda: answers(first), "it is ready again")
        assert first.path("f").read_text() == "1"
    finally:
        holder.kill()
        holder.wait()


def test_a_mount_is_made_read_only_and_writable_again(cluster):
    for node in cluster.nodes:
        mount(cluster, node, "nodiratime,lazytime,relatime,noatime,allow_other")
    first, second = cluster.nodes[:2]
    wait_for(lambda: answers(first), "it is ready")
    for options in ("ro,nosuid,nodev", "ro,nosuid,nodev,noexec"):
        assert remount(first, options).returncode == 0
        fails(errno.EROFS, first.path("f").write_text, "x")
        second.path("f").write_text("others write on")
        assert first.path("f").read_text() == "others write on"
    assert {"ro", "noexec"} <= options_of(first)
    assert remount(first, "rw,relatime").returncode == 0
    first.path("f").write_text("written")
    assert {"rw", "nosuid", "nodev"} <= options_of(first) and not {"ro", "noexec"} & options_of(first)
    assert len(processes(cluster)) == 3  # the same ones
    mount(cluster, first, "remount,ro", status=0)  # as a line of fstab
    fails(errno.EROFS, first.path("f").write_text, "x")
    subprocess.run(["umount", first.mount], check=True)
    done = remount(first, "ro")
    assert done.returncode == 1 and "nothing is mounted there" in done.stderr


def remount(node, options):
    """As `mount -o remount,...` does through mount.fuse3(8), with what /proc/mounts says."""
    line = [QUORUMFS, "quorumfs", node.mount, "-o", f"{options},remount,user_id=0,group_id=0,max_read=1048576"]
    return subprocess.run(line, capture_output=True, text=True)


def options_of(node):
    for line in pathlib.Path("/proc/self/mounts").read_text().splitlines():
        if line.split()[1] == str(node.mount):
            return set(line.split()[3].split(","))


@pytest.mark.parametrize("options, text", [
    ("strictatime", "strictatime: reading never changes the access time"),
    ("commit=never", '"commit": expected "write" or "close", found "never"'),
    ("quick", 'unknown field "quick"'),
])
def test_wrong_options_are_told(cluster, options, text):
    assert text in mount(cluster, cluster.nodes[0], options, status=2)
    assert not processes(cluster)


def test_a_folder_in_the_way_is_told(cluster):
    node = cluster.nodes[0]
    node.mount.mkdir()
    (node.mount / "file").touch()
    assert "the folder is not empty" in mount(cluster, node, "defaults", status=1)
    assert not processes(cluster)
