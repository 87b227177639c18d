"""Real nodes on this machine: started, broken and watched from outside.

Nothing here sleeps for luck: every wait names a condition and a deadline.
"""

import base64
import collections
import contextlib
import http.client
import json
import os
import pathlib
import random
import shutil
import signal
import socket
import stat
import subprocess
import tempfile
import time
import urllib.parse

import websocket

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
QUORUMFS = os.environ.get("QUORUMFS", str(REPOSITORY / "build" / "quorumfs"))

START_SECONDS = 30  # until a node is ready; an ASan build on a busy machine is slow
STOP_SECONDS = 15

LEAVE_OUT = object()  # as the value of a field: not in node.json
# Fields that versions without encryption do not know. A version without it has another `binary`.
SINCE_ENCRYPTION = ("secret_file", "tls_cert", "tls_key", "tls_ca", "tls", "plain_health", "plain_peers")
# A cluster that says nothing of these gets a secret.
PROOFS = ("cluster_secret", "secret_file", "tls_ca", "plain_peers")


def wait_for(condition, what, seconds=20):
    """Returns the first true answer of condition()."""
    deadline = time.monotonic() + seconds
    while True:
        answer = condition()
        if answer:
            return answer
        if time.monotonic() > deadline:
            raise AssertionError(f"after {seconds} s still waiting until {what}")
        time.sleep(0.02)


_ports_given = set()
# Each worker of pytest-xdist has ports of its own: a node that is down for a while must find its own free.
_WORKERS_MAX = 16
_WORKER = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
_PORTS = range(12000, 32000)[_WORKER % _WORKERS_MAX::_WORKERS_MAX]


def free_ports(count):
    """Unused ports in rising order, below those that the kernel gives to outgoing connections. All have
    five digits, so that the order of the addresses as text, which numbers the nodes, is theirs."""
    ports = []
    while len(ports) < count:
        port = random.SystemRandom().choice(_PORTS)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        if port not in _ports_given:
            _ports_given.add(port)
            ports.append(port)
    return sorted(ports)


def mounts_below(path):
    """Mountpoints under a path, the deepest first. Reads no file system, so dead ones do no harm."""
    with open("/proc/self/mountinfo") as file:
        points = [line.split()[4].replace("\\040", " ") for line in file]
    return sorted((p for p in points if p.startswith(str(path) + "/")), reverse=True)


def unguard(folder):
    """A mountpoint, and those below a folder, can be removed from now on. Nothing may be mounted there."""
    subprocess.run(["chattr", "-Rf", "-i", folder], check=False, stderr=subprocess.DEVNULL)


def path_of(key):
    """The URL path of a key (text or bytes)."""
    return "/key/" + urllib.parse.quote(key)


class Response(collections.namedtuple("Response", "status headers body")):
    @property
    def json(self):
        return json.loads(self.body)

    @property
    def single(self):
        return self.json["Single"]

    @property
    def multiple(self):
        return self.json["Multiple"]

    @property
    def transaction(self):
        return self.json["Transaction"]

    @property
    def error(self):
        """The text of an error answer: every error has one."""
        answer = self.json
        answer = answer["Multiple"][0] if "Multiple" in answer else answer
        answer = answer.get("Single") or answer.get("Transaction") or answer
        assert answer["error"], self
        return answer["error"]


