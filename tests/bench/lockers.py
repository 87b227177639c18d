"""Programs that take a lock and give it back: by flock(2) at some mount, or by etcd's lock service."""

import contextlib
import fcntl
import http.client
import json
import mmap
import os
import pathlib
import signal
import time

from etcd import text64


class FileLock:
    """flock(2) of a file."""

    def __init__(self, folder, name="lock"):
        self.descriptor = os.open(pathlib.Path(folder) / name, os.O_RDWR | os.O_CREAT, 0o666)

    def take(self):
        fcntl.flock(self.descriptor, fcntl.LOCK_EX)

    def give(self):
        fcntl.flock(self.descriptor, fcntl.LOCK_UN)

    def close(self):
        os.close(self.descriptor)


class EtcdLock:
    """etcd's own lock service, with a lease for each program, over one connection that is kept."""

    LEASE_SECONDS = 60

    def __init__(self, address, name="lock"):
        self.connection = http.client.HTTPConnection(*address, timeout=60)
        self.lease = self.ask("/v3/lease/grant", {"TTL": self.LEASE_SECONDS})["ID"]
        self.name = text64(name)
        self.key = None

    def ask(self, path, body):
        self.connection.request("POST", path, json.dumps(body))
        answer = self.connection.getresponse()
        text = answer.read()
        if answer.status != 200:
            raise OSError(f"etcd answers {answer.status}: {text[:200]}")
        return json.loads(text)

    def take(self):
        self.key = self.ask("/v3/lock/lock", {"name": self.name, "lease": self.lease})["key"]

    def give(self):
        self.ask("/v3/lock/unlock", {"key": self.key})

    def close(self):
        self.connection.close()


class Fork:
    """A process that runs a function, and is killed at the end of the block. Python's threads would wait for each
    other."""

    def __init__(self, function, *arguments):
        self.pid = os.fork()
        if self.pid == 0:
            status = 1
            with contextlib.suppress(Exception, KeyboardInterrupt):
                function(*arguments)
                status = 0
            os._exit(status)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)


class Numbers:
    """Numbers that processes share, zero at first."""

    def __init__(self, count):
        self.memory = mmap.mmap(-1, 8 * count)
        self.view = memoryview(self.memory).cast("d")

    def __getitem__(self, at):
        return self.view[at]

    def __setitem__(self, at, number):
        self.view[at] = number

    def sum(self):
        return sum(self.view)


def pairs(lock, seconds):
    """How long each lock and unlock took, in seconds."""
    taken, end = [], time.monotonic() + seconds
    while (began := time.monotonic()) < end:
        lock.take()
        lock.give()
        taken.append(time.monotonic() - began)
    return taken


SETTLED_SECONDS = 0.01  # a program that has begun to wait is in the queue by then


def handovers(makers, count):
    """Two programs hand a lock to each other: for each time, the seconds from the call of unlock, and from its return,
    until the other one runs."""
    waits, gives, returns, has = (Numbers(count + 2) for _ in range(4))

    def program(number):
        lock = makers[number]()
        for turn in range(number, count + 1, 2):
            if turn > 0:
                wait_until(lambda: has[turn - 1])  # the other one is the holder
            waits[turn] = time.monotonic()
            lock.take()
            has[turn] = time.monotonic()
            wait_until(lambda: waits[turn + 1])
            time.sleep(SETTLED_SECONDS)
            gives[turn] = time.monotonic()
            lock.give()
            returns[turn] = time.monotonic()
    with Fork(program, 0), Fork(program, 1):
        wait_until(lambda: has[count], seconds=60)
        wait_until(lambda: returns[count - 1])
        return [(has[turn + 1] - gives[turn], has[turn + 1] - returns[turn]) for turn in range(count)]


def wait_until(condition, seconds=10):
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError("the other program does not come")
        time.sleep(0.0005)


def storm(makers, seconds):
    """How often a second a lock goes from hand to hand, if all these programs want it all the time."""
    counts, begun, go = Numbers(len(makers)), Numbers(len(makers)), Numbers(1)

    def program(number):
        lock = makers[number]()
        begun[number] = 1
        wait_until(lambda: go[0], 60)
        while True:
            lock.take()
            counts[number] += 1
            lock.give()
    with contextlib.ExitStack() as stack:
        for number in range(len(makers)):
            stack.enter_context(Fork(program, number))
        wait_until(lambda: begun.sum() == len(makers), 60)
        go[0] = 1
        wait_until(lambda: counts.sum() > 0, 60)
        before, began = counts.sum(), time.monotonic()
        time.sleep(seconds)
        return (counts.sum() - before) / (time.monotonic() - began)
