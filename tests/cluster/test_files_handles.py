"""File handles, as NFS servers use them: a handle of one mount opens the file at any node, whose kernel has never seen
its inode, after a restart as well."""

import ctypes
import errno
import os

from files import AT_FDCWD, fails, libc, needs_root

pytestmark = needs_root

HANDLE_BYTES_MAX = 128


class Handle(ctypes.Structure):
    """struct file_handle"""
    _fields_ = [("length", ctypes.c_uint), ("type", ctypes.c_int), ("bytes", ctypes.c_ubyte * HANDLE_BYTES_MAX)]


def handle_of(path):
    handle, mount = Handle(length=HANDLE_BYTES_MAX), ctypes.c_int()
    found = libc.name_to_handle_at(AT_FDCWD, os.fsencode(path), ctypes.byref(handle), ctypes.byref(mount), 0)
    assert found == 0, os.strerror(ctypes.get_errno())
    return handle


def open_handle(mount, handle, flags=os.O_RDONLY):
    folder = os.open(mount, os.O_RDONLY)
    descriptor = libc.open_by_handle_at(folder, ctypes.byref(handle), flags)
    number = ctypes.get_errno()
    os.close(folder)
    if descriptor < 0:
        raise OSError(number, os.strerror(number))
    return descriptor


def contents(mount, handle):
    with open(open_handle(mount, handle), "rb") as file:
        return file.read()


def path_of(mount, handle):
    """The path of a folder: the kernel looks for the way to the root."""
    descriptor = open_handle(mount, handle, os.O_RDONLY | os.O_DIRECTORY)
    try:
        return os.readlink(f"/proc/self/fd/{descriptor}")
    finally:
        os.close(descriptor)


def test_a_file_at_any_node(cluster, at):
    (at[0] / "d" / "e").mkdir(parents=True)
    (at[0] / "d" / "e" / "f").write_text("one")
    handle = handle_of(at[0] / "d" / "e" / "f")
    assert contents(cluster.nodes[1].mount, handle) == b"one"
    with open(open_handle(cluster.nodes[2].mount, handle, os.O_WRONLY | os.O_TRUNC), "w") as file:
        file.write("two")
    assert (at[0] / "d" / "e" / "f").read_text() == "two"
    os.rename(at[1] / "d" / "e" / "f", at[1] / "g")
    os.link(at[1] / "g", at[1] / "h")
    os.unlink(at[1] / "g")
    assert contents(cluster.nodes[2].mount, handle) == b"two"


def test_a_folder_and_its_way_to_the_root(cluster, at):
    (at[0] / "d" / "e").mkdir(parents=True)
    (at[0] / "d" / "e" / "f").write_text("")
    handle = handle_of(at[0] / "d" / "e")
    assert path_of(cluster.nodes[1].mount, handle) == str(at[1] / "d" / "e")
    os.rename(at[0] / "d", at[0] / "moved")
    assert path_of(cluster.nodes[2].mount, handle) == str(at[2] / "moved" / "e")
    root = handle_of(cluster.nodes[0].mount)
    assert path_of(cluster.nodes[1].mount, root) == str(cluster.nodes[1].mount)


def test_after_a_restart(cluster, at):
    (at[0] / "d").mkdir()
    (at[0] / "d" / "f").write_text("kept")
    file, folder = handle_of(at[0] / "d" / "f"), handle_of(at[0] / "d")
    cluster.nodes[0].stop()
    cluster.nodes[0].start()
    assert contents(cluster.nodes[0].mount, file) == b"kept"
    assert path_of(cluster.nodes[0].mount, folder) == str(at[0] / "d")


def test_what_is_removed_is_stale(cluster, at):
    (at[0] / "d").mkdir()
    (at[0] / "d" / "f").write_text("x")
    file, folder = handle_of(at[0] / "d" / "f"), handle_of(at[0] / "d")
    os.unlink(at[0] / "d" / "f")
    os.rmdir(at[0] / "d")
    for node in cluster.nodes[1:]:
        fails(errno.ESTALE, open_handle, node.mount, file)
        fails(errno.ESTALE, open_handle, node.mount, folder)


def test_the_files_about_the_node(cluster, at):
    node, other = cluster.nodes[0], cluster.nodes[1]
    (at[0] / "f").write_text("x")
    assert contents(other.mount, handle_of(node.mount / ".quorumfs" / "version")).startswith(b"quorumfs ")
    (at[1] / "f").read_text()  # so that the other node knows of it
    assert contents(other.mount, handle_of(node.local(f"{at[0].name}/f"))) == b"x"
