"""What a machine and its supervisor do to a node: few descriptors, signals, a unit that starts it again."""

import configparser
import contextlib
import http.client
import shutil
import signal
import socket
import time

import pytest

from cluster import REPOSITORY, Cluster, wait_for

FEW = 64  # descriptors; some shells and supervisors give no more than 1,024
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
