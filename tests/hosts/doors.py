"""The doors of a host's node, as its clients go through them: a failure is either Refused or Unknown."""

import contextlib
import errno
import http.client
import json
import os

import websocket

from history import Refused, Unknown
from hosts import Response
from system_calls import SystemCalls

FILE_BYTES_MAX = 128 * 1024  # of what clients write
SYSTEM_CALLS = {"listdir": 2}  # that a function of `os` makes, if more than one: here fstat(2) is the other
ANSWER_SECONDS_MAX = 30  # far more than a node may take, so that one that hangs is seen as that


class HttpDoor:
    """One connection, made again when it is lost."""

    def __init__(self, host, seconds=ANSWER_SECONDS_MAX):
        self.host = host
        self.seconds = seconds  # until it gives up
        self.connection = None

    def request(self, method, path, body=None, headers=None):
        if isinstance(body, (dict, list)):
            body = json.dumps(body)
        if self.connection is None:
            self._connect()
        try:
            self.connection.request(method, path, body, headers or {})
            answer = self.connection.getresponse()
            answer = Response(answer.status, answer.headers, answer.read())
        except (OSError, http.client.HTTPException) as error:
            self.close()
            raise Unknown(repr(error)) from error
        if answer.status in (503, 507):
            raise Refused(answer.error)
        if answer.status == 504:
            raise Unknown(answer.error)
        return answer

    def _connect(self):
        try:
            self.connection = self.host.connect(self.seconds)
        except OSError as error:
            raise Refused(repr(error)) from error

    def close(self):
        if self.connection:
            self.connection.close()
        self.connection = None


class WebSocketDoor:
    def __init__(self, host):
        self.host = host
        self.connection = None

    def ask(self, request):
        """The answer to {"Get": …}, {"Put": …} or {"Delete": …}."""
        (kind, _), = request.items()
        if self.connection is None:
            self._connect()
        try:
            self.connection.send(json.dumps({"APIRequest": request}))
            response = json.loads(self.connection.recv())["response"]
        except (OSError, websocket.WebSocketException, json.JSONDecodeError) as error:
            self.close()
            raise Unknown(repr(error)) from error
        if "Blocked" in response:
            raise Refused("blocked")
        if "Error" in response:
            raise Unknown(response["Error"])
        return response[kind]

    def _connect(self):
        try:
            self.connection = self.host.websocket()
            self.connection.settimeout(ANSWER_SECONDS_MAX)
        except (OSError, websocket.WebSocketException) as error:
            raise Refused(repr(error)) from error

    def close(self):
        if self.connection:
            self.connection.shutdown()
        self.connection = None


class MountDoor:
    """System calls on the mount. Each is timed by itself, by `timed`, a context manager."""

    def __init__(self, host, timed):
        self.host = host
        self.timed = timed
        self.calls = SystemCalls()
        self.close = self.calls.close

    def call(self, function, *arguments, **options):
        with self.timed(function, SYSTEM_CALLS.get(function, 1)):
            return self.calls(function, *arguments, **options)

    @contextlib.contextmanager
    def root(self):
        """A descriptor of the mount's root. A client that does not get hold of it has changed nothing."""
        with contextlib.ExitStack() as stack:
            try:
                root = self.call("open", str(self.host.mount), os.O_RDONLY | os.O_DIRECTORY)
                stack.callback(self.call, "close", root)
                mounted = self.call("fstat", root).st_dev != self.call("stat", str(self.host.folder)).st_dev
            except OSError as error:
                raise Refused(repr(error)) from error
            if not mounted:
                raise Refused("not mounted")
            with mount_errors():
                yield root

    @contextlib.contextmanager
    def file(self, key, flags, root):
        descriptor = self.call("open", key, flags, 0o644, dir_fd=root)
        try:
            yield descriptor
        finally:
            self.call("close", descriptor)

    def read(self, key):
        """None: there is no such file. By one read(2): two could see different contents."""
        try:
            with self.root() as root, self.file(key, os.O_RDONLY, root) as descriptor:
                return self.call("read", descriptor, FILE_BYTES_MAX)
        except FileNotFoundError:
            return None

    def write(self, descriptor, value):
        assert self.call("write", descriptor, value) == len(value)

    def change(self, function, *paths):
        """One system call on names below the root."""
        places = ("src_dir_fd", "dst_dir_fd") if function == "rename" else ("dir_fd",)
        with self.root() as root:
            self.call(function, *paths, **dict.fromkeys(places, root))

    def names(self, folder):
        with self.root() as root, self.file(folder, os.O_RDONLY | os.O_DIRECTORY, root) as descriptor:
            return sorted(self.call("listdir", descriptor))


@contextlib.contextmanager
def mount_errors():
    """Files are refused by EROFS, by ENOSPC on full disks, or by ESTALE if an open one was replaced; any other error of a
    dying node leaves the outcome unknown."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.EROFS, errno.ENOSPC, errno.ESTALE):
            raise Refused(repr(error)) from error
        if error.errno in (errno.EIO, errno.ENOTCONN, errno.ECONNABORTED):
            raise Unknown(repr(error)) from error
        raise
