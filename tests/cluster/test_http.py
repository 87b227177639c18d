"""The HTTP and WebSocket doors: everything a client can ask for, rightly or wrongly."""

import base64
import contextlib
import http.client
import json
import socket
import time
import urllib.parse

import pytest
import websocket

from cluster import Cluster, wait_for

CONFIG = {"mount": False}
MIB = 1024 * 1024
LONG_NAME = "n" * 256
LONG_PATH = "/".join(["p" * 250] * 17)


@pytest.fixture
def node(cluster):
    """A node where the key `k` does not exist: a refused request must not make it."""
    assert cluster.nodes[0].delete("k").status in (200, 404)
    return cluster.nodes[0]


# ---- Good requests ----


def test_values_that_are_text(cluster):
    a, b, c = cluster.nodes
    for value in ("", "it", "two\nlines", 'quotes " and \\', "Grüße €😀", "\t\b\x01\x7f"):
        assert a.post("text", value).single["value"] == value
        assert b.get("text").single == {"key": "text", "exists": True, "value": value}
        assert c.value("text") == value.encode()


def test_values_that_are_bytes(cluster):
    a, b, c = cluster.nodes
    for value in (b"\0", b"\xff\xfe", bytes(range(256)), b"ok\0"):
        assert a.put("bytes", value).status == 200
        single = b.get("bytes").single
        assert "value" not in single and base64.b64decode(single["value_base64"]) == value
        body = {"key": "bytes", "value_base64": base64.b64encode(value[::-1]).decode()}
        answer = c.request("POST", "/key", body)
        assert base64.b64decode(answer.single["overwritten_value_base64"]) == value
        assert a.value("bytes") == value[::-1]


def test_raw_values_of_many_sizes(cluster):
    for size in (0, 1, 4095, 4096, 65537, 256 * 1024, 256 * 1024 + 1, MIB, 8 * MIB):
        value = bytes(size % 251 for size in range(size))
        answer = cluster.nodes[0].put("big", value)
        assert answer.status == 200, answer
        other = cluster.nodes[1]
        assert other.value("big") == value
        head = other.request("HEAD", "/key/big", headers={"Accept": "application/octet-stream"})
        assert (head.status, head.body, head.headers["Content-Length"]) == (200, b"", str(size))
        assert head.headers["ETag"] == answer.headers["ETag"]


@pytest.mark.parametrize("key", [b"with space", "Grüße €😀".encode(), b"a/b/c/d", b"%41", b"a+b", b"?&=#", b"...",
                                 bytes(byte for byte in range(1, 256) if byte != 0x2f)[:255], b"n" * 255,
                                 b"/".join([b"p" * 255] * 15) + b"/" + b"q" * 254])
def test_keys(cluster, key):
    a, b, _ = cluster.nodes
    assert a.put(key, b"value of " + key[:9]).status == 200
    assert b.value(key) == b"value of " + key[:9]
    assert key in b.contents("&prefix=" + urllib.parse.quote(key[:3]))
    assert b.delete(key).status == 200
    assert a.value(key) is None


