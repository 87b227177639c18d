"""The folder that a node mounts on: nothing can be written there while nothing is mounted, and the node does without
its mount as long as something is in the way."""

import contextlib
import errno
import json
import os
import shutil
import subprocess
import sys

import pytest

from cluster import Cluster, mounts_below, unguard, wait_for
from files import fails, needs_root

NOBODY = 65534


@pytest.fixture
def cluster():
    with Cluster(start=False) as made:
        yield made


# ---- Writers ----

WRITER = """
import collections, errno, json, os, sys, signal, time
done, failed, going, number = [], collections.Counter(), True, 0
def stop(*_):
    global going
    going = False
signal.signal(signal.SIGTERM, stop)
while going:
    number += 1
    try:
        with open(f'{sys.argv[1]}/{sys.argv[2]}{number}', 'x') as file:
            file.write(str(number))
        done.append(number)
    except OSError as error:
        failed[errno.errorcode[error.errno]] += 1
    time.sleep(float(sys.argv[3]))
json.dump({'done': done, 'failed': failed}, sys.stdout)
"""


class Writer:
    """A program that makes one file after the other at a path, whatever is there."""

    def __init__(self, folder, prefix="f", words=(), pause_seconds=0):
        self.prefix = prefix
        self.process = subprocess.Popen([*words, sys.executable, "-c", WRITER, folder, prefix, str(pause_seconds)],
                                        stdout=subprocess.PIPE, text=True)

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        if self.process.poll() is None:
            self.process.terminate()
            self.answer = json.loads(self.process.communicate(timeout=60)[0])

    def wait_for_more(self, other):
        """A few writes have reached the cluster since the call."""
        before = len(os.listdir(other.mount))
        wait_for(lambda: len(os.listdir(other.mount)) >= before + 5, "the writer goes on")

    def check(self, other):
        """Each success is at the other node: key -> value."""
        found = other.contents()
        lost = [n for n in self.answer["done"] if found.get(f"{self.prefix}{n}".encode()) != str(n).encode()]
        assert not lost, f"{len(lost)} of {len(self.answer['done'])} successes are lost: {lost[:5]}"
        assert self.answer["done"] and self.answer["failed"]
        return set(self.answer["failed"])


def stack(node):
    """How many mounts lie on each other there."""
    return mounts_below(node.folder).count(str(node.mount))


def mount_status(node):
    return node.status()["mount"]


def answers(node):
    with contextlib.suppress(OSError):
        return node.request("GET", "/healthz").status == 200


def is_immutable(folder):
    return "i" in subprocess.run(["lsattr", "-d", folder], capture_output=True, text=True, check=True).stdout.split()[0]


# What a program gets from a dead mount, and from a node without a quorum or with other trouble. Not among them: what
# the bare folder would answer.
AT_A_MOUNT = {"ENOTCONN", "ECONNABORTED", "EIO", "EROFS", "ENODEV"}
AT_THE_BARE_FOLDER = {"EPERM", "EACCES"}


@needs_root
@pytest.mark.parametrize("beneath", [True, False], ids=["beneath", "over"])
def test_a_writer_loses_nothing_while_its_node_is_killed(cluster, beneath, monkeypatch):
    """Between the dead mount and the new one there is nothing else, so every failure is one of a mount."""
    if not beneath:
        monkeypatch.setattr(cluster.nodes[0], "command", without_beneath(cluster.nodes[0].command))
    cluster.start()
    node, other = cluster.nodes[:2]
    with Writer(node.mount) as writer:
        for _ in range(10):
            node.kill()
            assert stack(node) <= 2
            node.start()
            assert stack(node) == (1 if beneath else 2)
            writer.wait_for_more(other)
    assert writer.check(other) <= AT_A_MOUNT
    node.stop()
    assert os.listdir(node.mount) == [] and is_immutable(node.mount)


