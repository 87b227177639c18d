"""What a foreign web page can make a browser on a node's machine send changes nothing and gives nothing."""

import json

import pytest

from cluster import Cluster

PUT_BY_FORM = b'{"key":"page","value":"x","a":"=b"}'
BROWSER = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"

# The headers that browsers of today send with it, and those that old ones did.
MODERN = {
    "form": ("POST", {"Origin": "http://evil.example", "Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate",
                      "Sec-Fetch-Dest": "document", "Content-Type": "text/plain"}),
    "sandboxed form": ("POST", {"Origin": "null", "Sec-Fetch-Site": "cross-site", "Content-Type": "text/plain"}),
    "beacon": ("POST", {"Origin": "http://evil.example", "Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors",
                        "Content-Type": "text/plain;charset=UTF-8"}),
    "another port": ("POST", {"Origin": "http://localhost:3000", "Sec-Fetch-Site": "same-site",
                              "Content-Type": "text/plain"}),
    "preflight": ("OPTIONS", {"Origin": "http://evil.example", "Access-Control-Request-Method": "PUT"}),
    "image": ("GET", {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "image"}),
    "script": ("GET", {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "script"}),
    "frame": ("GET", {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "iframe"}),
    "fetch": ("GET", {"Origin": "http://evil.example", "Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "cors"}),
}
OLD = {
    "form": ("POST", {"Content-Type": "text/plain"}),
    "form of fields": ("POST", {"Content-Type": "application/x-www-form-urlencoded"}),
    "form with a file": ("POST", {"Content-Type": "multipart/form-data; boundary=x"}),
    "form without a type": ("POST", {}),
}
PATHS = {"POST": ["/key", "/keys", "/txn", "/lease", "/tokens"],
         "GET": ["/key/page", "/keys", "/watch?wait=1s", "/status", "/metrics", "/locks", "/tokens"],
         "OPTIONS": ["/key/page", "*"]}


@pytest.fixture(scope="module")
def node():
    with Cluster(1, mount=False) as cluster:
        assert cluster.nodes[0].put("page", b"as it was").status == 200
        yield cluster.nodes[0]


@pytest.mark.parametrize("way, headers", [(f"{age}: {name}", row) for age, rows in (("now", MODERN), ("old", OLD))
                                          for name, row in rows.items()])
def test_a_foreign_page_gets_nothing(node, way, headers):
    method, fields = headers
    for path in PATHS[method]:
        body = PUT_BY_FORM if method == "POST" else None
        answer = node.request(method, path, body, fields | {"User-Agent": BROWSER})
        assert answer.status == 403, (way, path)
        assert "as it was" not in answer.body.decode()
        assert not [name for name in answer.headers if name.lower().startswith("access-control-")]
    assert node.value("page") == b"as it was"
    assert node.request("GET", "/leases").multiple == [] and node.request("GET", "/tokens").multiple == []


def test_a_page_that_rebinds_its_name_gets_nothing(node):
    for method, path, body in (("GET", "/key/page", None), ("PUT", "/key/page", b"x"), ("GET", "/watch", None),
                               ("GET", "/client", None), ("GET", "/tokens", None), ("POST", "/key", PUT_BY_FORM)):
        for fields in ({}, {"Origin": f"http://evil.example:{node.port}"}, {"Sec-Fetch-Site": "same-origin"}):
            answer = node.request(method, path, body, {"Host": f"evil.example:{node.port}"} | fields)
            assert answer.status == 421, (method, path)
    assert node.value("page") == b"as it was"


def test_a_page_of_another_origin_gets_no_websocket(node):
    with pytest.raises(Exception, match="403"):
        node.websocket(origin="http://evil.example")
    node.websocket(origin=f"http://{node.addr}").close()


def test_its_own_pages_and_people_go_on(node):
    own = {"User-Agent": BROWSER, "Origin": f"http://{node.addr}", "Sec-Fetch-Site": "same-origin"}
    body = json.dumps({"key": "own", "value": "x"})
    assert node.request("POST", "/key", body, own | {"Content-Type": "text/plain"}).status == 200
    typed = {"User-Agent": BROWSER, "Sec-Fetch-Site": "none", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
    assert node.request("GET", "/key/own", headers=typed).status == 200
    link = typed | {"Sec-Fetch-Site": "cross-site"}  # it shows the value to a person, not to the page
    assert node.request("GET", "/key/own", headers=link).status == 200


def test_no_answer_is_kept_or_taken_for_something_else(node):
    for path in ("/key/page", "/keys", "/status", "/none", "/metrics"):
        headers = node.request("GET", path).headers
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
        assert headers["Cache-Control"] == "private, no-cache"
