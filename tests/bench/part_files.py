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
from table import OURS, attempt, rounds

PROCESSES = (1, 16)
FILES, LISTED = 100, 1000

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

LEASED, LEASE = "quorumfs with leases", "200ms"
CACHED, UNCACHED = "GlusterFS", "GlusterFS without stale attributes"
MARKED = (CACHED, "GlusterFS + fsync")  # what the ratios to reach are about
SHOW_CLIENT = ("create", "read")

MANY = 100000
FEWER = {  # peers that would take minutes to make or to list as many
    "passthrough_ll": 5000,  # it holds a descriptor of each file that it knows, and looks for it in one list
    CACHED: 5000,
    UNCACHED: 5000,
}
LARGE = (  # what, fio's name for it, unit
    ("written from begin to end, 1 MiB a write", "write", "MiB/s"),
    ("read from begin to end", "read", "MiB/s"),
    ("4 KiB written anywhere", "randwrite", "/s"),
)

# A folder in a file system, by the name it has in the table. sync: a change is durable only after fsync.
Place = collections.namedtuple("Place", "name folder sync")


def measure(bench):
    with contextlib.ExitStack() as stack:
        ours = stack.enter_context(Quorumfs(bench.work, mount=True))
        leased = stack.enter_context(Quorumfs(bench.work / "leases", mount=True, first_port=20050, lease_time=LEASE))
        gluster = stack.enter_context(Gluster(bench.work))
        cached = gluster.mount("mnt", "log-level=ERROR")
        uncached = gluster.mount("mnt_uncached", "attribute-timeout=0,entry-timeout=0,log-level=ERROR")
        passthrough = stack.enter_context(Passthrough(bench.work))
        (bench.work / "ext4").mkdir()
        say_what(bench, passthrough)
        limits = [Place("passthrough_ll", passthrough.mount, True), Place("ext4", bench.work / "ext4", True)]
        own = [Place(OURS, ours.follower().mount, False), Place(LEASED, leased.follower().mount, False)]
        changes = [own[0], Place(CACHED, cached, False), Place(f"{CACHED} + fsync", cached, True), *synced(limits)]
        reads = [*own, Place(CACHED, cached, True), Place(UNCACHED, uncached, True), *limits]
        prepare(bench, (*own, changes[1], *limits), "prepare", max(PROCESSES))
        operations(bench, "changes of 128 bytes at a mount", changes, CHANGES, bench.seconds / 4)
        shell_loop(bench, changes[:2])
        operations(bench, "reads of 128 bytes at a mount", reads, READS, bench.seconds / 8)
        directories(bench, (ours, leased), passthrough, reads)
        large_file(bench, changes, [place for place in reads if place.name != LEASED])


def synced(places):
    return [place._replace(name=f"{place.name} + fsync") for place in places]


def say_what(bench, passthrough):
    bench.table.note("files: quorumfs at a follower's mount; its changes are durable when they return; \"with leases\": "
                     f"with lease_time {LEASE}")
    bench.table.note(f"GlusterFS {Gluster.version()}: replica 3, Debian's defaults; \"without stale attributes\" is a "
                     "mount with attribute-timeout=0,entry-timeout=0")
    bench.table.note(f"passthrough_ll of libfuse {passthrough.version()}: -o {passthrough.options}, on ext4")
    bench.table.note("+ fsync: of each file that is written, and of the folder after rename, mkdir and unlink")


def run(bench, place, operation, processes, seconds=0.0, files=FILES, folder="files"):
    """The output of files.c. Without seconds: until the operation has been through all files."""
    where = pathlib.Path(place.folder) / folder
    where.mkdir(exist_ok=True)
    command = [bench.build / "tests/bench/bench_files", operation, where, str(processes), str(seconds), str(files)]
    return json.loads(machine.output(*command, *(["sync"] if place.sync and seconds else [])))


def prepare(bench, places, operation, processes, files=FILES, folder="files"):
    """A folder that fails here is missing below, and fails there."""
    for place in places:
        with attempt(place.name):
            run(bench, place, operation, processes, files=most(place, files), folder=folder)


def most(place, entries):
    return min(entries, FEWER.get(place.name, entries))


