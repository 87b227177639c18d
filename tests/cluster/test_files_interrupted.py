"""Programs that are interrupted, killed or left without a cluster, and a node that is killed under them."""

import contextlib
import errno
import os
import signal
import subprocess
import sys
import time

import pytest

from cluster import Cluster, wait_for
from files import fails, sh

TIMEOUT = 2
CONFIG = {"request_timeout": f"{TIMEOUT}s"}

WRITER = """
import os, sys
f = os.open(sys.argv[1], os.O_RDWR | os.O_CREAT | os.O_APPEND)
print("ready", flush=True)
while True: os.write(f, b"line\\n" * 1000)
"""


def start(program, *arguments, cwd):
    """A Python program that has said that it is ready."""
    running = subprocess.Popen([sys.executable, "-c", program, *arguments], cwd=cwd, stdout=subprocess.PIPE)
    assert running.stdout.readline() == b"ready\n"
    return running


def close(descriptor):
    with contextlib.suppress(OSError):
        os.close(descriptor)


@contextlib.contextmanager
def no_answers(cluster):
    """All others stand still, so that every request waits."""
    for node in cluster.nodes[1:]:
        node.pause()
    try:
        yield
    finally:
        for node in cluster.nodes[1:]:
            node.resume()
        for node in cluster.nodes:
            node.wait_ready()


