"""Clients that add to a set under a lock (lock_client.py), and what must hold of it: no addition that was acknowledged
is lost, and no two holders have each had a change applied.
"""

import pathlib
import signal
import subprocess
import sys


class Clients:
    def __init__(self, nodes, folder, way, logs, seed):
        """One for each of the nodes that are given; `folder` is a key."""
        self.until = logs / "over"
        self.logs = []
        self.processes = []
        client = pathlib.Path(__file__).with_name("lock_client.py")
        for number, node in enumerate(nodes):
            self.logs.append(logs / f"c{number}")
            with open(self.logs[-1], "w") as log:
                self.processes.append(subprocess.Popen(
                    [sys.executable, client, node.mount / folder, f"c{number}", way, seed, self.until], stdout=log))

    def end(self):
        self.until.touch()
        for process in self.processes:
            assert process.wait(60) == 0

    def kill(self):
        for process in self.processes:
            if process.poll() is None:
                process.send_signal(signal.SIGCONT)
                process.kill()
            process.wait()

    def told(self, word):
        lines = (line.split() for log in self.logs for line in log.read_text().splitlines())
        return [line for line in lines if line[0] == word]

    def judge(self, data, few=0):
        """`data` is the set at the end. There must have been a few additions."""
        version, *items = data.split() or ["0"]
        acknowledged = self.told("ok")
        possible = {line[1] for line in acknowledged + self.told("maybe")}
        lost = [line for line in acknowledged if line[1] not in items]
        assert not lost, f"additions that were acknowledged are lost: {lost}"
        versions = [line[2] for line in acknowledged]
        twice = {number for number in versions if versions.count(number) > 1}
        assert not twice, f"two holders at a time have each had a change applied: {twice}"
        assert len(items) == len(set(items)) == int(version), f"version {version} has {len(items)} items"
        assert set(items) <= possible, f"out of nowhere: {set(items) - possible}"
        assert len(acknowledged) >= few, "nearly nothing has happened"
