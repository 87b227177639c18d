"""Programs that watch by inotify(7), for the tests."""
import contextlib
import os
import subprocess
import threading

from cluster import wait_for

EVENTS = "modify,attrib,move,move_self,create,delete,delete_self,unmount"


class Watcher:
    """inotifywait -m, and the lines that it has printed: (what is watched, events, name)."""

    def __init__(self, *paths, events=EVENTS):
        self.lines = []
        self.ready = threading.Event()
        self.process = subprocess.Popen(
            ["inotifywait", "-m", "-e", events, "--format", "%w|%e|%f", *map(str, paths)],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, errors="surrogateescape")
        self.threads = [threading.Thread(target=self.collect), threading.Thread(target=self.listen)]
        for thread in self.threads:
            thread.start()
        assert self.ready.wait(20), "inotifywait does not watch"

    def collect(self):
        for line in self.process.stdout:
            self.lines.append(tuple(line.rstrip("\n").split("|")))

    def listen(self):
        for line in self.process.stderr:
            if "Watches established" in line:
                self.ready.set()

    def has(self, events, name=""):
        return any(line[1] == events and line[2] == name for line in list(self.lines))

    def wait(self, events, name="", seconds=20):
        wait_for(lambda: self.has(events, name), f"{events} {name} in {self.lines}", seconds)

    def end(self):
        self.process.kill()
        self.process.wait()
        for thread in self.threads:
            thread.join()


@contextlib.contextmanager
def watching(*paths, **options):
    watcher = Watcher(*paths, **options)
    try:
        yield watcher
    finally:
        watcher.end()


def helper_of(node):
    """The process that repeats changes for this node, or None."""
    with open(f"/proc/{node.process.pid}/task/{node.process.pid}/children") as file:
        for child in file.read().split():
            with contextlib.suppress(OSError), open(f"/proc/{child}/comm") as comm:
                if comm.read().startswith("quorumfs-inotif"):
                    return int(child)
    return None
