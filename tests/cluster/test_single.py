"""One node: alone, twice, in a folder of another node, wrongly configured, and asked to end."""

import json
import os
import signal
import subprocess
import time
from contextlib import closing, suppress

import pytest

from cluster import LEAVE_OUT, QUORUMFS, Cluster, Node, free_ports, mounts_below


def run(*arguments):
    return subprocess.run([QUORUMFS, *map(str, arguments)], capture_output=True, text=True, timeout=20)


def refused(*arguments):
    """The one line that it says."""
    done = run(*arguments)
    assert done.returncode in (1, 2) and done.stdout == "", done
    lines = [line for line in done.stderr.splitlines() if line.startswith("quorumfs: ")]
    assert len(lines) == 1, done.stderr
    return lines[0]


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "node"


def test_help_and_version():
    told = run("--help")
    assert told.returncode == 0 and "quorumfs DIR" in told.stdout and "--addr" in told.stdout
    told = run("--version")
    assert told.returncode == 0 and told.stdout.startswith("quorumfs ")


@pytest.mark.parametrize("arguments, text", [
    ([], "folder"), (["a", "b", "c"], "one folder"), (["--nonsense", "a"], "--nonsense"), (["a", "--addr"], "missing"),
    (["a", "--addr", "nonsense"], "HOST:PORT"), (["a", "--addr", "127.0.0.1:1", "--clients", "x"], "--clients"),
    (["a", "--addr", "127.0.0.1:1", "--peers", "x"], "--peers"), (["/nonexistent/a"], "addr"),
])
def test_bad_flags(arguments, text):
    done = run(*arguments)
    assert done.returncode == 2 and text in done.stderr, done


def test_alone_with_only_an_address(folder):
    folder.mkdir()
    addr = f"127.0.0.1:{free_ports(1)[0]}"
    process = subprocess.Popen([QUORUMFS, str(folder), "--addr", addr])
    try:
        node = Node(folder, addr, {})
        (folder / "node.json").unlink()
        node.process = process
        node.wait_ready()
        assert node.post("a", "1").status == 200
        assert node.post("a", "2").single["overwritten_value"] == "1"
        assert node.post("a", "1").status == 200  # the same as before must not be taken for a repetition
        assert node.get("a").single["value"] == "1"
        assert node.request("GET", "/ping").multiple == []
        start = time.monotonic()
        process.send_signal(signal.SIGINT)
        assert process.wait(10) == 0
        assert time.monotonic() - start < 5
    finally:
        process.kill()


def test_ends_within_seconds_while_busy():
    with Cluster(1) as cluster:
        node = cluster.nodes[0]
        opened = os.open(node.path("open"), os.O_WRONLY | os.O_CREAT)
        os.write(opened, b"something")
        with closing(node.websocket()), closing(node.connect()) as idle:
            idle.connect()
            start = time.monotonic()
            node.stop()
            assert time.monotonic() - start < 5
        with suppress(OSError):  # its mount has gone
            os.close(opened)
        node.start()
        assert node.value("open") == b"something"


def test_asked_twice_to_end():
    """Ctrl-C reaches a node from the terminal, and once more from who started it."""
    with Cluster(1) as cluster:
        node = cluster.nodes[0]
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGTERM):
            node.process.send_signal(number)
        node.asked = True
        node.stop()


def test_asked_to_end_while_it_starts(folder):
    """At no moment does it leave a mount behind."""
    addr = f"127.0.0.1:{free_ports(1)[0]}"
    for milliseconds in range(0, 40, 2):
        process = subprocess.Popen([QUORUMFS, str(folder), "--addr", addr, "--mount", "mnt"])
        time.sleep(milliseconds / 1000)
        process.terminate()
        assert process.wait(10) in (0, -signal.SIGTERM)
        assert not mounts_below(folder)


def test_a_second_process_in_the_same_folder():
    with Cluster(1) as cluster:
        node = cluster.nodes[0]
        text = refused(node.folder)
        assert str(node.folder) in text or "process" in text, text
        assert node.put("k", "v").status == 200 and node.path("k").read_text() == "v"


