"""commit=close: the writes of an open file are gathered and become one entry of the log at fsync or close."""

import errno
import os
import random
import threading
import time

import pytest

from cluster import tree_of, wait_for
from files import FALLOC_KEEP_SIZE, FALLOC_PUNCH_HOLE, fails, fallocate, needs_root, python, sh

MOMENT = 0.05  # REPLICA_EMPTIED_MS, in seconds
CONFIG = {"commit": "close", "request_timeout": "3s", "allow_other": True}


@pytest.fixture
def entries(cluster):
    """How many entries the log has."""
    cluster.wait_begun()
    return lambda: max(node.status()["log"]["decided"] for node in cluster.nodes)  # some are told later


def opened(path, flags=0):
    return os.open(path, os.O_RDWR | os.O_CREAT | flags, 0o644)


def test_many_writes_are_one_entry(at, entries):
    file = opened(at[0] / "f")
    before = entries()
    for number in range(1000):
        os.write(file, b"line %d\n" % number)
    assert entries() == before and (at[1] / "f").stat().st_size == 0
    os.close(file)
    assert entries() == before + 1
    assert (at[1] / "f").read_bytes() == b"".join(b"line %d\n" % number for number in range(1000))


@pytest.mark.parametrize("settle", [os.fsync, os.fdatasync])
def test_fsync_decides(at, entries, settle):
    file = opened(at[0] / "f")
    before = entries()
    os.write(file, b"one")
    os.write(file, b"two")
    settle(file)
    assert entries() == before + 1 and (at[2] / "f").read_bytes() == b"onetwo"
    settle(file)
    assert entries() == before + 1, "nothing is pending"
    os.close(file)


def test_a_rewritten_file_is_empty_or_whole_at_other_nodes(at):
    """And a quick writer's, which is closed within a moment, only whole."""
    pieces, slowest = 50, 0
    path, stop, seen = at[0] / "f", threading.Event(), set()
    path.write_bytes(b"0" * pieces * 100)

    def watch(mount):
        while not stop.is_set():
            seen.add((mount / "f").read_bytes())

    watchers = [threading.Thread(target=watch, args=(mount,)) for mount in at[1:]]
    for watcher in watchers:
        watcher.start()
    for number in range(1, 30):
        began = time.monotonic()
        with open(path, "wb", buffering=0) as file:
            for _ in range(pieces):
                file.write(b"%d" % (number % 10) * 100)
        slowest = max(slowest, time.monotonic() - began)
    stop.set()
    for watcher in watchers:
        watcher.join()
    print(f"{slowest * 1000:.1f} ms at most")
    assert seen <= {b"", *(b"%d" % number * 100 * pieces for number in range(10))}
    assert b"" not in seen or slowest > MOMENT


def test_whoever_looks_at_the_same_node_sees_what_was_written(at, entries):
    """Also another thread, another program, another open file: it is decided first, and nobody is guessed to be
    the writer."""
    for look in (lambda: os.fstat(file).st_size, lambda: os.stat(at[0] / "f").st_size,
                 lambda: len((at[0] / "f").read_bytes()), lambda: int(sh("stat -c %s f", at[0])),
                 lambda: len(sh("cat f", at[0])), lambda: len(os.pread(other, 100, 0)),
                 lambda: os.lseek(other, 0, os.SEEK_END)):
        file, other, seen = opened(at[0] / "f", os.O_TRUNC), opened(at[0] / "f"), []
        os.write(file, b"gathered")
        before = entries()
        thread = threading.Thread(target=lambda: seen.append(look()))
        thread.start()
        thread.join()
        assert seen == [8] and entries() == before + 1
        assert (at[1] / "f").read_bytes() == b"gathered"
        os.close(file)
        assert entries() == before + 1
        os.close(other)


