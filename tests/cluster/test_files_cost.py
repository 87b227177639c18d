"""How often system calls and programs ask the cluster: reads that are confirmed, and entries of the log.

The kernel asks for every name again, and for attributes if it needs them, because its caches must not answer; these
tests allow no request beyond that."""

import os
import subprocess

import pytest

from files import needs_root

pytestmark = needs_root  # for others the kernel checks permissions, and asks for what it needs for that


def totals(node):
    metrics = node.metrics()
    return metrics["reads_total"], metrics["writes_total"]


def cost(node, act):
    before = totals(node)
    act()
    after = totals(node)
    return after[0] - before[0], after[1] - before[1]


@pytest.fixture
def folder(cluster, at):
    """At a node, with some files; the process is in it, so that paths are short."""
    cluster.wait_begun()
    (at[1] / "d").mkdir()
    for number in range(10):
        (at[1] / "d" / f"f{number}").write_text("x" * 100)
    (at[1] / "f").write_text("x" * 100)
    os.chdir(at[1])
    yield at[1]
    os.chdir("/")


SYSTEM_CALLS = {
    "stat": (lambda: os.stat("f"), 2, 0),
    "stat in a folder": (lambda: os.stat("d/f1"), 3, 0),
    "access": (lambda: os.access("f", os.W_OK), 1, 0),
    "chmod": (lambda: os.chmod("f", 0o600), 1, 1),
    "open, close": (lambda: os.close(os.open("f", os.O_RDONLY)), 1, 0),
    "empty, close": (lambda: os.close(os.open("f", os.O_TRUNC | os.O_WRONLY)), 1, 1),
    "empty, fstat, close": (lambda: open("f", "w").close(), 2, 1),
    "create, close": (lambda: os.close(os.open("n", os.O_CREAT | os.O_WRONLY)), 1, 1),
    "mkdir": (lambda: os.mkdir("e"), 1, 1),
    "rmdir": (lambda: os.rmdir("e"), 1, 1),
    "rename": (lambda: os.rename("n", "m"), 2, 1),
    "link": (lambda: os.link("m", "l"), 2, 1),
    "unlink": (lambda: os.unlink("m"), 1, 1),
    "symlink": (lambda: os.symlink("x", "s"), 1, 1),
    "readlink": (lambda: os.readlink("s"), 2, 0),
    "setxattr": (lambda: os.setxattr("f", "user.a", b""), 1, 1),
    "getxattr": (lambda: os.getxattr("f", "user.a"), 2, 0),
    "list a folder": (lambda: os.listdir("d"), 4, 0),
}


def test_system_calls(cluster, folder):
    costs = {name: cost(cluster.nodes[1], act) for name, (act, _, _) in SYSTEM_CALLS.items()}
    too_much = {name: costs[name] for name, (_, reads, writes) in SYSTEM_CALLS.items()
                if costs[name][0] > reads or costs[name][1] != writes}
    assert not too_much


# By a shell. The requests that it makes to learn its own folder are not counted.
PROGRAMS = {
    "cat f": (4, 0),
    "echo x > f": (1, 2),
    ": > f": (1, 1),
    "echo x > new": (1, 2),
    "echo x >> f": (1, 1),
    "cp f g": (8, 2),
    "mv f h": (2, 1),
    "rm h": (3, 1),
    "mkdir x": (1, 1),
    "touch x": (2, 1),
    "ls -l d": (39, 0),
}


def test_programs(cluster, folder):
    def run(line):
        subprocess.run(["sh", "-c", line], env={**os.environ, "PWD": str(folder)}, check=True, capture_output=True)
    start = cost(cluster.nodes[1], lambda: run(":"))
    costs = {line: cost(cluster.nodes[1], lambda line=line: run(line)) for line in PROGRAMS}
    too_much = {line: costs[line] for line, (reads, writes) in PROGRAMS.items()
                if costs[line][0] - start[0] > reads or costs[line][1] != writes}
    assert not too_much
