"""open(O_TRUNC), a shell's `>`: what it has answered is decided, at every node, whoever asks and whatever follows.

Between a `>` and its first bytes a reader waits for a moment (REPLICA_EMPTIED_MS), so that it need not see the
file empty."""

import os
import subprocess
import sys
import threading
import time

import pytest

from cluster import Cluster, wait_for
from files import needs_root, sh

MOMENT = 0.05  # REPLICA_EMPTIED_MS, in seconds
LOOKS = 20  # more looks than that show something, and as many writes; a busy machine takes long for them


@pytest.fixture(scope="module", params=["write", "close"])
def cluster(request):
    with Cluster(commit=request.param) as started:
        yield started



# By a shell, which finds the folder in $A, $B and $C: one on this machine's own file system, or the same one at
# three nodes. `log` exists and has contents.
LINES = [
    "cd $A; (echo out; echo error >&2) >log 2>>log",
    "cd $A; (echo error >&2; echo out) >log 2>>log",
    "cd $A; (echo error >&2) >log 2>>log",
    "cd $A; sh -c 'echo error >&2; sleep 0.05' >log 2>>log",
    "cd $A; sh -c 'sleep 0.05; echo error >&2' >log 2>>log",
    "cd $A; sleep 0.1 >log & sleep 0.05; echo x >>$A/log; wait",
    "cd $A; sleep 0.1 >log & sleep 0.05; echo x >>$B/log; wait",
    "cd $A; sleep 0.1 >log & sleep 0.05; echo x >$B/log; wait",
    "cd $A; exec 3>log; echo x >>$B/log; exec 3>&-",
    "cd $A; exec 3>log; echo x >$B/log; exec 3>&-",
    "cd $A; exec 3>log; echo one >>$B/log; echo two >>$C/log; exec 3>&-; echo three >>$A/log",
    "cd $A; exec 3>log 4>>$B/log; echo x >&4; exec 3>&-; exec 4>&-",
    "cd $A; exec 3>log 4>>$B/log; echo x >&4; exec 4>&-; exec 3>&-",
    "cd $A; exec 3>log 4>$B/log; echo x >&4; exec 3>&-",
    "cd $A; exec 3>log; echo first >&3; echo x >>$B/log; exec 3>&-",
    "cd $A; exec 3>log; echo x >>$B/log; echo y >&3; exec 3>&-",
    "cd $A; exec 3>log; dd if=/dev/zero of=$B/log bs=10 count=2 oflag=append conv=notrunc,fsync status=none; exec 3>&-",
    "cd $A; exec 3>log; mv $B/log $B/other; echo x >$C/log; exec 3>&-",
    "cd $A; exec 3>log; rm $B/log; echo x >>$C/log; exec 3>&-",
    "cd $A; exec 3>log; truncate -s 3 $B/log; exec 3>&-",
    "cd $A; : >log; echo x >>$B/log",
    "cd $A; : >log & : >$B/log & wait; echo x >>$C/log",
    "cd $A; for i in 1 2 3 4 5; do echo $i >log 2>>log; done",
    "cd $A; for i in 1 2 3 4 5; do echo $i >log; echo $i >>$B/log; done",
    "cd $A; printf 'all:\\n\\t@echo out; echo error >&2\\n' >Makefile; make -s >log 2>>log",
    "cd $A; exec 3>log; (exec 3>&-; echo x >>$B/log); exec 3>&-",
    "cd $A; exec 3>log; cat $B/log; echo x >>$B/log; cat log; exec 3>&-",
    "cd $A; exec 3<>log; echo x >$B/log; cat <&3; exec 3>&-",
]


# With commit=close, bytes that are gathered at one node are written when the file is closed there, over those of
# another node at the same place.
OVERWRITTEN_AT_CLOSE = ["cd $A; exec 3>log; echo first >&3; echo x >>$B/log; exec 3>&-"]


def run(line, folders):
    """What the line prints and leaves behind."""
    (folders[0] / "log").write_text("what was there before\n")
    environment = {**os.environ, **{name: str(folder) for name, folder in zip("ABC", folders)}}
    done = subprocess.run(["sh", "-c", line], env=environment, capture_output=True, text=True, timeout=60, check=False)
    return (done.stdout, done.stderr, done.returncode,
            [{path.name: path.read_text() for path in sorted(folder.iterdir())} for folder in folders])


@pytest.mark.parametrize("line", LINES, ids=range(len(LINES)))
def test_the_same_as_on_another_file_system(cluster, at, tmp_path, line):
    own = tmp_path / "own"
    own.mkdir()
    expected = run(line, [own] * 3)
    (at[0] / "one").mkdir()
    (at[0] / "all").mkdir()
    assert run(line, [at[1] / "one"] * 3) == expected, "at one node"
    if cluster.nodes[0].config["commit"] == "write" or line not in OVERWRITTEN_AT_CLOSE:
        assert run(line, [folder / "all" for folder in at]) == expected, "across nodes"


