"""The clients of each door, which make random operations on the same keys."""

import contextlib
import os

from arena import FREE, LINES, LOCKS, ONCE, OVER, PAIRS, PLACES
from client import Client
from doors import HttpDoor, MountDoor, WebSocketDoor, mount_errors
from history import NOTHING, Append, Refused, Unknown, is_, is_either, is_not, now, opposite
from hosts import path_of
from values import bytes_of_label, label_of, one_of, replaced


class HttpClient(Client):
    def __init__(self, host, lab, rate):
        super().__init__(host, "http", lab, rate)
        self.door = HttpDoor(host)
        self.close = self.door.close

    def actions(self):
        return ((self.get, 6), (self.put, 4), (self.post, 3), (self.swap, 4), (self.delete, 2), (self.create, 2),
                (self.put_pair, 2), (self.get_pair, 3), (self.look, 2), (self.read_lines, 2))

    def ask(self, method, path, body=None, headers=None, good=(200,)):
        with self.timed(f"{method} {path}"):
            answer = self.door.request(method, path, body, headers)
        assert answer.status in good, f"{method} {path}: {answer}"
        return answer

    def path(self, name):
        return path_of(self.arena.key(name))

    def get_raw(self, name):
        """The value, and the revision."""
        answer = self.ask("GET", self.path(name), headers={"Accept": "application/octet-stream"}, good=(200, 404))
        return (answer.body, answer.headers["ETag"]) if answer.status == 200 else (None, None)

    def get(self, name=None):
        name = name or self.any_register()
        with self.operation(name, "GET") as operation:
            value, revision = self.get_raw(name)
            operation.holds(is_(label_of(value)))
        return operation, revision

    def put(self):
        name, value = self.register(), self.new_value()
        with self.operation(name, "PUT", after=value):
            self.ask("PUT", self.path(name), bytes_of_label(value))

    def post(self):
        """Also tells what it replaces."""
        name, value = self.register(), self.new_value()
        body = {"key": self.arena.key(name), "value": bytes_of_label(value).decode()}
        with self.operation(name, "POST", after=value) as operation:
            answer = self.ask("POST", "/key", body).single
            operation.holds(replaced(answer, "overwritten_value"), value)

    def swap(self):
        name, new = self.register(), self.new_value()
        got, revision = self.get(name)
        if revision is None:
            return
        with self.operation(name, "PUT If-Match", got.before, new) as operation:
            answer = self.ask("PUT", self.path(name), bytes_of_label(new), {"If-Match": revision}, (200, 412))
            if answer.status == 412:
                operation.holds(opposite(got.before))

    def delete(self):
        name = self.pick("free", FREE)
        with self.operation(name, "DELETE", after=NOTHING) as operation:
            answer = self.ask("DELETE", self.path(name), good=(200, 404))
            if answer.status == 404:
                operation.holds(is_(NOTHING))
            else:
                operation.holds(replaced(answer.single, "overwritten_value"), NOTHING)

    def create(self):
        name = self.dice.choice((self.pick("once", ONCE), self.pick("free", FREE)))
        value = self.new_value()
        with self.operation(name, "PUT If-None-Match", is_(NOTHING), value) as operation:
            answer = self.ask("PUT", self.path(name), bytes_of_label(value), {"If-None-Match": "*"}, (200, 412))
            if answer.status == 412:
                operation.holds(is_not(NOTHING))

    def halves(self, pair):
        return [self.arena.key(f"{pair}/{half}") for half in "ab"]

    def put_pair(self):
        name, value = self.pick("pair", PAIRS), self.new_value()
        body = [{"key": key, "value": bytes_of_label(value).decode()} for key in self.halves(name)]
        with self.operation(name, "POST /keys", after=value):
            self.ask("POST", "/keys", body)

    def get_pair(self, name=None):
        name = name or self.pick("pair", PAIRS)
        with self.operation(name, "GET /keys") as operation:
            found = self.ask("GET", "/keys", self.halves(name)).multiple
            operation.holds(is_(one_of({label_of(entry["value"].encode()) for entry in found})))

    def look(self):
        folder = self.arena.key("move/")
        with self.operation("move", "GET /keys?prefix") as operation:
            found = self.ask("GET", f"/keys?prefix={folder}").multiple
            operation.holds(is_(one_of({entry["key"].removeprefix(folder) for entry in found})))

    def read_lines(self, name=None):
        name, begin = name or self.pick("lines", LINES), now()
        self.saw_lines(name, begin, self.get_raw(name)[0])


