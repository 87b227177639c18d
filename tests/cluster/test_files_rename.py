"""rename(2) and renameat2(2): of files, whole trees, and over what is there."""

import errno
import os

from files import RENAME_EXCHANGE, RENAME_NOREPLACE, RENAME_WHITEOUT, fails, getdents, rename, sh


def test_a_whole_tree_moves_at_once(at):
    sh("mkdir -p a/b/c/d; for i in 1 2 3; do echo $i > a/b/c/f$i; done; mkdir x", at[0])
    inode = (at[0] / "a" / "b" / "c" / "f2").stat().st_ino
    inside = os.open(at[1] / "a" / "b", os.O_RDONLY | os.O_DIRECTORY)
    os.rename(at[2] / "a" / "b", at[2] / "x" / "y")
    assert (at[1] / "x" / "y" / "c" / "f2").read_text() == "2\n"
    assert (at[0] / "x" / "y" / "c" / "f2").stat().st_ino == inode
    assert sorted(os.listdir(inside)) == ["c"]  # a working directory goes with it
    assert os.stat("..", dir_fd=inside).st_ino == (at[0] / "x").stat().st_ino
    os.close(inside)
    assert os.listdir(at[1] / "a") == []
    assert [(at[2] / name).stat().st_nlink for name in ("a", "x", "x/y", "x/y/c")] == [2, 3, 3, 3]


def test_dot_dot_follows(at):
    sh("mkdir -p one/sub two", at[0])
    os.rename(at[1] / "one" / "sub", at[1] / "two" / "sub")
    assert (at[2] / "two" / "sub" / "..").stat().st_ino == (at[0] / "two").stat().st_ino
    assert sh("cd two/sub && ls ..", at[2]) == "sub\n"


def test_no_loops(at):
    sh("mkdir -p a/b/c", at[0])
    fails(errno.EINVAL, os.rename, at[1] / "a", at[1] / "a" / "b" / "c" / "x")
    fails(errno.EINVAL, os.rename, at[1] / "a", at[1] / "a" / "x")
    fails(errno.EINVAL, rename, at[1] / "a", at[1] / "a" / "b", RENAME_EXCHANGE)
    fails(errno.ENOTEMPTY, os.rename, at[1] / "a" / "b" / "c", at[1] / "a")
    fails(errno.EBUSY, os.rename, f"{at[1]}/a/.", at[1] / "x")
    assert sh("find .", at[2]).split() == [".", "./a", "./a/b", "./a/b/c"]


def test_over_existing_names(at):
    sh("echo a > a; echo b > b; mkdir empty full; echo x > full/x", at[0])
    os.rename(at[1] / "a", at[1] / "b")
    assert sh("ls; cat b", at[2]).split() == ["b", "empty", "full", "a"]
    os.rename(at[2] / "full", at[2] / "empty")
    assert sh("ls *", at[0]).split() == ["b", "empty:", "x"]
    (at[0] / "other").mkdir()
    fails(errno.ENOTEMPTY, os.rename, at[1] / "other", at[1] / "empty")
    fails(errno.EISDIR, os.rename, at[1] / "b", at[1] / "other")
    fails(errno.ENOTDIR, os.rename, at[1] / "other", at[1] / "b")
    fails(errno.ENOENT, os.rename, at[1] / "none", at[1] / "b")
    fails(errno.ENOENT, os.rename, at[1] / "b", at[1] / "none" / "b")
    fails(errno.ENAMETOOLONG, os.rename, at[1] / "b", at[1] / ("n" * 256))


def test_between_names_of_one_file_nothing_happens(at):
    sh("echo x > a; ln a b", at[0])
    os.rename(at[1] / "a", at[1] / "b")
    assert sorted(os.listdir(at[2])) == ["a", "b"]
    os.rename(at[1] / "a", at[1] / "a")
    assert (at[2] / "a").stat().st_nlink == 2


def test_without_replacing(at):
    sh("echo a > a; echo b > b; mkdir d", at[0])
    for name in ("b", "d"):
        fails(errno.EEXIST, rename, at[1] / "a", at[1] / name, RENAME_NOREPLACE)
    rename(at[1] / "a", at[1] / "c", RENAME_NOREPLACE)
    assert sh("cat c", at[2]) == "a\n"
    sh("mv -n c b; test -e c", at[2])
    assert (at[0] / "b").read_text() == "b\n"


def test_exchange(at):
    sh("echo f > f; mkdir -p d/below; echo x > d/x", at[0])
    rename(at[1] / "f", at[1] / "d", RENAME_EXCHANGE)
    assert (at[2] / "d").read_text() == "f\n" and (at[2] / "f" / "x").read_text() == "x\n"
    (at[0] / "other").mkdir()
    rename(at[0] / "d", at[0] / "f" / "below", RENAME_EXCHANGE)
    assert (at[1] / "f" / "below").read_text() == "f\n" and (at[1] / "d").is_dir()
    assert [(at[2] / name).stat().st_nlink for name in (".", "f", "d")] == [5, 2, 2]
    fails(errno.ENOENT, rename, at[1] / "d", at[1] / "none", RENAME_EXCHANGE)


def test_flags_that_do_not_go(at):
    (at[0] / "a").write_text("")
    fails(errno.EINVAL, rename, at[1] / "a", at[1] / "b", RENAME_WHITEOUT)
    fails(errno.EINVAL, rename, at[1] / "a", at[1] / "a", RENAME_NOREPLACE | RENAME_EXCHANGE)


def test_a_listing_does_not_see_a_file_in_both_places(at):
    """The kernel asks once more at the end of a folder, and by then the file may have moved there."""
    (at[0] / "a").touch()
    (at[0] / "m").touch()
    folder = os.open(at[1], os.O_RDONLY | os.O_DIRECTORY)
    assert getdents(folder) == ["a", "m"]
    os.rename(at[0] / "a", at[0] / "z")
    assert getdents(folder) == []
    os.lseek(folder, 0, os.SEEK_SET)
    assert getdents(folder) == ["m", "z"]
    os.close(folder)
