"""A cluster of etcd, with Debian's defaults but for the limits that the loads need raised."""

import base64
import concurrent.futures
import contextlib
import http.client
import json
import pathlib
import shutil
import subprocess

import machine
from cluster import wait_for

FIRST_PORT, FIRST_PEER_PORT = 21000, 21100
V3, V2 = "etcd-v3", "etcd-v2"


def text64(text):
    return base64.b64encode(text.encode()).decode()


class Etcd:
    """Members of one cluster, numbered from 0; it serves two interfaces, which count as two peers."""

    name = "etcd"
    apis = (V3, V2)
    peer_ports = range(FIRST_PEER_PORT, FIRST_PEER_PORT + 10)
    flags = ("--enable-v2", "--quota-backend-bytes", str(8 << 30), "--max-request-bytes", str(16 << 20),
             "--max-txn-ops", "1000", "--strict-reconfig-check=false",
             "--logger", "zap", "--log-level", "error")

    def __init__(self, folder, count=3, hosts=None, inside=None, heartbeat_ms=100):
        self.folder = pathlib.Path(folder)
        self.hosts = hosts or ["127.0.0.1"] * count
        self.count = len(self.hosts)
        self.inside = inside or [()] * len(self.hosts)
        self.heartbeat = ("--heartbeat-interval", str(heartbeat_ms), "--election-timeout", str(10 * heartbeat_ms))
        self.processes = [None] * len(self.hosts)

    def __enter__(self):
        for number in range(self.count):
            self.spawn(number, "new")
        for number in range(self.count):
            wait_for(lambda: self.serves(number), "etcd serves", seconds=60)
        return self

    def __exit__(self, *_):
        for number, process in enumerate(self.processes):
            if process.poll() is None:
                process.kill()
                process.wait()
            shutil.rmtree(self.data(number))

    @staticmethod
    def version():
        return machine.version_of("etcd-server")

    def data(self, number):
        return self.folder / f"etcd_{number + 1}"

    def peer_url(self, number):
        return f"http://{self.hosts[number]}:{FIRST_PEER_PORT + number}"

    def url(self, number):
        return f"http://{self.hosts[number]}:{FIRST_PORT + number}"

    def spawn(self, number, state):
        members = ",".join(f"n{n}={self.peer_url(n)}" for n in range(self.count))
        command = [*self.inside[number], "etcd", "--name", f"n{number}", "--data-dir", str(self.data(number)),
                   "--listen-peer-urls", self.peer_url(number), "--initial-advertise-peer-urls", self.peer_url(number),
                   "--listen-client-urls", self.url(number), "--advertise-client-urls", self.url(number),
                   "--initial-cluster", members, "--initial-cluster-state", state, *self.heartbeat,
                   *self.flags]
        with open(self.folder / f"etcd_{number + 1}.log", "ab") as log:
            self.processes[number] = subprocess.Popen(command, stdout=log, stderr=log)

    def ask(self, number, path, body, timeout=60):
        connection = http.client.HTTPConnection(self.hosts[number], FIRST_PORT + number, timeout=timeout)
        with contextlib.closing(connection):
            connection.request("POST", path, json.dumps(body))
            answer = connection.getresponse()
            text = answer.read()
            if answer.status != 200:
                raise OSError(f"etcd answers {answer.status}: {text[:200]}")
            return json.loads(text)

    def pids(self):
        return [process.pid for process in self.processes if process.poll() is None]

    def status(self, number):
        return self.ask(number, "/v3/maintenance/status", {})

    def leader(self):
        def leads():
            for number, process in enumerate(self.processes):
                if process.poll() is None:
                    with contextlib.suppress(OSError):
                        status = self.status(number)
                        if status.get("leader") == status["header"]["member_id"]:
                            return number + 1
        return wait_for(leads, "etcd has a leader") - 1

    # Keys, and the life of a member.

    def fill(self, first, end, value=128, of_list=500, clients=4):
        """Puts the keys from first to end, in transactions; returns when all are decided."""
        value64 = text64("v" * value)
        leader = self.leader()

        def put(start):
            puts = [{"request_put": {"key": text64(f"bench/{key:06}"), "value": value64}}
                    for key in range(start, min(start + of_list, end))]
            self.ask(leader, "/v3/kv/txn", {"success": puts})
        with concurrent.futures.ThreadPoolExecutor(clients) as pool:
            list(pool.map(put, range(first, end, of_list)))

    def fill_v2(self, end, value=128, clients=16):
        """The same in the other interface, which has no lists and its keys apart."""
        leader, body = self.leader(), "value=" + "v" * value

        def put(start):
            connection = http.client.HTTPConnection(self.hosts[leader], FIRST_PORT + leader, timeout=60)
            with contextlib.closing(connection):
                for key in range(start, end, clients):
                    connection.request("PUT", f"/v2/keys/bench/{key:06}", body,
                                       {"Content-Type": "application/x-www-form-urlencoded"})
                    connection.getresponse().read()
        with concurrent.futures.ThreadPoolExecutor(clients) as pool:
            list(pool.map(put, range(clients)))

    def stop(self, number):
        self.processes[number].terminate()
        self.processes[number].wait()

    def kill(self, number):
        self.processes[number].kill()
        self.processes[number].wait()

    def start(self, number, state="existing"):
        """Returns when the member serves requests."""
        self.spawn(number, state)
        wait_for(lambda: self.serves(number), "etcd serves", seconds=120)

    def serves(self, number):
        """Whether a linearizable read is answered."""
        with contextlib.suppress(OSError):
            return bool(self.ask(number, "/v3/kv/range", {"key": text64("none")}, timeout=2))

    def put_one(self, number, patience):
        """Whether this member accepts a put within the given seconds."""
        with contextlib.suppress(OSError):
            return bool(self.ask(number, "/v3/kv/put", {"key": text64("after"), "value": text64("x")}, patience))

    def empty(self, number):
        """Removes all data of a stopped member. An empty member can only join as a new one."""
        other = (number + 1) % self.count
        for member in self.ask(other, "/v3/cluster/member/list", {})["members"]:
            if member.get("name") == f"n{number}":
                self.ask(other, "/v3/cluster/member/remove", {"ID": member["ID"]})
        self.ask(other, "/v3/cluster/member/add", {"peerURLs": [self.peer_url(number)]})
        shutil.rmtree(self.data(number))

    def caught_up(self, number, index):
        with contextlib.suppress(OSError):
            return self.applied(number) >= index

    def applied(self, number):
        return int(self.status(number)["raftAppliedIndex"])

    def compact(self):
        """Forgets former values of keys, as quorumfs does all the time; returns when that is done."""
        revision = self.status(0)["header"]["revision"]
        self.ask(0, "/v3/kv/compaction", {"revision": revision, "physical": True})

    def data_mib(self, number):
        return machine.folder_mib(self.data(number))
