"""Links between nodes are encrypted, and closed to whoever does not know the secret."""

import contextlib
import os
import re
import select
import socket
import subprocess
import threading
import time

import pytest

from certificates import Authority
from cluster import LEAVE_OUT, QUORUMFS, Cluster, wait_for

VALUE = b"a value that nobody may see"


def new_secret():
    return "quorumfs-secret-" + os.urandom(32).hex()


def write_secrets(path, *secrets):
    """Whole at any moment, as `quorumfs secret` writes it."""
    beside = path.with_suffix(".new")
    beside.touch(0o600)
    beside.write_text("".join(secret + "\n" for secret in secrets))
    beside.rename(path)


def own_secret(node, *secrets):
    """Gives a node a file of its own."""
    path = node.folder.with_name(node.folder.name + "-secret")
    write_secrets(path, *secrets)
    node.config["secret_file"] = str(path)
    node.write_config()
    return path


def encrypted(node):
    return [peer["encrypted"] for peer in node.status()["peers"] if peer["linked"]]


class Tap:
    """In the middle of a connection: passes on what comes, and remembers it."""

    def __init__(self, to, change=None):
        self.to, self.change = to, change
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.addr = f"127.0.0.1:{self.listener.getsockname()[1]}"
        self.sessions = []  # of each connection the bytes of both directions
        self.ended = False
        self.thread = threading.Thread(target=self.listen, daemon=True)
        self.thread.start()

    def listen(self):
        while not self.ended:
            if not select.select([self.listener], [], [], 0.05)[0]:
                continue
            dialler, _ = self.listener.accept()
            threading.Thread(target=self.serve, args=[dialler], daemon=True).start()

    def serve(self, dialler):
        session = [bytearray(), bytearray()]
        self.sessions.append(session)
        with dialler, contextlib.suppress(OSError), socket.create_connection(self.to) as other:
            ends = {dialler: (other, session[0]), other: (dialler, session[1])}
            while not self.ended:
                for end in select.select(list(ends), [], [], 0.05)[0]:
                    to, kept = ends[end]
                    data = end.recv(65536)
                    if not data:
                        return
                    kept += data
                    to.sendall(self.change(data, len(kept)) if self.change else data)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.ended = True
        self.thread.join(10)
        self.listener.close()


def tapped(cluster, tap):
    """The first node dials the second one by way of the tap."""
    first, second = cluster.nodes
    first.config["peers"] = [{"addr": second.addr, "peer_addr": tap.addr}]
    first.write_config()


def hidden(data):
    """All behind the hellos: records of application data."""
    at = 0
    while data[at] != 0x17:
        at += 5 + int.from_bytes(data[at + 3:at + 5], "big")
    return data[at:at + 20000]


def long_parts(data, length=16):
    return {bytes(data[at:at + length]) for at in range(len(data) - length)}


def test_a_sniffer_sees_nothing_and_never_the_same_twice():
    with Cluster(2, mount=False, start=False) as cluster:
        first, second = cluster.nodes
        with Tap((second.host, second.port)) as tap:
            tapped(cluster, tap)
            cluster.start()
            for number in range(20):
                assert first.put(f"seen/{number}", VALUE).status == 200
            assert all(encrypted(first)) and all(encrypted(second))
            first.stop()
            first.start()
            wait_for(lambda: all(encrypted(first)), "the link is there again")
        secret = (cluster.folder / "secret").read_text().strip().removeprefix("quorumfs-secret-")
        sessions = [session for session in tap.sessions if len(session[0]) > 1000]
        assert len(sessions) >= 2
        for session in sessions:
            for data in session:
                for part in (VALUE, b"seen/", b"omnipax", b"Quorumfs", secret.encode(), bytes.fromhex(secret)):
                    assert part not in data
        for way in (0, 1):
            one, other = (hidden(session[way]) for session in sessions[:2])
            assert len(one) > 100 and not long_parts(one) & long_parts(other)
        # Of the ClientHello: the random number and the share of the key, the name of the secret and its proof.
        one, other = (bytes(session[0]) for session in sessions[:2])
        assert one[11:43] != other[11:43]
        end = 5 + int.from_bytes(one[3:5], "big")
        assert not long_parts(one[end - 64:end]) & long_parts(other[end - 120:end])


