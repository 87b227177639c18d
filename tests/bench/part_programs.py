"""Part "programs": how long ordinary programs take at a mount, beside passthrough_ll and ext4."""

import contextlib
import shutil
import subprocess
import time

import machine
from passthrough import Passthrough
from quorumfs import Quorumfs
from table import OURS, attempt

FILES, LISTED, LARGE_MIB = 1000, 10000, 256
QUICK_FILES, QUICK_LISTED, QUICK_LARGE_MIB = 100, 1000, 16

PROGRAMS = (  # what, the command, and how its traces go
    ("git clone of {files} files", "git clone -q {material}/repository clone", "rm -rf clone"),
    ("tar x of {files} files", "tar xf {material}/files.tar", "rm -rf files"),
    ("rm -rf of {files} files", "rm -rf files", None),
    ("ls -l of {listed} entries", "ls -l listed", None),
    ("cp of {large} MiB", "cp {material}/large large", "rm large"),
)
BEFORE = {"rm -rf files": "tar xf {material}/files.tar",
          "ls -l listed": "[ -d listed ] || {{ mkdir listed && cd listed && seq {listed} | xargs -P 16 -n 100 touch; }}"}


def measure(bench):
    numbers = {"files": QUICK_FILES if bench.quick else FILES, "listed": QUICK_LISTED if bench.quick else LISTED,
               "large": QUICK_LARGE_MIB if bench.quick else LARGE_MIB, "material": bench.work / "material"}
    make_material(numbers)
    with contextlib.ExitStack() as stack:
        ours = stack.enter_context(Quorumfs(bench.work / "write", mount=True))
        gathering = stack.enter_context(Quorumfs(bench.work / "close", mount=True, first_port=20050, commit="close"))
        passthrough = stack.enter_context(Passthrough(bench.work))
        (bench.work / "programs").mkdir()
        places = {OURS: ours.follower().mount, "quorumfs, commit=close": gathering.follower().mount,
                  "passthrough_ll": passthrough.mount, "ext4": bench.work / "programs"}
        bench.table.section("ordinary programs, once each, at a follower's mount; passthrough_ll and ext4 sync nothing")
        for what, command, after in PROGRAMS:
            row = bench.table.row(what.format(**numbers), "s", less_is_better=True)
            for place, folder in places.items():
                with attempt(place, row):
                    run(BEFORE.get(command, ":").format(**numbers), folder)
                    row.add(place, run(command.format(**numbers), folder))
                    run(after or ":", folder)
    shutil.rmtree(numbers["material"])


def run(line, folder):
    """Seconds."""
    began = time.monotonic()
    subprocess.run(["sh", "-ec", line], cwd=folder, check=True, stdout=subprocess.DEVNULL, timeout=machine.PATIENCE)
    return time.monotonic() - began


def make_material(numbers):
    """A repository, an archive, and a large file; the small files have 100 bytes to 20 KiB."""
    material = numbers["material"]
    material.mkdir()
    run(f"""mkdir files; for d in $(seq 0 9); do mkdir files/$d; for f in $(seq {numbers['files'] // 10}); do
              head -c $(((f * 997 + d * 7919) % 20000 + 100)) /dev/urandom > files/$d/$f; done; done
            tar cf files.tar files; head -c {numbers['large']}M /dev/urandom > large
            git init -q repository; cp -r files repository; cd repository; git add .
            git -c user.name=bench -c user.email=bench@localhost commit -qm files""", material)
