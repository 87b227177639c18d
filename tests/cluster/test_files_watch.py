"""`.quorumfs/watch/` at real mounts: lines of what other nodes change, for the tools that people have."""

import contextlib
import os
import select
import signal
import subprocess
import threading
import time

import pytest

from cluster import Cluster, wait_for


@contextlib.contextmanager
def reading(path):
    """A reader that has opened the file; gives a function that reads a line."""
    with open(path, "rb", buffering=0) as file:
        left = b""

        def line():
            nonlocal left
            while b"\n" not in left:
                piece = file.read(4096)
                assert piece, "the file has ended"
                left += piece
            first, _, left = left.partition(b"\n")
            return first.decode().split(" ")
        line.file = file
        yield line


def watch(node, *parts):
    return node.mount.joinpath(".quorumfs", "watch", *parts)


def test_the_mirror_looks_like_the_tree(at, cluster):
    here = at[0]
    (here / "dir").mkdir()
    (here / "key").write_text("contents")
    os.symlink("key", here / "link")
    mirror = watch(cluster.nodes[1], here.name)
    assert sorted(os.listdir(mirror)) == [".events", "dir", "key", "link"]
    assert mirror.is_dir() and (mirror / "dir").is_dir()
    for name in (".events", "key", "link", "dir/.events"):
        stat = os.lstat(mirror / name)
        assert stat.st_mode & 0o170222 == 0o100000 and stat.st_size == 0, name
    assert not (mirror / "none").exists()
    for change in (lambda: (mirror / "new").write_text("x"), lambda: (mirror / "key").unlink(),
                   lambda: (mirror / "new").mkdir(), lambda: os.rename(mirror / "key", mirror / "other"),
                   lambda: open(mirror / ".events", "a"), lambda: os.chmod(mirror / "key", 0)):
        with pytest.raises(OSError) as error:
            change()
        assert error.value.errno in (30, 1, 13), error.value  # EROFS, or the kernel's EPERM, EACCES


def test_lines_of_other_nodes(at, cluster):
    a, b, c = at
    name = a.name
    (a / "sub").mkdir()
    (a / "sub" / "key").write_text("x")
    with reading(watch(cluster.nodes[1], name, ".events")) as everything, \
            reading(watch(cluster.nodes[2], name, "sub", "key")) as key:
        (a / "a b\\c\nd").touch()
        assert everything()[1:] == ["created", f"{name}/a\\040b\\134c\\012d"]
        (c / "sub" / "key").write_text("y")
        lines = [everything()[1:] for _ in range(2)]  # emptied, then written
        assert lines == [["written", f"{name}/sub/key"]] * 2
        assert [key()[1:] for _ in range(2)] == lines
        os.rename(b / "sub", b / "moved")
        assert [everything()[1:] for _ in range(2)] == [["moved-from", f"{name}/sub"], ["moved-to", f"{name}/moved"]]
        assert key()[1:] == ["moved-from", f"{name}/sub"]
        os.chmod(c / "moved" / "key", 0o600)
        assert everything()[1:] == ["attributes", f"{name}/moved/key"]
        os.link(c / "moved" / "key", c / "second")
        assert everything()[1:] == ["created", f"{name}/second"]
        (a / "second").write_bytes(b"")
        assert sorted(everything()[2] for _ in range(2)) == [f"{name}/moved/key", f"{name}/second"]
        (a / "second").unlink()
        assert everything()[1:] == ["deleted", f"{name}/second"]


def test_each_name_of_a_file_can_be_watched(at, cluster):
    here = at[0]
    (here / "one").write_text("1")
    os.link(here / "one", here / "two")
    for name in ("one", "two"):
        with reading(watch(cluster.nodes[0], here.name, name)) as line:
            os.utime(here / "one")
            assert line()[1:] == ["attributes", f"{here.name}/{name}"]


def test_the_shell_reads_lines(at, cluster):
    a, _, c = at
    loop = "while read -r rev verb path; do echo \"$verb $path\"; [ $verb = deleted ] && break; done"
    with subprocess.Popen(["bash", "-c", f"{loop} < {watch(cluster.nodes[1], a.name, '.events')}"],
                          stdout=subprocess.PIPE, text=True) as shell:
        wait_open(shell, cluster.nodes[1])
        for n in range(20):
            cluster.nodes[2].put(f"{c.name}/k{n}", "v")
        (a / "k0").unlink()
        lines = shell.communicate(timeout=15)[0].splitlines()
    assert lines == [f"created {a.name}/k{n}" for n in range(20)] + [f"deleted {a.name}/k0"]


def wait_open(process, node):
    """Until the process, or one of its children, has a file of the watch open."""
    def has_open():
        found = subprocess.run(["sh", "-c", f"ls -l /proc/{process.pid}/fd /proc/*/fd 2>/dev/null"],
                               capture_output=True, text=True).stdout
        return f"{node.mount}/.quorumfs/watch" in found
    wait_for(has_open, "the file is open")


