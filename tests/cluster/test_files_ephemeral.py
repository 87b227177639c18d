"""Keys that go away with a process: files below .quorumfs/ephemeral, held by real programs at three nodes."""

import contextlib
import errno
import os
import re
import signal
import stat
import subprocess
import threading
import time

import pytest

from cluster import REPOSITORY, Cluster, wait_for
from files import User, fails, needs_root

SESSION_SECONDS = 2
CONFIG = {"session_time": f"{SESSION_SECONDS}s", "allow_other": True}
MAKE = os.O_WRONLY | os.O_CREAT | os.O_TRUNC  # as a shell's `>`


def door(node, key=""):
    return node.mount / ".quorumfs" / "ephemeral" / key


@pytest.fixture
def folder(cluster, request):
    """The name of a new directory."""
    name = request.node.name.replace("/", "_").replace("[", "_").replace("]", "")
    cluster.nodes[0].path(name).mkdir()
    return name


class Shell:
    """A bash that does one line after the other."""

    def __init__(self, node, **options):
        self.process = subprocess.Popen(["bash", "--norc"], cwd=node.mount, stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, bufsize=1, **options)

    def does(self, line):
        """Returns what the line prints, and its status at the end."""
        self.process.stdin.write(f"{line}\necho \" status $?\"\n")
        output = ""
        while " status " not in output:
            read = self.process.stdout.readline()
            assert read, output
            output += read
        return output.replace("\n status", " status").strip()

    def kill(self):
        self.process.kill()
        self.end()

    def end(self):
        with contextlib.suppress(OSError):
            self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.kill()


def exists(node, key):
    return node.value(key) is not None


def wait_gone(cluster, key, seconds=5):
    for node in cluster.nodes:
        if node.running and not node.paused:
            wait_for(lambda: not exists(node, key), f"{key} is gone at {node}", seconds)


def test_a_file_is_there_as_long_as_it_is_open(cluster, folder):
    one, two, three = cluster.nodes
    key = f"{folder}/leader"
    with Shell(one) as shell:
        assert shell.does(f"exec 9> .quorumfs/ephemeral/{key}; echo one >&9") == "status 0"
        for node in cluster.nodes:
            assert node.value(key) == b"one\n"
            assert node.path(key).read_text() == door(node, key).read_text() == "one\n"
            assert os.listdir(door(node, folder)) == os.listdir(node.path(folder)) == ["leader"]
            fails(errno.EBUSY, os.open, door(node, key), MAKE)
        assert shell.does("exec 9>&-") == "status 0"
        wait_gone(cluster, key)
    descriptor = os.open(door(two, key), MAKE)
    assert exists(three, key)
    os.close(descriptor)
    wait_gone(cluster, key)


def test_an_ordinary_key_is_in_the_way(cluster, folder):
    one, two, _ = cluster.nodes
    key = f"{folder}/key"
    one.put(key, "ordinary")
    for flags in (MAKE, os.O_WRONLY, os.O_RDWR, MAKE | os.O_EXCL):
        fails(errno.EEXIST, os.open, door(two, key), flags)
    assert door(two, key).read_text() == "ordinary"
    fails(errno.ENOENT, os.open, door(two, f"{folder}/missing"), os.O_WRONLY)
    fails(errno.ENOENT, os.open, door(two, f"{folder}/missing/key"), MAKE)
    fails(errno.EISDIR, os.open, door(two, folder), MAKE)


@pytest.mark.parametrize("end", ["exit", "kill", "exec"])
def test_the_last_descriptor_decides(cluster, folder, end):
    """fork, dup and exec inherit it."""
    one, two, _ = cluster.nodes
    key = f"{folder}/held"
    with Shell(one) as shell:
        shell.does(f"exec 9> .quorumfs/ephemeral/{key} 8>&9; exec 9>&-")
        pid = int(shell.does("sleep 100 & echo $!").split()[0])
        assert shell.does("exec 8>&-") == "status 0"
        assert exists(two, key)
        if end == "exec":
            os.kill(pid, signal.SIGKILL)
            shell.does(f"exec 9> .quorumfs/ephemeral/{key}2")
            shell.process.stdin.write("exec sleep 100\n")
            wait_for(lambda: "sleep" in open(f"/proc/{shell.process.pid}/comm").read(), "bash has become sleep")
            assert exists(two, key + "2")
        else:
            os.kill(pid, signal.SIGKILL if end == "kill" else signal.SIGTERM)
        wait_gone(cluster, key)
    wait_gone(cluster, key + "2")