def test_the_port_is_taken(folder):
    with Cluster(1) as cluster:
        text = refused(folder, "--addr", cluster.nodes[0].addr)
        assert cluster.nodes[0].addr in text, text


def test_a_node_alone_moves():
    with Cluster(1, mount=False) as cluster:
        node = cluster.nodes[0]
        assert node.put("k", "v").status == 200
        number = node.status()["cluster"]
        node.stop()
        node.port, = free_ports(1)
        node.start("--addr", f"127.0.0.1:{node.port}")
        assert node.value("k") == b"v" and node.status()["cluster"] == number


def test_the_folder_of_another_node():
    with Cluster(3, mount=False) as cluster:
        first, second, _ = cluster.nodes
        first.stop()
        second.stop()
        text = refused(first.folder, "--addr", second.addr, "--peers", ",".join(n.addr for n in cluster.nodes))
        assert f"{second.addr} is the addr of node 2" in text and "belongs to node 1" in text, text
        cluster.start()


def test_a_mount_that_is_not_possible(folder):
    """As mount(8) starts it, the node does not go on without its mount (test_mountpoint.py has those that do)."""
    folder.mkdir()
    (folder / "mnt").write_text("a file")
    addr = f"127.0.0.1:{free_ports(1)[0]}"
    text = refused(folder, folder / "mnt", "--addr", addr)
    assert "mnt" in text, text
    (folder / "full").mkdir()
    (folder / "full" / "something").write_text("in the way")
    text = refused(folder, folder / "full", "--addr", addr)
    assert "not empty" in text, text


@pytest.mark.parametrize("field, value", [
    ("addr", 5), ("addr", "localhost"), ("addr", "localhost:99999"), ("peers", "a:1"), ("peers", [5]),
    ("peers", ["nonsense"]), ("peers", ["a:1", "a:1"]), ("peers", [f"a:{n}" for n in range(1, 12)]),
    ("peer_addr", 5), ("mount", 5), ("mount", ""), ("allow_other", "yes"), ("clients", "::1"), ("clients", ["x"]),
    ("clients", ["10.0.0.0/40"]), ("cluster_secret", 5), ("cluster_secret", ""), ("cache_time", 5),
    ("cache_time", "5"), ("cache_time", "5y"), ("cache_time", "-1s"), ("on_quorum_loss", "hope"), ("priority", -1),
    ("priority", 1.5), ("priority", "high"), ("heartbeat_ms", 0), ("heartbeat_ms", "100"), ("request_timeout", "0s"),
    ("request_timeout", None), ("adr", "127.0.0.1:1"), ("Addr", "127.0.0.1:1"),
])
def test_a_wrong_field_is_named(folder, field, value):
    folder.mkdir()
    (folder / "node.json").write_text(json.dumps({"addr": "127.0.0.1:1"} | {field: value}))
    done = run(folder)
    assert done.returncode == 2 and field in done.stderr, done


@pytest.mark.parametrize("text", ["", "{", "[]", '{"addr": "127.0.0.1:1"} x', '{"addr": "127.0.0.1:1",}',
                                  '{"addr": "127.0.0.1:1", "addr": "127.0.0.1:1"}', '{/* "addr": "127.0.0.1:1"}',
                                  "{\"addr\": \"127.0.0.1:1\"\0}"])
def test_a_file_that_is_no_configuration(folder, text):
    folder.mkdir()
    (folder / "node.json").write_text(text)
    done = run(folder)
    assert done.returncode == 2 and "node.json" in done.stderr, done


def test_log_levels():
    done = subprocess.run([QUORUMFS, "x"], capture_output=True, text=True, env={"QUORUMFS_LOG": "loud"})
    assert done.returncode == 2 and "QUORUMFS_LOG" in done.stderr


def test_a_cluster_of_two():
    with Cluster(2, peers=LEAVE_OUT, start=False) as cluster:
        addresses = [node.addr for node in cluster.nodes]
        for node in cluster.nodes:
            node.start("--peers", ",".join(addresses), wait=False)
        for node in cluster.nodes:
            node.wait_ready()
        assert cluster.nodes[0].put("k", "v").status == 200
        assert cluster.nodes[1].path("k").read_text() == "v"
