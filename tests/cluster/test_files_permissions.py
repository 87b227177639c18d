"""Several users on one mount: the kernel checks, with what the cluster knows."""

import os
import stat

from files import User, needs_root, sh

CONFIG = {"allow_other": True}

pytestmark = needs_root

anna = User(2001, groups=[3000])
bert = User(2002, groups=[3000])
carl = User(2003)


def mode(path):
    return stat.S_IMODE(path.lstat().st_mode)


def test_owner_group_and_others(at):
    os.chmod(at[0], 0o777)
    anna.does("os.close(os.open('f', os.O_CREAT | os.O_WRONLY, 0o640))", at[0])
    assert anna.does("os.stat('f').st_uid", at[1]) == 2001
    assert bert.tries("open('f')", at[1]) == "EACCES"
    os.chown(at[2] / "f", 2001, 3000)
    assert bert.tries("open('f')", at[1]) is None  # by a supplementary group
    assert bert.tries("open('f', 'w')", at[1]) == "EACCES"
    assert carl.tries("open('f')", at[2]) == "EACCES"
    assert carl.tries("os.chmod('f', 0o777)", at[2]) == "EPERM"
    assert carl.tries("os.utime('f')", at[2]) == "EACCES"
    assert carl.tries("os.utime('f', (1, 1))", at[2]) == "EPERM"
    assert carl.tries("os.truncate('f', 0)", at[2]) == "EACCES"
    assert carl.tries("os.setxattr('f', 'user.a', b'x')", at[2]) == "EACCES"
    assert anna.tries("os.chmod('f', 0o666)", at[2]) is None
    assert carl.tries("open('f', 'w')", at[0]) is None
    assert anna.tries("os.chown('f', 2002, -1)", at[0]) == "EPERM"
    assert anna.tries("os.chown('f', -1, 4000)", at[0]) == "EPERM"
    assert anna.tries("os.chown('f', -1, 2001)", at[0]) is None
    assert (at[1] / "f").stat().st_gid == 2001


def test_a_change_of_mode_holds_at_once_everywhere(at):
    os.chmod(at[0], 0o777)
    (at[0] / "f").write_text("x")
    for number in range(5):
        os.chmod(at[number % 3] / "f", 0o600)
        assert carl.tries("open('f')", at[(number + 1) % 3]) == "EACCES"
        os.chmod(at[number % 3] / "f", 0o604)
        assert carl.tries("open('f')", at[(number + 2) % 3]) is None


def test_searching_and_listing_a_folder(at):
    (at[0] / "d").mkdir()
    (at[0] / "d" / "f").write_text("x")
    os.chmod(at[1] / "d", 0o711)
    assert carl.tries("os.listdir('d')", at[0]) == "EACCES"
    assert carl.tries("open('d/f')", at[0]) is None
    os.chmod(at[1] / "d", 0o744)
    assert carl.does("os.listdir('d')", at[2]) == ["f"]
    assert carl.tries("open('d/f')", at[2]) == "EACCES"
    assert carl.tries("os.unlink('d/f')", at[2]) == "EACCES"


def test_sticky(at):
    """As in /tmp: one's own can go, others' not."""
    os.chmod(at[0], 0o1777)
    anna.does("os.close(os.open('hers', os.O_CREAT, 0o666))", at[0])
    assert mode(at[1]) == 0o1777
    assert bert.tries("os.unlink('hers')", at[1]) == "EPERM"
    assert bert.tries("os.rename('hers', 'his')", at[1]) == "EPERM"
    bert.does("os.close(os.open('his', os.O_CREAT, 0o666))", at[1])
    assert bert.tries("os.rename('his', 'hers')", at[2]) == "EPERM"
    assert anna.tries("os.unlink('hers')", at[2]) is None


def test_setgid_folders_give_their_group(at):
    (at[0] / "d").mkdir()
    os.chown(at[0] / "d", 0, 3000)
    os.chmod(at[0] / "d", 0o2777)
    anna.does("[os.close(os.open('d/f', os.O_CREAT, 0o644)), os.mkdir('d/sub')]", at[1])
    os.mkdir(at[2] / "d" / "sub" / "below")
    assert (at[2] / "d" / "f").stat().st_gid == 3000
    for sub in ("sub", "sub/below"):
        assert (at[0] / "d" / sub).stat().st_gid == 3000 and mode(at[0] / "d" / sub) & stat.S_ISGID


def test_setuid_bits_do_not_survive_a_change(at):
    os.chmod(at[0], 0o777)

    def marked():
        (at[0] / "f").write_bytes(b"x" * 10000)
        os.chown(at[0] / "f", 2001, 2001)
        os.chmod(at[0] / "f", 0o6777)
        assert mode(at[1] / "f") == 0o6777

    marked()
    assert carl.tries("os.pwrite(os.open('f', os.O_WRONLY), b'y', 5000)", at[1]) is None
    assert mode(at[2] / "f") == 0o777
    marked()
    assert carl.tries("os.truncate('f', 10)", at[1]) is None
    assert mode(at[2] / "f") == 0o777
    marked()
    assert carl.tries("open('f', 'w')", at[1]) is None
    assert mode(at[2] / "f") == 0o777
    marked()
    assert anna.tries("os.chown('f', 2001, 3000)", at[1]) is None
    assert mode(at[2] / "f") == 0o777
    marked()
    os.chown(at[1] / "f", 2002, 2002)
    assert mode(at[2] / "f") == 0o777


def test_setgid_is_for_members(at):
    os.chmod(at[0], 0o777)
    anna.does("os.close(os.open('f', os.O_CREAT, 0o644))", at[0])
    os.chown(at[0] / "f", 2001, 4000)
    assert anna.tries("os.chmod('f', 0o2755)", at[1]) is None
    assert mode(at[2] / "f") == 0o755


def test_umask(at):
    sh("umask 077; echo > f; mkdir d; mkfifo p; umask 002; echo > g", at[0])
    assert [oct(mode(at[1] / name)) for name in "fdpg"] == ["0o600", "0o700", "0o600", "0o664"]


def test_a_file_that_is_made_unwritable_can_be_written_by_its_maker(at):
    """git does so with its objects."""
    os.chmod(at[0], 0o777)
    lines = "os.write(os.open('f', os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o444), b'object')"
    assert anna.does(lines, at[0]) == 6
    assert (at[1] / "f").read_text() == "object"
    assert anna.tries("open('f', 'w')", at[1]) == "EACCES"


def test_acl_probes_are_answered(at):
    (at[0] / "f").write_text("")
    for probe in ("os.getxattr('f', 'system.posix_acl_access')",
                  "os.getxattr('.', 'system.posix_acl_default')",
                  "os.setxattr('f', 'system.posix_acl_access', b'x' * 28)"):
        assert User(0).tries(probe, at[1]) == "ENOTSUP"
    assert "+" not in sh("ls -ld f .", at[1])