def test_others_see_the_empty_file_at_once(cluster, at):
    """Also through a file that was open before, and at every door."""
    (at[0] / "f").write_text("old")
    before = [os.open(folder / "f", os.O_RDONLY) for folder in at]
    opened = os.open(at[1] / "f", os.O_WRONLY | os.O_TRUNC)
    key = str((at[0] / "f").relative_to(cluster.nodes[0].mount))
    for folder, reader, node in zip(at, before, cluster.nodes):
        assert os.pread(reader, 10, 0) == b"" and os.fstat(reader).st_size == 0
        assert (folder / "f").read_text() == "" and (folder / "f").stat().st_size == 0
        assert node.get(key).single["value"] == ""
    os.close(opened)
    assert [(folder / "f").read_text() for folder in at] == [""] * 3
    for reader in before:
        os.close(reader)


@pytest.mark.parametrize("door", ["append", "replace", "PUT", "POST"])
@pytest.mark.parametrize("end", [os.close, os.fsync])
def test_what_others_write_meanwhile_stays(cluster, at, door, end):
    (at[0] / "f").write_text("old")
    node = cluster.nodes[1]
    key = str((at[0] / "f").relative_to(cluster.nodes[0].mount))
    opened = os.open(at[0] / "f", os.O_WRONLY | os.O_TRUNC)
    if door in ("append", "replace"):
        with open(at[1] / "f", "a" if door == "append" else "w") as file:
            file.write("acknowledged")
            file.flush()
            os.fsync(file.fileno())
    elif door == "PUT":
        assert node.put(key, "acknowledged").status == 200
    else:
        assert node.request("POST", "/key", {"key": key, "value": "acknowledged"}).status == 200
    end(opened)
    for folder in at:
        assert (folder / "f").read_text() == "acknowledged"
    if end is not os.close:
        os.close(opened)
    assert node.get(key).single["value"] == "acknowledged"


def test_every_thread_sees_it(at):
    """As programs do that open a file on one thread and look at it on others."""
    for number in range(15):
        path = at[number % 3] / "f"
        path.write_text("old")
        opened, seen = os.open(path, os.O_RDWR | os.O_TRUNC), []

        def look():
            seen.append((os.fstat(opened).st_size, os.stat(path).st_size, os.pread(opened, 10, 0)))

        thread = threading.Thread(target=look)
        thread.start()
        thread.join()
        os.close(opened)
        assert seen == [(0, 0, b"")]


def test_the_times_of_an_empty_file_move(at):
    (at[0] / "f").write_text("")
    for node in (0, 1):
        before = (at[2] / "f").stat()
        sh(": > f", at[node])
        after = (at[2] / "f").stat()
        assert after.st_mtime_ns > before.st_mtime_ns and after.st_ctime_ns > before.st_ctime_ns


# ---- Never seen half done ----


class Writer:
    """Replaces a file again and again, as a shell does, until its input ends, and measures how long that takes."""

    PROGRAM = f"""
import os, select, time
slowest, number = 0, 0
while number <= {LOOKS} or not select.select([0], [], [], 0)[0]:
    began = time.monotonic()
    f = os.open("f", os.O_WRONLY | os.O_TRUNC)
    out = os.dup(f)
    os.close(f)
    os.fstat(out)
    os.write(out, b"text")
    os.close(out)
    slowest = max(slowest, time.monotonic() - began)
    number += 1
    if number == 1:
        print("begun", flush=True)
print(number, slowest)
"""

    def __init__(self, folder):
        (folder / "f").write_text("text")
        self.running = subprocess.Popen([sys.executable, "-c", self.PROGRAM], cwd=folder, stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True)
        assert self.running.stdout.readline() == "begun\n"

    def result(self):
        """Ends it. How often it has written, and the time of the slowest one."""
        number, slowest = self.running.communicate(timeout=60)[0].split()
        assert self.running.returncode == 0
        return int(number), float(slowest)


def check_never_empty(writer, looks, empty):
    """A writer that takes longer than a moment is seen half done, and nobody else."""
    number, slowest = writer.result()
    print(f"{number} times written, {slowest * 1000:.1f} ms at most; {looks} looks, {empty} at an empty file")
    assert number > LOOKS and looks > LOOKS
    assert empty == 0 or slowest > MOMENT, empty


def test_a_replaced_file_is_never_seen_empty_at_any_node_and_door(cluster, at):
    writer, looks, empty = Writer(at[0]), 0, 0
    end = time.monotonic() + 2
    key = str((at[0] / "f").relative_to(cluster.nodes[0].mount))
    before = [os.open(folder / "f", os.O_RDONLY) for folder in at]
    while looks <= LOOKS or time.monotonic() < end:
        for folder, node, reader in zip(at, cluster.nodes, before):
            seen = [(folder / "f").read_bytes(), os.pread(reader, 100, 0), b"x" * (folder / "f").stat().st_size,
                    node.get(key).single["value"].encode(),
                    node.request("GET", "/keys", [key]).json["Multiple"][0]["value"].encode()]
            looks += len(seen)
            empty += seen.count(b"")
    for reader in before:
        os.close(reader)
    check_never_empty(writer, looks, empty)


