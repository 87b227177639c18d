"""A cluster of the former version is taken over by this one, node after node, while clients at every node go on."""

import contextlib
import errno
import http.client
import itertools
import os
import random
import shutil
import subprocess
import tempfile
import threading

import pytest

import former
from clocks import TEN_YEARS, ClockCluster, is_now
from cluster import QUORUMFS, Cluster, tree_of, wait_for

ROUNDS = int(os.environ.get("UPGRADE_ROUNDS", "1"))
STEPS = 4  # of every client between one node and the next
MIB = 1024 * 1024
EXIT_START = 1
# Longer than any pause that a busy machine may make, so that an error is one of the nodes.
CONFIG = {"request_timeout": "20s"}


@pytest.fixture(scope="module")
def former_binary():
    folder = tempfile.mkdtemp(prefix="quorumfs-former-")
    try:
        yield former.build(folder)
    except former.NoHistory as reason:
        pytest.skip(str(reason))
    finally:
        shutil.rmtree(folder)


class Presence:
    """Which nodes are there for their clients. Only a client of a node that goes away may see an error."""

    def __init__(self, nodes):
        self.changes = dict.fromkeys(nodes, 0)  # odd: away

    def is_there(self, node):
        return self.changes[node] % 2 == 0

    @contextlib.contextmanager
    def away(self, node):
        self.changes[node] += 1
        yield
        self.changes[node] += 1

    @contextlib.contextmanager
    def errors_excused(self, node):
        """Errors of a node that was away for some of the time become Unsure."""
        before = self.changes[node]
        try:
            yield
        except (OSError, http.client.HTTPException, ErrorAnswer) as error:
            stayed = before % 2 == 0 and self.changes[node] == before
            if stayed and not refused_by_former(node, error):
                raise
            raise Unsure() from error


def refused_by_former(node, error):
    """The former version has no pause: where this one waits for a quorum (test_pauses.py), it refuses as soon as it has
    missed the others for some heartbeats, as happens on a busy machine."""
    if node.binary == QUORUMFS:
        return False
    if isinstance(error, ErrorAnswer):
        return error.args[0].status == 503
    return getattr(error, "errno", None) in (errno.EROFS, errno.EIO)


class Unsure(Exception):
    """It may have happened or not."""


class ErrorAnswer(Exception):
    pass


class Client(threading.Thread):
    """Acts again and again, and keeps account of acknowledged and unknown outcomes."""

    def __init__(self, nodes, number, presence, until):
        super().__init__(daemon=True)
        self.nodes = nodes[number % len(nodes):] + nodes[:number % len(nodes)]  # its own first
        self.folder = f"client-{number}"
        self.presence = presence
        self.until = until
        self.steps = 0
        self.problem = None

    def run(self):
        try:
            for number in itertools.count():
                node = self.choose()
                if self.until.is_set():
                    return
                with contextlib.suppress(Unsure):
                    self.step(node, number)
                self.steps += 1
        except BaseException as error:  # for the caller of join()
            self.problem = error

    def choose(self):
        raise NotImplementedError

    def step(self, node, number):
        raise NotImplementedError

    def check(self, contents):
        raise NotImplementedError


class HttpClient(Client):
    """Makes new keys and counts a counter up. When its node is away it moves to another."""

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.made, self.unsure = {}, {}
        self.counted = self.perhaps_counted = 0

    def choose(self):
        return next(node for node in self.nodes if self.presence.is_there(node))

    def step(self, node, number):
        key, value = f"{self.folder}/{number}", f"value {number}" * (number % 500)
        self.unsure[key] = value
        self.ask(node, "PUT", key, value, {"If-None-Match": "*"})
        self.made[key] = self.unsure.pop(key)
        while not self.count_up(node):
            pass

    def count_up(self, node):
        read = self.ask(node, "GET", "counter", None, {"Accept": "application/octet-stream"})
        self.perhaps_counted += 1
        answer = self.ask(node, "PUT", "counter", str(int(read.body) + 1), {"If-Match": read.headers["ETag"]}, (412,))
        self.perhaps_counted -= 1
        self.counted += answer.status == 200
        return answer.status == 200

    def ask(self, node, method, key, body, headers, also_good=()):
        with self.presence.errors_excused(node):
            answer = node.request(method, f"/key/{key}", body, headers, timeout=30)
            if answer.status not in (200, *also_good):
                raise ErrorAnswer(answer)
            return answer

    def check(self, contents):
        found = {key: value for key, value in contents.items() if key.startswith(f"{self.folder}/".encode())}
        expected = {key.encode(): value.encode() for key, value in self.made.items()}
        perhaps = {key.encode(): value.encode() for key, value in self.unsure.items()}
        assert expected.items() <= found.items()
        assert found.items() <= (expected | perhaps).items()


