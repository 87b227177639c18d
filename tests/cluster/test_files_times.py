"""Times: kept to the nanosecond, set by every change, in the order of the changes, the same at every node."""

import os
import time

import pytest

from files import sh


def times(path):
    about = path.lstat()
    return about.st_atime_ns, about.st_mtime_ns, about.st_ctime_ns


def test_set_to_the_nanosecond(at):
    (at[0] / "f").write_text("")
    for atime, mtime in ((1, 1234567890_123456789), (2**31 * 10**9, 2**32 * 10**9 + 999999999), (0, 0),
                         (-1, -1500000000), (-(2**31) * 10**9, 2**33 * 10**9)):
        os.utime(at[1] / "f", ns=(atime, mtime))
        assert times(at[2] / "f")[:2] == (atime, mtime)


def test_now_and_omit(at):
    (at[0] / "f").write_text("")
    os.utime(at[0] / "f", ns=(5, 6))
    sh("touch -a f", at[1])
    atime, mtime, _ = times(at[2] / "f")
    assert mtime == 6 and abs(atime / 1e9 - time.time()) < 10
    sh("touch -m -d @100.5 f", at[1])
    assert times(at[2] / "f")[:2] == (atime, 100_500_000_000)
    sh("touch f", at[0])
    atime, mtime, ctime = times(at[2] / "f")
    assert atime == mtime == ctime


def test_reading_changes_nothing(at):
    (at[0] / "f").write_text("x")
    os.utime(at[0] / "f", ns=(5, 6))
    before = times(at[2] / "f")
    assert (at[1] / "f").read_text() == "x" and os.listdir(at[1]) == ["f"]
    assert times(at[0] / "f") == before


CHANGES = {
    "write": lambda f: f.write_text("y"),
    "append": lambda f: open(f, "a").write("z"),
    "cut": lambda f: os.truncate(f, 0),
    "grow": lambda f: os.truncate(f, 100),
    "mode": lambda f: os.chmod(f, 0o600),
    "owner": lambda f: os.chown(f, os.getuid(), os.getgid()),
    "times": lambda f: os.utime(f, ns=(1, 1)),
    "link": lambda f: os.link(f, f.with_suffix(".link")),
    "unlink": lambda f: os.unlink(f.with_suffix(".link")),
    "rename": lambda f: (os.rename(f, f.with_suffix(".moved")), os.rename(f.with_suffix(".moved"), f)),
    "attribute": lambda f: os.setxattr(f, "user.a", b""),
    "no attribute": lambda f: os.removexattr(f, "user.a"),
}


def test_every_change_is_later(at):
    (at[0] / "f").write_text("x")
    last = times(at[0] / "f")
    for number, (name, change) in enumerate(CHANGES.items()):
        change(at[number % 3] / "f")
        now = times(at[(number + 1) % 3] / "f")
        assert now[2] > last[2], name
        assert name in ("write", "append", "cut", "grow", "times") or now[1] == last[1], name
        assert times(at[(number + 2) % 3] / "f") == now
        last = now


@pytest.mark.parametrize("change, touched", [
    ("touch d/new", True), ("mkdir d/sub", True), ("rm d/f", True), ("mv d/f d/g", True), ("ln d/f d/h", True),
    ("ln -s x d/s", True), ("mv d/f .", True), ("echo x > d/f", False), ("chmod 600 d/f", False)])
def test_the_time_of_a_folder(at, change, touched):
    sh("mkdir d; echo > d/f", at[0])
    before = times(at[1] / "d")
    sh(change, at[2])
    assert (times(at[0] / "d")[1] > before[1]) == touched


def test_make_sees_newer_files(at):
    for number in range(30):
        (at[number % 3] / "source").write_text("x")
        (at[(number + 1) % 3] / "made").write_text("x")
        sh("test made -nt source && ! test source -nt made", at[(number + 2) % 3])