READER = f"""
looks=0 empty=0
end=$(($(date +%s%N) + 1000000000))
while [ $looks -le {LOOKS} ] || [ $(date +%s%N) -lt $end ]; do
    [ -n "$(cat "$1/f")" ] || empty=$((empty + 1)); looks=$((looks + 1))
    [ -s "$1/f" ] || empty=$((empty + 1)); looks=$((looks + 1))
done
echo $looks $empty
"""


@needs_root
@pytest.mark.parametrize("where", ["as it is", "bind mount", "PID namespace", "another user"])
def test_a_replaced_file_is_never_seen_empty_from_another_place(at, tmp_path, where):
    """At the node of the writer, where nothing must depend on what this node sees of the reader."""
    other = tmp_path / "other"
    other.mkdir()
    reader = ["sh", "-c", READER, "sh", str(at[0])]
    if where == "bind mount":
        reader = ["unshare", "--mount", "sh", "-c", 'mount --bind "$1" "$2" && set -- "$2" && ' + READER.lstrip(), "sh",
                  str(at[0]), str(other)]
    elif where == "PID namespace":
        reader = ["unshare", "--mount", "--pid", "--fork", "--mount-proc", *reader]
    writer = Writer(at[0])
    done = subprocess.run(reader, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    check_never_empty(writer, *map(int, done.stdout.split()))


def test_a_reader_waits_for_a_moment_only(cluster, at):
    """And whoever has emptied the file does not wait for itself."""
    (at[0] / "f").write_text("old")
    took = []
    for number in range(20):
        (at[1] / "f").write_text("old")
        opened = os.open(at[0] / "f", os.O_RDWR | os.O_TRUNC)
        began = time.monotonic()
        assert os.fstat(opened).st_size == 0 and os.read(opened, 1) == b""
        took.append(time.monotonic() - began)
        os.close(opened)
    assert sorted(took)[len(took) // 2] < MOMENT, took
    opened = os.open(at[0] / "f", os.O_WRONLY | os.O_TRUNC)
    time.sleep(2 * MOMENT)
    took = []
    for number in range(20):
        began = time.monotonic()
        assert (at[1] / "f").read_text() == ""
        took.append(time.monotonic() - began)
    os.close(opened)
    assert sorted(took)[len(took) // 2] < MOMENT, took
    (at[1] / "f").write_text("old")
    began = time.monotonic()
    sh(": > f; : < f; test ! -s f", at[0])
    print(f"{(time.monotonic() - began) * 1000:.1f} ms for a shell that looks at what it has emptied")


def test_reads_of_a_file_that_is_emptied_again_and_again(at):
    """Each of them ends, empty or not."""
    (at[0] / "f").write_text("old")
    line = "i=0; while [ $i -lt 200 ]; do : > f; echo x >> f; i=$((i+1)); done"
    emptying = subprocess.Popen(["sh", "-c", line], cwd=at[0])
    slowest = 0
    while emptying.poll() is None:
        for folder in at:
            began = time.monotonic()
            assert (folder / "f").read_text() in ("", "x\n", "old")
            slowest = max(slowest, time.monotonic() - began)
    assert emptying.returncode == 0
    assert slowest < 5, slowest
    assert (at[1] / "f").read_text() == "x\n"


def test_a_killed_writer_leaves_the_file_empty(cluster, at):
    (at[0] / "f").write_text("old")
    program = "import os, time; os.open('f', os.O_WRONLY | os.O_TRUNC); print('ready', flush=True); time.sleep(60)"
    running = subprocess.Popen([sys.executable, "-c", program], cwd=at[0], stdout=subprocess.PIPE)
    assert running.stdout.readline() == b"ready\n"
    running.kill()
    running.wait(10)
    for folder in at:
        assert (folder / "f").read_text() == ""


@pytest.mark.parametrize("end", ["kill", "stop"])
def test_a_node_ends_after_it_has_emptied_a_file(cluster, at, end):
    (at[0] / "f").write_text("old")
    node = cluster.nodes[2]
    opened = os.open(at[2] / "f", os.O_WRONLY | os.O_TRUNC)
    getattr(node, end)()
    for folder in at[:2]:
        assert (folder / "f").read_text() == ""
    with open(at[1] / "f", "a") as file:
        file.write("appended")
    try:
        os.close(opened)
    except OSError:
        pass
    node.start()
    wait_for(lambda: (at[2] / "f").read_text() == "appended", "the node has caught up")
