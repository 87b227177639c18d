"""A node whose tree is not what the others have, or not what it has written, does not answer from it: it
stops and says so, stays stopped, and is one of the cluster again once its folder was emptied.

FLIPS=200 flips more bits anywhere in the files of a killed node; TEST_SEED repeats a run.
"""

import http.client
import os
import pathlib
import random
import sqlite3
import subprocess

import pytest

from cluster import QUORUMFS, Cluster, wait_for

EDIT = pathlib.Path(QUORUMFS).parent / "tests" / "cluster" / "edit_database"
PAGE = 4096
KEYS = 300
FLIPS = int(os.environ.get("FLIPS", 4))
DAMAGED = 4  # exit status

OTHER_DIGEST = "UPDATE meta SET digest = digest + 1"
OTHER_MODE = "UPDATE inode SET mode = 33152 WHERE mode = 33188"  # of every file: 0600 instead of 0644


def edit(node, name, sql):
    """Changes a stopped node's database so that its seals are right."""
    subprocess.run([EDIT, node.folder, name, sql], check=True)


def expect_stop(node, *texts, seconds=30):
    assert node.process.wait(seconds) == DAMAGED, node.log_tail(10)
    said = node.log_tail(3)
    for text in (*texts, "empty the whole folder"):
        assert text in said, said


def expect_refusal(node, *texts):
    node.start(wait=False)
    expect_stop(node, *texts)


def expect_equal(cluster):
    cluster.wait_equal()
    digests = {other.status()["log"]["digest"] for other in cluster.nodes}
    assert len(digests) == 1, digests
    contents = [other.contents("&consistency=local") for other in cluster.nodes]
    assert contents[0] == contents[1] == contents[2]


def join_again(cluster, node):
    """Emptied, it gets everything anew."""
    node.lose_folder()
    node.start()
    expect_equal(cluster)


def put(node, key, value):
    assert node.put(key, value).status == 200


@pytest.fixture(scope="module")
def filled():
    """Three nodes with keys, which each test leaves running and equal."""
    with Cluster(mount=False) as cluster:
        pairs = [{"key": f"k/{number}", "value": f"value {number} " * (number % 50)} for number in range(KEYS)]
        assert cluster.nodes[0].request("POST", "/keys", pairs).status == 200
        cluster.nodes[0].put("large", b"." * 100_000)
        cluster.wait_equal()
        yield cluster


@pytest.mark.parametrize("which", ["leader", "follower"])
def test_a_digest_that_differs_is_noticed_without_traffic(filled, which):
    leader = filled.leader()
    wrong = leader if which == "leader" else next(node for node in filled.nodes if node is not leader)
    others = [node for node in filled.nodes if node is not wrong]
    wrong.stop()
    edit(wrong, "tree.db", OTHER_DIGEST)
    wrong.start(wait=False)
    expect_stop(wrong, "this node has another tree")
    for node in others:
        put(node, "k/1", "the others go on")
    expect_refusal(wrong, "this node has another tree")
    join_again(filled, wrong)


def test_a_command_that_meets_something_else_is_noticed(filled):
    *others, wrong = filled.nodes
    wrong.stop()
    edit(wrong, "tree.db", OTHER_MODE)
    wrong.start()
    wait_for(lambda: wrong.status()["log"]["digest"] == others[0].status()["log"]["digest"],
             "all have applied the same, and no node has seen a difference")
    put(others[0], "k/2", "x")
    expect_stop(wrong, "this node has another tree")
    join_again(filled, wrong)


def test_while_no_majority_agrees_all_refuse(filled):
    right, judge, wrong = filled.nodes
    judge.stop()
    wrong.stop()
    edit(wrong, "tree.db", OTHER_MODE)
    wrong.start()
    put(right, "k/3", "what the third does not know yet")
    for node in (right, wrong):
        wait_for(lambda: "no majority tells which is right" in node.status()["why"], "it is in doubt")
        for answer in (node.put("k/3", "x"), node.get("k/3"), node.request("GET", "/readyz")):
            assert answer.status == 503, answer
    judge.start()
    expect_stop(wrong, "this node has another tree")
    right.wait_ready()
    put(right, "k/3", "they go on")
    join_again(filled, wrong)


