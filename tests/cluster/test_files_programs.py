"""Programs that people use on files, run at one node, their work checked at another."""

import os
import shutil
import stat
import subprocess

from cluster import tree_of
from files import LONG, needs_root, python, sh

FILES = 1000 if LONG else 60


def make_tree(folder):
    """Some of everything that a program may have to copy."""
    sh(f"mkdir -p deep/er empty; for i in $(seq {FILES}); do echo $i > deep/f$i; done; seq 20000 > large; "
       "printf 'bytes\\377\\001' > 'odd name é'; ln large hard; ln -s deep/er soft; ln -s none dangling; mkfifo fifo; "
       "truncate -s 3M sparse; echo x >> sparse; chmod 640 large; chmod 2750 deep; chmod 1777 empty; "
       "touch -h -d '2001-02-03 04:05:06.123456789' deep/f1 deep/er deep empty dangling fifo", folder)
    os.setxattr(folder / "large", "user.colour", b"blue")
    os.utime(folder / "soft", ns=(1, 2), follow_symlinks=False)


def assert_same(one, other):
    """Names, kinds, modes, owners, times of files, links, contents, attributes."""
    ours, theirs = tree_of(one), tree_of(other)
    for about in (ours, theirs):
        about.update({name: (*it[:4], None, *it[5:]) for name, it in about.items() if it[0][0] == "d"})  # their size
    assert ours.keys() == theirs.keys()
    assert {name: about for name, about in ours.items() if about != theirs[name]} == {}
    for name in ours:
        path, copy = (os.fsencode(root) + b"/" + name for root in (one, other))
        assert [(a, os.getxattr(path, a, follow_symlinks=False)) for a in os.listxattr(path, follow_symlinks=False)] == \
            [(a, os.getxattr(copy, a, follow_symlinks=False)) for a in os.listxattr(copy, follow_symlinks=False)]
    assert os.path.samefile(other / "large", other / "hard")


def test_cp(at, tmp_path):
    make_tree(tmp_path)
    sh(f"cp -a {tmp_path}/. there", at[0])
    assert_same(tmp_path, at[1] / "there")
    sh("cp -a there again", at[1])
    assert_same(at[0] / "there", at[2] / "again")
    sh(f"cp -a again {tmp_path}/back", at[2])
    sh("rm -r again there", at[0])
    assert os.listdir(at[1]) == []


def test_tar(at, tmp_path):
    make_tree(at[0])
    sh(f"tar --xattrs -cf {tmp_path}/tar . && mkdir {tmp_path}/out && tar --xattrs -xpf {tmp_path}/tar -C {tmp_path}/out",
       at[1])
    assert_same(at[2], tmp_path / "out")
    sh(f"mkdir out && tar --xattrs -xpf {tmp_path}/tar -C out && tar -df {tmp_path}/tar -C out", at[2])
    assert_same(tmp_path / "out", at[1] / "out")


def test_rsync(at, tmp_path):
    make_tree(tmp_path)
    sync = "rsync -aHX --checksum --delete --itemize-changes"
    assert sh(f"{sync} {tmp_path}/ there/", at[0]) != ""
    assert_same(tmp_path, at[1] / "there")
    assert sh(f"{sync} {tmp_path}/ there/", at[1]) == ""
    sh("rm there/deep/f2; echo more >> there/large; mkdir there/new", at[2])
    assert sh(f"{sync} {tmp_path}/ there/", at[0]) != ""
    assert_same(tmp_path, at[2] / "there")
    sh(f"mkdir {tmp_path}.back && rsync -aHAX there/ {tmp_path}.back/", at[1])
    assert_same(tmp_path, tmp_path.with_name(tmp_path.name + ".back"))
    sh("rsync -a --inplace --append-verify there/large there/copy && cmp there/large there/copy", at[1])


def test_mv_across_file_systems(at, tmp_path):
    (tmp_path / "t").mkdir()
    make_tree(tmp_path / "t")
    sh(f"cp -a {tmp_path}/t {tmp_path}/kept && mv {tmp_path}/t there", at[0])
    assert_same(tmp_path / "kept", at[1] / "there")
    sh(f"mv there {tmp_path}/back", at[2])
    assert_same(tmp_path / "kept", tmp_path / "back")
    assert os.listdir(at[0]) == []


def test_sed_and_install(at):
    sh("seq 1000 > f; chmod 751 f", at[0])
    inode = (at[1] / "f").stat().st_ino
    sh("sed -i 's/^5/five /; 1d' f && sed -i.bak '$d' f", at[1])
    assert (at[2] / "f").read_text().startswith("2\n3\n4\nfive \n")
    assert stat.S_IMODE((at[0] / "f").stat().st_mode) == 0o751 and (at[0] / "f").stat().st_ino != inode
    sh("install -D -m 600 f a/b/c && install -d -m 700 x/y", at[2])
    assert stat.S_IMODE((at[0] / "a/b/c").stat().st_mode) == 0o600


