"""Who may keep setuid and setgid: a change at one node, seen at another, has the effect that it has on a file
system of the kernel, for each user, action and mode (chmod(2), chown(2), write(2), fallocate(2))."""

import contextlib
import ctypes
import errno
import json
import mmap
import os
import stat
import struct

import pytest

from files import (FALLOC_COLLAPSE_RANGE, FALLOC_KEEP_SIZE, FALLOC_PUNCH_HOLE, FALLOC_ZERO_RANGE, fails, fallocate,
                   libc, needs_root)

CONFIG = {"allow_other": True}

pytestmark = needs_root

OWNER, GROUP, OTHER_GROUP = 2001, 3000, 3001
MODES = [0o6777, 0o6767, 0o2767, 0o777]
SIZE = 8192
CAP_FSETID = 4

# uid, gid, supplementary groups
USERS = {
    "root": (0, 0, []),
    "owner": (OWNER, OWNER, [GROUP, OTHER_GROUP]),
    "owner outside of the group": (OWNER, OWNER, [OTHER_GROUP]),
    "member": (2002, 2002, [1, GROUP]),
    "member by the first group": (2003, GROUP, []),
    "stranger": (2004, 2004, []),
}


def opened(act, flags=os.O_RDWR):
    def on_path(path):
        descriptor = os.open(path, flags)
        try:
            act(descriptor)
        finally:
            os.close(descriptor)
    return on_path


def allocated(mode, offset, length):
    return opened(lambda f: fallocate(f, mode, offset, length))


def mapped(descriptor):
    with mmap.mmap(descriptor, SIZE) as memory:
        memory[0:1] = b"z"
        memory.flush()


def copied(copy):
    def into(descriptor):
        source = os.open("source", os.O_RDONLY)
        copy(source, descriptor)
        os.close(source)
    return opened(into)


# What only a caller with CAP_FSETID does without taking rights away; the kernel tells of this right.
WRITES = {
    "write": opened(lambda f: os.write(f, b"x")),
    "write nothing": opened(lambda f: os.write(f, b"")),
    "append": opened(lambda f: os.write(f, b"x"), os.O_WRONLY | os.O_APPEND),
    "write beyond the end": opened(lambda f: os.pwrite(f, b"x", SIZE + 1000)),
    "copy_file_range": copied(lambda source, f: os.copy_file_range(source, f, 100, 0, 10)),
    "sendfile": copied(lambda source, f: os.sendfile(f, source, 0, 100)),
    "open only": opened(lambda f: None),
    "open truncating": opened(lambda f: None, os.O_WRONLY | os.O_TRUNC),
    "open truncating and write": opened(lambda f: os.write(f, b"x"), os.O_WRONLY | os.O_TRUNC),
    "truncate": lambda path: os.truncate(path, 10),
    "truncate to the same size": lambda path: os.truncate(path, SIZE),
    "ftruncate": opened(lambda f: os.ftruncate(f, SIZE + 10)),
}
OWNERS = {
    "chown to nobody": lambda path: os.chown(path, -1, -1),
    "chown to the same": lambda path: os.chown(path, OWNER, GROUP),
    "chown the user": lambda path: os.chown(path, 2005, -1),
    "chown the group": lambda path: os.chown(path, -1, OWNER),
    "chown to another group": lambda path: os.chown(path, -1, OTHER_GROUP),
    "chmod": lambda path: os.chmod(path, 0o6755),
    "chmod without execution": lambda path: os.chmod(path, 0o2644),
}
OTHERS = {
    "fchown to nobody": opened(lambda f: os.fchown(f, -1, -1)),
    "mapped": opened(mapped),
    "allocate within": allocated(0, 0, 100),
    "allocate beyond": allocated(0, 0, SIZE + 1000),
    "allocate within, same size": allocated(FALLOC_KEEP_SIZE, 0, 100),
    "allocate beyond, same size": allocated(FALLOC_KEEP_SIZE, 0, SIZE + 1000),
    "punch": allocated(FALLOC_PUNCH_HOLE | FALLOC_KEEP_SIZE, 0, 4096),
    "punch behind the end": allocated(FALLOC_PUNCH_HOLE | FALLOC_KEEP_SIZE, 2 * SIZE, 4096),
    "zero": allocated(FALLOC_ZERO_RANGE, 0, 4096),
    "zero, same size": allocated(FALLOC_ZERO_RANGE | FALLOC_KEEP_SIZE, 4096, SIZE),
    "zero beyond": allocated(FALLOC_ZERO_RANGE, 4096, SIZE),
    "utime": os.utime,
    "setxattr": lambda path: os.setxattr(path, "user.a", b"x"),
    "link": lambda path: os.link(path, path + " linked"),
    "rename": lambda path: os.rename(path, path + " renamed"),
}


