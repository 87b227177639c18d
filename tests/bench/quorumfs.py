"""A cluster of quorumfs, as tests/cluster starts its nodes."""

import concurrent.futures
import contextlib
import json
import os
import pathlib
import shutil

import machine
from cluster import Node, QUORUMFS, wait_for

FIRST_PORT, PEER_PORTS = 20000, 100
API = "quorumfs"


class NodeInside(Node):
    """A node that is started by something, such as nsenter."""

    inside = ()

    def command(self, *flags):
        return [*self.inside, *super().command(*flags)]


class Quorumfs:
    """Nodes of one cluster, numbered from 0; hosts: their addresses; inside: the command that starts each."""

    name = "quorumfs"
    apis = (API,)
    peer_ports = range(FIRST_PORT + PEER_PORTS, FIRST_PORT + PEER_PORTS + 10)

    def __init__(self, folder, count=3, mount=False, hosts=None, inside=None, first_port=FIRST_PORT, **config):
        hosts = hosts or ["127.0.0.1"] * count
        self.count = len(hosts)
        members = [{"addr": f"{host}:{first_port + n}", "peer_addr": f"{host}:{first_port + PEER_PORTS + n}"}
                   for n, host in enumerate(hosts)]
        secret = pathlib.Path(folder) / "quorumfs_secret"
        if not secret.exists():
            secret.touch(0o600)
            secret.write_text("quorumfs-secret-" + os.urandom(32).hex() + "\n")
        self.nodes = []
        for number, member in enumerate(members, 1):
            fields = member | {"peers": [other for other in members if other is not member],
                               "secret_file": str(secret)} | config
            if mount:
                fields["mount"] = "mnt"
            node = NodeInside(pathlib.Path(folder) / f"quorumfs_{number}", member["addr"], fields)
            node.inside = inside[number - 1] if inside else ()
            self.nodes.append(node)

    def __enter__(self):
        for node in self.nodes:
            node.start(wait=False)
        for node in self.nodes:
            node.wait_ready()
        return self

    def __exit__(self, *_):
        for node in self.nodes:
            node.ask_to_stop()
        for node in self.nodes:
            node.clean_up()
            shutil.rmtree(node.folder)

    @staticmethod
    def version():
        return machine.output(QUORUMFS, "--version").strip()

    def pids(self):
        return [node.process.pid for node in self.nodes if node.running]

    def leader(self):
        def agreed():
            named = {node.status()["leader"] for node in self.nodes if node.running}
            return len(named) == 1 and named.pop()
        return wait_for(agreed, "the nodes agree on a leader") - 1

    def follower(self):
        """The node after the leader."""
        return self.nodes[(self.leader() + 1) % self.count]

    def url(self, number):
        return f"http://{self.nodes[number].addr}"

    # Keys, and the life of a node.

    def fill(self, first, end, value=128, of_list=500, clients=4, form="bench/{:06}"):
        """Puts the keys from first to end, in lists; returns when all are decided."""
        leader = self.nodes[self.leader()]

        def put(start):
            entries = [{"key": form.format(key), "value": "v" * value}
                       for key in range(start, min(start + of_list, end))]
            answer = leader.request("POST", "/keys", json.dumps(entries), timeout=60)
            assert answer.status == 200, answer
        with concurrent.futures.ThreadPoolExecutor(clients) as pool:
            list(pool.map(put, range(first, end, of_list)))

    def stop(self, number):
        self.nodes[number].stop()

    def kill(self, number):
        self.nodes[number].kill()

    def start(self, number):
        """Returns when the node serves requests."""
        self.nodes[number].start(wait=False)
        wait_for(lambda: self.serves(number), "the node serves", seconds=120)

    def serves(self, number):
        return self.nodes[number].is_ready()

    def put_one(self, number, patience):
        """Whether this node accepts a put within the given seconds."""
        with contextlib.suppress(OSError):
            return self.nodes[number].request("PUT", "/key/after", b"x", timeout=patience).status == 200

    def empty(self, number):
        self.nodes[number].lose_folder()

    def caught_up(self, number, index):
        return self.applied(number) >= index

    def applied(self, number):
        return self.nodes[number].status()["log"]["applied"]

    def compact(self):
        """Nothing to do: the log is trimmed all the time."""

    def data_mib(self, number):
        return machine.folder_mib(self.nodes[number].folder)