def test_conditions(cluster):
    a, b, _ = cluster.nodes
    a.delete("c")
    created = a.put("c", "1", {"If-None-Match": "*"})
    assert created.status == 200
    assert b.put("c", "2", {"If-None-Match": "*"}).status == 412
    tag = b.get("c").headers["ETag"]
    raw = b.get("c", Accept="application/octet-stream")
    assert raw.headers["ETag"] == created.headers["ETag"] != tag
    assert raw.headers["Vary"] == b.get("c").headers["Vary"] == "Accept"
    assert b.get("c", **{"If-Match": created.headers["ETag"]}).status == 412  # that is the other form
    assert b.put("c", "2", {"If-Match": tag}).status == 200
    assert a.put("c", "3", {"If-Match": tag}).status == 412
    assert a.put("c", "3", {"If-Match": f'"1", {tag}'}).status == 412
    assert a.put("c", "3", {"If-None-Match": b.get("c").headers["ETag"]}).status == 412
    assert a.put("c", "2", {"If-None-Match": tag}).status == 200
    assert a.put("c", "3", {"If-Unmodified-Since": "Sun, 06 Nov 1994 08:49:37 GMT"}).status == 412
    assert a.put("c", "2", {"If-Unmodified-Since": "Sat, 06 Nov 2094 08:49:37 GMT"}).status == 200
    assert a.put("c", "3", {"If-Match": '"other"'}).status == 412
    assert a.put("none", "3", {"If-Match": "*"}).status == 412
    post = {"key": "c", "value": "4"}
    assert a.request("POST", "/key", post, {"If-Match": tag}).status == 412
    assert a.request("POST", "/key", post, {"If-Match": "*"}).single["overwritten_value"] == "2"
    assert a.delete("c", {"If-Match": tag}).status == 412
    tag = a.get("c").headers["ETag"]
    assert a.request("GET", "/key/c", headers={"If-None-Match": tag}).status == 304
    assert a.delete("c", {"If-Match": tag}).status == 200
    assert a.value("c") is None
    assert a.put("c", "x", {"If-Match": "nonsense"}).status == 400


def test_the_same_value_again_is_a_write(cluster):
    a, b, c = cluster.nodes
    first = a.post("again", "1")
    assert b.post("again", "2").single["overwritten_value"] == "1"
    last = c.post("again", "1")
    assert last.single["overwritten_value"] == "2" and a.value("again") == b"1"
    assert last.headers["ETag"] != first.headers["ETag"]


def test_several_keys_are_one_change(cluster):
    a, b, _ = cluster.nodes
    assert a.put("file", "in the way").status == 200
    for bad, status in [("", 400), ("a//b", 400), (".quorumfs/x", 403), ("file/below", 409), (LONG_NAME, 400)]:
        answer = a.request("POST", "/keys", [{"key": "multi/1", "value": "1"}, {"key": bad, "value": "2"}])
        assert answer.status == status and answer.error, answer
        assert b.value("multi/1") is None
    answer = a.request("POST", "/keys", [{"key": f"multi/{n}", "value": str(n)} for n in range(5)])
    assert [one["value"] for one in answer.multiple] == list("01234")
    answer = b.request("GET", "/keys", ["multi/3", "nothing", "multi/1", "multi"])
    assert answer.status == 200 and [one.get("value") for one in answer.multiple] == ["3", None, "1", None]
    assert answer.multiple[1] == {"key": "nothing", "exists": False} and answer.multiple[3]["error"]
    answer = b.request("DELETE", "/keys", ["multi/1", "nothing", "multi/2"])
    assert [one["exists"] for one in answer.multiple] == [True, False, True]
    assert a.request("DELETE", "/keys", ["multi/3", "multi"]).status == 409
    assert a.value("multi/3") == b"3"


def test_listing(cluster):
    a, b, _ = cluster.nodes
    names = sorted(["list/a", "list/a/", "list/a!", "list/b/x", "list/b/y", "list/c", "list/ü"])
    names.remove("list/a/")
    assert a.request("POST", "/keys", [{"key": name, "value": name} for name in names]).status == 200
    names.sort(key=str.encode)
    answer = b.request("GET", "/keys?prefix=list/")
    assert [one["key"] for one in answer.multiple] == names
    assert [one["value"] for one in answer.multiple] == names
    found, path = [], "/keys?prefix=list/&limit=2"
    while path:
        page = b.request("GET", path).json
        assert len(page["Multiple"]) <= 2
        found += [one["key"] for one in page["Multiple"]]
        path = page.get("next")
    assert found == names
    after = b.request("GET", "/keys?prefix=list/&after=list/b/x&limit=1").multiple
    assert [one["key"] for one in after] == ["list/b/y"]
    assert b.request("GET", "/keys?prefix=list/b").multiple[0]["key"] == "list/b/x"
    assert b.request("GET", "/keys?prefix=nothing/here").multiple == []


