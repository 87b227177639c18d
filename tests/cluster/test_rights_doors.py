"""The same answer by every door: what the kernel refuses by a file of the mount, HTTP refuses by its key, by TCP, by
the socket in the folder, and with a token; for each operation, user, and mode of file and directory."""

import errno
import itertools
import json
import os

import pytest

from callers import MEMBER, OWNER, ROOT, STRANGER, as_user, bearer, by_socket, new_token
from cluster import Cluster
from files import needs_root

pytestmark = needs_root

USERS = {"root": ROOT, "owner": OWNER, "member": MEMBER, "other": STRANGER}
DOORS = ["file", "tcp", "socket", "token"]
OPERATIONS = ["read", "replace", "create", "delete", "list"]

# Of the directory (which belongs to OWNER, with the group of MEMBER) and of the file in it (likewise).
CASES = ([(directory, 0o664) for directory in (0o700, 0o711, 0o744, 0o750, 0o770, 0o777, 0o077, 0o1777, 0o1775)] +
         [(0o777, file) for file in (0o600, 0o640, 0o604, 0o660, 0o666, 0o222, 0o040, 0o006, 0o000)])
FIXED = "fixed"  # a file of root in a directory of root


def by_file(root, operation, folder):
    path = root / folder / "file"
    try:
        if operation == "read":
            path.read_bytes()
        elif operation == "replace":
            path.write_bytes(b"new")
        elif operation == "create":
            os.close(os.open(root / folder / "new", os.O_WRONLY | os.O_CREAT | os.O_EXCL))
        elif operation == "delete":
            path.unlink()
        else:
            os.listdir(root / folder)
    except PermissionError as error:
        assert error.errno in (errno.EACCES, errno.EPERM)
        return False
    return True


def by_http(request, operation, folder):
    key = f"/key/{folder}/file"
    answer = {
        "read": lambda: request("GET", key),
        "replace": lambda: request("PUT", key, b"new"),
        "create": lambda: request("PUT", f"/key/{folder}/new", b"", {"If-None-Match": "*"}),
        "delete": lambda: request("DELETE", key),
        "list": lambda: request("GET", f"/keys?prefix={folder}/"),
    }[operation]()
    assert answer.status in (200, 403), answer
    if answer.status == 403:
        assert answer.error
    return answer.status == 200


def name_of(user, door, case, operation):
    return f"{user}-{door}-{case[0]:o}-{case[1]:o}-{operation}"


def prepare(root):
    for user, door, case, operation in itertools.product(USERS, DOORS, CASES, OPERATIONS):
        folder = root / name_of(user, door, case, operation)
        folder.mkdir()
        (folder / "file").write_bytes(b"x")
        os.chown(folder / "file", OWNER[0], MEMBER[1])
        os.chmod(folder / "file", case[1])
        os.chown(folder, OWNER[0], MEMBER[1])
        os.chmod(folder, case[0])


def answers(node, user, door, token):
    def http(*arguments):
        if door == "socket":
            return by_socket(node, *arguments)
        method, path, body, headers = (arguments + (None, None))[:4]
        return node.request(method, path, body, (headers or {}) | (bearer(token) if door == "token" else {}))

    def all_of_them():
        found = {}
        for case, operation in itertools.product(CASES, OPERATIONS):
            folder = name_of(user, door, case, operation)
            found[case, operation] = (by_file(node.mount, operation, folder) if door == "file" else
                                      by_http(http, operation, folder))
        return found
    # By a token, whoever comes with it.
    return as_user(STRANGER if door == "token" else USERS[user], all_of_them)


@pytest.fixture(scope="module")
def node():
    with Cluster(1, allow_other=True) as cluster:
        os.chmod(cluster.folder, 0o755)
        prepare(cluster.nodes[0].mount)
        yield cluster.nodes[0]


@pytest.mark.parametrize("user", USERS)
def test_every_door_gives_the_answer_of_the_kernel(node, user):
    token = new_token(node, user, USERS[user])
    expected = answers(node, user, "file", token)
    assert user == "root" or {True, False} == set(expected.values())
    for door in DOORS[1:]:
        found = answers(node, user, door, token)
        differ = [f"{case[0]:o} {case[1]:o} {operation}: the kernel says {expected[case, operation]}"
                  for case, operation in expected if found[case, operation] != expected[case, operation]]
        assert not differ, f"{user} by {door}: {differ}"