def names_of(kind, actions):
    return [(f"{kind}, {mode:o}, {action}", mode, action) for action in actions for mode in MODES]


def prepare(folder, kind, actions):
    folder.mkdir()
    folder.chmod(0o777)
    (folder / "source").write_bytes(b"s" * 1000)
    for name, mode, _ in names_of(kind, actions):
        path = folder / name
        if kind == "file":
            path.write_bytes(b"a" * SIZE)
        else:
            (os.mkdir if kind == "folder" else os.mkfifo)(path)
        os.chown(path, OWNER, GROUP)
        os.chmod(path, mode)
        os.utime(path, (1000, 1000))


def look(folder):
    """Of each file what an action may change; of a folder not its size, which is each file system's own."""
    found = {}
    for name in os.listdir(folder):
        about = os.lstat(folder / name)
        size = None if stat.S_ISDIR(about.st_mode) else about.st_size
        found[name] = (stat.S_IMODE(about.st_mode), about.st_uid, about.st_gid, size, about.st_mtime_ns,
                       about.st_ctime_ns)
    return found


def capabilities_of_this_thread(effective=None):
    """Sets the effective ones, if given. Returns the permitted ones."""
    header = struct.pack("=Ii", 0x20080522, 0)  # version 3
    data = ctypes.create_string_buffer(24)
    assert libc.capget(header, data) == 0
    was = struct.unpack("=6I", data)  # effective, permitted, inheritable: the lower halves, then the upper ones
    if effective is not None:
        now = (effective & 0xffffffff, *was[1:3], effective >> 32, *was[4:])
        assert libc.capset(header, struct.pack("=6I", *now)) == 0, os.strerror(ctypes.get_errno())
    return was[1] | was[4] << 32


@contextlib.contextmanager
def acting_as(user, capabilities=None):
    """Acts as another user, with the capabilities of that user or with these."""
    uid, gid, groups = user
    mine = os.getgroups()
    permitted = capabilities_of_this_thread()
    os.setgroups(groups)
    os.setegid(gid)
    os.seteuid(uid)
    if capabilities is not None:
        capabilities_of_this_thread(capabilities)
    try:
        yield
    finally:
        os.seteuid(0)
        capabilities_of_this_thread(permitted)
        os.setegid(0)
        os.setgroups(mine)


def run(folder, kind, actions, user, capabilities=None):
    """Does all actions as this user. Returns the errors."""
    errors = {}
    with contextlib.chdir(folder), acting_as(user, capabilities):
        for name, _, action in names_of(kind, actions):
            try:
                actions[action](name)
            except OSError as error:
                errors[name] = errno.errorcode[error.errno]
    return errors


def effects(folders, kind, actions, user, capabilities=None):
    """What the actions did: prepared in the first folder, done in the second, looked at in the third."""
    prepare(folders[0], kind, actions)
    before = look(folders[2])
    errors = run(folders[1], kind, actions, user, capabilities)
    after = look(folders[2])
    found = {}
    for name, about in after.items():
        was = before.get(name.removesuffix(" renamed").removesuffix(" linked"))
        moved = ["mtime" * (was[4] != about[4]), "ctime" * (was[5] != about[5])]
        found[name] = (errors.get(name), oct(about[0]), *about[1:4], *moved)
    return found


