"""Memory mappings: shared ones write back, private ones do not."""

import mmap
import os
import subprocess
import sys

from files import python


def test_shared(at):
    (at[0] / "f").write_bytes(b"a" * 20000)
    python("import mmap\n"
           "f = open('f', 'r+b'); m = mmap.mmap(f.fileno(), 0)\n"
           "assert m[19999:] == b'a'; m[5000:5004] = b'bbbb'; m.flush()", at[0])
    assert (at[1] / "f").read_bytes() == b"a" * 5000 + b"bbbb" + b"a" * 14996
    python("import mmap\n"
           "f = open('f', 'r+b'); m = mmap.mmap(f.fileno(), 0); m[0] = 67", at[2])  # the end writes back
    assert (at[0] / "f").read_bytes()[:2] == b"Ca"


def test_private(at):
    (at[0] / "f").write_bytes(b"a" * 8192)
    python("import mmap\n"
           "f = open('f', 'rb'); m = mmap.mmap(f.fileno(), 0, mmap.MAP_PRIVATE)\n"
           "m[0:4] = b'mine'; assert m[:6] == b'mineaa'", at[1])
    assert (at[1] / "f").read_bytes() == (at[2] / "f").read_bytes() == b"a" * 8192


def test_a_mapping_made_after_a_change_shows_it(at):
    (at[0] / "f").write_bytes(b"0" * 4096)
    for number in range(50):
        (at[number % 3] / "f").write_bytes(str(number % 10).encode() * 4096)
        with open(at[(number + 1) % 3] / "f", "rb") as file, \
                mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
            assert mapped[:] == str(number % 10).encode() * 4096


def test_two_programs_of_one_node_share_memory(at):
    (at[0] / "f").write_bytes(b"\0" * 4096)
    lines = ("import mmap, time\nf = open('f', 'r+b'); m = mmap.mmap(f.fileno(), 0)\n"
             "while m[0] == 0: time.sleep(0.001)\nm[1] = m[0] + 1")
    with open(at[0] / "f", "r+b") as file, mmap.mmap(file.fileno(), 0) as mapped:
        other = subprocess.Popen([sys.executable, "-c", lines], cwd=at[0])
        mapped[0] = 7
        assert other.wait(20) == 0 and mapped[1] == 8
        mapped.flush()
    assert (at[1] / "f").read_bytes()[:2] == b"\x07\x08"


def test_a_program_runs_from_the_mount(at):
    python("import shutil; shutil.copy('/bin/true', 'program')", at[0])
    assert subprocess.run([at[1] / "program"], check=False).returncode == 0
    os.chmod(at[2] / "program", 0o644)
    assert not os.access(at[1] / "program", os.X_OK)


def test_writing_beside_a_mapping(at):
    """write(2) and a mapping of the same file, at one node."""
    (at[0] / "f").write_bytes(b"a" * 8192)
    with open(at[0] / "f", "r+b", buffering=0) as file, mmap.mmap(file.fileno(), 0) as mapped:
        mapped[0:2] = b"mm"
        mapped.flush()
        os.pwrite(file.fileno(), b"ww", 4096)
        assert mapped[4096:4098] == b"ww"
        assert os.pread(file.fileno(), 3, 0) == b"mma"
    assert (at[1] / "f").read_bytes() == b"mm" + b"a" * 4094 + b"ww" + b"a" * 4094