@pytest.mark.parametrize("door", DOORS[1:])
def test_other_requests_keep_to_the_same_rights(node, door):
    """What is not refused as a whole leaves out what must not be seen."""
    base = f"more-{door}"
    secret = node.path(base) / "secret"
    node.path(base).mkdir()
    secret.write_bytes(b"hidden")
    os.chmod(secret, 0o600)
    (node.path(base) / "closed").mkdir()
    (node.path(base) / "closed" / "inside").write_bytes(b"hidden")
    os.chmod(node.path(base) / "closed", 0o700)
    token = new_token(node, base, STRANGER)

    def request(method, path, body=None, headers=None):
        body = json.dumps(body) if isinstance(body, (dict, list)) else body
        if door == "socket":
            return by_socket(node, method, path, body, headers)
        return node.request(method, path, body, (headers or {}) | (bearer(token) if door == "token" else {}))

    def use():
        listed = request("GET", f"/keys?prefix={base}/").multiple
        assert [(entry["key"], "value" in entry, "error" in entry) for entry in listed] == [
            (f"{base}/secret", False, True)]
        several = request("GET", "/keys", {"Multiple": [{"key": f"{base}/secret"}]})
        if several.status != 200:  # the shape of the body
            several = request("GET", "/keys", [f"{base}/secret"])
        assert "hidden" not in several.body.decode()
        events = request("GET", "/watch?since=1&wait=1s&prefix=" + base)
        assert "hidden" not in events.body.decode() and "inside" not in events.body.decode()
        for body in ({"key": f"{base}/secret", "value": "x"}, ):
            assert request("POST", "/key", body).status == 403
        change = {"if": [], "then": [{"put": {"key": f"{base}/secret", "value": "x"}}], "else": []}
        assert request("POST", "/txn", change).status == 403
        lease = request("POST", "/lease", {"ttl": "1m"})
        assert lease.status == 200
        assert request("PUT", f"/key/{base}/secret?lease={lease.single['id']}", b"x").status == 403
        assert request("PUT", f"/key/{base}/secret", b"x", {"If-Match": '"1", "2"'}).status in (403, 412)
        return lease.single["id"]
    lease = as_user(STRANGER, use)
    others = as_user(MEMBER, lambda: by_socket(node, "GET", f"/lease/{lease}"))
    assert others.status == 404
    assert as_user(MEMBER, lambda: by_socket(node, "DELETE", f"/lease/{lease}")).status in (403, 404)
    assert node.request("GET", f"/lease/{lease}").status == 200
    assert secret.read_bytes() == b"hidden"


def test_a_value_that_may_not_be_read_is_not_given_by_its_removal(node):
    """Who may write a directory may remove a file in it, but gets nothing of what was in it."""
    folder = node.path("drop")
    folder.mkdir()
    os.chmod(folder, 0o777)
    (folder / "file").write_bytes(b"hidden")
    os.chmod(folder / "file", 0o600)
    answer = as_user(STRANGER, lambda: node.request("DELETE", "/key/drop/file"))
    assert answer.status == 200 and b"hidden" not in answer.body and answer.single["overwritten_value_unknown"]


def test_a_websocket_acts_as_its_user(node):
    folder = node.path("ws")
    folder.mkdir()
    (folder / "file").write_bytes(b"hidden")
    os.chmod(folder / "file", 0o600)

    def ask(connection, request):
        connection.send(json.dumps({"APIRequest": request}))
        while True:
            reply = json.loads(connection.recv())
            if "event" not in reply:
                return reply["response"]

    def use(headers=()):
        connection = node.websocket(header=list(headers))
        found = [ask(connection, {"Get": "ws/file"}), ask(connection, {"Put": {"key": "ws/file", "value": "x"}}),
                 ask(connection, {"Delete": "ws/file"})]
        connection.close()
        return found
    assert all("Error" in reply for reply in as_user(STRANGER, use))
    token = new_token(node, "ws", STRANGER)
    assert all("Error" in reply for reply in use([f"Authorization: Bearer {token}"]))
    assert use()[0]["Get"]["value"] == "hidden"
