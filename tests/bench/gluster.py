"""GlusterFS: a volume of three replicas on this machine, and its mounts."""

import contextlib
import os
import pathlib
import signal
import subprocess

import machine
from cluster import wait_for

ADDRESS = "10.77.7.1"  # it takes no loopback address
STATE = {"/var/lib/glusterd": "state", "/var/log/glusterfs": "log", "/run/gluster": "run"}


class Gluster:
    """Everything in one folder, which is mounted over where the daemons keep their state."""

    name = "GlusterFS"

    def __init__(self, folder):
        self.folder = pathlib.Path(folder) / "gluster"
        self.mounts = []

    @staticmethod
    def version():
        return machine.version_of("glusterfs-server")

    def __enter__(self):
        subprocess.run(["ip", "address", "replace", f"{ADDRESS}/32", "dev", "lo"], check=True)
        for place, name in STATE.items():
            (self.folder / name).mkdir(parents=True)
            pathlib.Path(place).mkdir(parents=True, exist_ok=True)
            subprocess.run(["mount", "--bind", self.folder / name, place], check=True)
        subprocess.run(["glusterd"], check=True)
        wait_for(lambda: self.ask("peer", "status").returncode == 0, "glusterd answers")
        bricks = [f"{ADDRESS}:{self.folder}/brick_{number}" for number in (1, 2, 3)]
        self.must("volume", "create", "bench", "replica", "3", *bricks, "force")
        self.must("volume", "start", "bench")
        return self

    def __exit__(self, *_):
        for mount in self.mounts:
            subprocess.run(["umount", "-l", mount], check=False)
        self.ask("volume", "stop", "bench", "force")
        for pid in machine.pids_with("gluster"):  # none but ours: the process namespace is our own
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        for place in STATE:
            subprocess.run(["umount", "-l", place], check=False)

    def ask(self, *words):
        return subprocess.run(["gluster", "--mode=script", *words], text=True, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT)

    def must(self, *words):
        answer = self.ask(*words)
        if answer.returncode != 0:
            raise OSError(f"gluster {' '.join(words)}: {answer.stdout.strip()}")

    def mount(self, name, options):
        """A mount of the volume, with options of mount(8)."""
        point = self.folder / name
        point.mkdir()
        subprocess.run(["mount", "-t", "glusterfs", "-o", options, f"{ADDRESS}:/bench", point], check=True)
        self.mounts.append(point)
        return point