def without_beneath(command):
    """A kernel before 6.5: move_mount(2) does not know MOVE_MOUNT_BENEATH. By seccomp(2), in a Python that becomes
    the node."""
    filter_it = """
import ctypes, os, struct, sys
MOVE_MOUNT, BENEATH, EINVAL = 429, 0x200, 22
lines = [(0x20, 0, 0, 0), (0x15, 0, 3, MOVE_MOUNT), (0x20, 0, 0, 48), (0x45, 0, 1, BENEATH),
         (0x06, 0, 0, 0x00050000 | EINVAL), (0x06, 0, 0, 0x7fff0000)]
code = ctypes.create_string_buffer(b''.join(struct.pack('HBBI', *line) for line in lines))
program = ctypes.create_string_buffer(struct.pack('HxxxxxxP', len(lines), ctypes.addressof(code)))
libc = ctypes.CDLL(None, use_errno=True)
assert libc.prctl(38, 1, 0, 0, 0) == 0 and libc.prctl(22, 2, program) == 0, os.strerror(ctypes.get_errno())
os.execv(sys.argv[1], sys.argv[1:])
"""
    return lambda *flags: [sys.executable, "-c", filter_it, *command(*flags)]


@needs_root
def test_a_writer_loses_nothing_while_its_node_is_stopped_and_started(cluster):
    cluster.start()
    node, other = cluster.nodes[:2]
    with Writer(node.mount) as writer:
        for _ in range(5):
            node.stop()
            fails(errno.EPERM, (node.mount / "bare").write_text, "x")
            fails(errno.EPERM, os.mkdir, node.mount / "folder")
            fails(errno.EPERM, os.rmdir, node.mount)
            node.start()
            writer.wait_for_more(other)
    assert writer.check(other) <= AT_A_MOUNT | AT_THE_BARE_FOLDER


def test_the_guard_can_be_taken_away(cluster):
    """As README.md says."""
    node = cluster.nodes[0]
    node.start(wait=False)
    wait_for(lambda: answers(node), "it is mounted")
    node.stop()
    line = ["chattr", "-i"] if os.geteuid() == 0 else ["chmod", "u+w"]
    subprocess.run([*line, node.mount], check=True)
    (node.mount / "file").write_text("x")
    (node.mount / "file").unlink()
    node.mount.rmdir()


@contextlib.contextmanager
def beneath(node):
    """The folder beneath the mount, by another way, and without its guard: as earlier versions left it."""
    view = node.folder / "view"
    view.mkdir()
    subprocess.run(["mount", "--bind", node.folder, view], check=True)
    unguard(view / "mnt")
    yield view / "mnt"
    subprocess.run(["umount", view], check=True)
    view.rmdir()


@needs_root
def test_a_folder_of_an_earlier_version_is_guarded_beneath_its_dead_mount(cluster):
    cluster.start()
    node = cluster.nodes[0]
    with beneath(node) as bare:
        assert not is_immutable(bare)
        node.kill()
        node.start()
        assert is_immutable(bare) and stack(node) == 1


# ---- What is in the way ----

@contextlib.contextmanager
def a_file_in_the_way(node):
    (node.mount / "landed").write_text("x")
    yield "the folder is not empty: landed: written while nothing was mounted"
    (node.mount / "landed").unlink()


@contextlib.contextmanager
def another_mount_in_the_way(node):
    subprocess.run(["mount", "-t", "tmpfs", "none", node.mount], check=True)
    yield "something is mounted there"
    subprocess.run(["umount", node.mount], check=True)


@contextlib.contextmanager
def no_folder(node):
    node.mount.rmdir()
    node.mount.write_text("x")
    yield "this is not a folder"
    node.mount.unlink()


