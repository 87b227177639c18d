"""example/start as a newcomer uses it, in a network of its own, so that its fixed ports are free."""

import contextlib
import os
import re
import shutil
import signal
import subprocess

import pytest

from cluster import QUORUMFS, REPOSITORY, START_SECONDS, mounts_below, unguard, wait_for

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="needs root, for a network namespace")


class Example:
    """A copy of example/ and the nodes that run from it."""

    def __init__(self, folder):
        self.folder = folder
        shutil.copytree(REPOSITORY / "example", folder, ignore=shutil.ignore_patterns("mnt", "*.db*", "lock"))
        self.process = None
        self.printed = ""

    def command(self, inside=None):
        if inside:
            return ["nsenter", "-t", str(inside.process.pid), "-n", str(self.folder / "start")]
        return ["unshare", "--net", "sh", "-c", 'ip link set lo up && exec "$0"', str(self.folder / "start")]

    def start(self):
        # A Python that runs in the background ignores SIGINT, and so would its children.
        self.process = subprocess.Popen(
            self.command(), cwd=self.folder.parent, env=os.environ | {"QUORUMFS": QUORUMFS},
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))
        self.read_until("Ctrl-C stops them")

    def read_until(self, text):
        for line in self.process.stdout:
            self.printed += line
            if text in line:
                return
        raise AssertionError(f"ended before it said '{text}':\n{self.printed}")

    def node_pids(self):
        return [int(pid) for pid in re.findall(r"process (\d+)", self.printed)][-3:]

    def run(self, line):
        """A shell line where the example runs."""
        done = subprocess.run(["nsenter", "-t", str(self.process.pid), "-n", "sh", "-c", line],
                              cwd=self.folder, capture_output=True, text=True)
        assert done.returncode == 0, f"{line}: {done.stderr}"
        return done.stdout

    def end(self, number):
        pids = self.node_pids()
        self.process.send_signal(number)
        self.printed += self.process.communicate(timeout=START_SECONDS)[0]
        assert self.process.returncode == 0, self.printed
        assert not mounts_below(self.folder), self.printed
        assert not list(self.folder.glob("data_*/mnt")), self.printed
        assert not any(os.path.exists(f"/proc/{pid}") for pid in pids), self.printed

    def clean_up(self):
        if self.process and self.process.poll() is None:
            self.process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(START_SECONDS)
            self.process.kill()
        for point in mounts_below(self.folder):
            subprocess.run(["umount", "-l", point], check=False)
        for folder in self.folder.glob("data_*/mnt"):
            unguard(folder)


@pytest.fixture
def example(tmp_path):
    made = Example(tmp_path / "example")
    yield made
    made.clean_up()


def test_start_try_stop_and_start_again(example):
    example.start()
    # The commands that it prints are the ones to try.
    tries = re.findall(r"^  (echo .*|cat .*|curl .*)$", example.printed, re.M)
    assert len(tries) == 3
    answers = [example.run(f"cd .. && {line}") for line in tries]
    assert answers[1] == "it\n" and "it" in answers[2]
    example.end(signal.SIGINT)

    example.start()
    assert example.run("cat data_2/mnt/eat") == "it\n"
    example.end(signal.SIGTERM)


def test_started_twice(example, tmp_path):
    example.start()
    again = subprocess.run(example.command(inside=example), env=os.environ | {"QUORUMFS": QUORUMFS},
                           capture_output=True, text=True, timeout=START_SECONDS)
    assert again.returncode == 1 and "already running" in again.stderr
    other = Example(tmp_path / "other")
    taken = subprocess.run(other.command(inside=example), env=os.environ | {"QUORUMFS": QUORUMFS},
                           capture_output=True, text=True, timeout=START_SECONDS)
    assert taken.returncode == 1 and "another program uses port 8080" in taken.stderr
    example.run("curl -fs http://127.0.0.1:8080/readyz")
    example.end(signal.SIGTERM)


def test_a_node_that_dies_is_told(example):
    example.start()
    os.kill(example.node_pids()[1], signal.SIGKILL)
    example.read_until("node 2 has ended with status 137")
    example.read_until("start it again with")
    wait_for(lambda: example.run("curl -s -o /dev/null -w '%{http_code}' -X PUT -d x http://127.0.0.1:8080/key/x")
             == "200", "the two others accept writes")
    example.process.send_signal(signal.SIGTERM)
    example.printed += example.process.communicate(timeout=START_SECONDS)[0]
    # Its dead mount was all that was left, and that is said.
    assert "was left mounted: unmounting it" in example.printed
    assert not mounts_below(example.folder)
