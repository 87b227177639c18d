"""What a machine and its supervisor do to a node: few descriptors, signals, a unit that starts it again."""

import configparser
import contextlib
import http.client
import os
import shutil
import signal
import socket
import subprocess
import time

import pytest

from cluster import QUORUMFS, REPOSITORY, Cluster, wait_for
from files import needs_root

FEW = 80  # descriptors; some shells and supervisors give no more than 1,024
IDLE = 200


def with_few_descriptors(node):
    command = node.command
    node.command = lambda *flags: ["prlimit", f"--nofile={FEW}:{FEW}", *command(*flags)]


@pytest.fixture
def crowded():
    """A cluster whose first node has few descriptors and more idle clients than these."""
    with Cluster(start=False) as cluster, contextlib.ExitStack() as clients:
        node = cluster.nodes[0]
        with_few_descriptors(node)
        cluster.start()
        for number in range(IDLE):
            connection = clients.enter_context(contextlib.closing(
                socket.create_connection((node.host, node.port), timeout=15)))
            if number % 2:  # one that has asked, and keeps its connection
                connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
                assert connection.recv(100).startswith(b"HTTP/1.1 200")
        yield cluster


@pytest.mark.skipif(not shutil.which("prlimit"), reason="prlimit is missing")
def test_idle_clients_keep_nobody_out(crowded):
    node, peer, _ = crowded.nodes
    assert node.request("GET", "/healthz").status == 200
    assert node.put("k", "v").status == 200
    assert "ulimit -n" in node.log_tail(100) and node.log_tail(1000).count("ulimit -n") == 1
    peer.stop()
    peer.start()
    wait_for(lambda: all(entry["linked"] for entry in node.status()["peers"]), "the peer is linked again")
    assert node.path("k").read_text() == "v"
    node.path("k").write_text("w")
    assert peer.value("k") == b"w"


@pytest.mark.skipif(not shutil.which("prlimit"), reason="prlimit is missing")
def test_clients_that_are_served_are_left_alone(crowded):
    """Whoever has a request under way keeps its connection; others are refused instead."""
    node = crowded.nodes[0]
    waiting = []
    for _ in range(30):
        connection = http.client.HTTPConnection(node.host, node.port, timeout=30)
        connection.putrequest("PUT", "/key/large")
        connection.putheader("Content-Length", "5")
        connection.endheaders(b"12")
        waiting.append(connection)
    statuses = []
    for connection in waiting:
        with contextlib.suppress(OSError):
            connection.send(b"345")
        with contextlib.suppress(OSError, http.client.HTTPException):
            statuses.append(connection.getresponse().status)
        connection.close()
    assert statuses.count(200) >= 8 and set(statuses) <= {200, 503}, statuses


def test_a_hangup_is_told_and_changes_nothing():
    with Cluster(count=1) as cluster:
        node = cluster.nodes[0]
        node.process.send_signal(signal.SIGHUP)
        wait_for(lambda: "SIGHUP" in node.log_tail(5), "it says what it does")
        node.path("k").write_text("v")
        assert node.value("k") == b"v"


def test_a_hangup_at_the_start_does_no_harm():
    with Cluster(count=1, start=False) as cluster:
        node = cluster.nodes[0].start(wait=False)
        until = time.monotonic() + 0.3  # at every moment of the start
        wait_for(lambda: handles_hangups(node), "it has begun")
        while time.monotonic() < until:
            node.process.send_signal(signal.SIGHUP)
            time.sleep(0.002)
        node.wait_ready()


def handles_hangups(node):
    with open(f"/proc/{node.process.pid}/status") as status:
        masks = dict(line.split(":\t") for line in status if line.startswith(("SigIgn", "SigCgt")))
    return any(int(mask, 16) & 1 << (signal.SIGHUP - 1) for mask in masks.values())


def test_the_unit_starts_a_node_again_for_ever():
    unit = configparser.ConfigParser(strict=False, interpolation=None)
    unit.optionxform = str
    unit.read(REPOSITORY / "example" / "quorumfs.service.in")
    assert unit["Unit"]["StartLimitIntervalSec"] == "0"
    assert unit["Service"]["Restart"] == "always"
    assert int(unit["Service"]["RestartMaxDelaySec"]) <= 60


