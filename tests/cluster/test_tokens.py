"""Tokens: each acts as a user, from wherever it comes; a removed one is refused at every node at once."""

import contextlib
import json
import os
import subprocess
import threading

import pytest

from callers import OWNER, ROOT, STRANGER, as_user, bearer, by_socket, new_token, private
from cluster import QUORUMFS, Cluster, wait_for
from files import needs_root

pytestmark = needs_root

CONFIG = {"allow_other": True, "cache_time": "10m"}


@pytest.fixture(autouse=True)
def reachable(cluster):
    os.chmod(cluster.folder, 0o755)


def verb(*arguments, user=ROOT, **environment):
    return as_user(user, lambda: subprocess.run([QUORUMFS, "token", *arguments], capture_output=True, text=True,
                                                env=os.environ | environment, check=False))


def test_the_verb_adds_lists_and_removes(cluster):
    one, two = cluster.nodes[:2]
    added = verb("add", "app", "--uid", str(OWNER[0]), "--gid", str(OWNER[1]), "--gid", "50", "--path", "verb/app",
                 "--read-only", "--ttl", "30d", "--at", str(one.folder))
    assert added.returncode == 0 and added.stderr == ""
    token = added.stdout.strip()
    assert token.startswith("qfst_") and len(token) == 48
    private(one, "verb/app", b"for the app", owner=OWNER)
    os.chmod(one.path("verb"), 0o755)
    assert two.request("GET", "/key/verb/app", headers=bearer(token)).single["value"] == "for the app"
    listed = verb("list", "--at", two.addr)
    assert listed.returncode == 0 and token not in listed.stdout
    assert listed.stdout.startswith("app 2:2,50 path=verb/app read-only expires=2")
    again = verb("add", "app", "--uid", "1", "--gid", "1", "--at", str(one.folder))
    assert again.returncode == 1 and "there is a token of this name" in again.stderr
    assert verb("remove", "app", "--at", str(two.folder)).returncode == 0
    assert one.request("GET", "/key/verb/app", headers=bearer(token)).status == 401
    gone = verb("remove", "app", "--at", str(two.folder))
    assert gone.returncode == 1 and "no token of this name" in gone.stderr
    for wrong in (("add", "x"), ("add", "x", "--uid", "a", "--gid", "1"), ("remove",), ("list", "x"), (), ("other",),
                  ("remove", "../keys")):
        assert verb(*wrong, "--at", one.addr).returncode in (1, 2), wrong


def test_only_root_manages_tokens_and_not_by_a_token(cluster):
    node = cluster.nodes[0]
    token = new_token(node, "of-root", ROOT)
    for headers, user in ((bearer(token), ROOT), ({}, STRANGER)):
        for method, path in (("GET", "/tokens"), ("POST", "/tokens"), ("DELETE", "/tokens/of-root")):
            assert as_user(user, lambda: node.request(method, path, b"{}", headers)).status == 403, (method, path)
    assert verb("list", "--at", str(node.folder), user=STRANGER).returncode == 1


def test_a_verb_takes_its_token_from_the_environment(cluster, tmp_path):
    node = cluster.nodes[0]
    node.path("env").mkdir()
    os.chown(node.path("env"), *OWNER)
    token = new_token(node, "env", OWNER)
    file = tmp_path / "token"
    file.write_text(token + "\n")
    change = json.dumps({"if": [], "then": [{"put": {"key": "env/a", "value": "x"}}], "else": []})
    for variable, value in (("QUORUMFS_ACCESS_TOKEN", token), ("QUORUMFS_ACCESS_TOKEN_FILE", str(file))):
        run = subprocess.run([QUORUMFS, "txn", "--node", node.addr], input=change, capture_output=True, text=True,
                             env=os.environ | {variable: value}, check=False)
        assert run.returncode == 0, run
        assert os.stat(node.path("env/a")).st_uid == OWNER[0]
        os.unlink(node.path("env/a"))
    run = subprocess.run([QUORUMFS, "txn", "--node", node.addr], input=change, capture_output=True, text=True,
                         env=os.environ | {"QUORUMFS_ACCESS_TOKEN_FILE": "/none"}, check=False)
    assert run.returncode == 2 and "/none" in run.stderr