def operations(bench, title, places, which, seconds):
    """All of them in each round, one after the other: "unlink" removes what "create" has just made."""
    for processes in PROCESSES:
        bench.table.section(f"{title}, {processes} process{'es' * (processes > 1)}")
        rows, clients = {}, {}
        for what, operation, mark in which:
            rows[operation] = bench.table.row(what, "/s", at_least=mark, against=MARKED)
            if processes == 1 and operation in SHOW_CLIENT:
                clients[operation] = bench.table.row(f"{what}: CPU of the client, kernel included", "µs",
                                                     less_is_better=True)
        for place in rounds(places, bench.rounds):
            for operation, row in rows.items():
                with attempt(place.name, row):
                    seen = run(bench, place, operation, processes, seconds)
                    row.add(place.name, seen["rate"], seen["p50_us"] / 1e6, seen["p99_us"] / 1e6)
                    if operation in clients:
                        clients[operation].add(place.name, seen["client_cpu_us"])


def shell_loop(bench, places):
    times = 200
    loop = f"i=0; while [ $i -lt {times} ]; do echo x > file; i=$((i + 1)); done"
    row = bench.table.row("echo x > file, in a loop of the shell", "/s")
    for place in rounds(places, bench.rounds):
        with attempt(place.name, row):
            row.add(place.name, times / seconds_of(["sh", "-c", loop], place.folder))


def seconds_of(command, folder, status=0):
    """Until it has ended with this status."""
    began = time.monotonic()
    done = subprocess.run(command, cwd=folder, stdout=subprocess.DEVNULL, check=False, timeout=machine.PATIENCE)
    if done.returncode != status:
        raise OSError(f"{' '.join(command)}: exit status {done.returncode}")
    return time.monotonic() - began


def directories(bench, clusters, passthrough, places):
    """Folders of many entries; GlusterFS's are seen through both its mounts, those of our clusters made by HTTP."""
    bench.table.section(f"a folder of {LISTED:,} entries")
    filled = [place for place in places if place.name != UNCACHED]
    prepare(bench, filled, "prepare", 1, LISTED, "listed")
    list_rows(bench, places, "listed", LISTED, bench.rounds)
    program_rows(bench, places, "listed", LISTED)
    many = MANY // 10 if bench.quick else MANY
    bench.table.section(f"a folder of {many:,} entries, once each")
    for cluster in clusters:
        cluster.fill(0, many, form="many/p0/f{}")
    passthrough.begin_again()
    prepare(bench, filled[len(clusters):], "entries", 1, many, "many")
    list_rows(bench, places, "many", many, 1)


def list_rows(bench, places, folder, entries, times):
    names = {place: place.name if most(place, entries) == entries else f"{place.name}, {most(place, entries):,} of them"
             for place in places}
    marked = [name for place, name in names.items() if place.name in MARKED]
    for what, operation, mark in (("ls", "list", None), ("ls -l", "list-long", 2)):
        row = bench.table.row(f"{what} of {entries:,} entries, for each 1,000 of them", "ms", less_is_better=True,
                              at_least=mark, against=marked)
        for place in rounds(places, times):
            with attempt(names[place], row):
                seen = run(bench, place, operation, 1, bench.seconds / 4, most(place, entries), folder)
                row.add(names[place], 1000 / seen["rate"] / (most(place, entries) / 1000))


def program_rows(bench, places, folder, entries):
    for name, command, status in (("find -size", ("find", ".", "-size", "+1"), 0),
                                  ("grep -r", ("grep", "-r", "nothing", "."), 1)):  # it finds nothing
        row = bench.table.row(f"{name} in {entries:,} files", "ms", less_is_better=True)
        for place in rounds(places, bench.rounds):
            with attempt(place.name, row):
                row.add(place.name, seconds_of(command, place.folder / folder / "p0", status) * 1000)


def large_file(bench, changes, reads):
    size = 16 if bench.quick else 256
    bench.table.section(f"a file of {size} MiB, by fio")
    for what, mode, unit in LARGE:
        row = bench.table.row(what, unit)
        for place in rounds(reads if mode == "read" else changes, bench.rounds):
            with attempt(place.name, row):
                row.add(place.name, fio(bench, place, mode, size))


def fio(bench, place, mode, size):
    """MiB a second, or operations for random ones."""
    options = [f"--name={mode}", f"--filename={place.folder}/large", f"--rw={mode}", f"--size={size}M",
               "--ioengine=psync", "--output-format=json"]
    anywhere = ["--bs=4k", "--time_based", f"--runtime={bench.seconds * 500:.0f}ms"]
    options += anywhere if mode == "randwrite" else ["--bs=1M"]
    if place.sync and mode != "read":
        options += ["--fdatasync=1"] if mode == "randwrite" else ["--end_fsync=1"]
    job = json.loads(machine.output("fio", *options))["jobs"][0]
    seen = job["read" if mode == "read" else "write"]
    return seen["iops"] if mode == "randwrite" else seen["bw_bytes"] / 2**20
