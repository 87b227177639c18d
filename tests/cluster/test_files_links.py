"""Hard links and symbolic links, made at one node and seen at another."""

import errno
import os
import stat

from files import fails, sh


def test_one_file_under_several_names(at):
    (at[0] / "a").write_text("one")
    (at[0] / "d").mkdir()
    os.link(at[1] / "a", at[1] / "d" / "b")
    os.link(at[2] / "d" / "b", at[2] / "c")
    assert {(at[0] / name).stat().st_ino for name in ("a", "d/b", "c")} == {(at[1] / "a").stat().st_ino}
    assert (at[0] / "d" / "b").stat().st_nlink == 3
    os.chmod(at[0] / "a", 0o600)
    (at[1] / "c").write_text("changed through another name")
    assert stat.S_IMODE((at[2] / "d" / "b").stat().st_mode) == 0o600
    assert (at[2] / "d" / "b").read_text() == "changed through another name"
    os.unlink(at[0] / "a")
    os.unlink(at[1] / "c")
    assert (at[2] / "d" / "b").stat().st_nlink == 1
    assert (at[2] / "d" / "b").read_text() == "changed through another name"


def test_impossible_links(at):
    (at[0] / "d").mkdir()
    (at[0] / "f").write_text("")
    fails(errno.EPERM, os.link, at[1] / "d", at[1] / "e")
    fails(errno.EEXIST, os.link, at[1] / "f", at[1] / "d")
    fails(errno.ENOENT, os.link, at[1] / "none", at[1] / "x")
    fails(errno.ENOENT, os.link, at[1] / "f", at[1] / "none" / "x")
    fails(errno.ENOTDIR, os.link, at[1] / "f", at[1] / "f" / "x")
    fails(errno.EXDEV, os.link, "/etc/hostname", at[1] / "x")


def test_many_names_of_one_file(at):
    (at[0] / "f0").write_text("x")
    for number in range(1, 200):
        os.link(at[number % 3] / f"f{number - 1}", at[number % 3] / f"f{number}")
    assert (at[1] / "f150").stat().st_nlink == 200
    sh("rm f1*", at[2])
    assert (at[0] / "f44").stat().st_nlink == 200 - 111


def test_symbolic_links(at):
    (at[0] / "d").mkdir()
    (at[0] / "d" / "f").write_text("through links")
    os.symlink("d", at[0] / "to_d")
    os.symlink("to_d/f", at[1] / "to_f")
    os.symlink("../to_f", at[2] / "d" / "up")
    for folder in at:
        assert (folder / "d" / "up").read_text() == "through links"
        assert os.readlink(folder / "to_f") == "to_d/f" and (folder / "to_f").lstat().st_size == 6
        assert (folder / "to_d").is_dir() and (folder / "to_d").is_symlink()
    (at[1] / "to_f").write_text("written through one")
    assert (at[2] / "d" / "f").read_text() == "written through one"
    os.rename(at[0] / "to_f", at[0] / "moved")
    assert os.readlink(at[1] / "moved") == "to_d/f"


def test_links_to_nowhere_and_in_circles(at):
    os.symlink("none", at[0] / "dangling")
    os.symlink("b", at[0] / "a")
    os.symlink("a", at[0] / "b")
    fails(errno.ENOENT, os.stat, at[1] / "dangling")
    fails(errno.ELOOP, os.stat, at[1] / "a")
    fails(errno.ELOOP, os.open, at[1] / "dangling", os.O_RDONLY | os.O_NOFOLLOW)
    fails(errno.EEXIST, os.open, at[1] / "dangling", os.O_WRONLY | os.O_CREAT | os.O_EXCL)
    fails(errno.EINVAL, os.readlink, at[1])
    (at[2] / "dangling").write_text("made through the link")
    assert (at[0] / "none").read_text() == "made through the link"


def test_how_long_a_target_can_be(at):
    os.symlink("x" * 4095, at[0] / "longest")
    assert os.readlink(at[1] / "longest") == "x" * 4095
    fails(errno.ENAMETOOLONG, os.symlink, "x" * 4096, at[0] / "longer")
    fails(errno.ENOENT, os.symlink, "", at[0] / "empty")
    os.symlink(b"\xff\n", os.fsencode(at[0] / "bytes"))
    assert os.readlink(os.fsencode(at[2] / "bytes")) == b"\xff\n"


def test_the_link_itself_has_attributes(at):
    (at[0] / "f").write_text("")
    os.symlink("f", at[0] / "s")
    os.utime(at[1] / "s", ns=(1_000_000_001, 2_000_000_002), follow_symlinks=False)
    about = (at[2] / "s").lstat()
    assert (about.st_atime_ns, about.st_mtime_ns) == (1_000_000_001, 2_000_000_002)
    assert (at[2] / "f").stat().st_mtime_ns > 1_500_000_000_000_000_000
    if os.geteuid() == 0:
        os.chown(at[1] / "s", 12, 34, follow_symlinks=False)
        assert ((at[0] / "s").lstat().st_uid, (at[0] / "f").stat().st_uid) == (12, 0)
