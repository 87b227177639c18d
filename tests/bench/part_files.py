"""Part "files": operations on files at a mount, beside GlusterFS, passthrough_ll and ext4."""

import collections
import contextlib
import json
import pathlib
import subprocess
import time

import machine
from gluster import Gluster
from passthrough import Passthrough
from quorumfs import Quorumfs
from table import OURS, rounds

PROCESSES = (1, 16)
FILES, LISTED = 100, 1000
MOST = {"passthrough_ll": 10000}  # entries of a folder: it holds a descriptor of each file that it knows
FILL_SECONDS = 30

CHANGES = (  # what, the operation of files.c, the ratio to reach
    ("open, write, close of a new file", "create", 5),
    ("unlink", "unlink", None),
    ("overwrite", "overwrite", None),
    ("append", "append", 5),
    ("write a temporary file and rename it", "replace", 5),
    ("mkdir", "mkdir", None),
)
READS = (
    ("open, read, close", "read", 2),
    ("stat", "stat", 2),
    ("pread of a held file", "pread", None),
)

CACHED, UNCACHED = "GlusterFS", "GlusterFS without stale attributes"
MARKED = (CACHED, "GlusterFS + fsync")  # what the ratios to reach are about
SHOW_CLIENT = ("create", "read")

# A folder in a file system, by the name it has in the table. sync: a change is durable only after fsync.
Place = collections.namedtuple("Place", "name folder sync")


def measure(bench):
    with contextlib.ExitStack() as stack:
        ours = stack.enter_context(Quorumfs(bench.work, mount=True))
        follower = ours.nodes[(ours.leader() + 1) % ours.count]
        gluster = stack.enter_context(Gluster(bench.work))
        cached = gluster.mount("mnt", "log-level=ERROR")
        uncached = gluster.mount("mnt_uncached", "attribute-timeout=0,entry-timeout=0,log-level=ERROR")
        passthrough = stack.enter_context(Passthrough(bench.work))
        (bench.work / "ext4").mkdir()
        say_what(bench, passthrough)
        limits = [Place("passthrough_ll", passthrough.mount, True), Place("ext4", bench.work / "ext4", True)]
        changes = [Place(OURS, follower.mount, False), Place(CACHED, cached, False),
                   Place(f"{CACHED} + fsync", cached, True), *synced(limits)]
        reads = [Place(OURS, follower.mount, False), Place(CACHED, cached, True),
                 Place(UNCACHED, uncached, True), *limits]
        for place in (changes[0], changes[1], *limits):
            run(bench, place, "prepare", max(PROCESSES))
        operations(bench, "changes of 128 bytes at a mount", changes, CHANGES)
        shell_loop(bench, changes[:2])
        operations(bench, "reads of 128 bytes at a mount", reads, READS)
        directories(bench, ours, reads)
        large_file(bench, changes)


def synced(places):
    return [place._replace(name=f"{place.name} + fsync") for place in places]


def say_what(bench, passthrough):
    bench.table.note("files: quorumfs at a follower's mount; its changes are durable when they return")
    bench.table.note(f"GlusterFS {Gluster.version()}: replica 3, Debian's defaults; \"without stale attributes\" is a "
                     "mount with attribute-timeout=0,entry-timeout=0")
    bench.table.note(f"passthrough_ll of libfuse {passthrough.version()}: -o {passthrough.options}, on ext4")
    bench.table.note("+ fsync: of each file that is written, and of the folder after rename, mkdir and unlink")


def run(bench, place, operation, processes, seconds=0.0, files=FILES, folder="files"):
    """What files.c says. Without seconds: until the operation has been through all files."""
    where = pathlib.Path(place.folder) / folder
    where.mkdir(exist_ok=True)
    command = [bench.build / "tests/bench/bench_files", operation, where, str(processes), str(seconds), str(files)]
    return json.loads(machine.output(*command, *(["sync"] if place.sync and seconds else [])))


def operations(bench, title, places, which):
    for processes in PROCESSES:
        bench.table.section(f"{title}, {processes} process{'es' * (processes > 1)}")
        for what, operation, mark in which:
            row = bench.table.row(what, "/s", at_least=mark, against=MARKED)
            client = None
            if processes == 1 and operation in SHOW_CLIENT:
                client = bench.table.row(f"{what}: CPU of the client, kernel included", "µs", less_is_better=True)
            for place in rounds(places, bench.rounds):
                seen = run(bench, place, operation, processes, bench.seconds / 4)
                if seen["count"]:  # unlink may find nothing left
                    row.add(place.name, seen["rate"], seen["p50_us"] / 1e6, seen["p99_us"] / 1e6)
                    if client:
                        client.add(place.name, seen["client_cpu_us"])


