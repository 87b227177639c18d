"""HTTPS and wss for clients, at the same port."""

import contextlib
import http.client
import os
import re
import signal
import socket
import ssl
import statistics
import subprocess
import threading
import time

import pytest
import websocket

from certificates import Authority
from cluster import Cluster, Response, wait_for

MIB = 1024 * 1024


@contextlib.contextmanager
def https(tmp_path, count=1, **config):
    """Nodes with a certificate for clients."""
    authority = Authority(tmp_path)
    fields = authority.issue("node")
    with Cluster(count, mount=False, **(fields | config)) as cluster:
        yield cluster, authority


def trust(authority):
    return ssl.create_default_context(cafile=authority.cert)


def ask(node, context, method, path, body=None, **headers):
    connection = http.client.HTTPSConnection(node.host, node.port, timeout=20, context=context)
    with contextlib.closing(connection):
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        return Response(answer.status, answer.headers, answer.read())


def test_https_and_http_at_the_same_port(tmp_path):
    with https(tmp_path, count=2) as (cluster, authority):
        first, second = cluster.nodes
        for minimum in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            context = trust(authority)
            context.minimum_version = context.maximum_version = minimum
            context.set_alpn_protocols(["h2", "http/1.1"])
            assert ask(first, context, "PUT", "/key/a", minimum.name).status == 200
            assert ask(second, context, "GET", "/key/a").single["value"] == minimum.name
            with socket.create_connection((first.host, first.port)) as plain, \
                    context.wrap_socket(plain, server_hostname="127.0.0.1") as connection:
                assert connection.version() in ("TLSv1.2", "TLSv1.3") and connection.selected_alpn_protocol() == "http/1.1"
        assert first.value("a") == b"TLSv1_3"
        with pytest.raises(ssl.SSLCertVerificationError):
            ask(first, ssl.create_default_context(), "GET", "/key/a")


def test_large_values_pass_in_both_directions(tmp_path):
    with https(tmp_path) as (cluster, authority):
        node, context = cluster.nodes[0], trust(authority)
        value = os.urandom(7 * MIB)
        assert ask(node, context, "PUT", "/key/large", value).status == 200
        answer = ask(node, context, "GET", "/key/large", Accept="application/octet-stream")
        assert answer.body == value and node.value("large") == value


def test_a_client_that_reads_nothing_holds_no_memory(tmp_path):
    def rss(node):
        with open(f"/proc/{node.process.pid}/status") as status:
            return int(re.search(r"VmRSS:\s+(\d+)", status.read())[1]) * 1024
    with https(tmp_path) as (cluster, authority), contextlib.ExitStack() as stack:
        node, context = cluster.nodes[0], trust(authority)
        assert ask(node, context, "PUT", "/key/large", bytes(MIB)).status == 200
        request = b"GET /key/large HTTP/1.1\r\nHost: x\r\nAccept: application/octet-stream\r\n\r\n".replace(b"x", node.addr.encode())
        before = rss(node)
        for _ in range(30):
            plain = stack.enter_context(socket.create_connection((node.host, node.port)))
            connection = stack.enter_context(context.wrap_socket(plain, server_hostname="127.0.0.1"))
            connection.sendall(request * 30)
        assert ask(node, context, "GET", "/ping").status == 200
        assert rss(node) - before < 120 * MIB


def test_wss(tmp_path):
    with https(tmp_path) as (cluster, authority):
        node = cluster.nodes[0]
        connection = websocket.create_connection(f"wss://{node.addr}/client", timeout=15,
                                                 sslopt={"ca_certs": str(authority.cert)})
        with contextlib.closing(connection):
            connection.send('{"id": 1, "method": "GET", "path": "/ping"}')
            assert connection.recv()


def test_encryption_may_be_required(tmp_path):
    with https(tmp_path, tls="required", plain_health=True) as (cluster, authority):
        node, context = cluster.nodes[0], trust(authority)
        for method, path in [("GET", "/key/a"), ("PUT", "/key/a"), ("GET", "/status"), ("GET", "/ping"), ("OPTIONS", "*")]:
            refused = node.request(method, path, "x")
            assert refused.status == 403 and "https" in refused.error, refused
        assert node.request("GET", "/healthz").status == 200 and node.request("GET", "/readyz").status == 200
        assert b"403" in node.raw(b"GET /client HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                                  b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n", True)
        assert ask(node, context, "PUT", "/key/a", "1").status == 200
        node.stop()
        node.config["plain_health"] = False
        node.write_config()
        node.start(wait=False)
        wait_for(lambda: "listening" in node.log_tail(5) or reachable(node), "it listens")
        assert node.request("GET", "/healthz").status == 403


def reachable(node):
    with contextlib.suppress(OSError):
        return node.request("GET", "/healthz", timeout=2).status


