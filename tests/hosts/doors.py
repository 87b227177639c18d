"""The doors of a host's node, as its clients go through them: what went wrong is either Refused or Unknown."""

import contextlib
import errno
import http.client
import json
import os

import websocket

from history import Refused, Unknown
from hosts import Response

FILE_BYTES_MAX = 128 * 1024  # of what clients write
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
        if answer.status == 503:
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
    """System calls on the mount. Each is timed by itself, by `call`, a context manager."""

    def __init__(self, host, call):
        self.host = host
        self.call = call

    @contextlib.contextmanager
    def root(self):
        """Who does not get hold of the mount has changed nothing."""
        with contextlib.ExitStack() as stack:
            try:
                with self.call("open the root"):
                    root = stack.enter_context(self.host.root())
            except OSError as error:
                raise Refused(repr(error)) from error
            with mount_errors():
                yield root

    @contextlib.contextmanager
    def file(self, key, flags, root):
        with self.call("open"):
            descriptor = os.open(key, flags, 0o644, dir_fd=root)
        try:
            yield descriptor
        finally:
            with self.call("close"):
                os.close(descriptor)

    def read(self, key):
        """None: there is no such file. By one read(2): two could see different contents."""
        try:
            with self.root() as root, self.file(key, os.O_RDONLY, root) as descriptor:
                with self.call("read"):
                    return os.read(descriptor, FILE_BYTES_MAX)
        except FileNotFoundError:
            return None

    def write(self, descriptor, value):
        with self.call("write"):
            assert os.write(descriptor, value) == len(value)

    def do(self, what, *arguments, **options):
        """One system call by its name in `os`, on paths below the root."""
        with self.root() as root, self.call(what):
            places = ("src_dir_fd", "dst_dir_fd") if what == "rename" else ("dir_fd",)
            return getattr(os, what)(*arguments, **options, **dict.fromkeys(places, root))

    def names(self, folder):
        with self.root() as root, self.file(folder, os.O_RDONLY | os.O_DIRECTORY, root) as descriptor:
            with self.call("readdir"):
                return sorted(os.listdir(descriptor))


@contextlib.contextmanager
def mount_errors():
    """Files are refused by EROFS, or ESTALE where one that is open was replaced; with what a dying node answers,
    nobody knows."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.EROFS, errno.ESTALE):
            raise Refused(repr(error)) from error
        if error.errno in (errno.EIO, errno.ENOTCONN, errno.ECONNABORTED):
            raise Unknown(repr(error)) from error
        raise