@needs_root
@pytest.mark.parametrize("obstacle", [a_file_in_the_way, another_mount_in_the_way, no_folder])
def test_a_node_does_without_its_mount(cluster, obstacle):
    """It votes, serves HTTP, says why, and mounts as soon as nothing is in the way any more."""
    node, other, third = cluster.nodes
    node.mount.mkdir()
    with obstacle(node) as text:
        cluster.start()
        third.stop()
        assert other.put("a", "1").status == 200 and node.value("a") == b"1"  # these two are the majority
        about = mount_status(node)
        assert not about["mounted"] and text in about["why"] and about["path"] == str(node.mount)
        assert node.metrics()["mounted"] == 0
        line, = [line for line in node.log_tail(100).splitlines() if "no mount" in line]
        assert text in line and " warn " in line
        third.start()
    wait_for(lambda: mount_status(node)["mounted"], "it has mounted by itself")
    assert node.path("a").read_text() == "1" and mount_status(node)["why"] == ""
    assert node.log_tail(100).count("no mount") == 1  # not with each attempt
    assert node.metrics()["mounted"] == 1


@needs_root
def test_a_node_without_fuse(cluster):
    node = cluster.nodes[0]
    inside = 'mount -t tmpfs none /dev && mknod -m 666 /dev/null c 1 3 && mknod -m 444 /dev/urandom c 1 9 && exec "$@"'
    command = node.command
    node.command = lambda *flags: ["unshare", "--mount", "sh", "-c", inside, "sh", *command(*flags)]
    cluster.start()
    assert "/dev/fuse is missing" in mount_status(node)["why"]
    fails(errno.EPERM, (node.mount / "bare").write_text, "x")
    assert node.put("a", "1").status == 200
    subprocess.run(["nsenter", "-t", str(node.process.pid), "-m", "mknod", "/dev/fuse", "c", "10", "229"], check=True)
    wait_for(lambda: mount_status(node)["mounted"], "it has mounted by itself")
    shown = subprocess.run(["nsenter", "-t", str(node.process.pid), "-m", "cat", node.mount / "a"],
                           capture_output=True, check=True)
    assert shown.stdout == b"1"


@needs_root
def test_files_beneath_a_dead_mount_stay_there_and_are_told(cluster):
    cluster.start()
    node = cluster.nodes[0]
    with beneath(node) as bare:
        (bare / "older").write_text("x")
        node.kill()
    node.start()
    assert "beneath the dead mount" in mount_status(node)["why"] and "older" in mount_status(node)["why"]
    fails(errno.ENOTCONN, (node.mount / "f").write_text, "x")  # the dead mount keeps more of them away
    subprocess.run(["umount", "-l", node.mount], check=True)
    (node.mount / "older").unlink()
    wait_for(lambda: mount_status(node)["mounted"], "it has mounted by itself")


@needs_root
def test_a_stop_while_it_tries(cluster):
    node = cluster.nodes[0]
    node.mount.mkdir()
    (node.mount / "landed").touch()
    for _ in range(3):
        node.start(wait=False)
        wait_for(lambda: answers(node), "it has tried")
        node.stop()
    (node.mount / "landed").unlink()


# ---- What cannot be guarded ----

@needs_root
def test_what_cannot_be_guarded_is_said(cluster):
    """No file of ramfs can be made immutable."""
    node = cluster.nodes[0]
    above = node.folder / "above"
    above.mkdir()
    subprocess.run(["mount", "-t", "ramfs", "none", above], check=True)
    node.config["mount"] = "above/mnt"
    node.mount = above / "mnt"
    node.write_config()
    cluster.start()
    assert "while nothing is mounted there, programs of root can write to the folder" in node.log_tail(100)
    assert mount_status(node)["mounted"]
    node.ask_to_stop()
    assert node.process.wait(15) == 0
    assert node.mount.stat().st_mode & 0o222 == 0
    subprocess.run(["umount", above], check=True)


@needs_root
def test_a_folder_that_is_read_only(cluster):
    node = cluster.nodes[0]
    above = node.folder / "above"
    (above / "mnt").mkdir(parents=True)
    subprocess.run(["mount", "--bind", "-o", "ro", above, above], check=True)
    node.config["mount"] = "above/mnt"
    node.mount = above / "mnt"
    node.write_config()
    cluster.start()
    assert "can write to the folder" not in node.log_tail(100) and mount_status(node)["mounted"]
    node.ask_to_stop()
    assert node.process.wait(15) == 0
    subprocess.run(["umount", above], check=True)