class FileClient(Client):
    """Appends to a file of all, and makes and moves files of its own. It waits for its node."""

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.lines, self.unsure_lines = [], set()
        self.files = []  # of each the names that it may have; none: perhaps it was not made

    def choose(self):
        while not self.presence.is_there(self.nodes[0]) and not self.until.is_set():
            self.until.wait(0.02)
        return self.nodes[0]

    def step(self, node, number):
        with self.presence.errors_excused(node), node.root() as root:
            self.append(root, f"{self.folder} {number}\n".encode())
            self.move(root, f"{self.folder}/{number}")

    def append(self, root, line):
        self.unsure_lines.add(line)
        with open(os.open("lines", os.O_WRONLY | os.O_APPEND, dir_fd=root), "wb", buffering=0) as file:
            assert file.write(line) == len(line)
        self.unsure_lines.remove(line)
        self.lines.append(line)

    def move(self, root, name):
        names = {None, name}
        self.files.append((name, names))
        with open(os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, dir_fd=root), "wb", buffering=0) as file:
            names.remove(None)
            names.add("empty")
            file.write(name.encode())
            names.remove("empty")
        names.add(f"{name} moved")
        os.rename(name, f"{name} moved", src_dir_fd=root, dst_dir_fd=root)
        names.remove(name)

    def check(self, contents):
        lines = [line for line in contents[b"lines"].splitlines(keepends=True)
                 if line.startswith(f"{self.folder} ".encode())]
        assert [line for line in lines if line not in self.unsure_lines] == self.lines
        assert len(set(lines)) == len(lines)
        for name, names in self.files:
            found = {place: contents[place.encode()] for place in (name, f"{name} moved") if place.encode() in contents}
            assert len(found) == 1 or (not found and None in names), (name, names, found)
            for place, value in found.items():
                assert place in names and (value == name.encode() or (value == b"" and names & {None, "empty"}))


class Upgrade:
    """A cluster of the former version with its clients."""

    def __init__(self, cluster):
        self.cluster, self.nodes = cluster, cluster.nodes
        self.presence = Presence(self.nodes)
        self.until = threading.Event()
        self.nodes[0].put("lines", "")
        self.nodes[0].put("counter", "0")
        kinds = [HttpClient] * 3 + [FileClient] * 3
        self.clients = [kind(self.nodes, number, self.presence, self.until) for number, kind in enumerate(kinds)]
        for client in self.clients:
            self.nodes[0].path(client.folder).mkdir()

    def __enter__(self):
        for client in self.clients:
            client.start()
        return self

    def __exit__(self, *_):
        self.until.set()
        for client in self.clients:
            client.join(60)

    def go_on(self):
        """Waits until every client has got further, and looks at the levels."""
        enough = {client: client.steps + STEPS for client in self.clients}

        def all_have():
            for client in self.clients:
                if client.problem:
                    raise client.problem
            return all(client.steps >= steps for client, steps in enough.items())
        wait_for(all_have, "every client gets further", 60)
        check_levels(self.nodes)

    def take_over(self, node):
        with self.presence.away(node):
            node.stop()
            node.binary = QUORUMFS
            node.start()

    def change_leader(self):
        """The leader stands still until another leads; its clients wait for it."""
        leader = self.cluster.leader()
        leader.pause()
        try:
            wait_for(lambda: self.cluster.leader() is not leader, "another node leads")
        finally:
            leader.resume()

    def check(self):
        """Nothing is lost or doubled, and all nodes have the same."""
        self.__exit__()
        for client in self.clients:
            assert not client.is_alive(), f"{client.folder} hangs"
            if client.problem:
                raise client.problem
        assert_equal(self.cluster)
        trees = [tree_of(node.local()) for node in self.nodes]
        assert trees[0] == trees[1] == trees[2]
        contents = self.nodes[0].contents()
        for client in self.clients:
            client.check(contents)
        callers = [client for client in self.clients if isinstance(client, HttpClient)]
        counted = sum(client.counted for client in callers)
        assert counted <= int(contents[b"counter"]) <= counted + sum(client.perhaps_counted for client in callers)


def assert_equal(cluster):
    def equal():
        logs = [node.status()["log"] for node in cluster.nodes]
        return len({(log["applied"], log["digest"]) for log in logs}) == 1
    wait_for(equal, "all nodes have applied the same, with the same digest", 60)


def check_levels(nodes):
    """It is the former one until no node of the former version is left."""
    if all(node.binary == QUORUMFS for node in nodes):
        former.wait_risen(nodes)
        assert nodes[0].request("POST", "/txn", {"if": [], "then": []}).status == 200
        assert nodes[0].request("POST", "/lease", {"ttl": "30s"}).status == 200
    else:
        found = former.levels(node for node in nodes if node.binary == QUORUMFS)
        assert all(level == former.LEVEL for level in found), found
        for node in nodes:
            if node.binary == QUORUMFS and former.levels([node]):
                check_refuses(node, [other for other in nodes if other.binary != QUORUMFS])