class Node:
    """One process, its folder and its doors."""

    def __init__(self, folder, addr, config):
        self.folder = pathlib.Path(folder)
        self.binary = self.written_for = QUORUMFS  # can be changed before the next start
        self.addr = addr
        self.host, port = addr.rsplit(":", 1)
        self.port = int(port)
        self.config = config
        self.mount = self.folder / "mnt"
        self.log = self.folder.with_suffix(".log")
        self.process = None
        self.paused = False
        self.asked = False  # to stop
        self.folder.mkdir(parents=True, exist_ok=True)
        self.write_config()

    def __repr__(self):
        return f"<node {self.folder.name} {self.addr}>"

    def write_config(self):
        """It may hold a secret, so it is for its owner alone."""
        self.written_for = self.binary
        fields = {name: value for name, value in self.config.items() if value is not LEAVE_OUT and
                  (self.binary == QUORUMFS or name not in SINCE_ENCRYPTION)}
        path = self.folder / "node.json"
        path.touch(0o600)
        path.chmod(0o600)
        path.write_text(json.dumps(fields, indent=4))

    # Life and death.

    def start(self, *flags, wait=True):
        assert not self.running, f"{self} runs already"
        if self.binary != self.written_for:
            self.write_config()
        self.asked = False
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(self.command(*flags), stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                            cwd=self.folder)
        if wait:
            self.wait_ready()
        return self

    def command(self, *flags):
        return [self.binary, *flags, str(self.folder)]

    @property
    def running(self):
        return self.process is not None and self.process.poll() is None

    def is_ready(self):
        assert self.running, f"{self} has ended: {self.log_tail(5)}"
        with contextlib.suppress(OSError, http.client.HTTPException):
            return self.request("GET", "/readyz", timeout=2).status == 200

    def wait_ready(self, seconds=START_SECONDS):
        wait_for(self.is_ready, f"{self} is ready", seconds)

    def ask_to_stop(self):
        if self.paused:
            self.resume()
        if not self.asked:
            self.asked = True
            self.process.send_signal(signal.SIGTERM)

    def stop(self):
        """As an operator does; a clean end is part of every test."""
        self.ask_to_stop()
        status = self.process.wait(STOP_SECONDS)
        assert status == 0, f"{self} ended with {status}: {self.log_tail(20)}"
        assert not mounts_below(self.folder), f"{self} left a mount"

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.paused = False

    def lose_folder(self):
        """Removes everything of a node that is down, except its configuration and its mountpoint."""
        for path in self.folder.iterdir():
            if path not in (self.folder / "node.json", self.mount):
                path.unlink()

    def copy_folder(self):
        """A copy beside it, as it is now."""
        copy = self.folder.with_name(self.folder.name + "-copy")
        shutil.copytree(self.folder, copy, dirs_exist_ok=True, ignore=shutil.ignore_patterns("socket"))
        return copy

    def put_back(self, copy):
        """The copy takes the place of the folder of a node that is down."""
        shutil.rmtree(self.folder)
        shutil.copytree(copy, self.folder)

    def pause(self):
        self.process.send_signal(signal.SIGSTOP)
        self.paused = True

    def resume(self):
        self.process.send_signal(signal.SIGCONT)
        self.paused = False

    def clean_up(self):
        """Ends what is still running. Returns what was wrong with its end, or nothing."""
        problem = None
        if self.running:
            try:
                self.stop()
            except (AssertionError, subprocess.TimeoutExpired) as error:
                problem = str(error)
                self.kill()
        for point in mounts_below(self.folder):
            subprocess.run(["umount", "-l", point], check=False)
        unguard(self.mount)
        return problem

    def log_tail(self, lines):
        if not self.log.exists():
            return ""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])

    def sanitizer_report(self):
        text = self.log.read_text(errors="replace") if self.log.exists() else ""
        found = [text.find(mark) for mark in ("ERROR: AddressSanitizer", "ERROR: LeakSanitizer", "runtime error:")]
        first = min((at for at in found if at >= 0), default=-1)
        return text[first:first + 4000] if first >= 0 else None

    # HTTP.

    def connect(self, timeout=15):
        return http.client.HTTPConnection(self.host, self.port, timeout=timeout)

    def request(self, method, path, body=None, headers=None, timeout=15):
        if isinstance(body, (dict, list)):
            body = json.dumps(body)
        if isinstance(body, str):
            body = body.encode()
        with contextlib.closing(self.connect(timeout)) as connection:
            connection.request(method, path, body, headers or {})
            answer = connection.getresponse()
            return Response(answer.status, answer.headers, answer.read())

    def get(self, key, query="", **headers):
        return self.request("GET", path_of(key) + query, headers=headers)

    def value(self, key, query=""):
        """The raw bytes of a key, or None."""
        answer = self.request("GET", path_of(key) + query, headers={"Accept": "application/octet-stream"})
        assert answer.status in (200, 404), answer
        return answer.body if answer.status == 200 else None

    def post(self, key, value):
        return self.request("POST", "/key", {"key": key, "value": value})

    def put(self, key, data, headers=None):
        return self.request("PUT", path_of(key), data, headers)

    def delete(self, key, headers=None):
        return self.request("DELETE", path_of(key), headers=headers)

    def txn(self, conditions, then, otherwise=()):
        body = {"if": list(conditions), "then": list(then), "else": list(otherwise)}
        return self.request("POST", "/txn", body)

    def contents(self, query=""):
        """Every key and its value, as bytes, in the order of the keys."""
        found, path = {}, "/keys?limit=10000" + query
        while path:
            answer = self.request("GET", path, timeout=60)
            assert answer.status == 200, answer
            for entry in answer.multiple:
                key, value = bytes_of(entry, "key"), bytes_of(entry, "value")
                # One that is too large for a listing is only named there.
                found[key] = self.value(key) if value is None else value
            path = answer.json.get("next")
        return found

    def status(self, timeout=15):
        answer = self.request("GET", "/status", timeout=timeout)
        assert answer.status == 200, answer
        return answer.json

    def metrics(self):
        """The number of each metric, by its name without the prefix."""
        lines = self.request("GET", "/metrics").body.decode().splitlines()
        named = (line.removeprefix("quorumfs_").split() for line in lines if not line.startswith("#"))
        return {name: float(number) for name, number in named}

    def raw(self, data, half_close=False, seconds=15):
        """Sends bytes as they are and returns all that comes back until the node closes."""
        with socket.create_connection((self.host, self.port), timeout=seconds) as connection:
            received = b""
            with contextlib.suppress(ConnectionResetError, BrokenPipeError):
                connection.sendall(data)
            with contextlib.suppress(OSError):  # it may have closed already
                if half_close:
                    connection.shutdown(socket.SHUT_WR)
                while piece := connection.recv(65536):
                    received += piece
            return received

    def websocket(self, path="/client", **options):
        return websocket.create_connection(f"ws://{self.addr}{path}", timeout=15, **options)

    # Files.

    def is_mounted(self):
        return str(self.mount) in mounts_below(self.folder)

    def path(self, key):
        return self.mount / key

    def local(self, key=""):
        return self.mount / ".quorumfs" / "local" / key

    def why(self):
        return (self.mount / ".quorumfs" / "why").read_text()

    @contextlib.contextmanager
    def root(self):
        """A descriptor of the mount's root, for use as dir_fd. While a node restarts, its mountpoint is a
        folder like any other: OSError then, so that no caller takes that folder for the mount."""
        descriptor = os.open(self.mount, os.O_RDONLY | os.O_DIRECTORY)
        try:
            if os.fstat(descriptor).st_dev == os.stat(self.folder).st_dev:
                raise NotMounted(f"{self.mount} is not mounted")
            yield descriptor
        finally:
            os.close(descriptor)


