"""As whom a connection of this machine acts: by the socket in the node's folder, and by TCP, where the kernel tells
whose the other end is. What cannot be told is nobody."""

import contextlib
import os
import socket
import stat
import struct
import subprocess

import pytest

import callers
from callers import MEMBER, NOBODY, OWNER, ROOT, STRANGER, as_user, by_socket, private
from cluster import Cluster, wait_for
from files import needs_root

pytestmark = needs_root


@pytest.fixture(scope="module")
def node():
    with Cluster(1, allow_other=True) as cluster:
        os.chmod(cluster.folder, 0o755)
        yield cluster.nodes[0]


def doors(node):
    return [node.request, lambda *a, **k: by_socket(node, *a, **k)]


@pytest.mark.parametrize("door", [0, 1])
def test_a_file_of_mode_0600_is_closed_to_other_users(node, door):
    request, key = doors(node)[door], f"attack/{door}"
    path = private(node, key)
    os.chmod(node.path("attack"), 0o755)
    for user in (OWNER, STRANGER, NOBODY):
        for method, body in (("GET", None), ("HEAD", None), ("PUT", b"x"), ("DELETE", None)):
            assert as_user(user, lambda: request(method, path, body)).status == 403, (user, method)
    assert as_user(ROOT, lambda: request("GET", path)).single["value"] == "secret"
    assert node.path(key).read_bytes() == b"secret"


@pytest.mark.parametrize("door", [0, 1])
def test_what_a_user_makes_is_its_own(node, door):
    request, name = doors(node)[door], f"home{door}"
    node.path(name).mkdir()
    os.chown(node.path(name), *OWNER)
    assert as_user(OWNER, lambda: request("PUT", f"/key/{name}/a/b", b"mine")).status == 200
    for path in (node.path(name) / "a", node.path(name) / "a" / "b"):
        about = os.stat(path)
        assert (about.st_uid, about.st_gid) == OWNER
    assert as_user(STRANGER, lambda: request("PUT", f"/key/{name}/a/c", b"")).status == 403
    assert as_user(STRANGER, lambda: request("DELETE", f"/key/{name}/a/b")).status == 403
    assert as_user(OWNER, lambda: request("DELETE", f"/key/{name}/a/b")).status == 200


def test_groups_are_those_of_the_process_or_of_the_database(node):
    path = private(node, "grouped/file", mode=0o640, owner=(0, MEMBER[1]))
    os.chmod(node.path("grouped"), 0o755)
    # By the socket, those that the process has; by TCP, those of the user database.
    assert as_user(STRANGER, lambda: by_socket(node, "GET", path)).status == 403
    assert as_user(STRANGER, lambda: by_socket(node, "GET", path), groups=[MEMBER[1]]).status == 200
    assert as_user(STRANGER, lambda: node.request("GET", path), groups=[MEMBER[1]]).status == 403
    assert as_user(MEMBER, lambda: node.request("GET", path)).status == 200


def test_setuid_does_not_outlive_a_put(node):
    path = private(node, "suid/program", mode=0o6777, owner=OWNER)
    os.chmod(node.path("suid"), 0o755)
    assert as_user(STRANGER, lambda: node.request("PUT", path, b"#!/bin/sh\n")).status == 200
    assert not os.stat(node.path("suid/program")).st_mode & (stat.S_ISUID | stat.S_ISGID)


def test_the_socket_is_there_for_all_and_goes_with_the_node():
    with Cluster(1, mount=False) as cluster:
        node = cluster.nodes[0]
        os.chmod(cluster.folder, 0o755)
        place = node.folder / "socket"
        assert stat.S_ISSOCK(os.lstat(place).st_mode) and stat.S_IMODE(os.lstat(place).st_mode) == 0o666
        assert as_user(STRANGER, lambda: by_socket(node, "GET", "/healthz")).status == 200
        node.stop()
        assert not place.exists()
        node.start()
        node.kill()  # leaves it behind, and the next start takes its place
        node.start()
        assert by_socket(node, "GET", "/healthz").status == 200


def abandoned(node, text, reset):
    """Sends a request and closes the connection at once."""
    connection = socket.create_connection((node.host, node.port))
    if reset:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.sendall(text)
    connection.close()


@pytest.mark.parametrize("reset", [False, True])
def test_a_closed_connection_is_not_taken_for_roots(node, reset):
    """Of a socket that its process has closed, the kernel says that it belongs to user 0."""
    private(node, "closed/file")
    text = b"PUT /key/closed/file HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n\r\nbad"
    node.pause()
    try:
        for _ in range(20):
            as_user(STRANGER, lambda: abandoned(node, text, reset))
    finally:
        node.resume()
    requests = node.metrics()["http_connections"]
    wait_for(lambda: node.metrics()["http_connections"] <= requests, "they are looked at")
    node.put("closed/after", b"")
    assert node.path("closed/file").read_bytes() == b"secret"


