"""CPU time and memory of processes, bytes on the wire, and a description of this machine."""

import contextlib
import os
import pathlib
import platform
import subprocess

TICK = os.sysconf("SC_CLK_TCK")
PATIENCE = 180  # seconds: a command that takes longer has failed, and must not hold up the rest


def output(*command):
    done = subprocess.run(command, check=False, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          timeout=PATIENCE)
    if done.returncode != 0:
        raise OSError(f"{' '.join(map(str, command))}: {done.stdout.strip()}")
    return done.stdout


def pids_with(text):
    """The processes that have the text in their command line."""
    found = []
    for process in pathlib.Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if text.encode() in (process / "cmdline").read_bytes() and int(process.name) != os.getpid():
                found.append(int(process.name))
    return found


def cpu_seconds(pids):
    """User and system time, of all threads."""
    ticks = 0
    for pid in pids:
        fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / TICK


def disk_bytes(pids):
    """The bytes that the processes have caused to be written to the disk."""
    total = 0
    for pid in pids:
        lines = pathlib.Path(f"/proc/{pid}/io").read_text().splitlines()
        total += int(dict(line.split(": ") for line in lines)["write_bytes"])
    return total


def resident_mib(pid):
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise ValueError(f"{pid} has no VmRSS")


def folder_mib(folder):
    """The space that the files of a folder occupy; files that vanish meanwhile do not count."""
    total = 0
    for file in pathlib.Path(folder).rglob("*"):
        with contextlib.suppress(FileNotFoundError):
            if file.is_file() and not file.is_symlink():
                total += file.stat().st_blocks * 512
    return total / 2**20


class Wire:
    """Counts the bytes that go from and to some TCP ports of this machine, headers included."""

    def __init__(self, name, ports):
        self.name = name
        some = ", ".join(map(str, ports))
        rules = f"""
            table inet {name} {{
                counter sent {{ }}
                chain out {{
                    type filter hook output priority 0
                    tcp dport {{ {some} }} counter name sent
                    tcp sport {{ {some} }} counter name sent
                }}
            }}"""
        subprocess.run(["nft", "-f", "-"], input=rules, text=True, check=True)

    def bytes(self):
        words = output("nft", "list", "counter", "inet", self.name, "sent").split()
        return int(words[words.index("bytes", words.index("packets")) + 1])


def description():
    """The machine, for the head of the table."""
    memory = int(pathlib.Path("/proc/meminfo").read_text().split()[1]) / 2**20
    return f"{os.cpu_count()} cores, {memory:.0f} GiB, Linux {platform.release()}, data on {disk_of('/var/tmp')}"


def disk_of(folder):
    return output("findmnt", "-n", "-o", "FSTYPE,SOURCE", "-T", folder).strip()


def version_of(package):
    return output("dpkg-query", "-W", "-f", "${Version}", package)