class NotMounted(OSError):
    pass


class Cluster:
    """Some nodes in a temporary folder, started together; everything is gone at the end of the `with`."""

    alive = []  # for the report when a test fails

    def __init__(self, count=3, mount=True, start=True, binary=QUORUMFS, **config):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="quorumfs-test-"))
        self.start_them = start
        if mount:
            config = {"mount": "mnt"} | config
        if not any(field in config for field in PROOFS):
            config = self.proof(binary) | config
        addresses = self.addresses(count)
        self.nodes = []
        for number, addr in enumerate(addresses, 1):
            fields = {"addr": addr, "peers": [other for other in addresses if other != addr]}
            self.nodes.append(self.make_node(number, addr, fields | config))
            self.nodes[-1].binary = binary

    def proof(self, binary):
        """A secret of the cluster's own; a version without encryption is taken over as README.md says."""
        if binary != QUORUMFS:
            return {"plain_peers": True}
        secret = self.folder / "secret"
        secret.touch(0o600)
        secret.write_text("quorumfs-secret-" + os.urandom(32).hex() + "\n")
        return {"secret_file": str(secret)}

    def addresses(self, count):
        return [f"127.0.0.1:{port}" for port in free_ports(count)]

    def make_node(self, number, addr, config):
        return Node(self.folder / f"data_{number}", addr, config)

    def __enter__(self):
        Cluster.alive.append(self)
        try:
            if self.start_them:
                self.start()
        except BaseException:
            self.clean_up()
            raise
        return self

    def __exit__(self, kind, value, trace):
        problems = self.clean_up()
        if kind is None:
            assert not problems, "\n".join(problems)

    def start(self):
        for node in self.nodes:
            if not node.running:
                node.start(wait=False)
        for node in self.nodes:
            node.wait_ready()

    def clean_up(self):
        Cluster.alive.remove(self)
        problems = []
        # All at the same time, so that each still has the others for its requests in flight.
        for node in self.nodes:
            if node.running:
                node.ask_to_stop()
        for node in self.nodes:
            problems += [text for text in (node.clean_up(), node.sanitizer_report()) if text]
        self.remove()
        return problems

    def remove(self):
        shutil.rmtree(self.folder)

    def leader(self):
        """The leader, once all running nodes agree on it."""
        def agreed():
            named = {node.status()["leader"] for node in self.nodes if node.running and not node.paused}
            return len(named) == 1 and named.pop()
        number = wait_for(agreed, "the nodes agree on a leader")
        return self.nodes[number - 1]

    def wait_equal(self, seconds=60):
        """Waits until every node has applied the same log."""
        def equal():
            return len({node.status()["log"]["applied"] for node in self.nodes}) == 1
        wait_for(equal, "all nodes have applied the same", seconds)

    def wait_begun(self):
        """Waits until nodes with mounts have written all that they write on their own: the leader the feature level,
        and each node where it is, and that it releases the inodes that it held before it started."""
        entries = 1 + 2 * len(self.nodes)
        wait_for(lambda: self.nodes[0].status()["log"]["decided"] >= entries, "all mounts have begun")
        self.wait_equal()

    def report(self):
        return "\n".join(f"--- {node}, the end of its log:\n{node.log_tail(30)}" for node in self.nodes)