def test_a_half_closed_connection_keeps_its_user(node):
    path = private(node, "half/file", owner=OWNER)
    os.chmod(node.path("half"), 0o755)
    text = f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()
    assert b" 200 " in as_user(OWNER, lambda: node.raw(text, half_close=True)).split(b"\r\n")[0]
    assert b" 403 " in as_user(STRANGER, lambda: node.raw(text, half_close=True)).split(b"\r\n")[0]


def test_a_connection_keeps_the_user_who_made_it(node):
    """Whoever holds its descriptor later, as with files."""
    path = private(node, "passed/file", owner=OWNER)
    os.chmod(node.path("passed"), 0o755)
    connection = socket.create_connection((node.host, node.port))  # root's
    text = f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()

    def use():
        connection.sendall(text)
        return connection.recv(65536)
    assert b" 200 " in as_user(STRANGER, use).split(b"\r\n")[0]
    connection.close()


def test_a_listening_socket_is_not_taken_for_the_other_end(node):
    """The kernel gives a listener with the same port if there is no connection."""
    private(node, "listener/file")
    text = b"PUT /key/listener/file HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n\r\nbad"
    with socket.socket() as waiting:
        waiting.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        waiting.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        waiting.bind(("127.0.0.1", 0))
        port = waiting.getsockname()[1]

        def attack():
            connection = socket.socket()
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            with contextlib.suppress(OSError):
                connection.bind(("127.0.0.1", port))
                connection.connect((node.host, node.port))
            connection.sendall(text)
            connection.close()
        node.pause()
        try:
            with contextlib.suppress(OSError):
                as_user(STRANGER, attack)
            waiting.listen()
        finally:
            node.resume()
        node.put("listener/after", b"")
    assert node.path("listener/file").read_bytes() == b"secret"


def test_ipv6_and_mapped_addresses_have_users():
    with Cluster(1, mount=False, start=False, clients=["127.0.0.0/8", "::1"]) as cluster:
        node = cluster.nodes[0]
        node.config["addr"] = f"[::]:{node.port}"
        node.write_config()
        node.host = "127.0.0.1"
        os.chmod(cluster.folder, 0o755)
        node.start()
        assert node.put("a", b"x").status == 200  # ::ffff:127.0.0.1
        node.host = "::1"
        assert node.put("a", b"y").status == 200
        for host in ("127.0.0.1", "::1"):
            node.host = host
            assert as_user(STRANGER, lambda: node.put("b", b"")).status == 403
            assert as_user(STRANGER, lambda: node.value("a")) == b"y"


def test_only_health_is_for_other_machines_without_a_token(tmp_path):
    """A client in another network namespace is of another machine."""
    with namespace() as (name, here, _), Cluster(1, mount=False, start=False, clients=["127.0.0.0/8", here[0] + "/24"],
                                                 ) as cluster:
        node = cluster.nodes[0]
        node.config["addr"] = f"0.0.0.0:{node.port}"
        node.write_config()
        node.start()
        node.put("open", b"x")

        def fetch(path):
            url = f"http://{here[0]}:{node.port}{path}"
            script = ("import sys,urllib.request,urllib.error\n"
                      "try: r=urllib.request.urlopen(sys.argv[1])\n"
                      "except urllib.error.HTTPError as e: r=e\n"
                      "print(r.status, r.headers.get('WWW-Authenticate'))")
            run = subprocess.run(["ip", "netns", "exec", name, "/usr/bin/python3", "-c", script, url],
                                 capture_output=True, text=True, check=True)
            return run.stdout.split(maxsplit=1)
        for path in ("/healthz", "/readyz"):
            assert fetch(path)[0] == "200"
        for path in ("/key/open", "/keys", "/status", "/metrics", "/locks", "/leases", "/watch?wait=1s", "/none"):
            status, challenge = fetch(path)
            assert status == "401" and challenge.startswith("Bearer"), path
        node.stop()
        node.config["clients_as"] = "daemon"
        node.write_config()
        node.start()
        assert fetch("/key/open")[0] == "200"
        assert fetch("/tokens")[0] == "403"


@contextlib.contextmanager
def namespace():
    """A network namespace with a link to this one: its name, the address here, and that in it."""
    name = f"quorumfs-{os.getpid()}"
    here, there = "10.213.7.1", "10.213.7.2"
    run = lambda *command: subprocess.run(["ip", *command], check=True, capture_output=True)  # noqa: E731
    run("netns", "add", name)
    try:
        run("link", "add", "qfs-here", "type", "veth", "peer", "name", "qfs-there", "netns", name)
        run("addr", "add", here + "/24", "dev", "qfs-here")
        run("link", "set", "qfs-here", "up")
        run("-n", name, "addr", "add", there + "/24", "dev", "qfs-there")
        run("-n", name, "link", "set", "qfs-there", "up")
        yield name, (here,), (there,)
    finally:
        run("netns", "del", name)


def test_root_on_loopback_is_as_before(node):
    assert node.put("root", b"x").status == 200
    assert node.get("root").single["value"] == "x"
    with contextlib.closing(node.connect()) as connection:
        assert callers.ask(connection, "GET", "/locks").status == 200
