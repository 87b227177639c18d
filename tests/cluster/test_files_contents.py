"""Contents: flags of open, offsets, sparse files, fallocate, copying inside the kernel."""

import errno
import mmap
import os
import subprocess

from files import (FALLOC_COLLAPSE_RANGE, FALLOC_KEEP_SIZE, FALLOC_PUNCH_HOLE, FALLOC_ZERO_RANGE, fails, fallocate,
                   sh)

MIB = 1024 * 1024
GIB = 1024 * MIB


def extents(path):
    """The ranges that hold data, as SEEK_DATA and SEEK_HOLE tell."""
    found, at = [], 0
    with open(path, "rb") as file:
        size = os.fstat(file.fileno()).st_size
        while at < size:
            try:
                start = os.lseek(file.fileno(), at, os.SEEK_DATA)
            except OSError as error:
                assert error.errno == errno.ENXIO
                break
            at = os.lseek(file.fileno(), start, os.SEEK_HOLE)
            found.append((start, at))
    return found


# ---- Flags ----


def test_append(at):
    (at[0] / "f").write_text("a")
    with open(at[1] / "f", "ab", buffering=0) as file:
        (at[0] / "f").write_text("bcd")  # the end is where the cluster has it
        file.seek(0)
        assert file.write(b"e") == 1
        os.truncate(at[2] / "f", 1)
        file.write(b"f" * 100)
    assert (at[2] / "f").read_text() == "b" + "f" * 100


def test_exclusive(at):
    os.close(os.open(at[0] / "f", os.O_CREAT | os.O_EXCL))
    for folder in at:
        fails(errno.EEXIST, os.open, folder / "f", os.O_CREAT | os.O_EXCL)
    os.symlink("none", at[0] / "s")
    fails(errno.EEXIST, os.open, at[1] / "s", os.O_CREAT | os.O_EXCL)


def test_truncation_comes_with_the_open(at):
    (at[0] / "f").write_text("old")
    opened = os.open(at[0] / "f", os.O_WRONLY | os.O_TRUNC)
    assert (at[1] / "f").read_text() == ""
    assert os.fstat(opened).st_size == 0
    os.write(opened, b"ne")
    assert (at[1] / "f").read_text() == "ne"
    os.write(opened, b"w")
    os.close(opened)
    assert (at[2] / "f").read_text() == "new"
    os.close(os.open(at[0] / "f", os.O_WRONLY | os.O_TRUNC))
    assert (at[1] / "f").read_text() == ""


def test_direct_and_synchronous(at):
    page = mmap.mmap(-1, 65536)
    page.write(b"d" * 65536)
    opened = os.open(at[0] / "f", os.O_RDWR | os.O_CREAT | os.O_DIRECT)
    assert os.write(opened, page) == 65536
    assert os.preadv(opened, [page], 4096) == 65536 - 4096
    os.close(opened)
    assert (at[1] / "f").read_bytes() == b"d" * 65536
    opened = os.open(at[1] / "f", os.O_RDWR | os.O_SYNC)
    assert os.pwrite(opened, b"s", 65536) == 1
    assert (at[2] / "f").stat().st_size == 65537
    os.fsync(opened)
    os.fdatasync(opened)
    os.close(opened)
    folder = os.open(at[2], os.O_RDONLY | os.O_DIRECTORY)
    os.fsync(folder)
    os.close(folder)
    os.sync()


def test_wrong_uses(at):
    (at[0] / "f").write_text("x")
    (at[0] / "d").mkdir()
    fails(errno.EISDIR, os.open, at[1] / "d", os.O_WRONLY)
    fails(errno.ENOTDIR, os.open, at[1] / "f", os.O_RDONLY | os.O_DIRECTORY)
    fails(errno.ENOTDIR, os.stat, at[1] / "f" / "x")
    reader, writer = os.open(at[1] / "f", os.O_RDONLY), os.open(at[1] / "f", os.O_WRONLY)
    fails(errno.EBADF, os.write, reader, b"x")
    fails(errno.EBADF, os.read, writer, 1)
    fails(errno.EINVAL, os.ftruncate, reader, 0)
    fails(errno.EINVAL, os.pread, reader, 1, -1)
    os.close(reader)
    os.close(writer)


# ---- Offsets ----


def test_nothing_and_a_lot(at):
    (at[0] / "f").write_bytes(b"x" * 5 * MIB)
    with open(at[1] / "f", "r+b", buffering=0) as file:
        assert file.read(0) == b"" and file.write(b"") == 0
        assert file.read(2 * GIB) == b"x" * 5 * MIB and file.read(1) == b""
        assert os.pread(file.fileno(), 10, 100 * GIB) == b""
        assert os.pwritev(file.fileno(), [b"a" * MIB, b"b" * MIB, b"c"], 3) == 2 * MIB + 1
    assert (at[2] / "f").read_bytes()[:2 * MIB + 5] == b"xxx" + b"a" * MIB + b"b" * MIB + b"cx"