def bytes_of(entry, field):
    """A field of an answer, which comes as base64 if it is not UTF-8. None: it is missing."""
    if field + "_base64" in entry:
        return base64.b64decode(entry[field + "_base64"])
    return entry[field].encode() if field in entry else None


def tree_of(root):
    """All that can be seen below a folder: path -> (mode, links, owner, size, mtime, contents)."""
    found = {}

    def look(folder, prefix):
        for name in os.listdir(folder):
            name = os.fsencode(name)
            about = os.stat(name, dir_fd=folder, follow_symlinks=False)
            contents = None
            if stat.S_ISLNK(about.st_mode):
                contents = os.readlink(name, dir_fd=folder)
            elif stat.S_ISREG(about.st_mode):
                with open(os.open(name, os.O_RDONLY, dir_fd=folder), "rb") as file:
                    contents = file.read()
            found[prefix + name] = (stat.filemode(about.st_mode), about.st_nlink, about.st_uid, about.st_gid,
                                    about.st_size, about.st_mtime_ns, contents)
            if stat.S_ISDIR(about.st_mode):
                # By descriptors: a key may be longer than the longest path.
                inside = os.open(name, os.O_RDONLY | os.O_DIRECTORY, dir_fd=folder)
                look(inside, prefix + name + b"/")
                os.close(inside)

    top = os.open(root, os.O_RDONLY | os.O_DIRECTORY)
    look(top, b"")
    os.close(top)
    return found
