"""FIFOs, sockets and device nodes: seen at every node, and of use at the node where both ends are."""

import errno
import os
import socket
import stat
import subprocess

from files import fails, needs_root, sh


def test_a_fifo_connects_programs_of_one_node(at):
    os.mkfifo(at[0] / "fifo", 0o640)
    about = (at[1] / "fifo").stat()
    assert stat.S_ISFIFO(about.st_mode) and stat.S_IMODE(about.st_mode) == 0o640
    reader = subprocess.Popen(["cat", "fifo"], cwd=at[1], stdout=subprocess.PIPE)
    sh("echo through > fifo", at[1])
    assert reader.communicate(timeout=10)[0] == b"through\n"
    assert sh("ls -l fifo; test -p fifo", at[2]).startswith("prw-r-----")
    os.unlink(at[2] / "fifo")
    assert not (at[0] / "fifo").exists()


def test_a_socket_connects_programs_of_one_node(at):
    os.chdir(at[0])  # the address of a socket must be short
    try:
        with socket.socket(socket.AF_UNIX) as server, socket.socket(socket.AF_UNIX) as client:
            server.bind("socket")
            server.listen()
            assert stat.S_ISSOCK((at[1] / "socket").stat().st_mode)
            client.connect("socket")
            with server.accept()[0] as accepted:
                client.sendall(b"x")
                assert accepted.recv(1) == b"x"
            fails(errno.EADDRINUSE, socket.socket(socket.AF_UNIX).bind, "socket")
        fails(errno.ECONNREFUSED, socket.socket(socket.AF_UNIX).connect, "socket")
    finally:
        os.chdir("/")
    os.rename(at[1] / "socket", at[1] / "moved")
    assert stat.S_ISSOCK((at[2] / "moved").stat().st_mode)


@needs_root
def test_device_nodes_are_kept_and_do_nothing(at):
    os.mknod(at[0] / "null", 0o666 | stat.S_IFCHR, os.makedev(1, 3))
    os.mknod(at[0] / "disk", 0o600 | stat.S_IFBLK, os.makedev(259, 70000))
    null, disk = (at[1] / "null").stat(), (at[1] / "disk").stat()
    assert stat.S_ISCHR(null.st_mode) and (os.major(null.st_rdev), os.minor(null.st_rdev)) == (1, 3)
    assert stat.S_ISBLK(disk.st_mode) and (os.major(disk.st_rdev), os.minor(disk.st_rdev)) == (259, 70000)
    fails(errno.EACCES, os.open, at[2] / "null", os.O_RDONLY)  # the mount is nodev
    os.mknod(at[0] / "plain", 0o600 | stat.S_IFREG)
    assert (at[1] / "plain").stat().st_size == 0
