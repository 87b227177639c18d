"""mount(8) with a line of fstab(5): the node starts with its mount, in the background, and ends with it."""

import contextlib
import os
import pathlib
import shutil
import signal
import subprocess

import pytest

from cluster import QUORUMFS, Cluster, mounts_below, wait_for
from files import needs_root

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
    node.mount.mkdir(exist_ok=True)
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


@pytest.mark.parametrize("options, text", [
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