def shell_loop(bench, places):
    times = 200
    loop = f"i=0; while [ $i -lt {times} ]; do echo x > file; i=$((i + 1)); done"
    row = bench.table.row("echo x > file, in a loop of the shell", "/s")
    for place in rounds(places, bench.rounds):
        row.add(place.name, times / seconds_of(["sh", "-c", loop], place.folder))


def seconds_of(command, folder):
    began = time.monotonic()
    subprocess.run(command, cwd=folder, stdout=subprocess.DEVNULL, check=False)  # grep finds nothing, which is 1
    return time.monotonic() - began


def directories(bench, ours, places):
    """Folders of many entries; GlusterFS's are seen through both its mounts."""
    bench.table.section("folders")
    filled = [place for place in places if place.name != UNCACHED]
    for place in filled:
        run(bench, place, "prepare", 1, files=LISTED, folder="listed")
    list_rows(bench, places, "listed", {place.name: LISTED for place in places}, LISTED, bench.rounds)
    program_rows(bench, places, "listed", LISTED)
    many = 2000 if bench.quick else 100000
    ours.fill(0, many, form="many/p0/f{}")
    entries = {OURS: many}
    for place in filled[1:]:
        wanted = min(many, MOST.get(place.name, many))
        made = run(bench, place, "entries", 1, FILL_SECONDS, wanted, "many")["count"]
        entries[place.name] = made
        if made < many:
            bench.table.note(f"{place.name} made {made:,} of the {many:,} entries, in {FILL_SECONDS} s at most: "
                             "these are listed")
    entries[UNCACHED] = entries[CACHED]
    list_rows(bench, places, "many", entries, many, 1)  # each takes half a minute


def list_rows(bench, places, folder, entries, of, times):
    """entries: how many there are in each place, meant to be `of`."""
    for what, operation, mark in (("ls", "list", None), ("ls -l", "list-long", 2)):
        row = bench.table.row(f"{what} of {of:,} entries, for each 1,000 of them", "ms", less_is_better=True,
                              at_least=mark, against=MARKED)
        for place in rounds(places, times):
            seen = run(bench, place, operation, 1, bench.seconds / 4, entries[place.name], folder)
            row.add(place.name, 1000 / seen["rate"] / (entries[place.name] / 1000))


def program_rows(bench, places, folder, entries):
    for name, command in (("find -size", ("find", ".", "-size", "+1")), ("grep -r", ("grep", "-r", "nothing", "."))):
        row = bench.table.row(f"{name} in {entries:,} files", "ms", less_is_better=True)
        for place in rounds(places, bench.rounds):
            row.add(place.name, seconds_of(command, place.folder / folder / "p0") * 1000)


def large_file(bench, places):
    size = 16 if bench.quick else 256
    bench.table.section(f"a file of {size} MiB, by fio")
    for what, mode, unit in (("written from begin to end, 1 MiB a write", "write", "MiB/s"),
                             ("read from begin to end", "read", "MiB/s"),
                             ("4 KiB written anywhere", "randwrite", "/s")):
        row = bench.table.row(what, unit)
        for place in rounds(places, bench.rounds):
            row.add(place.name, fio(bench, place, mode, size))


def fio(bench, place, mode, size):
    """MiB a second, or operations for random ones."""
    options = [f"--name={mode}", f"--filename={place.folder}/large", f"--rw={mode}", f"--size={size}M",
               "--ioengine=psync", "--output-format=json"]
    options += ["--bs=4k", "--time_based", f"--runtime={bench.seconds}"] if mode == "randwrite" else ["--bs=1M"]
    if place.sync and mode != "read":
        options += ["--fdatasync=1"] if mode == "randwrite" else ["--end_fsync=1"]
    job = json.loads(machine.output("fio", *options))["jobs"][0]
    seen = job["read" if mode == "read" else "write"]
    return seen["iops"] if mode == "randwrite" else seen["bw_bytes"] / 2**20