def test_it_may_use_its_path_only_and_read_only_if_so(cluster):
    node = cluster.nodes[0]
    for key in ("scope/in/a", "scope/out"):
        assert node.put(key, b"x").status == 200
    narrow = bearer(new_token(node, "narrow", ROOT, path="scope/in"))
    reader = bearer(new_token(node, "reader", ROOT, path="scope/in", read_only=True))
    assert node.request("PUT", "/key/scope/in/b", b"", narrow).status == 200
    for headers in (narrow, reader):
        assert node.request("GET", "/key/scope/in/a", headers=headers).status == 200
        for method, path in (("GET", "/key/scope/out"), ("PUT", "/key/scope/out"), ("DELETE", "/key/scope/out"),
                             ("GET", "/key/scope/inside"), ("PUT", "/key/scope/inner")):
            assert node.request(method, path, b"" if method == "PUT" else None, headers).status == 403, (method, path)
        listed = node.request("GET", "/keys?prefix=scope/in/", headers=headers).multiple
        assert {entry["key"] for entry in listed} == {"scope/in/a", "scope/in/b"}
    for method, path, body in (("PUT", "/key/scope/in/a", b""), ("DELETE", "/key/scope/in/a", None),
                               ("POST", "/key", b'{"key":"scope/in/a","value":""}'),
                               ("POST", "/lease", b'{"ttl":"1m"}')):
        assert node.request(method, path, body, reader).status == 403, (method, path)
    assert node.value("scope/in/a") == b"x"


def test_the_token_counts_also_for_root_on_this_machine(cluster):
    node = cluster.nodes[0]
    path = private(node, "counts/file")
    os.chmod(node.path("counts"), 0o755)
    weak = bearer(new_token(node, "weak", STRANGER))
    assert node.request("GET", path, headers=weak).status == 403
    strong = bearer(new_token(node, "strong", ROOT))
    assert as_user(STRANGER, lambda: by_socket(node, "GET", path, headers=strong)).status == 200


@pytest.mark.parametrize("value", ["qfst_" + "A" * 43, "qfst_", "x", "qfst_" + "A" * 44, "qfst_" + "=" * 43, ""])
def test_an_unknown_one_is_told_so(cluster, value):
    answer = cluster.nodes[0].request("GET", "/key/a", headers={"Authorization": f"Bearer {value}"})
    assert answer.status == 401 and answer.headers["WWW-Authenticate"].startswith("Bearer ")
    assert value == "" or value not in answer.body.decode() or len(value) < 6


def test_it_is_known_at_every_node_and_refused_at_every_node_at_once(cluster):
    """With cache_time, too."""
    one, two, three = cluster.nodes
    one.put("everywhere", b"x")
    for number in range(20):
        token = new_token(one, f"round-{number}", ROOT)
        for node in (two, three):
            assert node.request("GET", "/key/everywhere", headers=bearer(token)).status == 200
        assert two.request("DELETE", f"/tokens/round-{number}").status == 200
        for node in (three, one, two):
            for path in ("/key/everywhere", "/key/everywhere?consistency=cached", "/key/everywhere?consistency=local",
                         "/keys", "/locks", "/leases"):
                assert node.request("GET", path, headers=bearer(token)).status == 401
            assert node.request("PUT", "/key/everywhere", b"bad", bearer(token)).status == 401
    assert one.value("everywhere") == b"x"


def test_a_mode_holds_at_every_node_at_once(cluster):
    """Although cache_time lets root read what is older."""
    one, two, three = cluster.nodes
    path = private(one, "modes/file", mode=0o644)
    os.chmod(one.path("modes"), 0o755)
    for _ in range(20):
        os.chmod(one.path("modes/file"), 0o644)
        for node in (two, three):
            assert as_user(STRANGER, lambda: node.request("GET", path)).status == 200
        os.chmod(one.path("modes/file"), 0o600)
        for node in (three, two):
            for query in ("", "?consistency=cached", "?consistency=local"):
                assert as_user(STRANGER, lambda: node.request("GET", path + query)).status == 403


