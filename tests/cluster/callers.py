"""Requests and files as other users see them: each call runs in a child process that has become that user."""

import contextlib
import http.client
import os
import pickle
import socket
import traceback

from cluster import Response, path_of

# Users that every Debian has, with their first group; by TCP, the groups are those of the user database.
OWNER, MEMBER, STRANGER, NOBODY = (2, 2), (1, 1), (3, 3), (65534, 65534)
ROOT = (0, 0)


def as_user(user, function, groups=()):
    """What function() returns or raises, called as this user and group."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.setgroups(list(groups))
            os.setresgid(*[user[1]] * 3)
            os.setresuid(*[user[0]] * 3)
            answer = (True, function())
        except BaseException as error:  # noqa: the parent raises it
            error.__notes__ = [traceback.format_exc()]
            answer = (False, error)
        with os.fdopen(writer, "wb") as file:
            pickle.dump(answer, file)
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader, "rb") as file:
        data = file.read()
    os.waitpid(child, 0)
    works, answer = pickle.loads(data)
    if not works:
        raise answer
    return answer


class Local(http.client.HTTPConnection):
    """HTTP over the socket in a node's folder."""

    def __init__(self, folder, timeout=15):
        super().__init__("localhost", timeout=timeout)
        self.folder = folder

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self.folder / "socket"))


def ask(connection, method, path, body=None, headers=None):
    with contextlib.closing(connection):
        connection.request(method, path, body, headers or {})
        answer = connection.getresponse()
        return Response(answer.status, dict(answer.headers), answer.read())


def by_socket(node, method, path, body=None, headers=None):
    return ask(Local(node.folder), method, path, body, headers)


def bearer(token):
    return {"Authorization": f"Bearer {token}"}


def new_token(node, name, user, **fields):
    """The text of a new token that acts as this user."""
    answer = node.request("POST", "/tokens", {"name": name, "uid": user[0], "gids": [user[1]]} | fields)
    assert answer.status == 200, answer
    return answer.single["token"]


def private(node, key, value=b"secret", mode=0o600, owner=ROOT):
    """A file of the mount with this mode and owner."""
    path = node.path(key)
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(value)
    os.chown(path, *owner)
    os.chmod(path, mode)
    return path_of(key)
