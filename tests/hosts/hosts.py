"""A cluster of which each node has a host of its own: a network namespace, a disk and a clock.

The other files here import their needs of tests/cluster from this one, which knows its path.
"""

import pathlib
import signal
import socket
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "cluster"))

from cluster import QUORUMFS, Cluster, Node, Response, path_of, tree_of, wait_for  # noqa: E402,F401
from hardware import Hardware  # noqa: E402
from network import Network  # noqa: E402

PORT = 8080


def end_by_sigterm():
    """SIGTERM ends this program as Ctrl-C does: everything is taken away."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))


class Host(Node):
    """A node on its host. Its doors are reached from the host itself, its mount from everywhere."""

    def __init__(self, number, folder, addr, config, namespace):
        self.number = number
        self.namespace = namespace
        self.hardware = Hardware(folder.with_suffix(".host"), folder)
        self.stops = []  # [from, to] of each time that it was paused
        self.forgetful = False  # its folder was emptied, and it was not seen ready since
        super().__init__(folder, addr, config)

    def command(self, *flags):
        # A node never outlives the thread that started it, and a kill of that reaches it.
        return self.namespace.command("setpriv", "--pdeathsig", "KILL", *self.hardware.command(*super().command(*flags)))

    def pause(self):
        self.stops.append([time.monotonic(), float("inf")])
        super().pause()

    def resume(self):
        super().resume()
        self.stops[-1][1] = time.monotonic()

    def kill(self):
        if self.paused:
            self.stops[-1][1] = time.monotonic()
        super().kill()

    def lose_folder(self):
        self.forgetful = True
        super().lose_folder()

    def wait_ready(self, *seconds):
        super().wait_ready(*seconds)
        self.forgetful = False

    def stopped_seconds(self, begin, end):
        """For how long of that time the process was paused, and could not answer."""
        return sum(max(0, min(end, to) - max(begin, since)) for since, to in self.stops)

    def clean_up(self):
        problem = super().clean_up()
        self.hardware.close()
        return problem

    def leader_changes(self):
        return self.status()["leader_changes"]

    @staticmethod
    def put_request(key, value):
        return "PUT", path_of(key), value

    # Connections begin on the host.

    def connect(self, timeout=15):
        connection = super().connect(timeout)
        connection.auto_open = False  # not again from elsewhere
        with self.namespace.inside():
            connection.connect()
        return connection

    def websocket(self, path="/client", **options):
        with self.namespace.inside():
            connection = socket.create_connection((self.host, self.port), timeout=15)
        return super().websocket(path, socket=connection, **options)


class Hosts(Cluster):
    name = "quorumfs"
    election_seconds = 0.1  # the time without the leader's heartbeat after which a node looks for another

    def __init__(self, count=3, **config):
        self.network = Network(count)
        super().__init__(count, **{"clients": ["127.0.0.0/8", "10.77.0.0/16"], "clients_as": "0:0"} | config)

    def addresses(self, count):
        return [f"{self.network.address(number)}:{PORT}" for number in range(1, count + 1)]

    def make_node(self, number, addr, config):
        return Host(number, self.folder / f"data_{number}", addr, config, self.network.hosts[number])

    def clean_up(self):
        self.network.heal()
        problems = super().clean_up()
        self.network.close()
        return problems
