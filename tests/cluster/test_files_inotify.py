"""inotify(7) for changes of other nodes: `"inotify": true`."""
import ctypes
import os
import signal
import stat
import subprocess
import time

import pytest

from cluster import Cluster, wait_for
from inotify import helper_of, watching

CONFIG = {"inotify": True}
RENAME_EXCHANGE = 2
LIBC = ctypes.CDLL(None, use_errno=True)


def exchange(a, b):
    if LIBC.renameat2(-100, os.fsencode(a), -100, os.fsencode(b), RENAME_EXCHANGE) != 0:
        raise OSError(ctypes.get_errno(), "renameat2")


def write(path, text):
    """In place, as a write(2) alone."""
    fd = os.open(path, os.O_WRONLY)
    os.write(fd, text.encode())
    os.close(fd)


# What is there before, and is watched besides the folder; the change.
KINDS = {
    "create": ([], lambda d: os.mknod(d / "new", 0o644)),
    "mkdir": ([], lambda d: os.mkdir(d / "new")),
    "symlink": ([], lambda d: os.symlink("target", d / "new")),
    "link": (["file"], lambda d: os.link(d / "file", d / "new")),
    "mknod": ([], lambda d: os.mkfifo(d / "new")),
    "modify": (["file"], lambda d: write(d / "file", "more")),
    "truncate": (["file"], lambda d: os.truncate(d / "file", 1)),
    "attrib": (["file"], lambda d: os.chmod(d / "file", 0o600)),
    "chown": (["file"], lambda d: os.chown(d / "file", 5, 6)),
    "times": (["file"], lambda d: os.utime(d / "file", (1, 2))),
    "xattr": (["file"], lambda d: os.setxattr(d / "file", "user.x", b"y")),
    "attrib of a folder": (["sub/"], lambda d: os.chmod(d / "sub", 0o700)),
    "delete": (["file"], lambda d: os.unlink(d / "file")),
    "delete one of two names": (["file", "file=second"], lambda d: os.unlink(d / "second")),
    "rmdir": (["sub/"], lambda d: os.rmdir(d / "sub")),
    "rename": (["file"], lambda d: os.rename(d / "file", d / "other")),
    "rename across": (["file", "sub/"], lambda d: os.rename(d / "file", d / "sub/other")),
    "rename over": (["file", "old"], lambda d: os.rename(d / "file", d / "old")),
    "rename over, across": (["file", "sub/", "sub/old"], lambda d: os.rename(d / "file", d / "sub/old")),
    "exchange": (["file", "sub/", "sub/old"], lambda d: exchange(d / "file", d / "sub/old")),
    "move of a folder": (["sub/"], lambda d: os.rename(d / "sub", d / "other")),
    "move of a folder across": (["a/", "a/sub/", "b/"], lambda d: os.rename(d / "a/sub", d / "b/other")),
    "move of a folder over another": (["a/", "a/sub/", "b/", "b/old/"],
                                      lambda d: os.rename(d / "a/sub", d / "b/old")),
}


def prepare(folder, names):
    for name in names:
        if name.endswith("/"):
            (folder / name).mkdir()
        elif "=" in name:
            os.link(*(folder / part for part in name.split("=")))
        else:
            (folder / name).write_text("contents")


def events_of(watcher, folder):
    return [(os.path.relpath(path, folder), events, name) for path, events, name in watcher.lines]


def test_events_are_those_of_a_change_here(cluster, at):
    """Each kind: a change at this mount, and one of another node in a second folder."""
    here, other, _ = at
    for number, (kind, (names, change)) in enumerate(KINDS.items()):
        seen = []
        for made_at in (here, other):
            name = f"{number}{made_at is here}"
            (here / name).mkdir()
            prepare(here / name, names)
            watched = [here / name] + [here / name / part.split("=")[-1] for part in names]
            with watching(*watched) as watcher:
                change(made_at / name)
                os.mknod(made_at / name / "end")
                watcher.wait("CREATE", "end")
                seen.append(events_of(watcher, here / name))
        assert seen[1] == seen[0], kind
        assert len(seen[0]) > 1, kind
    cluster.wait_equal()
