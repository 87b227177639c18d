"""A cluster, clients at every node, one fault after another from a seed, and the judges behind them."""

import collections
import contextlib
import hashlib
import json
import random
import threading
import time

from arena import KEPT, FREE, LINES, ONCE, OVER, PAIRS, Arena
from clients import HttpClient, MountClient, WebSocketClient
from coordination import Coordination
from faults import FAULTS
from history import Refused, Unknown, now
from hosts import tree_of, wait_for
from lateness import Lateness

ARENA_SECONDS = 10
END_SECONDS = 60  # for clients to come home once all is mended
DATE_SECONDS = 30  # that files may be dated too early or too late: less than most wrong clocks are off
REQUEST_TIMEOUT = 5


def lease_time(seed):
    """Every other seed has read leases."""
    return random.Random(f"{seed}/lease").choice(("0s", "200ms"))


class Lab:
    def __init__(self, hosts, seed, rate=15, tell=print):
        """Each client does about `rate` operations a second. `tell` is given what happens, line by line."""
        self.hosts = hosts
        self.seed = seed
        self.dice = random.Random(f"{seed}/faults")
        self.tell = tell
        self.timeout = REQUEST_TIMEOUT
        self.over = threading.Event()
        self.lateness = Lateness()
        self.lateness.start()
        self.begin = now()
        self.begin_ns = time.time_ns()
        self.arena = None
        self.arenas = 0
        self.unjudged = []  # arenas that are no longer worked on, or hardly
        self.clients = [kind(host, self, rate) for host in hosts.nodes
                        for kind in (HttpClient, WebSocketClient, MountClient)]
        self.auditors = [HttpClient(host, self, rate) for host in hosts.nodes]
        self.coordination = hosts.coordination = Coordination(self, hosts)
        self.counts = collections.Counter()
        self.faults = collections.Counter()
        self.complaints = []
        self.slowest_recovery = 0.0

    def complain(self, text):
        self.complaints.append(text)
        self.say(f"VIOLATION: {text}")

    def say(self, text):
        self.tell(f"{now() - self.begin:7.1f} s  {text}")

    def run(self, seconds):
        """Returns when everything is mended, judged and equal."""
        self.open_arena()
        self.coordination.start()
        for client in self.clients:
            client.start()
        try:
            deadline = now() + seconds
            while now() < deadline and not self.complaints:
                self.befall()
                if now() - self.arena_begin > ARENA_SECONDS:
                    self.open_arena()
                self.judge()
        finally:
            self.end()
        self.judge(final=True)
        if not self.complaints:
            self.coordination.end()
        self.compare_trees()

    def end(self):
        self.hosts.network.heal()
        self.over.set()
        self.unjudged.append(self.arena)
        self.recover()
        for client in self.clients:
            client.join(END_SECONDS)
            if client.is_alive():
                self.complain(f"{client.name} never came back")

    # Arenas.

    def open_arena(self):
        """A name whose making is unknown is never used, as it may be made yet."""
        if self.arena:
            self.unjudged.append(self.arena)
        auditor = self.dice.choice(self.auditors)

        def opened():
            self.arenas += 1
            arena = Arena(f"a{self.arenas}")
            with contextlib.suppress(Refused, Unknown):
                auditor.ask("POST", "/keys", arena.first_contents())
                return arena
        self.arena = wait_for(opened, "an arena is opened", END_SECONDS)
        self.arena_begin = now()

    def judge(self, final=False):
        """The arenas that no client works in any more."""
        at_work = [client.arena for client in self.clients]
        for arena in self.unjudged[:]:
            if arena in at_work or not any([self.audit(auditor, arena) for auditor in self.auditors]):
                if final:
                    self.complain(f"{arena.name} could not be read at the end")
                continue
            self.unjudged.remove(arena)
            self.counts.update(arena.count())
            self.counts["histories"] += len(arena.registers) + len(arena.appends)
            try:
                arena.check()
            except AssertionError as error:
                self.complain(str(error))

    def audit(self, auditor, arena):
        """Reads everything once more. False: it could not, at this node."""
        auditor.arena = arena
        try:
            for kind, count in (("kept", KEPT), ("over", OVER), ("free", FREE), ("once", ONCE)):
                for number in range(count):
                    auditor.get(f"{kind}/{number}")
            for number in range(PAIRS):
                auditor.get_pair(f"pair/{number}")
            for number in range(LINES):
                auditor.read_lines(f"lines/{number}")
            auditor.look()
        except (Refused, Unknown):
            return False
        return True

    # Faults.

    def befall(self):
        """One or two faults for some seconds, then nothing for a while, or not."""
        victims = self.dice.sample(self.hosts.nodes, len(self.hosts.nodes))
        if self.dice.random() < 0.5:
            self.leader_first(victims)
        with contextlib.ExitStack() as stack:
            for fault in self.dice.sample(FAULTS, self.dice.choice([1, 1, 2])):
                if victims:
                    self.say(stack.enter_context(fault(self.hosts, self.dice, victims)))
                    self.faults[fault.__name__] += 1
            self.over.wait(self.dice.uniform(0.5, 6))
        if self.dice.random() < 0.7:
            self.recover()
            self.over.wait(self.dice.uniform(0, 2))

    def leader_first(self, victims):
        with contextlib.suppress(OSError):
            leader = self.hosts.nodes[victims[-1].status(timeout=1)["leader"] - 1]
            victims.remove(leader)
            victims.insert(0, leader)

    def recover(self):
        """Finds nodes that have ended by themselves, and nodes that do not come back."""
        mended = now()
        try:
            for node in self.hosts.nodes:
                node.wait_ready()
        except AssertionError as error:
            self.complain("\n".join([str(error), *map(status_line, self.hosts.nodes)]))
        self.slowest_recovery = max(self.slowest_recovery, now() - mended)

    # The end.

    def compare_trees(self):
        self.hosts.wait_equal()
        trees = [tree_of(node.local()) for node in self.hosts.nodes]
        self.check_dates(trees[0])
        files = [digest(tree) for tree in trees]
        keys = [digest(node.contents()) for node in self.hosts.nodes]
        if len(set(files)) > 1 or len(set(keys)) > 1:
            self.complain(f"the trees differ: {files}, {keys}")

    def check_dates(self, tree):
        """No wrong clock has dated anything."""
        slack = DATE_SECONDS * 10**9
        dates = {path: about[-2] for path, about in tree.items()}
        wrong = {path: date for path, date in dates.items()
                 if not self.begin_ns - slack < date < time.time_ns() + slack}
        if wrong:
            self.complain(f"{len(wrong)} of {len(dates)} files are dated wrongly: {list(wrong.items())[:3]}")

    def summary(self):
        longest = max(client.longest for client in self.clients)
        return "\n".join([
            f"seed {self.seed}: {len(self.hosts.nodes)} nodes, {(now() - self.begin) / 60:.1f} minutes, "
            f"{self.counts['histories']} histories, {sum(self.faults.values())} faults",
            f"operations: {self.counts['done']} done, {self.counts['refused']} refused, "
            f"{self.counts['unknown']} unknown",
            "faults: " + ", ".join(f"{count} {name}" for name, count in sorted(self.faults.items())),
            self.coordination.summary(),
            f"the longest call took {longest:.2f} s; all were ready again at most "
            f"{self.slowest_recovery:.2f} s after the faults",
            f"{len(self.complaints)} violations"])


def status_line(node):
    try:
        return json.dumps(node.status(timeout=5))
    except OSError as error:
        return f"{node}: {error!r}"


def digest(contents):
    """Of what tree_of and contents() give."""
    return hashlib.sha256(repr(sorted(contents.items())).encode()).hexdigest()
