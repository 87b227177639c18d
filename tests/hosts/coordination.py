"""Clients that coordinate beside those of the arenas: a set that is changed under a lock, leases, and watches that go on
at another node. Each finds out by itself what is wrong.
"""

import json
import pathlib
import random
import signal
import tempfile
import threading
import time

from doors import HttpDoor
from history import Refused, Unknown, now
from hosts import path_of, wait_for

from set_under_lock import Clients  # of tests/cluster

SESSION_SECONDS = 2
LEASE_SECONDS = 3
RENEW_SECONDS = 0.8
RENEWALS = 6
QUIET_SECONDS = 3  # a stream that says nothing for so long is given up
STAY_SECONDS = 6  # at one node
KEYS = 4
PAUSE_SECONDS = 0.1
ARRIVE_SECONDS = 30  # that the last events may take, once all is mended


class Watched:
    """Changes of a few keys, as those who made them know them. One node at a time makes them."""

    def __init__(self, lab):
        self.lab = lab
        self.acknowledged = {}  # revision: key

    def change(self, door, dice, number):
        key = f"watched/{dice.randrange(KEYS)}"
        answer = door.request("PUT", path_of(key), f"{number}")
        if answer.status == 200:
            self.acknowledged[int(answer.headers["ETag"].strip('"'))] = key


class Task(threading.Thread):
    def __init__(self, lab, name):
        super().__init__(name=name, daemon=True)
        self.lab = lab
        self.dice = random.Random(f"{lab.seed}/{name}")
        self.over = threading.Event()

    def run(self):
        try:
            while not self.over.is_set():
                try:
                    self.act()
                except (Refused, Unknown, OSError):
                    self.over.wait(PAUSE_SECONDS)
        except Exception as error:
            self.lab.complain(f"{self.name}: {error!r}")


class Changer(Task):
    def __init__(self, lab, host, watched):
        super().__init__(lab, f"changer {host.number}")
        self.door = HttpDoor(host)
        self.watched = watched
        self.number = 0

    def act(self):
        self.number += 1
        self.watched.change(self.door, self.dice, f"{self.name} {self.number}")
        self.over.wait(self.dice.expovariate(5))


class Leaseholder(Task):
    """Takes a lease, binds a key to it, renews it for a while, and lets it go."""

    def __init__(self, lab, host):
        super().__init__(lab, f"leaseholder {host.number}")
        self.host = host
        self.door = HttpDoor(host)
        self.done = 0
        self.left = []  # keys whose leases were let go

    def ask(self, method, path, body=None, good=(200,)):
        answer = self.door.request(method, path, body)
        if answer.status == 501:  # a node that has lost its folder does not know the cluster's level yet
            raise Refused(answer.error)
        assert answer.status in good, f"{method} {path}: {answer}"
        return answer

    def act(self):
        asked = now()
        lease = self.ask("POST", "/lease", {"ttl": f"{LEASE_SECONDS}s"}, (200, 201)).single["id"]
        key = f"leased/{lease}"
        self.left.append(key)
        if self.ask("PUT", f"{path_of(key)}?lease={lease}", self.name, (200, 404, 409, 412)).status != 200:
            return  # it has ended before, as the answer took so long
        for _ in range(self.dice.randrange(1, RENEWALS)):
            self.must_be_there(key, asked)
            self.over.wait(RENEW_SECONDS)
            begin = now()
            if self.ask("POST", f"/lease/{lease}", good=(200, 404)).status == 404:
                if now() < asked + LEASE_SECONDS:
                    self.lab.complain(f"{self.name}: lease {lease} has ended early")
                return
            asked = begin
            self.done += 1

    def must_be_there(self, key, asked):
        answer = self.ask("GET", path_of(key), good=(200, 404))
        if answer.status == 404 and now() < asked + LEASE_SECONDS:
            self.lab.complain(f"{self.name}: {key} is gone {now() - asked:.2f} s after its lease was renewed")