def compare(at, tmp_path, kind, actions, user, capabilities=None):
    there = effects([tmp_path / kind] * 3, kind, actions, user, capabilities)
    here = effects([folder / kind for folder in at], kind, actions, user, capabilities)
    assert here.keys() == there.keys()
    different = {name: (here[name], there[name]) for name in here if here[name] != there[name]}
    return {name: pair for name, pair in different.items()
            if pair[1][0] != "ENOTSUP" and not is_strangers_chown(name, pair, user)}


def is_strangers_chown(name, pair, user):
    """The one difference: chown(f, -1, -1) by somebody who may not take rights away is no error at the mount, as the
    kernel does not say what it is. Nothing but the ctime changes."""
    (error, *here), (refused, *there) = pair
    return (name.endswith("chown to nobody") and user[0] not in (0, OWNER) and (error, refused) == (None, "EPERM") and
            here[:5] == there[:5])


@pytest.mark.parametrize("user", USERS)
def test_rights_go_as_elsewhere(at, tmp_path, user):
    assert compare(at, tmp_path, "file", WRITES | OWNERS | OTHERS, USERS[user]) == {}
    assert compare(at, tmp_path, "folder", OWNERS, USERS[user]) == {}
    assert compare(at, tmp_path, "fifo", OWNERS, USERS[user]) == {}


@pytest.mark.parametrize("user, capabilities", [("root", 0), ("stranger", 1 << CAP_FSETID)])
def test_the_right_to_keep_them_is_a_capability(at, tmp_path, user, capabilities):
    assert compare(at, tmp_path, "file", WRITES, USERS[user], capabilities) == {}


def test_what_the_mount_cannot_do_takes_nothing_away(at):
    path = at[0] / "f"
    path.write_bytes(b"a" * SIZE)
    os.chown(path, OWNER, GROUP)
    path.chmod(0o6767)
    before = look(at[0])
    with contextlib.chdir(at[1]):
        fails(errno.ENOTSUP, allocated(FALLOC_COLLAPSE_RANGE, 0, 4096), "f")
        fails(errno.ENOTSUP, os.setxattr, "f", "security.capability", struct.pack("<5I", 0x02000001, 1, 0, 0, 0))
    assert look(at[2]) == before


def test_bits_that_are_set_while_a_file_is_open(at):
    """No name is looked up any more: the entry of the change looks at the mode that the file has by then."""
    path = at[0] / "f"
    path.write_bytes(b"a" * SIZE)
    os.chown(path, OWNER, GROUP)
    path.chmod(0o767)
    with contextlib.chdir(at[1]), acting_as(USERS["stranger"]):
        descriptor = os.open("f", os.O_RDWR)
    acts = {
        "write": lambda: os.pwrite(descriptor, b"x", 0),
        "truncate": lambda: os.ftruncate(descriptor, 100),
        "allocate": lambda: fallocate(descriptor, 0, 0, 100),
        "punch": lambda: fallocate(descriptor, FALLOC_PUNCH_HOLE | FALLOC_KEEP_SIZE, 0, 100),
    }
    for name, act in acts.items():
        path.chmod(0o6767)
        with acting_as(USERS["stranger"]):
            act()
        assert stat.S_IMODE((at[2] / "f").stat().st_mode) == 0o767, name
    os.close(descriptor)


def test_a_value_put_over_http_takes_them_away(cluster, at):
    """Whoever may use HTTP is not root for that."""
    path, key, node = at[0] / "f", f"{at[0].name}/f", cluster.nodes[1]
    path.write_bytes(b"a")
    websocket = node.websocket()
    puts = [
        lambda: node.put(key, "b"),
        lambda: node.post(key, "c"),
        lambda: node.request("POST", "/keys", [{"key": key, "value": "d"}]),
        lambda: node.txn([], [{"put": {"key": key, "value": "e"}}]),
        lambda: (websocket.send(json.dumps({"APIRequest": {"Put": {"key": key, "value": "f"}}})), websocket.recv()),
    ]
    for number, put in enumerate(puts):
        path.chmod(0o6755)
        put()
        assert (at[2] / "f").read_bytes() == b"bcdef"[number:number + 1]
        assert stat.S_IMODE((at[2] / "f").stat().st_mode) == 0o755
    websocket.close()