# ---- Without root ----

@pytest.fixture
def as_user(cluster):
    """Words before a command that make it one of a user, in a mount namespace where users may open /dev/fuse. Node 1
    is of that user there, and mounts by fusermount3."""
    inside = f"mknod -m 666 {cluster.folder}/fuse c 10 229 && mount --bind {cluster.folder}/fuse /dev/fuse && echo ready"
    holder = subprocess.Popen(["unshare", "--mount", "sh", "-c", inside + " && exec sleep 1000"],
                              stdout=subprocess.PIPE, text=True)
    try:
        assert holder.stdout.readline() == "ready\n"
        words = ["nsenter", "-t", str(holder.pid), "-m", "setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}",
                 "--clear-groups"]
        node = cluster.nodes[0]
        cluster.folder.chmod(0o755)
        secret = node.folder / "secret"  # a copy of its own
        shutil.copy(node.config["secret_file"], secret)
        secret.chmod(0o600)
        node.config["secret_file"] = "secret"
        node.write_config()
        for path in (node.folder, node.folder / "node.json", secret):
            os.chown(path, NOBODY, NOBODY)
        command = node.command
        node.command = lambda *flags: [*words, *command(*flags)]
        yield words
        if node.running:
            node.stop()
    finally:
        holder.kill()
        holder.wait()


@needs_root
def test_a_writer_of_a_user_loses_nothing(cluster, as_user):
    """The mount is made elsewhere and moved, so the folder is never open to the writer."""
    cluster.start()
    node, other = cluster.nodes[:2]
    with Writer(node.mount, words=as_user) as writer:
        for end in [node.stop, node.kill] * 4:
            end()
            node.start()
            assert mount_status(node)["mounted"]
            writer.wait_for_more(other)
    assert writer.check(other) <= AT_A_MOUNT | AT_THE_BARE_FOLDER | {"ENOENT"}  # in the folder that was replaced
    node.stop()
    assert node.mount.stat().st_mode & 0o222 == 0
    assert sorted(path.name for path in node.folder.iterdir() if "mnt" in path.name) == ["mnt"]


@needs_root
def test_a_user_who_may_not_move_the_folder(cluster, as_user):
    """Its parent is another's. fusermount3 wants a folder that the user may write to; what gets in is not hidden."""
    node, other = cluster.nodes[:2]
    node.mount = cluster.folder / "point" / "mnt"
    node.mount.mkdir(parents=True)
    os.chown(node.mount, NOBODY, NOBODY)
    node.config["mount"] = str(node.mount)
    node.write_config()
    cluster.start()
    landed = cluster.folder / "landed"
    landed.mkdir()

    def is_mounted():
        about = mount_status(node)
        assert about["mounted"] or "the folder is not empty: f" in about["why"]
        for name in os.listdir(node.mount):  # the folder beneath: the mount is in another namespace
            (node.mount / name).rename(landed / name)
        return about["mounted"]

    with Writer(node.mount, words=as_user, pause_seconds=0.2) as writer:
        for end in [node.stop, node.kill] * 2:
            end()
            node.start()
            wait_for(is_mounted, "it has mounted by itself", 60)
            writer.wait_for_more(other)
    told = {int(name[1:]) for name in os.listdir(landed)}
    writer.answer["done"] = [number for number in writer.answer["done"] if number not in told]
    writer.check(other)
    node.stop()
    assert node.mount.stat().st_mode & 0o222 == 0


# ---- What others do to it ----

@needs_root
def test_an_umount_is_an_order(cluster):
    cluster.start()
    node = cluster.nodes[0]
    subprocess.run(["umount", node.mount], check=True)
    wait_for(lambda: not mount_status(node)["mounted"], "the node has noticed")
    assert "it was unmounted" in mount_status(node)["why"]
    fails(errno.EPERM, (node.mount / "bare").write_text, "x")
    assert node.put("a", "1").status == 200