def pages_by_content(path):
    """The numbers of the pages that each table and index lies in, and of those that hold nothing."""
    connection = sqlite3.connect(f"file:{path}?mode=ro&immutable=1", uri=True)
    pages = {}
    for name, kind, number in connection.execute("SELECT name, pagetype, pageno FROM dbstat"):
        pages.setdefault((name, kind), []).append(number)
    connection.close()
    return pages


def seeded():
    seed = int(os.environ.get("TEST_SEED") or random.SystemRandom().randrange(1 << 32))
    print(f"TEST_SEED={seed}")
    return random.Random(seed)


def flip_a_bit(path, at, chance):
    bit = chance.randrange(8)
    with open(path, "r+b") as file:
        file.seek(at)
        byte = file.read(1)[0]
        file.seek(at)
        file.write(bytes([byte ^ 1 << bit]))
    return f"{path.name}, page {at // PAGE + 1}, byte {at % PAGE}, bit {bit}"


def survives(node, other):
    """Whether a node goes on when everything in its tree is read, and changed by another one."""
    try:
        node.wait_ready()
        contents = node.contents("&consistency=local").items()
        pairs = [{"key": key.decode(), "value": value.decode()} for key, value in contents]
        assert other.request("POST", "/keys", pairs).status == 200
        applied = other.status()["log"]["applied"]
        wait_for(lambda: node.status()["log"]["applied"] >= applied, "it has applied that")
        return True
    except (AssertionError, OSError, http.client.HTTPException):
        assert node.process.wait(30) == DAMAGED, node.log_tail(10)
        return False


def test_flipped_bits_are_noticed(filled):
    chance = seeded()
    *others, victim = filled.nodes
    for place in [("inode", "leaf"), ("dentry", "leaf"), ("chunk", "overflow"), ("inode", "internal"),
                  ("sqlite_schema", "leaf"), ("entry", "leaf")]:
        victim.stop()
        name = "log.db" if place[0] == "entry" else "tree.db"
        edit(victim, name, "PRAGMA wal_checkpoint(TRUNCATE)")  # log.db's last changes are in its WAL
        path = victim.folder / name
        page = chance.choice(pages_by_content(path)[place])
        where = flip_a_bit(path, (page - 1) * PAGE + chance.randrange(PAGE), chance)
        print(f"{place}: {where}")
        victim.start(wait=False)
        assert not survives(victim, others[0]), f"{where} was not noticed"
        expect_refusal(victim, f"{name} is damaged")
        for node in others:
            put(node, "k/4", "the others go on")
        join_again(filled, victim)


def test_flips_anywhere_in_a_killed_node(filled):
    """Each is noticed, or it is where nothing is, or in what the log or the others make up for: then the
    node is equal to the others again."""
    chance = seeded()
    *others, victim = filled.nodes
    noticed = 0
    for flip in range(FLIPS):
        for number in range(20):
            put(others[number % 2], f"k/{number}", f"before flip {flip}")
        filled.wait_equal()
        victim.kill()
        files = [path for path in victim.folder.glob("*.db*") if not path.name.endswith("-shm")]
        path = chance.choice([path for path in files if path.stat().st_size > 0])
        where = flip_a_bit(path, chance.randrange(path.stat().st_size), chance)
        victim.start(wait=False)
        if survives(victim, others[0]):
            print(f"harmless: {where}")
            expect_equal(filled)
        else:
            print(f"noticed: {where}")
            noticed += 1
            join_again(filled, victim)
    print(f"{noticed} of {FLIPS} noticed")


LATER = 5  # exit status


def test_an_entry_of_a_later_version_stops_the_node():
    """It cannot know what the others made of it. Nothing is lost: a version that reads it goes on with the folder."""
    with Cluster(1, mount=False) as cluster:
        node, = cluster.nodes
        assert node.put("k", "v").status == 200
        node.stop()
        edit(node, "log.db", "INSERT INTO entry SELECT max(idx) + 1, x'ff00' FROM entry")
        for _ in range(2):
            node.start(wait=False)
            assert node.process.wait(15) == LATER
            assert "is of a later version of quorumfs than this one" in node.log_tail(3)
            assert not (node.folder / "damaged").exists()
        edit(node, "log.db", "DELETE FROM entry WHERE bytes = x'ff00'")
        node.start()
        assert node.value("k") == b"v"
