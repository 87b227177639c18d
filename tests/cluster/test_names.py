"""Peers that are named, on a host whose name servers do not answer."""

import contextlib
import signal
import subprocess
import sys
import time

import pytest

from cluster import STOP_SECONDS, Node, free_ports, wait_for
from files import needs_root

pytestmark = needs_root

# On a host of its own: a name server that takes questions and answers none of them.
HOST = """
import os, pathlib, socket, subprocess, sys
folder = pathlib.Path(sys.argv[1])
subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
(folder / "resolv.conf").write_text("nameserver 127.0.0.1\\n")
subprocess.run(["mount", "--bind", folder / "resolv.conf", "/etc/resolv.conf"], check=True)
server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
server.bind(("127.0.0.1", 53))
server.set_inheritable(True)  # it stays open
print("ready", flush=True)
os.execv(sys.argv[2], sys.argv[2:])
"""


@contextlib.contextmanager
def on_silent_host(folder, binary):
    command = ["unshare", "-mn", sys.executable, "-c", HOST, str(folder), str(binary), str(folder)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        assert process.stdout.readline() == b"ready\n", process.stderr.read()
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


def asks_name_server(process):
    with open(f"/proc/{process.pid}/net/udp") as sockets:
        return any(line.split()[2].endswith(":0035") for line in list(sockets)[1:])


@pytest.mark.parametrize("founded", [False, True])
def test_a_node_stops_while_names_are_looked_up(tmp_path, founded):
    addr = f"127.0.0.1:{free_ports(1)[0]}"
    names = [f"silent-{number}.example:8080" for number in range(8)]
    node = Node(tmp_path / "data", addr, {"addr": addr, "peers": names, "plain_peers": True})
    if founded:
        node.start("--found", wait=False)
        wait_for(lambda: knows_its_cluster(node), "it is founded")
        node.kill()
    with on_silent_host(node.folder, node.binary) as process:
        wait_for(lambda: asks_name_server(process), "it asks the name server")
        began = time.monotonic()
        process.send_signal(signal.SIGTERM)
        assert process.wait(STOP_SECONDS) == 0
        assert time.monotonic() - began < 3


def knows_its_cluster(node):
    with contextlib.suppress(OSError):
        return node.status()["node"] != 0
