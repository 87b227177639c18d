"""The parts of the measurement, in order, and their output. Started by tests/bench/run, in namespaces of its own."""

import argparse
import importlib
import pathlib
import subprocess
import sys
import time
import traceback

import machine
from etcd import Etcd
from plots import Plots
from quorumfs import Quorumfs
from table import Table

PARTS = ("http", "failover", "files", "programs", "locks", "watches", "keys", "nodes", "wan")  # each a module, part_http and so on


class Bench:
    """The surroundings of a part: its folder, its duration, and the table of its results."""

    def __init__(self, options):
        self.work = options.work
        self.build = options.build
        self.quick = options.quick
        self.seconds = options.seconds or (1 if options.quick else 2)  # of a load of puts at the leader
        self.rounds = options.rounds or (1 if options.quick else 3)
        self.table = Table()
        self.plots = Plots(options.plots)

    def load_seconds(self, operation, place="leader"):
        """Puts at the leader vary most, as their rate is that of the disks; the others take half as long."""
        return self.seconds if operation == "put" and place == "leader" else self.seconds / 2


def options_of(arguments):
    parser = argparse.ArgumentParser(prog="tests/bench/run")
    parser.add_argument("--work", type=pathlib.Path, required=True, help=argparse.SUPPRESS)
    parser.add_argument("--build", type=pathlib.Path, required=True, help=argparse.SUPPRESS)
    parser.add_argument("--load", required=True, help=argparse.SUPPRESS)
    parser.add_argument("--quick", action="store_true", help="for figures that mean little")
    parser.add_argument("--plots", metavar="FOLDER", help="draw SVG files into it")
    parser.add_argument("--seconds", type=float, help="of a load of puts at the leader")
    parser.add_argument("--rounds", type=int, help="how often each load is repeated")
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"some of: {' '.join(PARTS)}")
    options = parser.parse_args(arguments)
    if unknown := set(options.parts) - set(PARTS):
        parser.error(f"no such part: {' '.join(sorted(unknown))}")
    return options


def say_what(bench, load):
    """The head of the table."""
    bench.table.note(f"machine: {machine.description()}; load average at the begin: {load}")
    bench.table.note(f"quorumfs: {Quorumfs.version()}, as it comes")
    bench.table.note(f"etcd: {Etcd.version()}, {' '.join(Etcd.flags)}")
    bench.table.note(f"load: wrk {machine.version_of('wrk')}, {bench.seconds:g} s for puts at the leader, half of it for "
                     f"gets and at a follower; {bench.rounds} rounds unless the title says otherwise, the order of the "
                     "systems swapped each time; median ± half the range; ratios round by round")


def main():
    options = options_of(sys.argv[1:])
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    bench = Bench(options)
    say_what(bench, options.load)
    failed, taken = False, {}
    for part in options.parts or PARTS:
        began = time.monotonic()
        print(f"== {part}", file=sys.stderr, flush=True)
        try:
            importlib.import_module(f"part_{part}").measure(bench)
        except Exception as error:  # the results of the other parts are not lost
            traceback.print_exc()
            bench.table.note(f"part {part} ended early: {error}")
            failed = True
        taken[part] = time.monotonic() - began
        print(f"   {taken[part]:.0f} s", file=sys.stderr, flush=True)
    print("\n".join(bench.table.lines()))
    print(f"\nseconds: {', '.join(f'{part} {seconds:.0f}' for part, seconds in taken.items())}; "
          f"together {sum(taken.values()):.0f}")
    return 1 if failed or bench.table.failed() else 0


if __name__ == "__main__":
    sys.exit(main())