def test_each_end_is_passed_on(tmp_path):
    """A half-close asks for the rest of an answer, and an end without one is an end."""
    with https(tmp_path) as (cluster, authority):
        node, context = cluster.nodes[0], trust(authority)
        host = b"Host: " + node.addr.encode() + b"\r\n"
        text = subprocess.run(["openssl", "s_client", "-quiet", "-connect", node.addr],
                              input=b"GET /ping HTTP/1.1\r\n" + host + b"Connection: close\r\n\r\n", capture_output=True,
                              timeout=20, check=False).stdout
        assert text.startswith(b"HTTP/1.1 200")
        with socket.create_connection((node.host, node.port)) as plain, \
                context.wrap_socket(plain, server_hostname="127.0.0.1", suppress_ragged_eofs=False) as connection:
            connection.sendall(b"GET /ping HTTP/1.1\r\n" + host + b"Connection: close\r\n\r\n")
            data = b""
            while piece := connection.recv(65536):  # ends by close_notify: otherwise an error
                data += piece
            assert data.startswith(b"HTTP/1.1 200")
        before = descriptors(node)
        for _ in range(20):
            with socket.create_connection((node.host, node.port)) as plain:
                context.wrap_socket(plain, server_hostname="127.0.0.1").close()
        wait_for(lambda: descriptors(node) <= before, "all descriptors are given back")


def descriptors(node):
    return len(os.listdir(f"/proc/{node.process.pid}/fd"))


def test_a_certificate_is_changed_while_clients_run(tmp_path):
    with https(tmp_path) as (cluster, authority):
        node = cluster.nodes[0]
        problems, done, ended = [], [0], threading.Event()

        def work():
            context = trust(authority)
            kept = http.client.HTTPSConnection(node.host, node.port, timeout=20, context=context)
            while not ended.is_set():
                try:
                    kept.request("PUT", "/key/kept", b"x")
                    if kept.getresponse().read() is None or ask(node, context, "GET", "/key/kept").status != 200:
                        problems.append("status")
                    done[0] += 1
                except (OSError, http.client.HTTPException) as error:
                    problems.append(error)
        workers = [threading.Thread(target=work) for _ in range(3)]
        for worker in workers:
            worker.start()
        try:
            wait_for(lambda: done[0] > 20, "clients run")
            before = certificate(node)
            other = authority.issue("other")
            for field in ("tls_key", "tls_cert"):
                os.replace(other[field], node.config[field])
            node.process.send_signal(signal.SIGHUP)
            wait_for(lambda: certificate(node) != before, "the other certificate is shown")
            seen = done[0]
            wait_for(lambda: done[0] > seen + 20, "clients go on")
            with open(node.config["tls_cert"], "w") as file:
                file.write("no certificate")
            wait_for(lambda: "stays in use" in node.log_tail(50), "it is told")
            seen = done[0]
            wait_for(lambda: done[0] > seen + 20, "clients go on")
        finally:
            ended.set()
            for worker in workers:
                worker.join(30)
        assert not problems, problems[:3]


def certificate(node):
    return ssl.get_server_certificate((node.host, node.port))


def test_thousands_of_half_handshakes_hurt_nobody(tmp_path):
    """Bytes of a real ClientHello, cut anywhere; others are answered meanwhile."""
    with https(tmp_path) as (cluster, authority):
        node, context = cluster.nodes[0], trust(authority)
        hello = client_hello()

        def p99(seconds):
            times, until = [], time.monotonic() + seconds
            while time.monotonic() < until or len(times) < 200:
                began = time.monotonic()
                assert ask(node, context, "GET", "/ping").status == 200
                times.append(time.monotonic() - began)
            return statistics.quantiles(times, n=100)[98]
        quiet = p99(1)
        with contextlib.ExitStack() as stack:
            for number in range(2000):
                connection = stack.enter_context(socket.create_connection((node.host, node.port)))
                with contextlib.suppress(OSError):
                    connection.sendall(hello[:1 + number % len(hello)])
            busy = p99(2)
            assert node.request("GET", "/healthz").status == 200
        print(f"p99 {quiet * 1000:.1f} ms, beside half handshakes {busy * 1000:.1f} ms")
        assert busy < max(20 * quiet, 0.5)
        assert ask(node, context, "PUT", "/key/after", b"x").status == 200


def client_hello():
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    connection = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).wrap_bio(incoming, outgoing, server_hostname="localhost")
    with contextlib.suppress(ssl.SSLWantReadError):
        connection.do_handshake()
    return outgoing.read()


def test_what_openssl_says(tmp_path):
    with https(tmp_path) as (cluster, _):
        node = cluster.nodes[0]

        def said(*arguments, text=b""):
            done = subprocess.run(["openssl", "s_client", "-connect", node.addr, *arguments], input=text, capture_output=True,
                                  timeout=20, check=False)
            return (done.stdout + done.stderr).decode(errors="replace")
        for weak in (["-tls1_1", "-cipher", "ALL:@SECLEVEL=0"], ["-tls1_2", "-cipher", "AES128-SHA"],
                     ["-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-SHA"], ["-tls1_2", "-cipher", "NULL:@SECLEVEL=0"]):
            assert "Cipher is (NONE)" in said(*weak), weak
        for strong in (["-tls1_2"], ["-tls1_3"]):
            good = said(*strong)
            assert "Cipher is (NONE)" not in good and "Compression: NONE" in good
        assert "No early data" in said("-tls1_3") or "Early data was not sent" in said("-tls1_3")
        assert "Reused" not in said("-tls1_2", "-reconnect")
        renegotiated = said("-tls1_2", text=b"R\n")
        assert "no renegotiation" in renegotiated or "RENEGOTIATING" not in renegotiated
        assert "ALPN protocol: http/1.1" in said("-alpn", "http/1.1")
        assert "alert" in said("-alpn", "quorumfs/1")  # a client is no node
        assert node.put("fine", "yes").status == 200