def test_files_and_directories_have_different_names(cluster):
    a = cluster.nodes[0]
    assert a.put("dir/below", "x").status == 200
    for answer in (a.put("dir", "x"), a.post("dir", "x"), a.get("dir"), a.delete("dir"), a.put("dir/below/x", "x")):
        assert answer.status == 409 and answer.error, answer
    assert a.get("dir/below/x").status in (404, 409)


def test_operations(cluster):
    for number, node in enumerate(cluster.nodes, 1):
        status = node.status()
        assert (status["node"], status["addr"], status["quorum"], status["why"]) == (number, node.addr, True, "")
        assert len(status["peers"]) == 2 and all(peer["alive"] for peer in status["peers"])
        assert node.request("GET", "/healthz").status == 200 and node.request("GET", "/readyz").status == 200
        metrics = node.request("GET", "/metrics")
        assert metrics.headers["Content-Type"].startswith("text/plain")
        for line in metrics.body.decode().splitlines():
            assert line.startswith("# ") or len(line.split(" ")) == 2 and float(line.split(" ")[1]) >= 0, line
        assert b"quorumfs_writes_total" in metrics.body
    assert cluster.leader().status()["role"] == "leader"


def test_keep_alive_and_pipelining(node):
    connection = node.connect()
    for number in range(50):
        connection.request("PUT", "/key/alive", str(number))
        answer = connection.getresponse()
        assert answer.status == 200 and answer.read()
    local = connection.sock.getsockname()
    connection.request("GET", "/key/alive")
    assert json.loads(connection.getresponse().read())["Single"]["value"] == "49"
    assert connection.sock.getsockname() == local
    connection.close()
    requests = b"".join(b"PUT /key/pipe%d HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\n\r\nx" % n for n in range(100))
    requests += b"GET /key/pipe99 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    received = node.raw(requests)
    assert received.count(b"HTTP/1.1 200 ") == 101
    assert received.index(b'"pipe7"') < received.index(b'"pipe70"')


def test_websocket(cluster):
    connection = cluster.nodes[1].websocket()

    def ask(request):
        connection.send(json.dumps({"APIRequest": request}))
        answer = json.loads(connection.recv())
        assert answer["request"] == request, answer
        return answer["response"]

    cluster.nodes[0].delete("ws")
    assert ask({"Get": "ws"}) == {"Get": {"key": "ws"}}
    assert ask({"Put": {"key": "ws", "value": "a"}}) == {"Put": {"key": "ws", "value": "a"}}
    assert ask({"Put": {"key": "ws", "value": "b"}}) == {"Put": {"key": "ws", "value": "b", "overwritten_val": "a"}}
    assert cluster.nodes[2].value("ws") == b"b"
    assert ask({"Get": "ws"}) == {"Get": {"key": "ws", "value": "b"}}
    assert ask({"Delete": "ws"}) == {"Delete": {"key": "ws", "overwritten_val": "b"}}
    assert ask({"Ping": 1}) == {"Pong": [1, "Pinged peer node 1 successfully"]}
    for number in range(100):  # answers come in the order of the requests
        connection.send(json.dumps({"APIRequest": {"Put": {"key": "ws", "value": str(number)}}}))
    for number in range(100):
        assert json.loads(connection.recv())["response"]["Put"]["value"] == str(number)
    connection.close()


# ---- Bad requests ----