def test_head_and_timeout(at, cluster):
    a = at[0]
    events = watch(cluster.nodes[1], a.name, ".events")
    with subprocess.Popen(["head", "-1", events], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as head:
        wait_open(head, cluster.nodes[1])
        (a / "one").touch()
        out, errors = head.communicate(timeout=15)
    assert out.split()[1:] == ["created", f"{a.name}/one"] and not errors and head.returncode == 0
    started = time.monotonic()
    done = subprocess.run(["timeout", "1", "cat", events], capture_output=True)
    assert done.returncode == 124 and time.monotonic() - started < 10


def test_poll_and_nonblocking_reads(at, cluster):
    a = at[0]
    descriptor = os.open(watch(cluster.nodes[1], a.name, ".events"), os.O_RDONLY | os.O_NONBLOCK)
    try:
        with pytest.raises(BlockingIOError):
            os.read(descriptor, 100)
        poll = select.poll()
        poll.register(descriptor, select.POLLIN)
        assert poll.poll(100) == []
        later = threading.Timer(0.3, (a / "x").touch)
        later.start()
        assert poll.poll(10000) == [(descriptor, select.POLLIN)]
        later.join()
        assert os.read(descriptor, 4) and poll.poll(0) == [(descriptor, select.POLLIN)]
        while b"\n" not in os.read(descriptor, 7):
            pass
        with pytest.raises(BlockingIOError):
            os.read(descriptor, 100)
        assert poll.poll(0) == []
    finally:
        os.close(descriptor)


def test_killed_readers_leave_nothing(at, cluster):
    a = at[0]
    events = watch(cluster.nodes[1], a.name, ".events")
    readers = [subprocess.Popen(["cat", events], stdout=subprocess.DEVNULL) for _ in range(20)]
    for reader in readers:
        wait_for(lambda: b"fuse" in open(f"/proc/{reader.pid}/wchan", "rb").read() or
                 open(f"/proc/{reader.pid}/stat").read().split()[2] == "S", "it reads")
    for number, reader in enumerate(readers):
        reader.send_signal(signal.SIGKILL if number % 2 else signal.SIGTERM)
    for reader in readers:
        reader.wait(10)
    with reading(events) as line:
        (a / "after").touch()
        assert line()[1:] == ["created", f"{a.name}/after"]


def test_a_reader_that_reads_nothing_gets_everything_later(at, cluster):
    a = at[0]
    with reading(watch(cluster.nodes[1], a.name, ".events")) as line:
        node, count = cluster.nodes[2], 3000
        for n in range(0, count, 100):
            node.txn([], [{"put": {"key": f"{a.name}/{'k' * 50}{k}", "value": ""}} for k in range(n, n + 100)])
        lines = [line() for _ in range(count)]
        assert [text[2] for text in lines] == [f"{a.name}/{'k' * 50}{k}" for k in range(count)]
        assert [int(text[0]) for text in lines] == sorted(int(text[0]) for text in lines)
        node.put(f"{a.name}/last", "1")
        assert line()[1:] == ["created", f"{a.name}/last"]


def test_a_reader_finds_the_end_when_its_node_stops():
    with Cluster(1) as cluster:
        node = cluster.nodes[0]
        with subprocess.Popen(["cat", watch(node, ".events")], stdout=subprocess.PIPE) as cat:
            wait_open(cat, node)
            node.put("k", "v")
            node.ask_to_stop()
            out = cat.communicate(timeout=15)[0]
        assert out.split()[1:] == [b"created", b"k"], out
        node.process.wait(15)
        assert node.process.returncode == 0


def test_other_users_see_what_they_may_list():
    with Cluster(1, allow_other=True) as cluster:
        node = cluster.nodes[0]
        (node.mount / "open").mkdir(mode=0o755)
        (node.mount / "open" / "closed").mkdir(mode=0o700)
        (node.mount / "private").mkdir(mode=0o700)
        (node.mount / "private" / "key").write_text("x")
        os.chmod(node.folder, 0o755)
        os.chmod(cluster.folder, 0o755)
        as_nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
        refused = subprocess.run([*as_nobody, "cat", watch(node, "private", ".events")], capture_output=True)
        assert refused.returncode == 1 and b"Permission denied" in refused.stderr, refused
        with subprocess.Popen([*as_nobody, "head", "-3", watch(node, ".events")], stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True) as head:
            wait_open(head, node)
            (node.mount / "open" / "closed" / "secret").touch()
            (node.mount / "private" / "key").write_text("y")
            (node.mount / "open" / "one").touch()
            os.chmod(node.mount / "private", 0o711)
            (node.mount / "two").touch()
            out, errors = head.communicate(timeout=15)
        assert [line.split()[1:] for line in out.splitlines()] == [
            ["created", "open/one"], ["attributes", "private"], ["created", "two"]], (out, errors)
