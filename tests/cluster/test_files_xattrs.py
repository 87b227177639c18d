"""Extended attributes: namespaces, flags and limits."""

import errno
import os

from files import User, fails, needs_root

CONFIG = {"allow_other": True}


def test_values_of_all_sizes(at):
    (at[0] / "f").write_text("")
    for size in (0, 1, 255, 4096, 65536):
        os.setxattr(at[0] / "f", "user.a", b"\0" * size)
        assert os.getxattr(at[1] / "f", "user.a") == b"\0" * size
    fails(errno.E2BIG, os.setxattr, at[0] / "f", "user.b", b"x" * 65537)
    assert os.listxattr(at[2] / "f") == ["user.a"]


def test_create_and_replace(at):
    (at[0] / "f").write_text("")
    fails(errno.ENODATA, os.setxattr, at[0] / "f", "user.a", b"1", os.XATTR_REPLACE)
    os.setxattr(at[0] / "f", "user.a", b"1", os.XATTR_CREATE)
    fails(errno.EEXIST, os.setxattr, at[1] / "f", "user.a", b"2", os.XATTR_CREATE)
    os.setxattr(at[1] / "f", "user.a", b"3", os.XATTR_REPLACE)
    assert os.getxattr(at[2] / "f", "user.a") == b"3"
    os.removexattr(at[2] / "f", "user.a")
    fails(errno.ENODATA, os.getxattr, at[0] / "f", "user.a")
    fails(errno.ENODATA, os.removexattr, at[0] / "f", "user.a")


def test_names(at):
    (at[0] / "f").write_text("")
    os.setxattr(at[0] / "f", "user." + "n" * 250, b"longest")
    assert os.getxattr(at[1] / "f", "user." + "n" * 250) == b"longest"
    fails(errno.ERANGE, os.setxattr, at[0] / "f", "user." + "n" * 251, b"")
    fails(errno.EOPNOTSUPP, os.setxattr, at[0] / "f", "nonsense.a", b"")
    many = [f"user.{number}" for number in range(200)]
    for name in many:
        os.setxattr(at[0] / "f", name, name.encode())
    assert sorted(os.listxattr(at[2] / "f")) == sorted(many + ["user." + "n" * 250])


def test_changes_are_seen_at_once(at):
    (at[0] / "f").write_text("")
    for number in range(50):
        os.setxattr(at[number % 3] / "f", "user.n", str(number).encode())
        assert os.getxattr(at[(number + 1) % 3] / "f", "user.n") == str(number).encode()
    before = (at[0] / "f").stat()
    os.setxattr(at[0] / "f", "user.n", b"once more")
    after = (at[1] / "f").stat()
    assert after.st_ctime_ns > before.st_ctime_ns and after.st_mtime_ns == before.st_mtime_ns


def test_on_folders_and_links(at):
    (at[0] / "d").mkdir()
    os.symlink("d", at[0] / "s")
    os.setxattr(at[0] / "d", "user.a", b"of the folder")
    assert os.getxattr(at[1] / "s", "user.a") == b"of the folder"
    fails(errno.EPERM, os.setxattr, at[0] / "s", "user.a", b"x", follow_symlinks=False)
    os.rename(at[0] / "d", at[0] / "e")
    assert os.getxattr(at[2] / "e", "user.a") == b"of the folder"


@needs_root
def test_trusted_and_security(at):
    (at[0] / "f").write_text("")
    os.chmod(at[0] / "f", 0o666)
    os.setxattr(at[0] / "f", "trusted.a", b"for root")
    os.setxattr(at[0] / "f", "security.label", b"for modules")
    assert os.getxattr(at[1] / "f", "trusted.a") == b"for root"
    somebody = User(2001)
    assert somebody.tries("os.getxattr('f', 'trusted.a')", at[1]) == "ENODATA"
    assert somebody.tries("os.setxattr('f', 'trusted.b', b'')", at[1]) == "EPERM"
    assert somebody.tries("os.setxattr('f', 'security.b', b'')", at[1]) == "EPERM"
    assert somebody.does("os.listxattr('f')", at[1]) == ["security.label"]