BAD_BODIES = [
    (b"", "empty"), (b"{", "cut"), (b"nonsense", "no JSON"), (b'{"key":"k","value":"v"} x', "more behind it"),
    (b'{"key":"k","value":"v"', "cut"), (b"[]", "a list"), (b"5", "a number"), (b"null", "null"), (b"{}", "no fields"),
    (b'{"key":"k"}', "no value"), (b'{"value":"v"}', "no key"), (b'{"key":5,"value":"v"}', "wrong type"),
    (b'{"key":"k","value":5}', "wrong type"), (b'{"key":"k","value":null}', "wrong type"),
    (b'{"key":["k"],"value":"v"}', "wrong type"), (b'{"key":"k","value":"v","value_base64":"dg=="}', "both"),
    (b'{"key":"k","value_base64":"v"}', "no base64"), (b'{"key":"k","value_base64":"!!!!"}', "no base64"),
    (b'{"key":"k","key":"l","value":"v"}', "twice"), (b'{"key":"k","value":"\\u0000"}', "NUL"),
    (b'{"key":"\\u0000","value":"v"}', "NUL"), (b'{"key":"k","value":"\xff"}', "no UTF-8"),
    (b'{"key":"k","value":"\\ud800"}', "half a character"), (b"[" * 100000, "deep"),
    (b'{"key":"k","value":"\0"}', "a NUL byte"),
]
BAD_KEYS = [("", 400), ("/k", 400), ("k/", 400), ("a//b", 400), (".", 400), ("..", 400), ("a/../b", 400), ("a/.", 400),
            (LONG_NAME, 400), ("a/" + LONG_NAME, 400), (LONG_PATH, 400), (".quorumfs", 403), (".quorumfs/status", 403),
            (".quorumfs/local/x", 403)]
BAD_REQUESTS = [
    ("GET", "/nothing", None, 404), ("GET", "/", None, 404), ("POST", "/ping", None, 405), ("PUT", "/keys", "x", 405),
    ("PATCH", "/key/k", "x", 405), ("DELETE", "/status", None, 405), ("POST", "/key/k", "x", 405),
    ("GET", "/client", None, 400), ("GET", "/key/%zz", None, 400), ("GET", "/key/%", None, 400),
    ("GET", "/key/a%00b", None, 400), ("PUT", "/key/a%00b", "x", 400), ("DELETE", "/key/%00", None, 400),
    ("PUT", "/key/a%2f%2fb", "x", 400), ("GET", "/key/k?consistency=best", None, 400),
    ("GET", "/key/k?nonsense=1", None, 400), ("GET", "/keys?limit=0", None, 400), ("GET", "/keys?limit=-1", None, 400),
    ("GET", "/keys?limit=x", None, 400), ("GET", "/keys?limit=99999999999", None, 400),
    ("GET", "/keys", "{}", 400), ("GET", "/keys", "[5]", 400), ("GET", "/keys", "[]", 400),
    ("DELETE", "/keys", '{"a":1}', 400), ("DELETE", "/keys", "[null]", 400), ("DELETE", "/keys", '["a","a"]', 400),
    ("POST", "/keys", "{}", 400), ("POST", "/keys", "[]", 400), ("POST", "/keys", "[[]]", 400),
    ("POST", "/keys", '[{"key":"a","value":"1"},{"key":"a","value":"2"}]', 400),
    ("POST", "/keys", json.dumps(["x"] * 20000), 413),
    ("PUT", "/key/k", b"x" * (8 * MIB + 1), 413), ("POST", "/key", b"x" * (16 * MIB + 1), 413),
    ("POST", "/key", json.dumps({"key": "k", "value": "x" * (8 * MIB + 1)}), 413),
    ("POST", "/keys", json.dumps([{"key": f"k{n}", "value": "x" * (3 * MIB)} for n in range(3)]), 413),
]


def check_goes_on(node):
    assert node.put("goes/on", "yes").status == 200
    assert node.value("goes/on") == b"yes"


@pytest.mark.parametrize("body, what", BAD_BODIES)
def test_bad_bodies(node, body, what):
    answer = node.request("POST", "/key", body)
    assert answer.status in (400, 413) and answer.error, answer
    assert node.value("k") is None
    check_goes_on(node)


@pytest.mark.parametrize("key, status", BAD_KEYS)
def test_bad_keys(node, key, status):
    in_path = 414 if status == 400 and len(key) > 255 else status
    for answer in (node.get(key), node.put(key, "x"), node.delete(key)):
        assert answer.status in (status, in_path) and answer.error, answer
    for answer in (node.post(key, "x"), node.request("GET", "/keys", [key]), node.request("DELETE", "/keys", [key])):
        assert answer.status == status and answer.error, answer
    check_goes_on(node)