def test_up_to_a_tebibyte(at):
    opened = os.open(at[0] / "f", os.O_RDWR | os.O_CREAT)
    for offset in (5 * GIB, 1000 * GIB, 1024 * GIB - 3):
        assert os.pwrite(opened, b"abc", offset) == 3
    about = (at[1] / "f").stat()
    assert about.st_size == 1024 * GIB and about.st_blocks * 512 < MIB
    fails(errno.EFBIG, os.pwrite, opened, b"x", 1024 * GIB)
    fails(errno.EFBIG, os.ftruncate, opened, 1024 * GIB + 1)
    fails(errno.EFBIG, fallocate, opened, 0, 0, 1025 * GIB)
    reader = os.open(at[2] / "f", os.O_RDONLY)
    assert os.pread(reader, 10, 5 * GIB - 2) == b"\0\0abc" + b"\0" * 5
    assert os.pread(reader, 10, 1024 * GIB - 3) == b"abc"
    assert [start // GIB for start, end in extents(at[1] / "f")] == [5, 1000, 1023]
    os.close(reader)
    os.close(opened)


def test_cut_and_grown_again_it_has_zeros(at):
    for size, cut in ((100, 10), (100000, 50000), (3 * MIB, 2 * MIB + 5)):
        (at[0] / "f").write_bytes(b"x" * size)
        os.truncate(at[1] / "f", cut)
        os.truncate(at[2] / "f", size)
        assert (at[0] / "f").read_bytes() == b"x" * cut + b"\0" * (size - cut)
        assert (at[1] / "f").stat().st_size == size


# ---- Holes and room ----


def test_holes_are_told_and_cost_nothing(at):
    sh("truncate -s 10M f; printf x | dd of=f bs=1 seek=4M conv=notrunc status=none", at[0])
    (start, end), = extents(at[1] / "f")
    assert start <= 4 * MIB < end <= start + 64 * 1024
    assert (at[1] / "f").stat().st_blocks * 512 <= 64 * 1024
    sh("cp --sparse=always f g && cmp f g", at[2])
    assert extents(at[0] / "g") == [(start, end)]
    fails(errno.ENXIO, os.lseek, os.open(at[0] / "f", os.O_RDONLY), 10 * MIB, os.SEEK_DATA)


def test_fallocate(at):
    opened = os.open(at[0] / "f", os.O_RDWR | os.O_CREAT)
    fallocate(opened, 0, 0, 100000)
    assert (at[1] / "f").read_bytes() == b"\0" * 100000
    fallocate(opened, FALLOC_KEEP_SIZE, 0, 200000)
    assert (at[1] / "f").stat().st_size == 100000
    os.pwrite(opened, b"x" * 100000, 0)
    fallocate(opened, FALLOC_PUNCH_HOLE | FALLOC_KEEP_SIZE, 10000, 70000)
    assert (at[2] / "f").read_bytes() == b"x" * 10000 + b"\0" * 70000 + b"x" * 20000
    fallocate(opened, FALLOC_ZERO_RANGE, 90000, 20000)
    assert (at[1] / "f").read_bytes() == b"x" * 10000 + b"\0" * 70000 + b"x" * 10000 + b"\0" * 20000
    fallocate(opened, FALLOC_ZERO_RANGE | FALLOC_KEEP_SIZE, 0, 1000000)
    assert (at[1] / "f").read_bytes() == b"\0" * 110000
    fails(errno.EOPNOTSUPP, fallocate, opened, FALLOC_COLLAPSE_RANGE, 0, 4096)
    fails(errno.EINVAL, fallocate, opened, 0, 0, 0)
    os.close(opened)
    os.posix_fallocate(os.open(at[0] / "g", os.O_RDWR | os.O_CREAT), 0, 12345)
    room = os.statvfs(at[0])
    with open(at[0] / "g", "r+b") as file:
        fails(errno.ENOSPC, os.posix_fallocate, file.fileno(), 0, 2 * room.f_bavail * room.f_frsize)
    assert (at[1] / "g").stat().st_size == 12345


def test_a_large_file_is_cut_and_punched(at):
    """All of it at once would hold up the node."""
    for name in "fg":
        (at[0] / name).write_bytes(b"x" * 16 * MIB)
    os.truncate(at[1] / "f", 2 * MIB + 1)
    sh("fallocate -p -o 1M -l 13M g", at[1])
    assert (at[2] / "f").stat().st_blocks * 512 <= 3 * MIB and (at[2] / "g").stat().st_blocks * 512 == 3 * MIB
    os.truncate(at[2] / "f", 4 * MIB)
    assert (at[0] / "f").read_bytes() == b"x" * (2 * MIB + 1) + b"\0" * (2 * MIB - 1)
    assert (at[0] / "g").read_bytes() == b"x" * MIB + b"\0" * 13 * MIB + b"x" * 2 * MIB


def test_copies_inside_the_kernel(at):
    data = os.urandom(2 * MIB + 17)
    (at[0] / "f").write_bytes(data)
    with open(at[1] / "f", "rb") as source, open(at[1] / "g", "wb") as target:
        copied = 0
        while piece := os.copy_file_range(source.fileno(), target.fileno(), 10 * MIB):
            copied += piece
    assert copied == len(data) and (at[2] / "g").read_bytes() == data
    with open(at[1] / "f", "rb") as source, open(at[1] / "h", "wb") as target:
        assert os.sendfile(target.fileno(), source.fileno(), 0, 100000) == 100000
    assert (at[0] / "h").read_bytes() == data[:100000]
    done = subprocess.run(["cp", "--reflink=always", "f", "i"], cwd=at[2], capture_output=True, text=True)
    assert done.returncode != 0 and "not supported" in done.stderr
    sh("cp --reflink=auto f i && cmp f i", at[2])
