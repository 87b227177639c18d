"""Writers of a cluster that is being broken, and the checks of its contents afterwards.

A write is acknowledged (then it must be there), refused (then nothing has happened), or of unknown outcome
(then either may be true, now or later, so that key is not written again).
"""

import base64
import contextlib
import errno
import http.client
import json
import os
import random
import threading
import time

import websocket

from cluster import path_of

VALUE_BYTES_MAX = 8 * 1024 * 1024
ODD_BYTES = bytes(byte for byte in range(1, 256) if byte != ord("/"))


class Refused(Exception):
    """Nothing has happened."""


class Unknown(Exception):
    """It may have happened, or may happen yet."""


@contextlib.contextmanager
def network_errors():
    try:
        yield
    except ConnectionRefusedError as error:
        raise Refused() from error
    except (OSError, http.client.HTTPException, websocket.WebSocketException) as error:
        raise Unknown(repr(error)) from error


def judge(answer, good=(200,)):
    if answer.status in good:
        return answer
    if answer.status == 503:
        raise Refused(answer.error)
    if answer.status == 504:
        raise Unknown(answer.error)
    raise AssertionError(f"an answer that is none of those to expect: {answer}")


def put_raw(node, key, value):
    with network_errors():
        judge(node.put(key, value))


def post_json(node, key, value):
    with network_errors():
        judge(node.request("POST", "/key", {"key": os.fsdecode(key), "value_base64": base64.b64encode(value).decode()}))


def delete(node, key):
    with network_errors():
        judge(node.delete(key), good=(200, 404))


def put_websocket(node, key, value):
    request = {"APIRequest": {"Put": {"key": os.fsdecode(key), "value": value.decode()}}}
    with network_errors():
        try:
            connection = node.websocket()
        except (OSError, websocket.WebSocketException) as error:
            raise Refused() from error  # it was not even asked for
        with contextlib.closing(connection):
            connection.send(json.dumps(request))
            response = json.loads(connection.recv())["response"]
    if "Blocked" in response:
        raise Refused()
    if "Error" in response:
        raise Unknown(response["Error"])
    assert response["Put"]["key"] == os.fsdecode(key), response


@contextlib.contextmanager
def file_errors():
    """Files are refused by EROFS; anything else that a dying node answers is unknown."""
    try:
        yield
    except OSError as error:
        if error.errno == errno.EROFS:
            raise Refused() from error
        assert error.errno in (None, errno.EIO, errno.ENOTCONN, errno.ECONNABORTED, errno.EINTR), error
        raise Unknown(repr(error)) from error


def write_file(node, key, value):
    """A file next to it, and a rename: whole or not at all, whatever the size."""
    parent = os.path.dirname(key)
    temporary = os.path.join(parent, b".new-%d" % threading.get_ident())
    with open_root(node) as root:
        with file_errors():
            make_folders(root, parent)
            descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, dir_fd=root)
            try:
                written = 0
                while written < len(value):
                    written += os.write(descriptor, value[written:])
            finally:
                os.close(descriptor)
            os.rename(temporary, key, src_dir_fd=root, dst_dir_fd=root)


def overwrite_file(node, key, value):
    """`>`, of at most one write(2). A file is made by one log entry and filled by the next, so if only the second is
    refused, an empty file is left."""
    with open_root(node) as root:
        with file_errors():
            make_folders(root, os.path.dirname(key))
            descriptor = os.open(key, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, dir_fd=root)
        try:
            with file_errors():
                try:
                    if value:
                        assert os.write(descriptor, value) == len(value)
                finally:
                    os.close(descriptor)
        except Refused as error:
            raise Unknown("it may be empty") from error


def unlink_file(node, key):
    with open_root(node) as root:
        with file_errors(), contextlib.suppress(FileNotFoundError):
            os.unlink(key, dir_fd=root)


def append_file(node, key, line):
    with open_root(node) as root:
        with file_errors():
            make_folders(root, os.path.dirname(key))
            descriptor = os.open(key, os.O_WRONLY | os.O_CREAT | os.O_APPEND, dir_fd=root)
            try:
                assert os.write(descriptor, line) == len(line)
            finally:
                os.close(descriptor)


@contextlib.contextmanager
def open_root(node):
    """A writer that does not even get hold of the mount has changed nothing."""
    with contextlib.ExitStack() as stack:
        try:
            root = stack.enter_context(node.root())
        except OSError as error:
            raise Refused() from error
        yield root


def make_folders(root, path):
    done = b""
    for name in path.split(b"/") if path else []:
        done = os.path.join(done, name)
        with contextlib.suppress(FileExistsError):
            os.mkdir(done, dir_fd=root)


def is_text(data):
    with contextlib.suppress(UnicodeDecodeError):
        return b"\0" not in data and bool(data.decode() or True)
    return False