@pytest.mark.parametrize("method, path, body, status", BAD_REQUESTS,
                         ids=[f"{row[0]} {row[1]} {str(row[2])[:20]!r}" for row in BAD_REQUESTS])
def test_bad_requests(node, method, path, body, status):
    try:
        answer = node.request(method, path, body)
    except (BrokenPipeError, ConnectionResetError):
        assert status == 413  # refused before the body had been sent
    else:
        assert answer.status == status, answer
        assert path == "/client" or answer.error  # that one is libwebsockets' answer
        assert status != 405 or answer.headers["Allow"]
    check_goes_on(node)


@pytest.mark.parametrize("data", [
    b"\r\n\r\n", b"nonsense\r\n\r\n", b"GET\r\n\r\n", b"\0\0\0\0\0\0\0\0", bytes(range(256)) * 50, b"\x16\x03\x01\x02\0",
    b"GET /key/k HTTP/9.9\r\n\r\n", b"GET /key/k HTTP/1.1\r\nno header\r\n\r\n", b"G" * 100000,
    b"GET /" + b"k" * 200000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n",
    b"GET /key/k HTTP/1.1\r\nHost: localhost\r\n" + b"".join(b"H%d: v\r\n" % n for n in range(20000)) + b"\r\n",
    b"PUT /key/k HTTP/1.1\r\nHost: localhost\r\nContent-Length: -5\r\n\r\n",
    b"PUT /key/k HTTP/1.1\r\nHost: localhost\r\nContent-Length: x\r\n\r\n",
    b"PUT /key/k HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999999999999999999\r\n\r\n",
    b"PUT /key/k HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    b"PUT /key/k HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\nhalf",
    b"POST /key HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{\"key\":\"k\",",
], ids=lambda data: repr(data[:40]))
def test_bytes_that_are_no_request(node, data):
    """Answered by an error or by closing the connection, and at once: the client has said all it had."""
    start = time.monotonic()
    received = node.raw(data, half_close=True)
    assert received == b"" or received.startswith((b"HTTP/1.1 4", b"HTTP/1.1 5")), received
    assert time.monotonic() - start < 12
    assert node.value("k") is None
    check_goes_on(node)


def test_a_chunked_body(node):
    head = b"PUT /key/chunked HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
    assert b" 200 " in node.raw(head + b"3\r\nabc\r\n4\r\ndefg\r\n0\r\n\r\n")
    assert node.value("chunked") == b"abcdefg"


AGAIN = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"
SMUGGLED = b"PUT /key/k HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\n\r\nx"


@pytest.mark.parametrize("head", [
    b"Host: localhost\r\nContent-Length: 1\r\nContent-Length: 1",
    b"Host: localhost\r\nContent-Length: 1\r\nTransfer-Encoding: chunked", b"Host: localhost\r\nContent-Length : 1",
    b"Content-Length: 1", b"Host: localhost\r\nHost: localhost\r\nContent-Length: 1",
    b"Host: localhost\r\nX: y\r\n z", b"Host: localhost\nX: y", b"Host: localhost\r\nX: y\rz",
    b"Host: localhost\r\nX: \0", b"Host: localhost\r\nTransfer-Encoding: gzip",
], ids=repr)
def test_heads_that_could_be_read_in_two_ways(node, head):
    """400 and the end of the connection, for its first request as for a later one; nothing behind them is taken."""
    for before in (b"", AGAIN, AGAIN * 3):
        received = node.raw(before + b"PUT /key/k HTTP/1.1\r\n" + head + b"\r\n\r\nx" + SMUGGLED)
        assert received.count(b"HTTP/1.1 200 ") == len(before) // len(AGAIN), received
        assert received.count(b"\r\nDate: ") == len(before) // len(AGAIN) + 1 and b"HTTP/1.1 400 " in received
    assert node.value("k") is None
    check_goes_on(node)


