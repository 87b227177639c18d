"""After a change at one node has returned, every system call that begins at another one sees it.

Each kind of change is made many times (COHERENCE_TRIES), each time at another node, and looked for at the
others right after: by path, through a file that was open before, through pages that were read before."""

import contextlib
import errno
import mmap
import os

import pytest

from files import fails, rename, RENAME_EXCHANGE

TRIES = int(os.environ.get("COHERENCE_TRIES", "60"))


@pytest.fixture
def rounds(at):
    """(number, the node that changes, the two that look)"""
    def each():
        for number in range(TRIES):
            yield number, at[number % 3], [at[(number + 1) % 3], at[(number + 2) % 3]]
    return each


@pytest.fixture
def opened(at):
    """Descriptors of `f`, open at every node all the time, by folder."""
    (at[0] / "f").write_bytes(b"")
    descriptors = {folder: os.open(folder / "f", os.O_RDWR) for folder in at}
    yield descriptors
    for descriptor in descriptors.values():
        os.close(descriptor)


def test_contents_of_the_same_size(rounds, opened):
    for number, changer, lookers in rounds():
        text = f"{number:08}".encode()
        os.pwrite(opened[changer], text, 0)
        for looker in lookers:
            assert os.pread(opened[looker], 100, 0) == text
            assert (looker / "f").read_bytes() == text


def test_appended(rounds, opened):
    size = 0
    for number, changer, lookers in rounds():
        with open(changer / "f", "ab") as file:
            file.write(b"line\n")
        size += 5
        for looker in lookers:
            assert os.fstat(opened[looker]).st_size == size
            assert os.lseek(opened[looker], 0, os.SEEK_END) == size
            assert os.pread(opened[looker], 10, size - 5) == b"line\n"


def test_cut_and_grown(rounds, opened):
    for number, changer, lookers in rounds():
        size = number * 7919 % 10000
        os.truncate(changer / "f", size)
        for looker in lookers:
            assert os.fstat(opened[looker]).st_size == size == (looker / "f").stat().st_size
            assert os.pread(opened[looker], 20000, 0) == b"\0" * size


def test_mapped(rounds, at):
    """A mapping shows the file as it was when the mapping was made, or later."""
    (at[0] / "f").write_bytes(b"\0" * 8192)
    for number, changer, lookers in rounds():
        with open(changer / "f", "r+b") as file, mmap.mmap(file.fileno(), 8192) as mapped:
            mapped[4096:4104] = f"{number:08}".encode()
            mapped.flush()
        for looker in lookers:
            with open(looker / "f", "rb") as file, \
                    mmap.mmap(file.fileno(), 8192, access=mmap.ACCESS_READ) as mapped:
                assert mapped[4096:4104] == f"{number:08}".encode()


def test_replaced(rounds, at):
    for number, changer, lookers in rounds():
        (changer / "new").write_text(str(number))
        os.rename(changer / "new", changer / "f")
        for looker in lookers:
            assert (looker / "f").read_text() == str(number)
            assert not (looker / "new").exists()


def test_made_and_removed(rounds):
    for number, changer, lookers in rounds():
        name = f"f{number % 5}"
        (changer / name).write_text("x")
        for looker in lookers:
            assert (looker / name).exists() and name in os.listdir(looker)
        os.unlink(lookers[0] / name)
        for looker in (changer, lookers[1]):
            fails(errno.ENOENT, os.stat, looker / name)
            assert name not in os.listdir(looker)


def test_folders(rounds, at):
    listing = {folder: os.open(folder, os.O_RDONLY | os.O_DIRECTORY) for folder in at}
    for number, changer, lookers in rounds():
        os.mkdir(changer / "d")
        for looker in lookers:
            assert os.stat(looker).st_nlink == 3 and os.listdir(listing[looker]) == ["d"]
        os.rename(lookers[0] / "d", lookers[0] / "e")
        assert os.listdir(listing[lookers[1]]) == ["e"]
        os.rmdir(lookers[1] / "e")
        assert os.listdir(listing[changer]) == [] and os.stat(changer).st_nlink == 2
    for descriptor in listing.values():
        os.close(descriptor)


def test_modes_and_times(rounds, opened):
    for number, changer, lookers in rounds():
        os.chmod(changer / "f", 0o600 + number % 64)
        os.utime(changer / "f", ns=(number, number))
        for looker in lookers:
            for about in (os.fstat(opened[looker]), (looker / "f").stat()):
                assert (about.st_mode & 0o777, about.st_mtime_ns) == (0o600 + number % 64, number)


def test_attributes(rounds, opened):
    for number, changer, lookers in rounds():
        os.setxattr(changer / "f", "user.n", str(number).encode())
        for looker in lookers:
            assert os.getxattr(opened[looker], "user.n") == str(number).encode()
        os.removexattr(lookers[0] / "f", "user.n")
        assert os.listxattr(opened[changer]) == []


def test_links(rounds, at):
    (at[0] / "a").write_text("")
    (at[0] / "b").write_text("")
    for number, changer, lookers in rounds():
        with contextlib.suppress(FileNotFoundError):
            os.unlink(changer / "s")
        os.symlink(str(number), changer / "s")
        os.link(changer / "a", changer / "l")
        for looker in lookers:
            assert os.readlink(looker / "s") == str(number)
            assert os.stat(looker / "a").st_nlink == 2
        os.unlink(lookers[1] / "l")
        assert os.stat(changer / "a").st_nlink == 1


def test_exchanged(rounds, at):
    for name in "ab":
        (at[0] / name).write_text(name)
    for number, changer, lookers in rounds():
        rename(changer / "a", changer / "b", RENAME_EXCHANGE)
        for looker in lookers:
            assert (looker / "a").read_text() == "ba"[number % 2]


def test_the_first_is_the_only_one(rounds):
    for number, changer, lookers in rounds():
        os.close(os.open(changer / "lock", os.O_CREAT | os.O_EXCL))
        for looker in lookers:
            fails(errno.EEXIST, os.open, looker / "lock", os.O_CREAT | os.O_EXCL)
        os.unlink(lookers[number % 2] / "lock")