def test_one_that_has_expired_is_refused(cluster):
    node = cluster.nodes[0]
    token = bearer(new_token(node, "short", ROOT, ttl="1s"))
    assert node.request("GET", "/keys", headers=token).status == 200
    wait_for(lambda: node.request("GET", "/keys", headers=token).status == 401, "it has expired")
    assert "expired" in node.request("GET", "/keys", headers=token).error
    assert next(t for t in node.request("GET", "/tokens").multiple if t["name"] == "short")["expired"]


def stream(node, token, found):
    with contextlib.closing(node.connect(timeout=60)) as connection:
        connection.request("GET", "/watch?prefix=stream/", headers=bearer(token))
        answer = connection.getresponse()
        with contextlib.suppress(OSError):
            while line := answer.fp.readline():
                found.append(line)
        found.append(None)


def test_streams_end_with_their_token(cluster):
    one, two = cluster.nodes[:2]
    one.put("stream/a", b"")
    token = new_token(one, "streams", ROOT)
    found = []
    reader = threading.Thread(target=stream, args=(two, token, found))
    reader.start()
    socket = two.websocket(header=[f"Authorization: Bearer {token}"])
    socket.send(json.dumps({"APIRequest": {"Watch": {"prefix": "stream/"}}}))
    assert "Watch" in json.loads(socket.recv())["response"]
    wait_for(lambda: found, "the stream begins")
    one.put("stream/before", b"")
    wait_for(lambda: any(line and b"before" in line for line in found), "it is told of a change")
    assert json.loads(socket.recv())["event"]["key"] == "stream/before"
    assert one.request("DELETE", "/tokens/streams").status == 200
    one.put("stream/after", b"")
    wait_for(lambda: found[-1] is None, "the stream has ended")
    reader.join()
    assert not any(line and b"stream/after" in line for line in found)
    socket.settimeout(15)
    with contextlib.suppress(Exception):
        while message := socket.recv():
            assert "after" not in message
    socket.close()


def test_a_websocket_whose_token_is_removed_does_nothing_more(cluster):
    one, two = cluster.nodes[:2]
    token = new_token(one, "session", ROOT)
    one.put("session", b"x")
    for _ in range(3):
        socket = two.websocket(header=[f"Authorization: Bearer {token}"])
        socket.send(json.dumps({"APIRequest": {"Get": "session"}}))
        assert json.loads(socket.recv())["response"]["Get"]["value"] == "x"
    assert one.request("DELETE", "/tokens/session").status == 200
    with contextlib.suppress(Exception):
        socket.send(json.dumps({"APIRequest": {"Put": {"key": "session", "value": "bad"}}}))
        assert "Error" in json.loads(socket.recv())["response"]
        socket.send(json.dumps({"APIRequest": {"Get": "session"}}))
        assert "Error" in json.loads(socket.recv())["response"]
    assert one.value("session") == b"x"


def test_a_long_value_is_cut_off_when_its_token_is_removed(cluster):
    one, two = cluster.nodes[:2]
    with open(one.path("long"), "wb") as file:
        file.truncate(1 << 30)
    token = new_token(one, "long", ROOT)
    with contextlib.closing(two.connect(timeout=60)) as connection:
        connection.request("GET", "/key/long", headers=bearer(token) | {"Accept": "application/octet-stream"})
        answer = connection.getresponse()
        assert answer.status == 200 and len(answer.read(1 << 20)) == 1 << 20
        assert one.request("DELETE", "/tokens/long").status == 200
        two.get("long?consistency=linearizable")  # it has heard
        received = 0
        with contextlib.suppress(OSError):
            while piece := answer.fp.read(1 << 20):
                received += len(piece)
        assert received < 64 << 20  # what was under way


def test_secrets_stay_out_of_logs_lists_and_disks(cluster):
    node = cluster.nodes[0]
    token = new_token(node, "quiet", ROOT)
    node.request("GET", "/keys", headers=bearer(token))
    node.request("GET", "/keys", headers=bearer(token[:-1]))
    for place in cluster.folder.rglob("*"):
        if place.is_file() and not str(place).startswith(tuple(str(n.mount) for n in cluster.nodes)):
            assert token.encode() not in place.read_bytes(), place
    assert token.encode() not in node.request("GET", "/tokens").body
    assert token.encode() not in node.request("GET", "/metrics").body