def test_one_of_all_nodes_has_it(cluster, folder):
    """Every one that got it is alone with it, until it lets it go."""
    key = f"{folder}/leader"
    had, having, failures = [], [], []

    def contend(node, number):
        deadline = time.monotonic() + 60
        rounds = 0
        while rounds < 5 and time.monotonic() < deadline:
            try:
                descriptor = os.open(door(node, key), MAKE, 0o644)
            except OSError as error:
                if error.errno != errno.EBUSY:
                    failures.append(error)
                    return
                time.sleep(0.005)
                continue
            having.append(number)
            os.write(descriptor, b"%d" % number)
            if having != [number] or node.path(key).read_bytes() != b"%d" % number:
                failures.append(list(having))
            having.remove(number)
            had.append(number)
            os.close(descriptor)
            rounds += 1

    threads = [threading.Thread(target=contend, args=(cluster.nodes[i % 3], i)) for i in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert sorted(had) == sorted(list(range(6)) * 5)
    wait_gone(cluster, key)


def test_a_thousand_files_of_one_process(cluster, folder):
    one, two, _ = cluster.nodes
    lines = ["import os, sys, time", f"os.chdir({str(door(one, folder))!r})",
             "a = [os.open(str(i), os.O_WRONLY | os.O_CREAT) for i in range(1000)]", "print('made', flush=True)",
             "time.sleep(1000)"]
    with subprocess.Popen(["python3", "-c", "\n".join(lines)], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "made\n"
        assert len(os.listdir(two.path(folder))) == 1000
        process.kill()
    wait_for(lambda: os.listdir(two.path(folder)) == [], "all are gone", 30)


def test_rename_and_removal(cluster, folder):
    """A rename keeps it bound; whatever removes its name ends it, and its descriptor is of no use then."""
    one, two, _ = cluster.nodes
    first = os.open(door(one, f"{folder}/a"), MAKE, 0o644)
    two.path(f"{folder}/a").rename(two.path(f"{folder}/b"))
    os.write(first, b"still")
    assert two.value(f"{folder}/b") == b"still"
    fails(errno.EMLINK, os.link, two.path(f"{folder}/b"), two.path(f"{folder}/c"))
    two.path(f"{folder}/b").write_text("by another")
    assert one.value(f"{folder}/b") == b"by another"
    os.close(first)
    wait_gone(cluster, f"{folder}/b")
    for remove in (lambda key: two.delete(key), lambda key: one.path(key).unlink(), lambda key: door(two, key).unlink()):
        key = f"{folder}/removed"
        first = os.open(door(one, key), MAKE, 0o644)
        os.write(first, b"first")
        remove(key)
        second = os.open(door(two, key), MAKE, 0o644)
        os.write(second, b"second")
        fails(errno.EIO, os.write, first, b"late")
        os.close(first)
        assert one.value(key) == b"second"
        time.sleep(0.3)
        assert one.value(key) == b"second"  # what the first one gave up was its own
        os.close(second)
        wait_gone(cluster, key)


def test_what_may_be_done_there(cluster, folder):
    one, two, _ = cluster.nodes
    os.mkdir(door(one, f"{folder}/workers"))
    descriptor = os.open(door(one, f"{folder}/workers/a"), os.O_RDWR | os.O_CREAT, 0o640)
    os.write(descriptor, b"12345")
    os.ftruncate(descriptor, 3)
    os.fchmod(descriptor, 0o600)
    os.setxattr(descriptor, "user.x", b"1")
    assert os.pread(descriptor, 10, 0) == b"123"
    path = two.path(f"{folder}/workers/a")
    assert path.read_bytes() == b"123" and os.getxattr(path, "user.x") == b"1"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    there = door(two, f"{folder}/workers/a")
    fails(errno.EROFS, os.chmod, there, 0o644)
    fails(errno.EROFS, os.truncate, there, 1)
    fails(errno.EROFS, os.rename, there, door(two, f"{folder}/b"))
    fails(errno.EROFS, os.link, there, door(two, f"{folder}/b"))
    fails(errno.EROFS, os.link, there, two.path(f"{folder}/b"))
    fails(errno.EROFS, os.symlink, "a", door(two, f"{folder}/b"))
    fails(errno.EROFS, os.mkfifo, door(two, f"{folder}/b"))
    fails(errno.ENOTEMPTY, os.rmdir, door(two, f"{folder}/workers"))
    os.close(descriptor)
    wait_gone(cluster, f"{folder}/workers/a")
    os.rmdir(door(two, f"{folder}/workers"))
    assert os.listdir(one.path(folder)) == []


def test_implied_directories_go_with_the_last_key(cluster, folder):
    one, two, _ = cluster.nodes
    one.put(f"{folder}/service/key", "1")
    descriptor = os.open(door(two, f"{folder}/service/a"), MAKE)
    one.delete(f"{folder}/service/key")
    assert os.listdir(one.path(folder)) == ["service"]
    os.close(descriptor)
    wait_for(lambda: os.listdir(one.path(folder)) == [], "the directory is gone")


@needs_root
def test_other_users(cluster, folder):
    one, two, _ = cluster.nodes
    os.chmod(one.path(folder), 0o755)
    user = User(1234)
    make = "os.close(os.open('user', os.O_WRONLY | os.O_CREAT, 0o600))"
    here = door(one, folder)
    assert user.tries(make, here) == "EACCES"
    os.chmod(one.path(folder), 0o777)
    assert user.tries(make, here) is None
    wait_gone(cluster, f"{folder}/user")
    descriptor = os.open(door(two, f"{folder}/user"), MAKE, 0o600)
    assert user.tries(make, here) == "EBUSY"
    assert user.tries("open('user').read()", here) == "EACCES"
    os.close(descriptor)


def test_a_node_that_is_killed(cluster, folder):
    one, two, three = cluster.nodes
    key = f"{folder}/leader"
    with Shell(three) as shell:
        assert shell.does(f"exec 9> .quorumfs/ephemeral/{key}") == "status 0"
        three.kill()
        began = time.monotonic()
        assert exists(two, key)
        wait_gone(cluster, key, SESSION_SECONDS + 1)
        # The leader counts from when it last heard the node, or from its election.
        assert time.monotonic() - began > SESSION_SECONDS / 2
    three.start()
    assert not exists(three, key)


def test_a_node_that_starts_again_at_once(cluster, folder):
    _, two, three = cluster.nodes
    key = f"{folder}/leader"
    with Shell(three) as shell:
        assert shell.does(f"exec 9> .quorumfs/ephemeral/{key}") == "status 0"
        three.kill()
        three.start()
        wait_gone(cluster, key, 1)
        assert "status 1" in shell.does("echo late >&9")
    descriptor = os.open(door(two, key), MAKE)
    assert exists(three, key)
    os.close(descriptor)


def test_a_node_that_stops_cleanly(cluster, folder):
    _, two, three = cluster.nodes
    key = f"{folder}/leader"
    with Shell(three) as shell:
        assert shell.does(f"exec 9> .quorumfs/ephemeral/{key}") == "status 0"
        shell.process.stdin.write("cd /\n")
        three.stop()
        assert not exists(two, key)  # the others need not wait for its session to run out
    three.start()


def test_a_node_that_sleeps_through_its_session(cluster, folder):
    """Its key is gone at the others within session_time and a second; what it writes afterwards has no effect, and
    neither do other changes by a program that has the descriptor."""
    follower = next(node for node in cluster.nodes if node is not cluster.leader())
    others = [node for node in cluster.nodes if node is not follower]
    key = f"{folder}/leader"
    others[0].put(f"{folder}/data", "before")
    with Shell(follower) as shell, Shell(follower) as bystander:
        assert shell.does(f"exec 9> .quorumfs/ephemeral/{key}; echo first >&9") == "status 0"
        follower.pause()
        began = time.monotonic()
        wait_gone(cluster, key, SESSION_SECONDS + 1)
        assert time.monotonic() - began >= SESSION_SECONDS * 7 / 8
        successor = os.open(door(others[0], key), MAKE)
        os.write(successor, b"second")
        time.sleep(2 * SESSION_SECONDS)
        follower.resume()
        assert shell.does("echo late >&9").endswith("Input/output error status 1")
        assert shell.does(f"echo late > {folder}/data").endswith("Input/output error status 1")
        assert bystander.does(f"echo x > {folder}/other") == "status 0"
        assert shell.does("exec 9>&-").endswith("status 0")
        assert shell.does(f"echo after > {folder}/other") == "status 0"
        for node in cluster.nodes:
            assert node.value(key) == b"second" and node.value(f"{folder}/data") == b"before"
        os.close(successor)
        wait_gone(cluster, key)
        assert shell.does(f"exec 9> .quorumfs/ephemeral/{key}; echo again >&9") == "status 0"
        assert exists(others[0], key)


def test_a_short_silence_changes_nothing(cluster, folder):
    follower = next(node for node in cluster.nodes if node is not cluster.leader())
    key = f"{folder}/leader"
    with Shell(follower) as shell:
        assert shell.does(f"exec 9> .quorumfs/ephemeral/{key}; echo first >&9") == "status 0"
        for _ in range(4):
            follower.pause()
            time.sleep(SESSION_SECONDS / 2)
            follower.resume()
            wait_for(lambda: follower.value(key), "it is heard again")
        assert shell.does("echo second >&9") == "status 0"
        assert follower.value(key) == b"first\nsecond\n"


def test_without_a_quorum(cluster, folder):
    """Making one is refused with the reason. A close is answered at once, and its file goes when there is a quorum."""
    one, two, three = cluster.nodes
    key = f"{folder}/leader"
    descriptor = os.open(door(one, key), MAKE)
    two.kill()
    three.kill()
    wait_for(lambda: one.put("x", "y").status == 503, "there is no quorum", 30)
    fails(errno.EROFS, os.open, door(one, f"{folder}-other"), MAKE)
    assert "quorum" in one.why()
    began = time.monotonic()
    os.close(descriptor)
    assert time.monotonic() - began < 1
    two.start(wait=False)
    three.start(wait=False)
    two.wait_ready()
    three.wait_ready()
    wait_gone(cluster, key, 10)
    assert not exists(one, f"{folder}-other")


def test_leaders_that_are_killed(cluster, folder):
    """Files are held and given up while leaders go. At the end only what is still open is there."""
    for number in range(3):
        victim = cluster.leader()
        alive = [node for node in cluster.nodes if node is not victim]
        held = [os.open(door(alive[0], f"{folder}/{number}-{i}"), MAKE) for i in range(10)]
        victim.kill()
        for descriptor in held[:5]:
            os.close(descriptor)
        for i in range(10, 15):  # made while there is no leader, or just afterwards
            held.append(os.open(door(alive[1], f"{folder}/{number}-{i}"), MAKE))
        victim.start()
        for i in range(5):
            wait_gone(cluster, f"{folder}/{number}-{i}", 10)
        assert len(os.listdir(victim.path(folder))) == 10
        for descriptor in held[5:]:
            os.close(descriptor)
        wait_for(lambda: os.listdir(victim.path(folder)) == [], "all are gone")


def recipe(name):
    """A script of README.md, by its first line."""
    blocks = re.findall(r"```bash\n(.*?)```", (REPOSITORY / "README.md").read_text(), re.DOTALL)
    found = [block for block in blocks if block.startswith(f"# recipe: {name}\n")]
    assert len(found) == 1
    return found[0]


@contextlib.contextmanager
def running(cluster, tmp_path, name, command):
    """The recipe, once at each node; what it runs in the end sleeps. Gives the processes by their names."""
    program = tmp_path / command
    program.write_text("#!/bin/sh\nexec sleep 1000\n")
    program.chmod(0o755)
    path = f"{tmp_path}:{os.environ['PATH']}"
    started = {}
    for number, node in enumerate(cluster.nodes, 1):
        variables = {**os.environ, "PATH": path, "NAME": f"host{number}", "ADDRESS": f"10.0.0.{number}:80"}
        started[f"host{number}"] = subprocess.Popen(["bash", "-c", recipe(name)], cwd=node.folder, env=variables,
                                                    start_new_session=True)
    try:
        yield started
    finally:
        for process in started.values():
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def test_recipe_of_a_leader(cluster, tmp_path):
    with running(cluster, tmp_path, "leader", "lead") as processes:
        while processes:
            leader = wait_for(lambda: (cluster.nodes[0].value("leader") or b"").decode().strip(), "one leads")
            assert cluster.nodes[1].path("leader").read_text().strip() == leader
            os.killpg(processes[leader].pid, signal.SIGKILL)
            processes.pop(leader).wait()
            wait_for(lambda: cluster.nodes[0].value("leader") != f"{leader}\n".encode(), "it leads no longer")
    wait_gone(cluster, "leader")


def test_recipe_of_a_service(cluster, tmp_path):
    one = cluster.nodes[0]
    with running(cluster, tmp_path, "service", "serve") as processes:
        def registered():
            return [(entry["key"], entry["value"]) for entry in one.request("GET", "/keys?prefix=workers/").multiple]
        everyone = [(f"workers/host{i}", f"10.0.0.{i}:80\n") for i in (1, 2, 3)]
        wait_for(lambda: registered() == everyone, "all are registered")
        processes["host2"].kill()
        wait_for(lambda: registered() == [everyone[0], everyone[2]], "one is not any more")
        assert sorted(os.listdir(one.path("workers"))) == ["host1", "host3"]
    wait_for(lambda: os.listdir(one.path("workers")) == [], "none is any more")


def test_with_commit_close():
    """What is written is decided at once, since at the close there is nothing left to write to."""
    with Cluster(commit="close") as cluster:
        one, two, _ = cluster.nodes
        with Shell(one) as shell:
            shell.does("exec 9> .quorumfs/ephemeral/leader; echo host:80 >&9")
            assert two.value("leader") == b"host:80\n"
            shell.does("exec 9>&-")
            wait_gone(cluster, "leader")


def test_a_mount_that_is_taken_away():
    """umount -l: the file is there as long as it is open."""
    with Cluster() as cluster:
        one, two, _ = cluster.nodes
        descriptor = os.open(door(one, "leader"), MAKE)
        subprocess.run(["umount", "-l", one.mount], check=True)
        time.sleep(1)
        ended = not one.running
        if not ended:
            assert exists(two, "leader")
        os.close(descriptor)
        wait_gone(cluster, "leader")
        if ended:
            one.start()