def test_a_recorded_session_gets_nowhere():
    with Cluster(2, mount=False, start=False) as cluster:
        first, second = cluster.nodes
        with Tap((second.host, second.port)) as tap:
            tapped(cluster, tap)
            cluster.start()
            assert first.put("recorded", VALUE).status == 200
        first.stop()
        before = second.status()
        for session in tap.sessions:
            answer = second.raw(bytes(session[0]), seconds=15)
            assert VALUE not in answer and b"HTTP" not in answer
        after = second.status()
        assert not any(peer["linked"] for peer in after["peers"])
        assert after["log"]["applied"] == before["log"]["applied"]


def test_a_man_in_the_middle_is_noticed():
    """Who changes one byte ends the connection, however often it is tried."""
    def change(data, total):
        return data if total < 2000 else data[:-1] + bytes([data[-1] ^ 1])
    with Cluster(2, mount=False, start=False) as cluster:
        first, second = cluster.nodes
        with Tap((second.host, second.port), change) as tap:
            tapped(cluster, tap)
            for node in cluster.nodes:
                node.start(wait=False)
            wait_for(lambda: len(tap.sessions) > 5, "several attempts")
            assert first.running and second.running


@pytest.mark.parametrize("answer", [b"", b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
                                    b"\x15\x03\x03\x00\x02\x02\x28", b"\x16\x03\x03\xff\xff" + b"x" * 70000])
def test_whoever_takes_the_port_of_a_node_learns_nothing(answer):
    with Cluster(2, mount=False, start=False) as cluster:
        first, second = cluster.nodes
        said = bytearray()
        with socket.create_server((second.host, second.port)) as thief:
            thief.settimeout(20)
            first.start(wait=False)
            for _ in range(3):
                connection, _ = thief.accept()
                connection.settimeout(5)
                with connection, contextlib.suppress(OSError):
                    said += connection.recv(65536)
                    connection.sendall(answer)
                    while data := connection.recv(65536):
                        said += data
        assert b"HTTP" not in said and b"x-quorumfs" not in said.lower() and said.startswith(b"\x16\x03\x01")
        assert not any(peer["linked"] for peer in first.status()["peers"])


