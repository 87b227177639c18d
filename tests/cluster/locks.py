"""Shared by the tests of locks: programs that hold them, and what the cluster says of them."""

import contextlib
import fcntl
import os
import signal
import struct
import subprocess
import sys
import time

from cluster import QUORUMFS, wait_for

# Takes a lock, says so with the time, and holds it until its input ends. What it gets on a line then is what it does,
# and it says what became of it.
HOLDER = """
import ctypes, errno, fcntl, os, signal, struct, sys, time
for line in sys.stdin:
    try:
        exec(line)
        print("done", time.monotonic(), flush=True)
    except OSError as e:
        print(errno.errorcode[e.errno], time.monotonic(), flush=True)
"""


class Program:
    """A program of its own, which does what it is told."""

    def __init__(self, folder, **options):
        self.process = subprocess.Popen([sys.executable, "-u", "-c", HOLDER], cwd=folder, text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, **options)

    def begins(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def answer(self):
        """How what was begun has ended, and when."""
        word, when = self.process.stdout.readline().split()
        return word, float(when)

    def does(self, line):
        self.begins(line)
        return self.answer()[0]

    def opens(self, name="f", flags="os.O_RDWR | os.O_CREAT", to="fd"):
        assert self.does(f"{to} = os.open('{name}', {flags}, 0o666)") == "done"
        return self

    def flock(self, how="LOCK_EX", of="fd"):
        return self.does(f"fcntl.flock({of}, {flags(how)})")

    def begins_flock(self, how="LOCK_EX", of="fd"):
        self.begins(f"fcntl.flock({of}, {flags(how)})")

    def record(self, kind, start=0, length=0, wait=False, of="fd", command=None):
        return self.does(record_line(kind, start, length, wait, of, command))

    def begins_record(self, kind, start=0, length=0, of="fd"):
        self.begins(record_line(kind, start, length, True, of))

    def end(self):
        self.process.stdin.close()
        self.process.stdout.read()
        self.process.stdout.close()
        return self.process.wait()

    def kill(self):
        self.process.kill()
        self.process.wait()


def flags(how):
    return " | ".join(f"fcntl.{word}" for word in how.split("|"))


def record_line(kind, start, length, wait, of, command=None):
    command = command or ("F_SETLKW" if wait else "F_SETLK")
    return f"fcntl.fcntl({of}, {getattr(fcntl, command, OFD.get(command))}, {flock_struct(kind, start, length)!r})"


OFD = {"F_OFD_GETLK": 36, "F_OFD_SETLK": 37, "F_OFD_SETLKW": 38}


def flock_struct(kind, start, length):
    return struct.pack("hhqqi4x", getattr(fcntl, kind), os.SEEK_SET, start, length, 0)


@contextlib.contextmanager
def programs(*folders, **options):
    """One in each folder, with `f` open as fd."""
    started = [Program(folder, **options).opens() for folder in folders]
    try:
        yield started
    finally:
        for program in started:
            if program.process.poll() is None:
                program.process.send_signal(signal.SIGCONT)
                program.kill()


def listed(node, key=None):
    """The locks and waits as GET /locks has them, of one key or of all."""
    answer = node.request("GET", "/locks")
    assert answer.status == 200, answer
    return [lock for lock in answer.multiple
            if key is None or {"key": str(key)} in lock["keys"]]


def waiting(node, key=None):
    return [lock for lock in listed(node, key) if "waits" in lock]


def wait_waiting(node, key, count):
    wait_for(lambda: len(waiting(node, key)) == count, f"{count} wait for {key}")


def lock_verb(file, *command, words=(), **options):
    """`quorumfs lock` of a file."""
    return subprocess.Popen([QUORUMFS, "lock", *words, str(file), "--", *command], text=True,
                            stderr=subprocess.PIPE, **options)


def ends(process, seconds=20):
    """Its exit status, what it has said, and how long it took."""
    begun = time.monotonic()
    said = process.communicate(timeout=seconds)[1]
    return process.returncode, said, time.monotonic() - begun