def test_writes_of_several_open_files_keep_their_order(at, entries):
    """Whichever of them is closed first."""
    for first in (0, 1):
        files = [opened(at[0] / "f", os.O_TRUNC), opened(at[0] / "f", os.O_APPEND)]
        before = entries()
        os.write(files[0], b"out ")
        os.write(files[1], b"error ")
        os.pwrite(files[0], b"OUT", 0)
        os.close(files[first])
        assert entries() == before + 1
        os.close(files[1 - first])
        assert entries() == before + 1 and (at[1] / "f").read_bytes() == b"OUT error "
    (at[0] / "f").write_bytes(b"longer than what follows")
    file = opened(at[0] / "f")
    os.pwrite(file, b"lost", 100)
    os.close(os.open(at[0] / "f", os.O_WRONLY | os.O_TRUNC))  # comes after it
    os.close(file)
    assert (at[2] / "f").read_bytes() == b""
    file = opened(at[0] / "f")
    os.pwrite(file, b"12345", 0)
    os.truncate(at[0] / "f", 2)
    os.close(file)
    assert (at[2] / "f").read_bytes() == b"12"


def test_the_writer_hears_of_writes_that_were_lost_when_another_looked(cluster, at):
    written, appended, reader = opened(at[0] / "f"), opened(at[0] / "f", os.O_APPEND), opened(at[0] / "f")
    os.write(written, b"lost")
    os.write(appended, b"lost")
    for node in cluster.nodes[1:]:
        node.stop()
    wait_for(cluster.nodes[0].why, "the quorum is gone")
    fails(errno.EIO, os.pread, reader, 1, 0)
    fails(errno.EROFS, os.fsync, written)
    os.fsync(written)
    fails(errno.EROFS, os.close, appended)
    os.close(reader)
    cluster.start()
    os.close(written)
    assert (at[1] / "f").read_bytes() == b""


def test_the_writer_sees_its_own_writes(at):
    lines = """
file = os.open("f", os.O_RDWR | os.O_CREAT)
os.write(file, b"0123456789")
os.pwrite(file, b"x", 5)
os.pwrite(file, b"end", 100)
assert os.fstat(file).st_size == 103 and os.stat("f").st_size == 103, os.fstat(file)
assert os.pread(file, 10, 0) == b"01234x6789"
assert os.pread(file, 200, 95) == b"\\0" * 5 + b"end"
os.ftruncate(file, 4)
assert os.pread(file, 10, 0) == b"0123"
os.pwrite(file, b"y", 8)
assert os.lseek(file, 0, os.SEEK_END) == 9, os.lseek(file, 0, os.SEEK_END)
os.ftruncate(file, 2)
os.close(file)
assert open("f", "rb").read() == b"01"
"""
    python(lines, at[0])
    assert (at[1] / "f").read_bytes() == b"01"


def test_appends_of_several_nodes_stay_whole(at):
    rounds, lines = 20, 10

    def append(mount, letter):
        for _ in range(rounds):
            with open(mount / "f", "ab", buffering=0) as file:
                for _ in range(lines):
                    file.write(letter * 20 + b"\n")

    (at[0] / "f").touch()
    writers = [threading.Thread(target=append, args=(mount, letter)) for mount, letter in zip(at, (b"a", b"b", b"c"))]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    found = (at[1] / "f").read_bytes().splitlines()
    assert len(found) == 3 * rounds * lines
    for first in range(0, len(found), lines):
        assert len(set(found[first:first + lines])) == 1, "the lines of one open file are together"


def test_more_than_is_gathered(at, entries):
    """At most a stated size, and a stated number of separate runs."""
    piece = os.urandom(64 * 1024)
    file = opened(at[0] / "large")
    before = entries()
    for _ in range(100):
        os.write(file, piece)
    assert entries() == before + 1, "the first 4 MiB"
    os.close(file)
    assert entries() == before + 2
    assert (at[2] / "large").read_bytes() == piece * 100

    seed = random.randrange(1 << 32)
    print("seed", seed)
    chance, expected = random.Random(seed), bytearray(300000)
    file = opened(at[1] / "spread")
    os.ftruncate(file, len(expected))
    for _ in range(3000):
        where, data = chance.randrange(299000), chance.randbytes(chance.randrange(1, 900))
        expected[where:where + len(data)] = data
        os.pwrite(file, data, where)
    os.close(file)
    assert (at[0] / "spread").read_bytes() == expected