def test_a_value_in_parts_is_refused(node):
    """`curl -C - -T` sends the rest of a file with Content-Range: that must not become the value."""
    node.put("k", "whole")
    answer = node.put("k", "rest", {"Content-Range": "bytes 5-8/9"})
    assert answer.status == 400 and "Content-Range" in answer.error
    assert node.put("k", b"\x1f\x8b", {"Content-Encoding": "gzip"}).status == 415
    assert node.put("k", "rest", {"Expect": "something"}).status == 417
    assert node.value("k") == b"whole"
    node.delete("k")


def test_ranges(node):
    node.put("range", bytes(range(250)) * 4000)
    for first, last in ((0, 0), (10, 300000), (999999, 2000000)):
        headers = {"Accept": "application/octet-stream", "Range": f"bytes={first}-{last}"}
        answer = node.request("GET", "/key/range", headers=headers)
        assert answer.status == 206 and answer.body == (bytes(range(250)) * 4000)[first:last + 1]


def test_a_websocket_on_a_used_connection(node):
    """As the JDK's client and the pools of proxies do it."""
    connection = node.connect()
    for _ in range(3):
        connection.request("GET", "/healthz")
        assert connection.getresponse().read()
    client = websocket.create_connection(f"ws://{node.addr}/client", socket=connection.sock)
    client.send('{"APIRequest":{"Get":"k"}}')
    assert json.loads(client.recv())["response"] == {"Get": {"key": "k"}}
    client.close()


def test_a_target_in_absolute_form(node):
    """As a client sends it that has http_proxy set."""
    node.put("k", "v")
    for target in (f"http://{node.addr}/key/k", "http://localhost/key/k"):
        assert node.request("GET", target).single["value"] == "v"
    assert node.request("GET", "http://evil.example/key/k").status == 421
    node.delete("k")


def test_names_of_the_node():
    """A page that gives its own name the address of a node gets nothing; a page behind a proxy does with `hosts`."""
    with Cluster(1, **CONFIG, hosts=["store.example"]) as cluster:
        node = cluster.nodes[0]
        assert node.put("k", "v").status == 200
        evil = {"Host": "evil.example", "Origin": "http://evil.example"}
        for method, path, body in (("GET", "/key/k", None), ("PUT", "/key/k", "x"), ("DELETE", "/key/k", None),
                                   ("GET", "/keys", None), ("GET", "/status", None), ("POST", "/key", "{}")):
            answer = node.request(method, path, body, evil)
            assert answer.status == 421 and '"hosts"' in answer.error and b"evil.example" in answer.body
        assert refused_status(node, "/client", host="evil.example", origin="http://evil.example") == 421
        assert node.value("k") == b"v"
        for host, origin in ((node.addr, "https://store.example"), ("store.example", "https://store.example"),
                             (node.addr, f"http://{node.addr}"), ("store.example", f"http://store.example:{node.port}")):
            assert node.request("GET", "/key/k", headers={"Host": host, "Origin": origin}).status == 200
            node.websocket("/client", host=host, origin=origin).close()
        for origin in ("http://evil.example", "null", "http://127.0.0.1:1", "https://store.example.evil.example"):
            assert node.put("k", "x", {"Origin": origin}).status == 403
            assert refused_status(node, "/client", origin=origin) == 403
        assert node.value("k") == b"v"


def test_a_client_that_says_half_and_waits(node):
    """While it does, others are served; when it goes away nothing has happened."""
    with contextlib.ExitStack() as stack:
        for start in (b"", b"P", b"PUT /key/slow HTTP/1.1\r\n", b"GET /client", b"GET /omnipax HTTP/1.1\r\nHost",
                      b"PUT /key/slow HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\nhalf"):
            connection = stack.enter_context(socket.create_connection((node.host, node.port)))
            connection.sendall(start)
        begin = time.monotonic()
        check_goes_on(node)
        assert time.monotonic() - begin < 1
    assert node.value("slow") is None