# ---- The unit's privileges ----

def unit():
    """The lines of its section [Service], of which some names occur several times."""
    lines = (REPOSITORY / "example/quorumfs.service.in").read_text().splitlines()
    return [line.partition("=")[::2] for line in lines if "=" in line and not line.startswith("#")]


@needs_root
def test_the_unit_has_all_the_privileges_that_a_node_needs():
    """With these capabilities and no others: it mounts, others use the mount, and a lost mountpoint stays guarded."""
    kept = next(value for name, value in unit() if name == "CapabilityBoundingSet")
    bounds = "-all," + ",".join("+" + name.removeprefix("CAP_").lower() for name in kept.split())
    with Cluster(start=False, allow_other=True) as cluster:
        for node in cluster.nodes:
            command = node.command
            node.command = lambda *flags, command=command: [
                "setpriv", f"--bounding-set={bounds}", f"--inh-caps={bounds}", "--no-new-privs", *command(*flags)]
        cluster.start()
        one, two, _ = cluster.nodes
        one.path("d").mkdir(0o777)
        one.path("d").chmod(0o777)
        subprocess.run(["sh", "-ec", "echo x > f; chmod 600 f; flock f mv f g"], cwd=one.path("d"), user=1234, check=True)
        assert two.path("d/g").read_text() == "x\n"
        one.kill()
        with pytest.raises(OSError):
            one.path("d/h").write_text("x")
        one.start()
        assert one.path("d/g").read_text() == "x\n"


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd-analyze is missing")
def test_the_unit_is_not_exposed(tmp_path):
    text = (REPOSITORY / "example/quorumfs.service.in").read_text().replace("@bindir@", "/usr/bin")
    (tmp_path / "quorumfs.service").write_text(text)
    done = subprocess.run(["systemd-analyze", "security", "--offline=yes", "--threshold=49",
                           tmp_path / "quorumfs.service"], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


# ---- The folder ----

def refusal(node):
    done = subprocess.run(node.command(), capture_output=True, text=True, timeout=20)
    assert done.returncode == 1, done
    return done.stderr


@needs_root
def test_a_folder_of_another_user_is_refused():
    with Cluster(1, mount=False) as cluster:
        node = cluster.nodes[0]
        node.put("k", "v")
        node.stop()
        os.chown(node.folder, 1234, -1)
        assert f"{node.folder} belongs to user 1234" in refusal(node)
        os.chown(node.folder, 0, -1)
        os.chown(node.folder / "tree.db", 1234, -1)
        assert "tree.db belongs to user 1234" in refusal(node)
        os.chown(node.folder / "tree.db", 0, -1)
        for name in ("lock", "log.db", "tree.db"):
            (node.folder / name).rename(node.folder / "aside")
            (node.folder / name).symlink_to("aside")
            assert f"{name} is not a file but a link" in refusal(node)
            (node.folder / "aside").replace(node.folder / name)
        node.start()
        assert node.value("k") == b"v"


def test_a_folder_is_closed_to_others():
    with Cluster(1, start=False, mount=False) as cluster:
        node = cluster.nodes[0]
        node.folder.chmod(0o777)
        node.start()
        node.put("k", "v")
        node.stop()
        assert node.folder.stat().st_mode & 0o022 == 0
        files = [file for file in node.folder.iterdir() if file.name != "node.json"]
        assert len(files) > 3 and all(file.stat().st_mode & 0o077 == 0 for file in files if file.is_file())
        (node.folder / "log.db").chmod(0o644)
        node.start()
        assert (node.folder / "log.db").stat().st_mode & 0o077 == 0


@pytest.mark.skipif("asan" in QUORUMFS, reason="sanitizers look into the memory")
def test_a_node_leaves_no_core():
    with Cluster(1, mount=False) as cluster:
        process = cluster.nodes[0].process.pid
        subprocess.run(["prlimit", "--pid", str(process), "--core=unlimited"], check=True)
        cluster.nodes[0].process.send_signal(signal.SIGSEGV)
        status = os.waitpid(process, 0)[1]
        cluster.nodes[0].process.returncode = -signal.SIGSEGV
        assert os.WTERMSIG(status) == signal.SIGSEGV and not os.WCOREDUMP(status)
