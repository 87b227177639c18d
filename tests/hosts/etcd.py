"""etcd (Debian's etcd-server) on the same hosts, for comparison: the part of Hosts that the measurements use."""

import base64
import contextlib
import http.client
import json
import pathlib
import re
import shutil
import subprocess
import tempfile

from hardware import Hardware
from hosts import Response, wait_for
from network import Network

CLIENT_PORT, PEER_PORT = 2379, 2380
HEARTBEAT_MS = 100  # etcd's default, and ours


class EtcdHost:
    def __init__(self, number, folder, network, flags):
        self.number = number
        self.namespace = network.hosts[number]
        self.hardware = Hardware(folder.with_suffix(".host"), folder)
        self.log = folder.with_suffix(".log")
        self.address = network.address(number)
        client, peer = f"http://{self.address}:{CLIENT_PORT}", f"http://{self.address}:{PEER_PORT}"
        members = ",".join(f"n{each}=http://{network.address(each)}:{PEER_PORT}" for each in network.hosts)
        self.words = self.namespace.command(
            "setpriv", "--pdeathsig", "KILL", "etcd", "--name", f"n{number}", "--data-dir", str(folder / "etcd"),
            "--listen-client-urls", client, "--advertise-client-urls", client, "--listen-peer-urls", peer,
            "--initial-advertise-peer-urls", peer, "--initial-cluster", members, *flags)
        self.process = None

    def start(self):
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(self.words, stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def kill(self):
        self.process.kill()
        self.process.wait()

    def clean_up(self):
        if self.process:
            self.kill()
        self.hardware.close()

    def connect(self, timeout):
        connection = http.client.HTTPConnection(self.address, CLIENT_PORT, timeout=timeout)
        connection.auto_open = False
        with self.namespace.inside():
            connection.connect()
        return connection

    def ask(self, method, path, body=None):
        with contextlib.closing(self.connect(5)) as connection:
            connection.request(method, path, body)
            answer = connection.getresponse()
            return Response(answer.status, answer.headers, answer.read())

    def put_request(self, key, value):
        pair = {"key": base64.b64encode(key.encode()).decode(), "value": base64.b64encode(value.encode()).decode()}
        return "POST", "/v3/kv/put", json.dumps(pair)

    def is_ready(self):
        with contextlib.suppress(OSError, http.client.HTTPException):
            return self.ask("POST", *self.put_request("ready", "yes")[1:]).status == 200

    def wait_ready(self):
        wait_for(self.is_ready, f"etcd {self.number} is ready", 30)

    def leads(self):
        status = self.ask("POST", "/v3/maintenance/status", "{}").json
        return status["leader"] == status["header"]["member_id"]

    def leader_changes(self):
        metrics = self.ask("GET", "/metrics").body.decode()
        return int(float(re.search(r"^etcd_server_leader_changes_seen_total (\S+)", metrics, re.M)[1]))


class Etcd:
    def __init__(self, count, election_ms):
        """With --pre-vote, etcd's means against partitions, which later versions have by default."""
        assert shutil.which("etcd"), "etcd is missing: it is in the package etcd-server"
        self.name = f"etcd, {election_ms} ms"
        self.election_seconds = election_ms / 1000
        self.network = Network(count)
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="quorumfs-test-"))
        flags = ("--heartbeat-interval", str(HEARTBEAT_MS), "--election-timeout", str(election_ms), "--pre-vote=true",
                 "--logger", "zap", "--log-level", "error")
        self.nodes = [EtcdHost(number, self.folder / f"data_{number}", self.network, flags)
                      for number in self.network.hosts]

    def __enter__(self):
        for node in self.nodes:
            node.start()
        for node in self.nodes:
            node.wait_ready()
        return self

    def __exit__(self, kind, value, trace):
        for node in self.nodes:
            node.clean_up()
        self.network.close()
        shutil.rmtree(self.folder)

    def leader(self):
        """The one that leads, by its own word."""
        def leading():
            return next((node for node in self.nodes if node.leads()), None)
        return wait_for(leading, "etcd has a leader")