def test_a_client_that_says_one_byte_at_a_time(node):
    with socket.create_connection((node.host, node.port)) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in b"PUT /key/bytewise HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\nConnection: close\r\n\r\nabc":
            connection.sendall(bytes([byte]))
            time.sleep(0.001)  # so that each is a packet of its own
        assert connection.recv(1000).startswith(b"HTTP/1.1 200 ")
    assert node.value("bytewise") == b"abc"


def median_seconds(node, count=200):
    times = []
    connection = node.connect()
    for _ in range(count):
        start = time.monotonic()
        connection.request("GET", "/key/goes/on")
        connection.getresponse().read()
        times.append(time.monotonic() - start)
    connection.close()
    return sorted(times)[count // 2]


def test_idle_connections_cost_others_nothing(node):
    check_goes_on(node)
    before = median_seconds(node)
    with contextlib.ExitStack() as stack:
        for number in range(1000):
            connection = stack.enter_context(socket.create_connection((node.host, node.port)))
            if number % 2:
                connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        during = median_seconds(node)
    print(f"median of a read: {before * 1e6:.0f} us alone, {during * 1e6:.0f} us with 1,000 idle connections")
    assert during < 2 * before + 0.002


def test_clients_that_do_not_read(node):
    """Answers that the client does not read must neither fill the node's memory nor hold up others."""
    assert node.put("large", b"x" * (8 * MIB)).status == 200
    with contextlib.ExitStack() as stack:
        for _ in range(20):
            connection = stack.enter_context(socket.create_connection((node.host, node.port)))
            connection.sendall(b"GET /key/large HTTP/1.1\r\nHost: localhost\r\nAccept: application/octet-stream\r\n\r\n" * 20)
        check_goes_on(node)
    node.delete("large")


# ---- WebSockets ----

BAD_MESSAGES = ["", "{", "nonsense", "5", "[]", "{}", '{"APIRequest":5}', '{"APIRequest":{}}', '{"APIRequest":"Get"}',
                '{"APIRequest":{"Get":5}}', '{"APIRequest":{"Get":""}}', '{"APIRequest":{"Get":".quorumfs/why"}}',
                '{"APIRequest":{"Put":{"key":"k"}}}', '{"APIRequest":{"Put":"k"}}', '{"APIRequest":{"Ping":"x"}}',
                '{"APIRequest":{"Put":{"key":"a/../b","value":"v"}}}', '{"APIRequest":{"Delete":["k"]}}',
                '{"APIRequest":{"Nonsense":"k"}}', '{"APIRequest":{"Get":"a","Delete":"a"}}',
                '{"APIRequest":{"Put":{"key":"k","value":"\\u0000"}}}', "[" * 100000]


def test_bad_messages_leave_the_connection_open(node):
    connection = node.websocket()
    for message in BAD_MESSAGES:
        connection.send(message)
        answer = json.loads(connection.recv())
        assert answer["error"], (message[:60], answer)
    connection.send_binary(b"\xff\0\xfe")
    assert json.loads(connection.recv())["error"]
    connection.send('{"APIRequest":{"Ping":77}}')
    assert "Error" in json.loads(connection.recv())["response"]
    connection.send('{"APIRequest":{"Get":"k"}}')
    assert json.loads(connection.recv())["response"] == {"Get": {"key": "k"}}
    connection.close()


def test_bytes_that_are_no_websocket(node):
    for path in ("/client", "/omnipax"):
        for data in (b"\r\n\r\n", b"Upgrade: websocket\r\nConnection: Upgrade\r\n\r\n" + b"\xff" * 1000,
                     b"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                     b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n" + b"\xff" * 1000):
            node.raw(b"GET %s HTTP/1.1\r\nHost: localhost\r\n" % path.encode() + data, half_close=True)
            check_goes_on(node)
    connection = node.websocket()
    connection.sock.sendall(b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff" * 100)
    with contextlib.suppress(websocket.WebSocketException, OSError):
        while connection.recv():
            pass
    connection.close()
    check_goes_on(node)


def refused_status(node, path, headers=(), **options):
    with pytest.raises(websocket.WebSocketBadStatusException) as refusal:
        node.websocket(path, header=list(headers), **options)
    return refusal.value.status_code


def test_strangers_are_no_peers(cluster):
    node = cluster.nodes[0]
    assert refused_status(node, "/omnipax") == 403
    me, to = "X-Quorumfs-Node: 2", "X-Quorumfs-To: 1"
    for headers in ([me], ["X-Quorumfs-Node: 9", to], [me, to, "X-Quorumfs-Cluster: " + "0" * 16 + "-" + "0" * 16]):
        assert refused_status(node, "/omnipax", headers) == 403
    check_goes_on(node)


def peer_headers(node, listener):
    """The greeting of the node when it dials the peer that `listener` stands in for, at last without encryption."""
    listener.settimeout(15)
    text = b""
    while not text.startswith(b"GET "):
        connection, _ = listener.accept()
        with connection:
            connection.settimeout(15)
            text = connection.recv(4096)
            while text.startswith(b"GET ") and b"\r\n\r\n" not in text:
                text += connection.recv(4096)
    return dict(line.lower().split(": ", 1) for line in text.decode().split("\r\n") if line.lower().startswith("x-"))


def test_an_impostor(tmp_path):
    """It has the address, the cluster and the number of the missing peer, so that only the secret keeps it out of plain
    links; even with the secret, its messages are not believed."""
    with Cluster(2, mount=False, cluster_secret="open sesame", plain_peers=True) as cluster:
        node, missing = cluster.nodes
        missing.stop()
        with socket.create_server((missing.host, missing.port)) as listener:
            headers = peer_headers(node, listener)
            headers |= {"x-quorumfs-node": "2", "x-quorumfs-to": "1", "x-quorumfs-process": "1"}
            for name, value in [("x-quorumfs-secret", "00"), ("x-quorumfs-to", "2"), ("x-quorumfs-node", "1"),
                                ("x-quorumfs-cluster", "1-1"),
                                ("x-quorumfs-levels", "1-1"), ("x-quorumfs-members", "2,x,y")]:
                wrong = [f"{n}: {v}" for n, v in (headers | {name: value}).items()]
                assert refused_status(node, "/omnipax", wrong) == 403
            right = [f"{name}: {value}" for name, value in headers.items()]
            for message in (b"", b"\0", b"\xff" * 1000, bytes(range(256)) * 100, b"\1\1" + b"\0" * 200):
                connection = node.websocket("/omnipax", header=right)
                with contextlib.suppress(websocket.WebSocketException, OSError):
                    for _ in range(10):
                        connection.send_binary(message)
                    connection.send("text")
                connection.close()
                assert node.request("GET", "/healthz").status == 200
        missing.start()
        node.wait_ready()
        check_goes_on(node)


def test_a_node_with_another_secret():
    with Cluster(3, mount=False, cluster_secret="right") as cluster:
        stranger = cluster.nodes[2]
        stranger.stop()
        stranger.config["cluster_secret"] = "wrong"
        stranger.write_config()
        stranger.start(wait=False)
        for node in cluster.nodes[:2]:
            check_goes_on(node)
        wait_for(lambda: "cannot prove themselves" in stranger.log.read_text(), "the stranger says why it stays alone")
        assert stranger.put("k", "v").status == 503
        assert not stranger.status()["quorum"]


def test_clients_that_are_not_allowed():
    with Cluster(1, mount=False, start=False, clients=["10.0.0.0/8"]) as cluster:
        node = cluster.nodes[0]
        node.start(wait=False)

        def serves():
            with contextlib.suppress(OSError, http.client.HTTPException):
                return node.request("GET", "/healthz").status
        assert wait_for(serves, "it answers") == 403
        for method, path in (("GET", "/key/k"), ("PUT", "/key/k"), ("GET", "/status"), ("GET", "/nothing")):
            answer = node.request(method, path, "x" if method == "PUT" else None)
            assert answer.status == 403 and "client" in answer.error
        assert refused_status(node, "/client") == 403