def test_vim(at):
    """Its swap file, its backup, and how it writes."""
    (at[0] / "f").write_text("one\ntwo\n")
    os.chmod(at[0] / "f", 0o600)
    edit = "vim.tiny -N -u NONE -i NONE --cmd 'set swapfile backupskip= {}' -es -c '%s/two/{}/' -c wq f"
    sh(edit.format("backup backupcopy=no", "three"), at[0])
    assert (at[1] / "f").read_text() == "one\nthree\n" and (at[1] / "f~").read_text() == "one\ntwo\n"
    sh(edit.format("nobackup backupcopy=yes", "four").replace("two", "three"), at[1])
    assert (at[2] / "f").read_text() == "one\nfour\n"
    assert stat.S_IMODE((at[2] / "f").stat().st_mode) == 0o600
    assert sorted(os.listdir(at[2])) == ["f", "f~"]


def test_find_and_xargs(at):
    sh("mkdir -p a/b; seq 300 | sed 's:^:a/b/:' | xargs touch; echo x > a/b/7", at[0])
    assert sh("find . -type f -size +0 -newer a/b/1 -name '?' -printf '%p %s\\n'", at[1]) == "./a/b/7 2\n"
    assert sh("find . -type f -print0 | xargs -0 -P 4 -n 20 cat", at[2]) == "x\n"
    sh("find a -depth -delete", at[1])
    assert os.listdir(at[0]) == []


def test_python_makes_temporary_files(at):
    python("import tempfile, shutil\n"
           "with tempfile.TemporaryFile(dir='.') as f:\n    f.write(b'x' * 100000); f.seek(0); assert len(f.read()) == 100000\n"
           "with tempfile.NamedTemporaryFile(dir='.') as f: assert os.path.exists(f.name)\n"
           "d = tempfile.mkdtemp(dir='.')\n"
           "shutil.copytree('/etc/security', d + '/tree', symlinks=True)\n"
           "shutil.make_archive('archive', 'gztar', d)\n"
           "shutil.move(d, 'moved'); shutil.rmtree('moved')", at[0])
    assert os.listdir(at[1]) == ["archive.tar.gz"]
    with open(at[2] / "f", "w") as file:  # as os.replace is used for an atomic update
        file.write("x")
    os.replace(at[2] / "f", at[2] / "g")
    assert shutil.disk_usage(at[0]).free > 0


def test_shells_write_together(at):
    sh("cat > here <<END\n$(seq 3)\nEND\n"
       "exec 3<>f; echo a >&3; echo b >&3; exec 3>&-; { echo c; sleep 0.1; echo d; } >> f; (echo e; echo f) | tee -a f > g; "
       "mkfifo p; cat < p > q & echo through > p; wait", at[0])
    assert sh("cat here f g q", at[1]).split() == list("123abcdefef") + ["through"]
    tail = subprocess.Popen(["tail", "-n", "+1", "-f", "f"], cwd=at[1], stdout=subprocess.PIPE)
    sh("for i in 1 2 3; do echo line $i >> f; done", at[2])
    assert [tail.stdout.readline() for _ in range(9)][-1] == b"line 3\n"
    tail.kill()
    tail.wait()
    tail.stdout.close()


def test_make(at):
    """Times are in the right order: make builds outdated targets, and only those."""
    count = 40 if LONG else 8
    rules = ("CFLAGS=-O0\nprogram: $(patsubst %.c,%.o,$(wildcard *.c))\n\t$(CC) -o $@ $^\n%.o: %.c all.h\n")
    (at[0] / "Makefile").write_text(rules)
    (at[0] / "all.h").write_text("".join(f"int f{n}(void);\n" for n in range(count)))
    for n in range(count):
        (at[0] / f"f{n}.c").write_text(f'#include "all.h"\nint f{n}(void) {{ return {n}; }}\n')
    calls = " + ".join(f"f{n}()" for n in range(count))
    (at[0] / "main.c").write_text(f'#include "all.h"\nint main(void) {{ return ({calls}) % 100; }}\n')
    sh("make -s -j2 CC=gcc", at[1])
    assert subprocess.run([at[2] / "program"], check=False).returncode == sum(range(count)) % 100
    assert "up to date" in sh("make CC=gcc", at[2])
    (at[0] / "f0.c").write_text('#include "all.h"\nint f0(void) { return 1; }\n')
    assert len(sh("make CC=gcc -j2", at[1]).splitlines()) == 2
    assert subprocess.run([at[2] / "program"], check=False).returncode == (sum(range(count)) + 1) % 100
    assert "up to date" in sh("make CC=gcc", at[0])


@needs_root
def test_dpkg_deb(at):
    sh("mkdir -p p/DEBIAN p/usr/share/doc/p p/etc; echo text > p/usr/share/doc/p/copyright; echo c > p/etc/p.conf; "
       "printf 'Package: p\\nVersion: 1\\nArchitecture: all\\nMaintainer: n <n@example.org>\\nDescription: d\\n' "
       "> p/DEBIAN/control; echo /etc/p.conf > p/DEBIAN/conffiles; dpkg-deb -b p p.deb", at[0])
    sh("dpkg-deb -x p.deb out && dpkg-deb -e p.deb out/DEBIAN && diff -r p out", at[1])


def test_du_and_df(at):
    (at[0] / "f").write_bytes(b"x" * 1000000)
    sh("truncate -s 1G sparse; ln f g", at[1])
    kib = int(sh("du -sk .", at[2]).split()[0])
    assert 970 <= kib <= 1100
    assert int(sh("du -sk --apparent-size sparse", at[0]).split()[0]) == 1024 * 1024
    assert "fuse.quorumfs" in sh("df -T . && findmnt -n -o FSTYPE -T .", at[1])