def test_a_killed_writer_leaves_whole_writes(at):
    for number in range(5):
        writer = start(WRITER, "f", cwd=at[number % 3])
        wait_for(lambda: (at[1] / "f").stat().st_size > number * 5000, "something is written")
        writer.kill()
        assert writer.wait(10) == -signal.SIGKILL
    text = (at[2] / "f").read_bytes()
    assert len(text) % 5000 == 0 and text == b"line\n" * (len(text) // 5)


def test_signals_that_are_handled_disturb_nothing(at):
    """Some hundred of them while files are made, written and renamed."""
    program = ("import os, signal\n"
               "got = 0\n"
               "def count(*_):\n    global got; got += 1\n"
               "signal.signal(signal.SIGALRM, count); signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)\n"
               "for i in range(150):\n"
               "    with open(f'f{i % 7}', 'wb', buffering=0) as f: assert f.write(b'x' * 20000) == 20000\n"
               "    os.rename(f'f{i % 7}', 'g'); assert len(open('g', 'rb').read()) == 20000\n"
               "signal.setitimer(signal.ITIMER_REAL, 0); assert got > 50, got")
    assert subprocess.run([sys.executable, "-c", program], cwd=at[0], timeout=60, check=False).returncode == 0
    assert (at[1] / "g").stat().st_size == 20000


@pytest.mark.parametrize("act", ["open('f').read()", "os.listdir('.')", "os.mkdir('d')", "open('f', 'a').write('x')"])
def test_a_killed_program_does_not_wait_for_the_cluster(cluster, at, act):
    (at[0] / "f").write_text("x")
    program = f"import os, sys; print('ready', flush=True); sys.stdin.readline(); {act}"
    running = subprocess.Popen([sys.executable, "-c", program], cwd=at[0], stdin=subprocess.PIPE,
                               stdout=subprocess.PIPE)
    assert running.stdout.readline() == b"ready\n"
    with no_answers(cluster):
        running.stdin.write(b"\n")
        running.stdin.flush()
        time.sleep(0.2)  # it waits now, or has been refused
        running.kill()
        began = time.monotonic()
        running.wait(10)
        assert time.monotonic() - began < TIMEOUT + 1
    assert (at[0] / "f").read_text().startswith("x")


def test_without_answers_nothing_waits_for_longer_than_the_timeout(cluster, at):
    (at[0] / "f").write_text("x")
    opened = os.open(at[0] / "f", os.O_RDWR)
    acts = [lambda: os.stat(at[0] / "f"), lambda: os.pread(opened, 1, 0), lambda: os.pwrite(opened, b"y", 0),
            lambda: os.listdir(at[0]), lambda: os.mkdir(at[0] / "d"), lambda: os.fsync(opened)]
    with no_answers(cluster):
        for act in acts:
            began = time.monotonic()
            with contextlib.suppress(OSError):
                act()
            assert time.monotonic() - began < TIMEOUT + 1
    os.close(opened)
    assert (at[1] / "f").read_text() in "xy"


def test_errors_without_a_quorum(cluster, at):
    (at[0] / "f").write_text("x")
    opened, folder = os.open(at[0] / "f", os.O_RDWR), os.open(at[0], os.O_RDONLY | os.O_DIRECTORY)
    for node in cluster.nodes[1:]:
        node.kill()
    wait_for(cluster.nodes[0].why, "it has no quorum")
    by_name = [lambda: os.open(at[0] / "f", os.O_WRONLY), lambda: os.open(at[0] / "f", os.O_WRONLY | os.O_TRUNC),
               lambda: os.unlink(at[0] / "f"), lambda: os.rename(at[0] / "f", at[0] / "g"),
               lambda: os.link(at[0] / "f", at[0] / "l"), lambda: os.chmod(at[0] / "f", 0o600),
               lambda: os.truncate(at[0] / "f", 0), lambda: os.setxattr(at[0] / "f", "user.a", b"")]
    for act in (lambda: os.pwrite(opened, b"y", 0), lambda: os.ftruncate(opened, 0), lambda: os.fchmod(opened, 0o600),
                lambda: os.setxattr(opened, "user.a", b""), lambda: os.mkdir("d", dir_fd=folder),
                lambda: os.open("n", os.O_WRONLY | os.O_CREAT, dir_fd=folder), lambda: os.symlink("x", "s", dir_fd=folder)):
        fails(errno.EROFS, act)
    # A name that exists is looked up first, and the kernel does not say what for.
    for act in (lambda: (at[0] / "f").read_text(), lambda: os.pread(opened, 1, 0), lambda: os.listdir(at[0]), *by_name):
        fails(errno.EIO, act)
    cluster.start()
    assert os.pread(opened, 1, 0) == b"x" and os.listdir(at[1]) == ["f"]
    os.close(opened)
    os.close(folder)


def test_with_stale_names_every_change_is_refused():
    """Without a quorum, but where `on_quorum_loss` lets names be found."""
    with Cluster(on_quorum_loss="stale") as cluster:
        node, *others = cluster.nodes
        (node.path("f")).write_text("x")
        for other in others:
            other.kill()
        wait_for(node.why, "it has no quorum")
        for act in (lambda: os.open(node.path("f"), os.O_WRONLY), lambda: os.mkdir(node.path("d")),
                    lambda: os.open(node.path("f"), os.O_WRONLY | os.O_TRUNC), lambda: os.truncate(node.path("f"), 0),
                    lambda: os.open(node.path("n"), os.O_WRONLY | os.O_CREAT | os.O_TRUNC),
                    lambda: os.unlink(node.path("f")), lambda: os.rename(node.path("f"), node.path("g")),
                    lambda: os.link(node.path("f"), node.path("l")), lambda: os.chmod(node.path("f"), 0o600),
                    lambda: os.setxattr(node.path("f"), "user.a", b""), lambda: os.symlink("x", node.path("s"))):
            fails(errno.EROFS, act)
        assert node.path("f").read_text() == "x" and os.listdir(node.mount) == ["f"]


def test_a_node_is_killed_under_its_programs(cluster, at):
    """They get errors, the mount is replaced, and acknowledged writes are there."""
    program = ("import os\nprint('ready', flush=True)\ni = 0\n"
               "try:\n"
               "    while True:\n"
               "        with open(f'f{i}', 'x') as f: f.write(str(i))\n"
               "        i += 1\n"
               "except OSError as e:\n    print(i, e.errno)")
    node = cluster.nodes[1]
    running = start(program, cwd=at[1])
    inside = os.open(at[1], os.O_RDONLY | os.O_DIRECTORY)
    wait_for((at[0] / "f30").exists, "thirty files are there")
    node.kill()
    made, number = map(int, running.communicate(timeout=10)[0].split())
    assert number in (errno.ENOTCONN, errno.ECONNABORTED)
    fails(errno.ENOTCONN, os.listdir, inside)
    fails(errno.ENOTCONN, os.stat, at[1])
    for i in range(made):
        assert (at[0] / f"f{i}").read_text() == str(i)
    node.start()
    assert sh("cat f0", at[1]) == "0" and len(os.listdir(at[1])) in (made, made + 1)
    fails(errno.ENOTCONN, os.listdir, inside)  # files that were open then still give errors
    close(inside)


def test_no_program_keeps_a_node_from_stopping(cluster, at):
    node = cluster.nodes[2]
    writer = start(WRITER, "f", cwd=at[2])
    node.stop()
    assert writer.wait(10) == 1
    node.start()
    text = (at[2] / "f").read_bytes()
    assert len(text) % 5000 == 0 and text == (at[0] / "f").read_bytes()