class Follower(Task):
    """Follows changes, now here and now there, and never misses one or hears one twice."""

    def __init__(self, lab, number, hosts):
        super().__init__(lab, f"follower {number}")
        self.hosts = hosts
        self.last_id = None
        self.heard = []  # (revision, key)

    def act(self):
        host = self.dice.choice(self.hosts)
        headers = {"Last-Event-ID": self.last_id} if self.last_id else {}
        since = "" if self.last_id else "&since=%d" % self.lab.coordination.begin
        connection = host.connect(QUIET_SECONDS)
        try:
            connection.request("GET", f"/watch?prefix=watched/{since}", headers=headers)
            answer = connection.getresponse()
            if answer.status == 410:
                self.lab.complain(f"{self.name}: events are lost: {answer.read()}")
                self.over.set()
            if answer.status == 200:
                self.listen(answer)
        finally:
            connection.close()
        self.over.wait(PAUSE_SECONDS)

    def listen(self, answer):
        until = now() + self.dice.uniform(0, STAY_SECONDS)
        event = {}
        while now() < until and not self.over.is_set():
            line = answer.readline()
            if not line:
                return
            name, _, value = line.decode().rstrip("\n").partition(": ")
            if name:
                event[name] = value
            elif "event" in event:
                self.hear(event)
                event = {}

    def hear(self, event):
        if event["event"] == "lost":
            self.lab.complain(f"{self.name} has lost events: {event}")
        told = json.loads(event["data"])
        happened = (told["revision"], told.get("key"))
        again = self.last_id and self.last_id.startswith("+") and happened in self.heard[-KEYS:]
        if not again and not told.get("directory"):
            if self.heard and self.heard[-1] >= happened:
                self.lab.complain(f"{self.name} hears {happened} after {self.heard[-1]}")
            self.heard.append(happened)
        self.last_id = event["id"]


class Coordination:
    def __init__(self, lab, hosts):
        self.lab = lab
        self.hosts = hosts
        self.logs = tempfile.TemporaryDirectory(prefix="quorumfs-lab-")
        self.begin = 0
        self.watched = Watched(lab)
        self.followers = [Follower(lab, number, hosts.nodes) for number in range(2)]
        self.leaseholders = [Leaseholder(lab, host) for host in hosts.nodes]
        self.changers = [Changer(lab, host, self.watched) for host in hosts.nodes]
        self.setters = None
        self.folder = "set-under-a-lock"

    def close(self):
        self.setters.kill()
        self.logs.cleanup()

    def start(self):
        first = HttpDoor(self.hosts.nodes[0])
        answer = first.request("PUT", path_of(f"{self.folder}/lock"), "")
        self.begin = int(answer.headers["ETag"].strip('"'))
        first.close()
        self.setters = Clients(self.hosts.nodes, self.folder, "descriptor", pathlib.Path(self.logs.name),
                               str(self.lab.seed))
        for task in (*self.followers, *self.leaseholders, *self.changers):
            task.start()

    def stop_one(self, dice):
        """A client with the lock, perhaps, does not run for a while."""
        process = dice.choice(self.setters.processes)
        process.send_signal(signal.SIGSTOP)
        return process

    def end(self):
        """All is mended."""
        tasks = (*self.leaseholders, *self.changers)
        for task in tasks:
            task.over.set()
        for task in tasks:
            task.join(ARRIVE_SECONDS)
        try:
            self.setters.end()
        finally:
            self.setters.kill()
        self.judge_set()
        self.judge_events()
        self.judge_leases()

    def judge_set(self):
        try:
            for node in self.hosts.nodes:
                self.setters.judge(node.value(f"{self.folder}/lock").decode())
        except AssertionError as error:
            self.lab.complain(f"the set: {error}")

    def judge_events(self):
        acknowledged = sorted(self.watched.acknowledged.items())
        last = acknowledged[-1][0] if acknowledged else 0
        deadline = time.monotonic() + ARRIVE_SECONDS
        for follower in self.followers:
            while time.monotonic() < deadline and last and (not follower.heard or follower.heard[-1][0] < last):
                time.sleep(PAUSE_SECONDS)
            follower.over.set()
        for follower in self.followers:
            follower.join(ARRIVE_SECONDS)
            missing = set(acknowledged) - set(follower.heard)
            if missing:
                self.lab.complain(f"{follower.name} has not heard of {sorted(missing)[:3]}, {len(missing)} in all")
        upto = [[event for event in follower.heard if event[0] <= last] for follower in self.followers]
        if any(heard != upto[0] for heard in upto):
            self.lab.complain("two followers have heard different things")

    def judge_leases(self):
        """All of them were let go; what is late is late by a change of leaders."""
        node = self.hosts.nodes[0]

        def gone():
            return not node.request("GET", "/keys?prefix=leased/").multiple
        try:
            wait_for(gone, "keys go with their leases", ARRIVE_SECONDS)
        except AssertionError as error:
            self.lab.complain(str(error))

    def summary(self):
        return (f"coordination: {len(self.setters.told('ok'))} additions under a lock, "
                f"{len(self.setters.told('maybe'))} unknown; {sum(each.done for each in self.leaseholders)} renewals; "
                f"{len(self.watched.acknowledged)} changes, heard by {len(self.followers)}")