class Writer(threading.Thread):
    """Writes below a folder of its own, through any door of any node, and keeps account."""

    def __init__(self, nodes, number, seed, until):
        super().__init__(name=f"writer {number}", daemon=True)
        self.nodes = nodes
        self.random = random.Random(f"{seed}/{number}")
        self.until = until  # an Event
        self.folder = b"w%d" % number
        self.possible = {}  # key -> the values (None: absent) that it may have
        self.closed = set()  # keys that are not written any more
        self.history = {}  # key -> what was done to it, for the report of a failure
        self.log = self.folder + b"/log"
        self.lines, self.lines_unknown = [], set()
        self.acknowledged = self.refused = self.unknown = 0
        self.problem = None

    def run(self):
        try:
            while not self.until.is_set():
                self.step()
        except BaseException as error:  # for the caller of join()
            self.problem = error

    def value(self):
        size = self.random.choice([0, 1, 17, 4095, 4096, 4097, self.random.randrange(100), self.random.randrange(70000),
                                   131072])
        if self.random.random() < 0.01:
            size = self.random.choice([1024 * 1024 + 1, VALUE_BYTES_MAX])
        if self.random.random() < 0.5:
            text = "".join(self.random.choices("ab c\n\"\\äß€😀", k=min(size, 3000)))
            return text.encode()
        return self.random.randbytes(size)

    def new_key(self):
        number = b"%d" % len(self.possible)
        kind = self.random.randrange(6)
        if kind == 0:
            name = b"with space " + number
        elif kind == 1:
            name = "schlüssel €😀 ".encode() + number
        elif kind == 2:
            odd = self.random.sample(ODD_BYTES, self.random.randrange(1, 240))
            name = bytes(odd) + number
        elif kind == 3:
            depth = self.random.choice([2, 5, 40])
            name = b"/".join([b"d" + number] * depth) + b"/f"
        elif kind == 4 and self.random.random() < 0.2:
            # As long as it goes: 4,095 bytes in names of up to 255.
            name = b"x" + number + (b"/" + b"y" * 255) * 15
            name += b"/" + b"z" * (4095 - len(self.folder) - 1 - len(name) - 1)
        else:
            name = b"plain" + number
        return self.folder + b"/" + name

    def pick_key(self):
        open_keys = [key for key in self.possible if key not in self.closed]
        if not open_keys or self.random.random() < 0.4:
            key = self.new_key()
            self.possible[key] = {None}
            return key
        return self.random.choice(open_keys)

    def step(self):
        node = self.random.choice(self.nodes)
        if self.random.random() < 0.2:
            self.append(node)
            return
        key = self.pick_key()
        value = self.value()
        door, new, between = self.pick_door(key, value)
        start = time.time()
        try:
            door(node, key, *([] if new is None else [value]))
        except Refused as error:
            outcome = f"refused: {error.__cause__ or error}"
            self.refused += 1
            self.until.wait(0.02)
        except Unknown as error:
            outcome = f"unknown: {error}"
            self.unknown += 1
            self.possible[key] |= {new} | between
            self.closed.add(key)
        else:
            outcome = "done"
            self.acknowledged += 1
            self.possible[key] = {new}
        self.history.setdefault(key, []).append(
            f"{start:.3f} to {time.time():.3f}: {door.__name__} at {node} of {describe(new)}: {outcome}")

    def pick_door(self, key, value):
        """Returns what to do, the value afterwards, and those that may be seen if it stops half-way."""
        doors = [(put_raw, value, set()), (write_file, value, set()), (delete, None, set()), (unlink_file, None, set())]
        if len(value) <= 65536:
            doors.append((overwrite_file, value, {b""}))
        if is_text(key):
            doors.append((post_json, value, set()))
            if is_text(value):
                doors.append((put_websocket, value, set()))
        if len(key) > 3800:  # no room for the temporary file's name
            doors = [door for door in doors if door[0] is not write_file]
        weights = [1 if door[1] is None else 4 for door in doors]
        return self.random.choices(doors, weights)[0]

    def append(self, node):
        line = b"%d %s\n" % (len(self.lines) + len(self.lines_unknown), self.random.randbytes(20).hex().encode())
        try:
            append_file(node, self.log, line)
        except Refused:
            self.refused += 1
            self.until.wait(0.02)
        except Unknown:
            self.unknown += 1
            self.lines_unknown.add(line)
        else:
            self.acknowledged += 1
            self.lines.append(line)

    def check(self, contents):
        """Every acknowledged write is in a node's contents, byte for byte, and nothing else."""
        for key, possible in self.possible.items():
            found = contents.get(key)
            assert found in possible, "\n".join(
                [f"there is {describe(found)} for {path_of(key)}, after", *self.history[key]])
        found = contents.get(self.log, b"").splitlines(keepends=True)
        assert len(found) == len(set(found)), f"lines of {self.log} are doubled"
        known = [line for line in found if line not in self.lines_unknown]
        assert known == self.lines, f"lines of {self.log} are lost or out of order"


def describe(value):
    return "nothing" if value is None else f"{len(value)} bytes {value[:20]!r}"