def check_refuses(node, former_nodes):
    """What a member does not understand is refused before it is proposed, and the member is named."""
    transaction = {"if": [{"key": "transaction", "exists": False}], "then": [{"put": {"key": "transaction", "value": ""}}]}
    answer = node.request("POST", "/txn", transaction)
    error = answer.json["Transaction"]["error"]
    assert answer.status == 501 and any(other.addr in error for other in former_nodes), answer
    for method, path, body in [("PUT", "/key/transaction?ttl=30s", ""), ("POST", "/lease", {"ttl": "30s"})]:
        answer = node.request(method, path, body)
        assert answer.status == 501 and any(other.addr in answer.error for other in former_nodes), answer
    assert node.get("transaction").status == 404


def check_no_way_back(node, former_binary):
    """The former version does not start with a folder that may hold unknown features, and leaves it as it is: this
    version starts with it again."""
    if not former.levels([node]):
        return
    node.stop()
    node.binary = former_binary
    node.write_config()  # without the fields that it does not know
    refused = subprocess.run([former_binary, node.folder], capture_output=True, text=True, timeout=20, check=False)
    assert refused.returncode == EXIT_START and refused.stderr, refused
    node.binary = QUORUMFS
    node.start()


def next_node(cluster, leading):
    """One that is still of the former version; the leader or another, if there is a choice."""
    left = [node for node in cluster.nodes if node.binary != QUORUMFS]
    leader = cluster.leader()
    node = random.choice([node for node in left if (node is leader) == leading] or left)
    print(f"{node} is next, {leader} leads")
    return node


@pytest.mark.parametrize("leader_turn", [0, 1, 2] * ROUNDS)
def test_node_after_node(former_binary, leader_turn):
    """The leader is taken over first, second or last."""
    with Cluster(binary=former_binary, **CONFIG) as cluster, Upgrade(cluster) as upgrade:
        upgrade.go_on()
        for turn in range(3):
            upgrade.take_over(next_node(cluster, leading=turn == leader_turn))
            upgrade.go_on()
            if turn < 2:
                upgrade.change_leader()
                upgrade.go_on()
        for node in cluster.nodes:
            upgrade.take_over(node)
        upgrade.go_on()
        upgrade.check()
        check_no_way_back(cluster.nodes[0], former_binary)
        assert_equal(cluster)


def test_the_time_comes_back_with_the_last_node(former_binary):
    """A clock that is ahead dates everything as long as a node of the former version takes part."""
    with ClockCluster([0, TEN_YEARS, 0], binary=former_binary, **CONFIG) as cluster:
        first, second, _ = cluster.nodes
        (second.mount / "ahead").write_text("1")
        ahead = (first.mount / "ahead").stat().st_mtime_ns
        assert is_now(ahead - TEN_YEARS * 10**9)
        for node in cluster.nodes:
            (first.mount / f"before {node.folder.name}").write_text("1")
            assert (first.mount / f"before {node.folder.name}").stat().st_mtime_ns > ahead
            node.stop()
            node.binary = QUORUMFS
            node.start()
        former.wait_risen(cluster.nodes)
        for node in cluster.nodes:
            (node.mount / f"after {node.folder.name}").write_text("1")
            assert is_now((first.mount / f"after {node.folder.name}").stat().st_mtime_ns)
        (first.mount / "ahead").write_text("2")
        assert (second.mount / "ahead").stat().st_mtime_ns > ahead
        assert_equal(cluster)
        trees = [tree_of(node.local()) for node in cluster.nodes]
        assert trees[0] == trees[1] == trees[2]


def test_nodes_with_empty_folders_join_by_a_snapshot(former_binary):
    """One of this version at two of the former one, and one of the former version at two of this one."""
    with Cluster(mount=False, binary=former_binary, **CONFIG) as cluster:
        first, second, third = cluster.nodes
        for number in range(200):
            assert cluster.nodes[number % 3].put(f"key/{number}", f"value {number}").status == 200
        make_logs_short(cluster)
        lose_folder(first)
        first.binary = QUORUMFS
        join(first, cluster)
        second.stop()
        second.binary = QUORUMFS
        second.start()
        lose_folder(third)
        join(third, cluster)
        third.stop()
        third.binary = QUORUMFS
        third.start()
        check_levels(cluster.nodes)
        lose_folder(third)
        join(third, cluster)
        assert_equal(cluster)


def make_logs_short(cluster):
    for number in range(4):
        assert cluster.nodes[0].put("large", bytes(8 * MIB - number)).status == 200
    wait_for(lambda: all(node.status()["log"]["compacted"] > 0 for node in cluster.nodes), "the logs are trimmed")


def lose_folder(node):
    node.kill()
    node.lose_folder()


def join(node, cluster):
    node.start()
    status = node.status()
    assert status["standing"] == "member" and status["tree"]["snapshots_received"] == 1
    assert node.value("key/7") == b"value 7" and len(node.value("large")) == 8 * MIB - 3
    assert node.put(f"joined/{status['life']}", "it writes").status == 200
    check_levels(cluster.nodes)