def test_a_shell_replaces_and_appends(at, entries):
    before = entries()
    sh("echo one > f", at[0])
    assert entries() == before + 2, "the name, and the contents"
    sh("{ echo two; echo three; } > f", at[1])
    assert entries() == before + 4, "emptied, and the contents"
    assert (at[2] / "f").read_text() == "two\nthree\n"
    sh("(echo four; sh -c 'echo five') >> f; : > g; echo x > g; : > g", at[2])
    assert (at[0] / "f").read_text() == "two\nthree\nfour\nfive\n"
    assert (at[1] / "g").read_bytes() == b""


def test_times_and_holes_come_after_the_writes(at):
    file = opened(at[0] / "f")
    os.write(file, b"x" * 10000)
    os.utime(file, ns=(5, 7))
    os.close(file)
    assert (at[1] / "f").stat().st_mtime_ns == 7
    file = opened(at[0] / "f")
    os.write(file, b"y" * 10000)
    fallocate(file, FALLOC_KEEP_SIZE | FALLOC_PUNCH_HOLE, 0, 5000)
    os.close(file)
    assert (at[2] / "f").read_bytes() == b"\0" * 5000 + b"y" * 5000


@needs_root
def test_the_setuid_bit_goes_with_the_first_write(at):
    at[0].chmod(0o777)
    (at[0] / "f").touch()
    os.chmod(at[0] / "f", 0o6777)
    python("""
os.setgid(54321), os.setuid(54321)
file = os.open("f", os.O_WRONLY)
os.write(file, b"x")
assert stat.S_IMODE(os.fstat(file).st_mode) == 0o777, oct(os.fstat(file).st_mode)
""", at[0])


def test_synchronous_files_do_not_gather(at):
    file = opened(at[0] / "f", os.O_SYNC)
    os.write(file, b"at once")
    assert (at[1] / "f").read_bytes() == b"at once"
    os.close(file)


def test_errors_come_with_fsync_and_close(cluster, at):
    file, other = opened(at[0] / "f"), opened(at[0] / "g")
    os.write(file, b"lost")
    os.write(other, b"lost")
    for node in cluster.nodes[1:]:
        node.stop()
    wait_for(cluster.nodes[0].why, "the quorum is gone")
    fails(errno.EROFS, os.write, file, b"refused at once")
    fails(errno.EROFS, os.fsync, file)
    os.fsync(file)  # writes that could not be decided are dropped, and nothing else is pending
    fails(errno.EROFS, os.close, other)
    cluster.start()
    os.write(file, b"kept")
    os.close(file)
    assert (at[1] / "f").read_bytes() == b"\0" * 4 + b"kept"
    assert (at[1] / "g").read_bytes() == b""


def test_a_file_that_another_node_removed(at):
    file = opened(at[0] / "f")
    os.write(file, b"nowhere")
    (at[1] / "f").unlink()
    fails(errno.ESTALE, os.close, file)


def test_threads_that_write_and_sync_one_file(at):
    """Writes that fsync has confirmed are there, whichever thread made them."""
    file = opened(at[0] / "f")

    def work(number):
        for turn in range(100):
            os.pwrite(file, b"%04d" % turn, number * 4)
            os.fsync(file)
            assert (at[1] / "f").read_bytes()[number * 4:number * 4 + 4] == b"%04d" % turn

    workers = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    os.close(file)
    assert (at[2] / "f").read_bytes() == b"0099" * 4


def test_gathered_writes_survive_a_stop(cluster, at):
    file = opened(at[0] / "f")
    os.write(file, b"written before the stop")
    cluster.nodes[0].stop()
    assert (at[1] / "f").read_bytes() == b"written before the stop"
    cluster.nodes[0].start()
    fails(errno.ENOTCONN, os.write, file, b"x")
    try:
        os.close(file)
    except OSError:
        pass


def test_programs(cluster, at):
    sh("""git init -q . && git config user.email a@b && git config user.name a
          seq 50000 > numbers && cp numbers copy && sed -i s/7/seven/ copy && tar cf t.tar numbers copy
          git add . && git commit -qm first && git fsck --strict && mkdir out && tar xf t.tar -C out
          cmp copy out/copy && git gc -q && git status --short | grep -q out""", at[0], seconds=120)
    cluster.wait_equal()
    assert len({str(tree_of(mount)) for mount in at}) == 1
