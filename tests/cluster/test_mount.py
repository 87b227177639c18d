"""Files as programs expect them: changed at one node and checked at another."""

import contextlib
import errno
import fcntl
import os
import stat
import subprocess
import threading
import time

import pytest

from cluster import NotMounted, wait_for
from files import RENAME_EXCHANGE, RENAME_NOREPLACE, fails, rename, sh

MIB = 1024 * 1024


# ---- Contents ----


@pytest.mark.parametrize("size", [0, 1, 4095, 4096, 4097, 65536, MIB, MIB + 1, 20 * MIB + 3])
def test_files_of_many_sizes(at, size):
    data = (b"0123456789abcdef" * (size // 16 + 1))[:size]
    (at[0] / "f").write_bytes(data)
    assert (at[1] / "f").stat().st_size == size
    assert (at[1] / "f").read_bytes() == data
    assert (at[2] / "f").read_bytes() == data


def test_writes_at_any_offset(at):
    model = bytearray()
    with open(at[0] / "f", "w+b", buffering=0) as file:
        for offset, length in [(0, 10), (5, 10), (100, 1), (4090, 20), (65530, 131080), (3, 0), (200000, 5), (0, 1)]:
            piece = bytes((offset + n) % 255 + 1 for n in range(length))
            file.seek(offset)
            assert file.write(piece) == length
            if length:
                model.extend(b"\0" * (offset + length - len(model)))
                model[offset:offset + length] = piece
            assert (at[1] / "f").read_bytes() == model
        file.seek(4000)
        assert file.read(200) == model[4000:4200]
        assert os.pread(file.fileno(), 10, len(model)) == b""


def test_a_sparse_file_beyond_4_gib(at):
    far = 5 * 1024 * MIB + 12345
    with open(at[0] / "f", "wb", buffering=0) as file:
        file.seek(far)
        file.write(b"end")
    about = (at[1] / "f").stat()
    assert about.st_size == far + 3 and about.st_blocks * 512 < MIB
    with open(at[2] / "f", "rb") as file:
        file.seek(far - 5)
        assert file.read() == b"\0" * 5 + b"end"
    fails(errno.EFBIG, os.truncate, at[0] / "f", 2 * 1024 * 1024 * MIB)


def test_truncate(at):
    file = at[0] / "f"
    file.write_bytes(b"x" * 10000)
    os.truncate(file, 5)
    assert (at[1] / "f").read_bytes() == b"xxxxx"
    os.truncate(at[1] / "f", 4098)
    assert (at[2] / "f").read_bytes() == b"xxxxx" + b"\0" * 4093
    with open(at[2] / "f", "r+b") as opened:
        os.ftruncate(opened.fileno(), 2)
    assert file.read_bytes() == b"xx"
    open(file, "w").close()
    assert (at[1] / "f").read_bytes() == b""


def test_append_from_all_nodes_loses_nothing(at):
    (at[0] / "log").write_text("")
    names = [str(folder) + end for folder in at for end in ("", " too")]
    loop = 'i=0; while [ $i -lt 100 ]; do echo "$0 $i" >> log; i=$((i+1)); done'
    writers = [subprocess.Popen(["sh", "-c", loop, name], cwd=name.removesuffix(" too")) for name in names]
    assert [writer.wait(60) for writer in writers] == [0] * 6
    lines = (at[1] / "log").read_text().splitlines()
    assert sorted(lines) == sorted(f"{name} {number}" for name in names for number in range(100))
    for name in names:
        assert [line for line in lines if line.rsplit(" ", 1)[0] == name] == [f"{name} {n}" for n in range(100)]


def test_the_page_cache_does_not_answer_after_a_change(at):
    """The page cache of another mount must not answer after a change, even one of the same size."""
    for number in range(100, 200):
        writer, reader = at[number % 3], at[(number + 1) % 3]
        (writer / "f").write_text(f"{number}")
        assert (reader / "f").read_text() == f"{number}"


def test_an_open_file_sees_changes_and_survives_its_name(at):
    (at[0] / "f").write_text("first")
    with open(at[0] / "f", "r+b", buffering=0) as file:
        (at[1] / "f").write_text("second")
        assert os.pread(file.fileno(), 100, 0) == b"second"
        os.unlink(at[0] / "f")
        fails(errno.ENOENT, os.stat, at[1] / "f")
        assert os.pread(file.fileno(), 100, 0) == b"second"
        assert os.pwrite(file.fileno(), b"SECOND", 0) == 6
        assert os.pread(file.fileno(), 100, 0) == b"SECOND" and os.fstat(file.fileno()).st_nlink == 0
        (at[0] / "f").write_text("another")
        assert os.pread(file.fileno(), 100, 0) == b"SECOND"


def test_shared_memory_mapping(at):
    (at[0] / "f").write_bytes(b"a" * 8192)
    program = ("import mmap\nwith open('f', 'r+b') as f, mmap.mmap(f.fileno(), 0) as m:\n"
               "    assert m[:4] == b'aaaa'; m[5000:5004] = b'bbbb'; m.flush()")
    done = subprocess.run(["/usr/bin/python3", "-c", program], cwd=at[0], timeout=30)
    assert done.returncode == 0
    assert (at[1] / "f").read_bytes() == b"a" * 5000 + b"bbbb" + b"a" * 3188


def test_holes(at):
    with open(at[0] / "f", "wb") as file:
        file.write(b"x" * 300000)
    done = subprocess.run(["fallocate", "-p", "-o", "65536", "-l", "131072", "f"], cwd=at[0], capture_output=True)
    if done.returncode == 0:  # otherwise EOPNOTSUPP, which is an answer
        assert (at[1] / "f").read_bytes() == b"x" * 65536 + b"\0" * 131072 + b"x" * (300000 - 196608)
    with open(at[0] / "f", "rb") as file:
        assert os.lseek(file.fileno(), 0, os.SEEK_DATA) == 0
        assert os.lseek(file.fileno(), 250000, os.SEEK_HOLE) == 300000


# ---- Names ----


def test_folders(at):
    os.makedirs(at[0] / "a" / "b" / "c")
    assert os.listdir(at[1] / "a") == ["b"]
    assert (at[1] / "a").stat().st_nlink == 3
    fails(errno.EEXIST, os.mkdir, at[1] / "a")
    fails(errno.ENOTEMPTY, os.rmdir, at[1] / "a")
    fails(errno.ENOENT, os.mkdir, at[1] / "none" / "x")
    os.rmdir(at[1] / "a" / "b" / "c")
    assert os.listdir(at[2] / "a" / "b") == []
    (at[0] / "file").write_text("")
    fails(errno.ENOTDIR, os.mkdir, at[1] / "file" / "x")
    fails(errno.ENOTDIR, os.rmdir, at[1] / "file")
    fails(errno.EISDIR, os.unlink, at[1] / "a")
    fails(errno.ENAMETOOLONG, os.mkdir, at[0] / ("n" * 256))
    os.mkdir(at[0] / ("n" * 255))
    assert (at[2] / ("n" * 255)).is_dir()


def test_rename(at):
    (at[0] / "a").write_text("a")
    (at[0] / "b").write_text("b")
    inode = (at[0] / "a").stat().st_ino
    os.rename(at[1] / "a", at[1] / "b")
    assert (at[2] / "b").read_text() == "a" and (at[2] / "b").stat().st_ino == inode
    fails(errno.ENOENT, os.rename, at[0] / "a", at[0] / "c")
    os.makedirs(at[0] / "dir" / "sub")
    (at[0] / "dir" / "sub" / "f").write_text("deep")
    os.rename(at[1] / "dir", at[1] / "moved")
    assert (at[2] / "moved" / "sub" / "f").read_text() == "deep"
    fails(errno.EINVAL, os.rename, at[0] / "moved", at[0] / "moved" / "sub" / "x")
    os.mkdir(at[0] / "empty")
    os.rename(at[0] / "moved", at[0] / "empty")
    assert sorted(os.listdir(at[1])) == ["b", "empty"]
    fails(errno.ENOTEMPTY, os.rename, make_dir(at[0] / "other"), at[0] / "empty")
    fails(errno.EISDIR, os.rename, at[0] / "b", at[0] / "empty")
    fails(errno.ENOTDIR, os.rename, at[0] / "empty", at[0] / "b")


def make_dir(path):
    path.mkdir()
    return path


def test_rename_without_replacing_and_exchange(at):
    (at[0] / "a").write_text("a")
    (at[0] / "b").write_text("b")
    fails(errno.EEXIST, rename, at[1] / "a", at[1] / "b", RENAME_NOREPLACE)
    rename(at[1] / "a", at[1] / "b", RENAME_EXCHANGE)
    assert ((at[2] / "a").read_text(), (at[2] / "b").read_text()) == ("b", "a")
    rename(at[2] / "a", at[2] / "c", RENAME_NOREPLACE)
    assert (at[0] / "c").read_text() == "b"


def test_links(at):
    (at[0] / "a").write_text("one")
    os.link(at[1] / "a", at[1] / "b")
    assert (at[2] / "b").stat().st_nlink == 2 and (at[2] / "a").samefile(at[2] / "b")
    (at[0] / "b").write_text("two")
    assert (at[1] / "a").read_text() == "two"
    fails(errno.EEXIST, os.link, at[0] / "a", at[0] / "b")
    os.unlink(at[2] / "a")
    assert (at[0] / "b").read_text() == "two" and (at[0] / "b").stat().st_nlink == 1
    os.symlink("b", at[0] / "s")
    os.symlink("nowhere/x" * 100, at[0] / "long")
    assert os.readlink(at[1] / "s") == "b" and (at[1] / "s").read_text() == "two"
    assert os.readlink(at[2] / "long") == "nowhere/x" * 100
    assert (at[1] / "s").lstat().st_size == 1
    os.unlink(at[1] / "s")
    assert not os.path.lexists(at[0] / "s")


def test_a_folder_of_many_names(at):
    sh("seq 500 | xargs touch", at[0])
    assert sorted(map(int, os.listdir(at[1]))) == list(range(1, 501))
    sh("find . -type f -name '*7*' -delete", at[2])
    assert len(os.listdir(at[0])) == sum("7" not in str(number) for number in range(1, 501))
    sh("rm -rf ./*", at[1])
    assert os.listdir(at[0]) == []


def test_names_of_odd_bytes(at):
    root = os.fsencode(at[0])
    names = {bytes([byte]) for byte in range(1, 256)} - {b"/", b"."}
    names |= {"Grüße €😀".encode(), b"\xff\xfe", bytes(range(1, 47)), bytes(range(48, 256))}
    for name in names:
        with open(root + b"/" + name, "wb") as file:
            file.write(name)
    other = os.fsencode(at[1])
    assert set(os.listdir(other)) == names
    for name in names:
        with open(other + b"/" + name, "rb") as file:
            assert file.read() == name


# ---- Attributes ----


def test_modes_owners_and_times(at):
    sh("umask 027; touch f; mkdir d", at[0])
    assert stat.filemode((at[1] / "f").stat().st_mode) == "-rw-r-----"
    assert stat.filemode((at[1] / "d").stat().st_mode) == "drwxr-x---"
    os.chmod(at[1] / "f", 0o4751)
    assert (at[2] / "f").stat().st_mode & 0o7777 == 0o4751
    os.utime(at[1] / "f", ns=(1, 1234567890_123456789))
    assert (at[2] / "f").stat().st_mtime_ns == 1234567890_123456789
    changed = (at[2] / "f").stat().st_ctime_ns
    assert abs(changed / 1e9 - time.time()) < 10
    (at[0] / "f").write_text("x")
    assert (at[2] / "f").stat().st_mtime_ns > changed
    if os.geteuid() == 0:
        os.chown(at[0] / "f", 1234, 5678)
        assert ((at[2] / "f").stat().st_uid, (at[2] / "f").stat().st_gid) == (1234, 5678)


def test_mtimes_are_ordered_as_the_changes_were(at):
    last = 0
    for number in range(60):
        file = at[number % 3] / f"f{number % 5}"
        file.write_text(str(number))
        now = (at[(number + 1) % 3] / file.name).stat().st_mtime_ns
        assert now > last
        last = now


def test_extended_attributes(at):
    (at[0] / "f").write_text("")
    os.setxattr(at[0] / "f", "user.colour", b"blue\0\xff")
    assert os.getxattr(at[1] / "f", "user.colour") == b"blue\0\xff"
    fails(errno.EEXIST, os.setxattr, at[1] / "f", "user.colour", b"x", os.XATTR_CREATE)
    fails(errno.ENODATA, os.setxattr, at[1] / "f", "user.none", b"x", os.XATTR_REPLACE)
    os.setxattr(at[1] / "f", "user.big", b"b" * 60000)
    assert sorted(os.listxattr(at[2] / "f")) == ["user.big", "user.colour"]
    assert os.getxattr(at[2] / "f", "user.big") == b"b" * 60000
    os.removexattr(at[2] / "f", "user.colour")
    fails(errno.ENODATA, os.getxattr, at[0] / "f", "user.colour")


def test_statfs(at):
    before = os.statvfs(at[0])
    assert before.f_namemax == 255 and before.f_bfree <= before.f_blocks and before.f_bavail > 0
    assert "quorumfs" in sh("df -T . | tail -1", at[1])


# ---- Locks ----


@pytest.mark.parametrize("attempt", ["set -C; echo $$ > lock", "mkdir lock", "ln -s x lock",
                                     "echo > mine.$$ && ln mine.$$ lock"])
def test_one_of_three_gets_the_lock(at, attempt):
    for number in range(10):
        barrier = threading.Barrier(3)
        got = []

        def race(folder):
            barrier.wait()
            if subprocess.run(["sh", "-c", attempt], cwd=folder, stderr=subprocess.DEVNULL).returncode == 0:
                got.append(folder)

        racers = [threading.Thread(target=race, args=(folder,)) for folder in at]
        for racer in racers:
            racer.start()
        for racer in racers:
            racer.join()
        assert len(got) == 1
        sh("rm -rf lock mine.*", at[number % 3])


def test_locks_hold_at_all_nodes(at):
    with open(at[0] / "f", "w") as file, open(at[1] / "f", "r+") as other:
        fcntl.flock(file, fcntl.LOCK_EX)
        fails(errno.EAGAIN, fcntl.flock, other, fcntl.LOCK_EX | fcntl.LOCK_NB)
        fcntl.lockf(other, fcntl.LOCK_EX, 10)
        fails(errno.EAGAIN, fcntl.lockf, file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, 9)
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, 10)


# ---- Programs ----


def test_programs(at):
    sh("echo 'a b' > f && sed -i s/a/c/ f && cp -a f g && mv g h && install -m 600 h i && tar cf t f h i", at[0])
    assert sh("cat i && tar tf t && wc -c < f", at[1]) == "c b\nf\nh\ni\n4\n"
    sh("cat > here <<END\nseveral\nlines\nEND\n", at[0])
    assert (at[2] / "here").read_text() == "several\nlines\n"
    assert sh("echo x | tee a b > c && cat a b c && ls -l | wc -l", at[1]).startswith("x\nx\nx\n")


def test_git(at):
    sh("git init -q -b main r && cd r && git config user.email a@b && git config user.name n && seq 1000 > f && "
       "git add f && git commit -q -m one && git gc -q && git status --porcelain", at[0])
    sh("git -c safe.directory='*' clone -q r s && cmp r/f s/f && cd s && git fsck", at[1])


# ---- The mount itself ----


def test_its_own_files(cluster):
    for number, node in enumerate(cluster.nodes, 1):
        own = node.path(".quorumfs")
        assert sorted(os.listdir(own)) == [
            "ephemeral", "local", "locks", "session", "status", "version", "watch", "why"]
        assert f'"node":\t{number}' in (own / "status").read_text()
        assert (own / "version").read_text().startswith("quorumfs ") and node.why() == ""
        assert ".quorumfs" not in os.listdir(node.local())
        node.path("seen locally").write_text("yes")
        assert node.local("seen locally").read_text() == "yes"
        fails(errno.EROFS, node.local("new").write_text, "x")
        fails(errno.EROFS, node.local("seen locally").unlink)
        for change in (lambda: (own / "why").write_text("x"), lambda: (own / "new").write_text("x"),
                       lambda: os.rmdir(own), lambda: os.rename(own, node.path("x")), lambda: os.mkdir(own / "d")):
            with pytest.raises(OSError):
                change()
        node.path("seen locally").unlink()


def test_a_killed_node_leaves_no_dead_mount_for_long(cluster):
    node = cluster.nodes[1]
    node.path("kept").write_text("kept")
    opened = os.open(node.path("kept"), os.O_RDONLY)
    node.kill()
    fails(errno.ENOTCONN, os.stat, node.mount)
    cluster.nodes[0].path("meanwhile").write_text("other nodes go on")
    node.start()
    assert node.path("kept").read_text() == "kept"
    assert node.path("meanwhile").read_text() == "other nodes go on"
    fails(errno.ENOTCONN, os.pread, opened, 10, 0)
    with contextlib.suppress(OSError):
        os.close(opened)


def test_a_mount_that_is_unmounted_from_outside(cluster):
    """HTTP goes on; a restart mounts again."""
    node = cluster.nodes[2]
    subprocess.run(["umount", node.mount], check=True)
    wait_for(lambda: not node.is_mounted(), "it is unmounted")
    with pytest.raises(NotMounted), node.root():
        pass
    assert node.put("http", "goes on").status == 200
    node.stop()
    node.start()
    assert node.path("http").read_text() == "goes on"