def test_plain_links_and_wrong_secrets_are_refused():
    with Cluster(3, mount=False) as cluster:
        first, _, third = cluster.nodes
        third.stop()
        own_secret(third, new_secret())
        third.start(wait=False)
        answer = first.raw(b"GET /omnipax HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                           b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
        assert b" 403 " in answer and b"not encrypted" in answer
        wait_for(lambda: "does not have this cluster's secret" in first.log_tail(100), "the third is refused")
        assert "cannot prove themselves" in third.log_tail(100)
        assert third.request("GET", "/readyz").status == 503
        assert encrypted(first) == [True]
        write_secrets(cluster.nodes[2].folder.with_name("data_3-secret"), (cluster.folder / "secret").read_text().strip())
        third.wait_ready()  # the file is read again by itself


def test_the_right_secret_and_another_cluster():
    secret = new_secret()
    with Cluster(2, mount=False, start=False) as one, Cluster(2, mount=False, start=False) as other:
        for node in one.nodes + other.nodes:
            own_secret(node, secret)
        one.start()
        other.start()
        one.nodes[0].stop()
        one.nodes[0].config["peers"] = [{"addr": one.nodes[1].addr, "peer_addr": other.nodes[1].addr}]
        one.nodes[0].write_config()
        one.nodes[0].start(wait=False)
        wait_for(lambda: re.search("another cluster|not a peer", other.nodes[1].log_tail(50)), "it is refused")
        assert other.nodes[1].put("untouched", "yes").status == 200


def ask_tls(node, *arguments, text=b""):
    done = subprocess.run(["openssl", "s_client", "-connect", node.addr, *arguments], input=text, capture_output=True,
                          timeout=30, check=False)
    return (done.stdout + done.stderr).decode(errors="replace")


def test_strangers_get_an_alert():
    with Cluster(2, mount=False) as cluster:
        node = cluster.nodes[0]
        for arguments in ([], ["-tls1_2"], ["-tls1_3"], ["-alpn", "quorumfs/1"], ["-alpn", "quorumfs/1", "-tls1_2"],
                          ["-tls1_3", "-alpn", "quorumfs/1", "-psk", "00" * 32, "-psk_identity", "x" * 32],
                          ["-tls1_3", "-psk", "00" * 32]):
            said = ask_tls(node, *arguments)
            assert re.search("alert|no protocols|wrong version", said), (arguments, said)
            assert "Cipher is (NONE)" in said, (arguments, said)
        for garbage in (b"\x16", b"\x16\x03\x01", b"\x16\x03\x01\x00\x05hello", b"\x16\x03\x01\xff\xff" + b"\0" * 70000):
            began = time.monotonic()
            node.raw(garbage, half_close=True)
            assert time.monotonic() - began < 12
        assert node.put("fine", "yes").status == 200


# ---- Files and options ----

def refused_start(node):
    done = subprocess.run([QUORUMFS, node.folder], capture_output=True, text=True, timeout=20, check=False)
    assert done.returncode in (1, 2), done
    return done.stderr


def test_secrets_that_others_can_read_are_refused():
    with Cluster(2, mount=False, start=False) as cluster:
        node = cluster.nodes[0]
        path = own_secret(node, new_secret())
        for mode in (0o644, 0o640, 0o604, 0o620):
            path.chmod(mode)
            assert "chmod 600" in refused_start(node)
        path.chmod(0o600)
        path.write_text("")
        assert "no secret in it" in refused_start(node)
        path.unlink()
        assert "quorumfs secret new" in refused_start(node)
        node.config |= {"secret_file": LEAVE_OUT, "cluster_secret": "some long text that all of them share"}
        node.write_config()
        (node.folder / "node.json").chmod(0o644)
        assert "chmod 600" in refused_start(node)
        node.config["cluster_secret"] = LEAVE_OUT
        node.write_config()
        assert "quorumfs secret new" in refused_start(node)


def test_the_verb_makes_and_changes_secrets(tmp_path):
    def verb(*arguments):
        return subprocess.run([QUORUMFS, "secret", *arguments], capture_output=True, text=True, timeout=20, check=False)
    made = verb("new").stdout
    assert re.fullmatch("quorumfs-secret-[0-9a-f]{64}\n", made) and verb("new").stdout != made
    path = tmp_path / "secret"
    assert verb("new", path).returncode == 0 and path.stat().st_mode & 0o777 == 0o600
    first = path.read_text()
    assert verb("new", path).returncode == 1 and path.read_text() == first  # never over another one
    assert verb("finish", path).returncode == 1
    assert verb("rotate", tmp_path).returncode == 0
    both = path.read_text()
    assert both.endswith(first) and len(both) == 2 * len(first) and path.stat().st_mode & 0o777 == 0o600
    assert verb("rotate", path).returncode == 1 and path.read_text() == both
    assert verb("finish", path).returncode == 0 and path.read_text() == both.splitlines()[0] + "\n"
    assert verb().returncode == 2 and verb("old").returncode == 2


# ---- Changes while clients run ----

class Writers:
    """One at each node; each write must succeed, unless its node is away."""

    def __init__(self, nodes):
        self.nodes, self.away, self.ended = nodes, set(), False
        self.problems, self.steps = [], dict.fromkeys(nodes, 0)
        self.threads = [threading.Thread(target=self.write, args=[node], daemon=True) for node in nodes]

    def write(self, node):
        number = 0
        while not self.ended:
            number += 1
            excused = node in self.away
            try:
                answer = node.put(f"{node.folder.name}/{number % 50}", f"{number}")
                if answer.status != 200 and not excused and node not in self.away:
                    self.problems.append(answer)
                self.steps[node] += 1
            except OSError as error:
                if not excused and node not in self.away:
                    self.problems.append(error)
                time.sleep(0.02)

    def go_on(self, count=20):
        before = dict(self.steps)
        wait_for(lambda: all(self.steps[node] >= before[node] + count for node in self.nodes if node not in self.away),
                 "all writers get further", 60)
        assert not self.problems, self.problems

    @contextlib.contextmanager
    def restarts(self, node):
        self.away.add(node)
        node.stop()
        yield
        node.start()
        self.away.remove(node)

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.ended = True
        for thread in self.threads:
            thread.join(30)


def said_read_again(node, count):
    return node.log_tail(100000).count("were read again") >= count


def test_a_secret_is_changed_while_writers_run(monkeypatch):
    monkeypatch.setenv("QUORUMFS_LOG", "info")
    old, new = new_secret(), new_secret()
    with Cluster(3, mount=False, start=False, request_timeout="20s") as cluster:
        paths = [own_secret(node, old) for node in cluster.nodes]
        cluster.start()
        with Writers(cluster.nodes) as writers:
            writers.go_on()
            for step, secrets in enumerate([(new, old), (new,)], 1):
                for node, path in zip(cluster.nodes, paths):
                    write_secrets(path, *secrets)
                    node.process.send_signal(1)  # SIGHUP
                    wait_for(lambda: said_read_again(node, step), "the file is read")
                    with writers.restarts(node):  # so that its links are made anew, among old and new ones
                        pass
                    wait_for(lambda: len(encrypted(node)) == 2, "it is linked")
                    node.log.write_text("were read again\n" * step)
                    writers.go_on()
        cluster.wait_equal()


def without_secret(node):
    node.config |= {"secret_file": LEAVE_OUT, "plain_peers": True}


def test_from_no_secret_to_one_and_back_while_writers_run():
    """Node by node, first all of them take both kinds of links."""
    with Cluster(3, mount=False, start=False, plain_peers=True, request_timeout="20s") as cluster:
        secret = cluster.folder / "secret"
        write_secrets(secret, new_secret())
        cluster.start()
        assert cluster.nodes[0].status()["plain_peers"]
        with Writers(cluster.nodes) as writers:
            for fields in ({"secret_file": str(secret)}, {"plain_peers": LEAVE_OUT}, {"plain_peers": True},
                           {"secret_file": LEAVE_OUT}):
                for node in cluster.nodes:
                    with writers.restarts(node):
                        node.config |= fields
                        node.write_config()
                    wait_for(lambda: len(encrypted(node)) == 2, f"it is linked with {fields}")
                    writers.go_on()
                if fields == {"plain_peers": LEAVE_OUT}:
                    assert all(encrypted(node) == [True, True] for node in cluster.nodes)
                    assert not cluster.nodes[0].status()["plain_peers"]
        cluster.wait_equal()
        assert encrypted(cluster.nodes[0]) == [False, False]


# ---- Certificates between nodes ----

@contextlib.contextmanager
def certified(tmp_path):
    """Three nodes with certificates."""
    authority = Authority(tmp_path)
    good = authority.issue("node") | {"tls_ca": str(authority.cert)}
    with Cluster(3, mount=False, start=False, **good) as cluster:
        yield cluster, authority


def test_nodes_with_certificates(tmp_path):
    with certified(tmp_path) as (cluster, _):
        cluster.start()
        assert cluster.nodes[0].put("certified", "yes").status == 200
        assert all(encrypted(node) == [True, True] for node in cluster.nodes)


def expired(authority):
    return authority.issue("expired", days=-1)


def wrong_name(authority):
    return authority.issue("wrong", names="DNS:other.example,IP:10.9.8.7")


def unknown(authority):
    return Authority(authority.folder, "stranger").issue("unknown")


def self_signed(authority):
    return {"tls_cert": str(Authority(authority.folder, "self").cert), "tls_key": str(authority.folder / "self.key")}


@pytest.mark.parametrize("third", [expired, wrong_name, unknown, self_signed])
def test_certificates_that_are_not_good(tmp_path, third):
    with certified(tmp_path) as (cluster, authority):
        cluster.start()
        first, _, odd = cluster.nodes
        odd.stop()
        odd.config |= third(authority)
        odd.write_config()
        odd.start(wait=False)
        wait_for(lambda: "cannot prove themselves" in first.log_tail(100), "it is not dialled")
        assert encrypted(first) == [True] and odd.request("GET", "/readyz").status == 503
        good = authority.issue("good")
        for field in ("tls_cert", "tls_key"):
            os.replace(good[field], odd.config[field])
        odd.wait_ready()  # the files are read again by themselves
        wait_for(lambda: encrypted(first) == [True, True], "all are linked")
