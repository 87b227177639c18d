"""A cluster that answers late, if in time: a system call asks it for each name on its path, and for more."""

import contextlib
import errno
import os
import time

import pytest

from slow_links import SlowLinks

TIMEOUT = 1
A_TICK = 0.002  # of the clock that counts it
SLOW = 0.6 * TIMEOUT  # for an answer of the leader: in time, once
LESS_SLOW = 0.15 * TIMEOUT  # twice as well, also where each has to wait for another one's
DEEP = "a/b/c/d"


@pytest.fixture(scope="module")
def leader():
    """The only node that need not ask another one first. Heartbeats are rare, so that a late one counts."""
    with SlowLinks(request_timeout=f"{TIMEOUT}s", heartbeat_ms=1500) as cluster:
        node = cluster.leader()
        (node.path(DEEP)).mkdir(parents=True)
        node.path(DEEP + "/file").write_text("text")
        node.answers_after = lambda seconds: cluster.slow(seconds / 2)
        yield node


@contextlib.contextmanager
def one_timeout():
    began = time.monotonic()
    yield
    assert TIMEOUT - A_TICK < time.monotonic() - began < TIMEOUT + 1


@pytest.mark.parametrize("call, arguments", [
    (os.stat, [DEEP + "/file"]),
    (os.open, [DEEP + "/new", os.O_WRONLY | os.O_CREAT]),
    (os.mkdir, [DEEP + "/new"]),
    (os.rename, [DEEP + "/file", "a/b/new"]),
], ids=lambda value: getattr(value, "__name__", ""))
def test_all_names_of_a_path_have_one_timeout(leader, call, arguments):
    """A change that was not requested in time has not happened."""
    paths = [leader.path(each) if isinstance(each, str) else each for each in arguments]
    with leader.answers_after(SLOW), one_timeout(), pytest.raises(OSError) as failure:
        call(*paths)
    assert failure.value.errno == errno.EIO
    assert os.listdir(leader.path(DEEP)) == ["file"]


def test_the_next_call_has_its_own_time(leader):
    """All of these together take longer than one has."""
    with leader.root() as root:
        os.mkdir("other", dir_fd=root)
        opened = os.open("f", os.O_RDWR | os.O_CREAT, dir_fd=root)
        with leader.answers_after(LESS_SLOW):
            for name in ("a", "other", "f"):
                os.stat(name, dir_fd=root)
            for data in (b"one", b"two"):
                assert os.pwrite(opened, data, 0) == 3
            assert os.listdir(leader.mount)
        assert os.pread(opened, 10, 0) == b"two"
        os.close(opened)