class WebSocketClient(Client):
    def __init__(self, host, lab, rate):
        super().__init__(host, "websocket", lab, rate)
        self.door = WebSocketDoor(host)
        self.close = self.door.close

    def actions(self):
        return ((self.get, 5), (self.put, 5), (self.delete, 2))

    def ask(self, request):
        with self.timed(f"{request}"):
            return self.door.ask(request)

    def get(self):
        name = self.register()
        with self.operation(name, "Get") as operation:
            value = self.ask({"Get": self.arena.key(name)}).get("value")
            operation.holds(is_(label_of(None if value is None else value.encode())))

    def put(self):
        name, value = self.register(), self.new_value()
        with self.operation(name, "Put", after=value) as operation:
            answer = self.ask({"Put": {"key": self.arena.key(name), "value": bytes_of_label(value).decode()}})
            operation.holds(replaced(answer, "overwritten_val"), value)

    def delete(self):
        name = self.pick("free", FREE)
        with self.operation(name, "Delete", after=NOTHING) as operation:
            answer = self.ask({"Delete": self.arena.key(name)})
            operation.holds(replaced(answer, "overwritten_val"), NOTHING)


class MountClient(Client):
    def __init__(self, host, lab, rate):
        super().__init__(host, "mount", lab, rate)
        self.door = MountDoor(host, self.timed)
        self.close = self.door.close

    def actions(self):
        return ((self.get, 5), (self.overwrite, 4), (self.replace, 3), (self.unlink, 1), (self.create, 1),
                (self.lock, 2), (self.unlock, 2), (self.move, 3), (self.look, 2), (self.append, 4),
                (self.read_lines, 2))

    def get(self):
        name = self.any_register()
        with self.operation(name, "cat") as operation:
            operation.holds(is_(label_of(self.door.read(self.arena.key(name)))))

    def overwrite(self):
        """`>`: open(2) empties the file, and the write fills it. All who write there write as many bytes, so it does
        not matter who was the last to empty it."""
        name, value = self.pick("over", OVER), self.new_filling()
        with self.door.root() as root:
            with self.operation(name, "O_TRUNC", after=""), mount_errors():
                opened = contextlib.ExitStack()
                descriptor = opened.enter_context(
                    self.door.file(self.arena.key(name), os.O_WRONLY | os.O_TRUNC, root))
            with opened, self.operation(name, "> filled", after=value), mount_errors():
                self.door.write(descriptor, bytes_of_label(value))

    def replace(self):
        """A file beside it, and a rename."""
        name, value = self.register(), self.new_value()
        beside = self.arena.key(f"free/.{self.name} {self.values}")
        try:
            with self.door.root() as root, \
                    self.door.file(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, root) as descriptor:
                self.door.write(descriptor, bytes_of_label(value))
        except Unknown as error:
            raise Refused("it was not made for certain") from error
        with self.operation(name, "rename over", after=value):
            self.door.change("rename", beside, self.arena.key(name))

    def unlink(self):
        self.removal("unlink", self.pick("free", FREE))

    def unlock(self):
        self.removal("rmdir", self.pick("lock", LOCKS))

    def removal(self, call, name):
        with self.operation(name, call, is_not(NOTHING), NOTHING) as operation:
            try:
                self.door.change(call, self.arena.key(name))
            except FileNotFoundError:
                operation.holds(is_(NOTHING))

    def create(self):
        name = self.pick("once", ONCE)
        with self.operation(name, "O_EXCL", is_(NOTHING), "") as operation:
            try:
                with self.door.root() as root, \
                        self.door.file(self.arena.key(name), os.O_WRONLY | os.O_CREAT | os.O_EXCL, root):
                    pass
            except FileExistsError:
                operation.holds(is_not(NOTHING))

    def lock(self):
        name = self.pick("lock", LOCKS)
        with self.operation(name, "mkdir", is_(NOTHING), self.new_value()) as operation:
            try:
                self.door.change("mkdir", self.arena.key(name))
            except FileExistsError:
                operation.holds(is_not(NOTHING))

    def move(self):
        """The kernel looks up both names, and takes a file that another client has moved in between for two links of
        one file: it then does nothing, and reports success."""
        old, new = self.dice.sample(PLACES, 2)
        with self.operation("move", "rename", is_either(old, new), new) as operation:
            try:
                self.door.change("rename", self.arena.key("move/" + old), self.arena.key("move/" + new))
            except FileNotFoundError:
                operation.holds(is_not(old))

    def look(self):
        with self.operation("move", "readdir") as operation:
            operation.holds(is_(one_of(self.door.names(self.arena.key("move")))))

    def append(self):
        name = self.pick("lines", LINES)
        self.values += 1
        line = f"{self.name} {self.values}\n"
        with self.recorded(self.arena.appends[name], Append(line, now())):
            with self.door.root() as root, \
                    self.door.file(self.arena.key(name), os.O_WRONLY | os.O_APPEND, root) as descriptor:
                self.door.write(descriptor, line.encode())

    def read_lines(self):
        name, begin = self.pick("lines", LINES), now()
        self.saw_lines(name, begin, self.door.read(self.arena.key(name)))
