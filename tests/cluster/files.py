"""Shared by the tests of files: programs on a mount, system calls that Python lacks, other users."""

import ctypes
import errno
import json
import os
import subprocess
import sys

import pytest

LONG = "LONG" in os.environ  # also tests that take minutes

AT_FDCWD = -100
RENAME_NOREPLACE, RENAME_EXCHANGE, RENAME_WHITEOUT = 1, 2, 4
FALLOC_KEEP_SIZE, FALLOC_PUNCH_HOLE, FALLOC_COLLAPSE_RANGE, FALLOC_ZERO_RANGE = 1, 2, 8, 16

SYS_GETDENTS64 = {"x86_64": 217}.get(os.uname().machine, 61)

libc = ctypes.CDLL(None, use_errno=True)


def _call(name, *arguments):
    if getattr(libc, name)(*arguments) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{name}: {os.strerror(number)}")


def rename(old, new, flags):
    """renameat2(2)"""
    _call("renameat2", AT_FDCWD, os.fsencode(old), AT_FDCWD, os.fsencode(new), flags)


def fallocate(descriptor, mode, offset, length):
    """fallocate(2)"""
    _call("fallocate", descriptor, mode, ctypes.c_int64(offset), ctypes.c_int64(length))


def getdents(descriptor):
    """The names that one getdents64(2) gives; none at the end."""
    buffer = ctypes.create_string_buffer(65536)
    got = libc.syscall(ctypes.c_long(SYS_GETDENTS64), descriptor, buffer, len(buffer))
    assert got >= 0, os.strerror(ctypes.get_errno())
    names, at = [], 0
    while at < got:
        length = int.from_bytes(buffer[at + 16:at + 18], sys.byteorder)
        names.append(os.fsdecode(buffer[at + 19:at + length].split(b"\0")[0]))
        at += length
    return [name for name in names if name not in (".", "..")]


def sh(line, folder, status=0, seconds=60):
    """Runs a line of shell in a folder; returns its output."""
    done = subprocess.run(["sh", "-c", line], cwd=folder, capture_output=True, text=True, timeout=seconds)
    assert done.returncode == status, f"{line}: {done.returncode} {done.stdout[-2000:]} {done.stderr[-2000:]}"
    return done.stdout


def fails(number, act, *arguments, **options):
    with pytest.raises(OSError) as failure:
        act(*arguments, **options)
    assert failure.value.errno == number, failure.value


def python(lines, folder, **options):
    """Runs lines of Python in a folder, as another program; returns its output. Options are those of Popen."""
    done = subprocess.run([sys.executable, "-c", "import os, sys, stat, errno, json\n" + lines], cwd=folder,
                          capture_output=True, text=True, timeout=60, **options)
    assert done.returncode == 0, f"{lines}: {done.returncode} {done.stdout} {done.stderr}"
    return done.stdout


class User:
    """A user of this machine, by numbers. Becoming one needs root."""

    def __init__(self, uid, gid=None, groups=()):
        self.identity = {"user": uid, "group": uid if gid is None else gid, "extra_groups": list(groups)}

    def does(self, expression, folder):
        """The value of a Python expression as this user, in this folder."""
        return json.loads(python(f"print(json.dumps({expression}))", folder, **self.identity))

    def tries(self, expression, folder):
        """The name of the error that the expression ends with, or None."""
        lines = f"try:\n    {expression}\nexcept OSError as e:\n    print(errno.errorcode[e.errno], end='')"
        return python(lines, folder, **self.identity) or None


needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
