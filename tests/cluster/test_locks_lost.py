"""Locks of a node that is lost: stopped, killed, started again, unmounted, or without a quorum. The others get them, and
programs that believe they have them still cannot change anything."""

import os
import subprocess
import time

import pytest

from cluster import Cluster, wait_for
from files import sh
from locks import ends, listed, lock_verb, programs, wait_waiting

CONFIG = {"session_time": "1s", "request_timeout": "3s", "allow_other": True}
SESSION = 1


@pytest.fixture
def nodes(cluster):
    """Two followers and the leader: the one that is lost, the one that goes on."""
    for node in cluster.nodes:
        node.wait_ready()
    leader = cluster.leader()
    lost, other = (node for node in cluster.nodes if node is not leader)
    return lost, other, leader


@pytest.fixture
def folders(nodes, request):
    name = request.node.name.replace("/", "_").replace("[", "_").replace("]", "")
    nodes[1].path(name).mkdir()
    return [node.path(name) for node in nodes]


def test_a_holder_whose_node_sleeps_cannot_write_afterwards(nodes, folders):
    lost, other, _ = nodes
    with programs(folders[0], folders[0]) as (holder, beside):
        assert holder.flock() == holder.does("os.write(fd, b'before')") == "done"
        assert beside.does("os.close(fd)") == "done"  # of the file whose lock will be lost
        beside.opens("g")
        before = holder.process.pid
        lost.pause()
        with programs(folders[1]) as (taker,):
            assert taker.flock() == "done"
            time.sleep(2.5 * SESSION)
            assert taker.does("os.pwrite(fd, b'taken', 0)") == "done"
            lost.resume()
            # At once, whether or not its node has noticed yet.
            assert holder.does("os.pwrite(fd, b'XXXXX', 0)") == "EIO"
            assert holder.does("os.ftruncate(fd, 0)") == "EIO"
            assert holder.does("open('other', 'w').write('x')") == "EIO"
            assert holder.does("os.mkdir('d')") == "EIO"
            assert holder.flock("LOCK_EX|LOCK_NB") == "EIO"
            assert beside.does("os.write(fd, b'goes on')") == "done"
            assert "lock" in lost.status()["why"]
            assert lost.status()["ready"]
            assert not [lock for lock in listed(other, f"{folders[0].name}/f") if lock["process"] == before]
            assert holder.does("os.close(fd)") == "EIO"  # so that it notices
            assert holder.does("open('other', 'w').write('x')") == "done"
            assert lost.status()["why"] == ""
            assert holder.opens().flock("LOCK_EX|LOCK_NB") == "EAGAIN"
        assert holder.flock() == "done"
        assert holder.does("os.pwrite(fd, b'again', 0)") == "done"
    assert (folders[1] / "f").read_text() == "againe"
    assert not (folders[1] / "d").exists()


def test_what_a_child_of_flock_writes_elsewhere_is_refused(nodes, folders):
    lost, _, _ = nodes
    script = "touch ready; while ! test -e go; do sleep 0.05; done; echo x > data"
    with subprocess.Popen(["flock", "lock", "sh", "-c", script], cwd=folders[0], stderr=subprocess.PIPE,
                          text=True) as holder:
        wait_for(lambda: (folders[1] / "ready").exists(), "it runs")
        lost.pause()
        with programs(folders[1]) as (taker,):
            assert taker.opens("lock").flock() == "done"
            time.sleep(2.5 * SESSION)
            (folders[1] / "go").touch()
            lost.resume()
            assert "I/O error" in holder.communicate(timeout=20)[1].replace("Input/output", "I/O")
            assert holder.returncode != 0
            assert not (folders[1] / "data").exists()
    sh("echo x > data", folders[0])  # another program
    assert (folders[2] / "data").read_text() == "x\n"


def test_record_and_ofd_locks_are_lost_as_well(nodes, folders):
    lost, other, _ = nodes
    with programs(folders[0], folders[0]) as (one, two):
        assert one.record("F_WRLCK", 0, 5) == "done"
        assert two.record("F_WRLCK", 5, 5, command="F_OFD_SETLK") == "done"
        lost.pause()
        with programs(folders[1]) as (taker,):
            assert taker.record("F_WRLCK", 0, 10, wait=True) == "done"
            time.sleep(2 * SESSION)
            lost.resume()
            assert one.does("os.write(fd, b'x')") == two.does("os.write(fd, b'x')") == "EIO"
    assert (folders[1] / "f").read_text() == ""


def test_a_waiter_whose_node_sleeps_comes_back(nodes, folders):
    """It loses its place, not its wait."""
    lost, other, _ = nodes
    key = f"{folders[0].name}/f"
    with programs(folders[0], folders[1], folders[1]) as (waiter, holder, second):
        assert holder.flock() == "done"
        waiter.begins_flock()
        wait_waiting(other, key, 1)
        lost.pause()
        wait_waiting(other, key, 1)
        second.begins_flock()
        wait_waiting(other, key, 2)
        time.sleep(3 * SESSION)
        holder.flock("LOCK_UN")
        assert second.answer()[0] == "done"
        lost.resume()
        wait_waiting(other, key, 1 if second else 0)
        second.flock("LOCK_UN")
        assert waiter.answer()[0] == "done"


def test_a_short_sleep_keeps_everything(nodes, folders):
    lost, other, _ = nodes
    with programs(folders[0], folders[1]) as (holder, waiter):
        holder.flock()
        waiter.begins_flock()
        lost.pause()
        time.sleep(0.4 * SESSION)
        lost.resume()
        assert holder.does("os.write(fd, b'still mine')") == "done"
        assert holder.flock("LOCK_UN") == "done"
        assert waiter.answer()[0] == "done"
    assert (folders[1] / "f").read_text() == "still mine"


@pytest.mark.parametrize("how", ["kill", "stop"])
def test_a_node_that_ends_gives_its_locks_and_waits_up(nodes, folders, how):
    lost, other, _ = nodes
    key = f"{folders[0].name}/f"
    with programs(folders[0], folders[0], folders[1]) as (holder, waiter, next_one):
        holder.flock()
        waiter.begins_flock()
        next_one.begins_flock()
        wait_waiting(other, key, 2)
        begun = time.monotonic()
        getattr(lost, how)()
        word, when = next_one.answer()
        assert word == "done"
        if how == "stop":
            assert when - begun < 3  # without waiting for a session to end
        assert waiter.answer()[0] == ("ECONNABORTED" if how == "kill" else "EIO")
        assert [lock["process"] for lock in listed(other, key)] == [next_one.process.pid]
    lost.start()
    sh("flock -w 10 f true", folders[0])


def test_a_node_that_restarts_at_once_has_lost_its_locks(nodes, folders):
    lost, other, _ = nodes
    with programs(folders[0], folders[1]) as (holder, waiter):
        holder.flock()
        waiter.begins_flock()
        wait_waiting(other, f"{folders[0].name}/f", 1)
        lost.kill()
        lost.start()
        assert waiter.answer()[0] == "done"
        assert holder.does("os.write(fd, b'x')") in ("ENOTCONN", "ECONNABORTED", "EIO")


def test_a_mount_that_is_taken_away_gives_its_locks_up(nodes, folders):
    lost, other, _ = nodes
    with programs(folders[0], folders[1]) as (holder, waiter):
        holder.flock()
        waiter.begins_flock()
        wait_waiting(other, f"{folders[0].name}/f", 1)
        lost.ask_to_stop()
        assert waiter.answer()[0] == "done"
        lost.process.wait(15)
        holder.kill()
    lost.start()


def test_without_a_quorum_locks_are_refused_and_kept(nodes, folders):
    lost, other, leader = nodes
    with programs(folders[2], folders[2]) as (holder, one):
        assert holder.flock() == "done"
        lost.kill()
        other.kill()
        wait_for(lambda: not leader.status()["quorum"], "it has noticed")
        assert one.flock("LOCK_EX|LOCK_NB") == "ENOLCK"
        assert one.flock() == "ENOLCK"
        assert one.record("F_WRLCK") == "ENOLCK"
        assert leader.why() != ""
        assert leader.request("GET", "/locks").status == 503
        assert leader.request("GET", "/locks?consistency=local").multiple
        with pytest.raises(OSError):
            (leader.mount / ".quorumfs" / "locks").read_text()
        wait_for(lambda: (leader.mount / ".quorumfs" / "session").read_text() == "0\n", "it does not believe any more")
        lost.start(wait=False)
        other.start(wait=False)
        leader.wait_ready()
        # Nobody took it meanwhile: there was no leader who could have ended the session.
        assert one.flock("LOCK_EX|LOCK_NB") in ("EAGAIN", "done")
    for node in nodes:
        node.wait_ready()


def test_a_new_leader_keeps_the_locks_of_all(nodes, folders):
    lost, other, leader = nodes
    with programs(folders[0], folders[1], folders[1]) as (holder, waiter, beside):
        holder.flock()
        waiter.begins_flock()
        wait_waiting(other, f"{folders[0].name}/f", 1)
        leader.kill()
        wait_for(lambda: holder.does("os.write(fd, b'x')") == "done", "there is another leader")
        assert beside.flock("LOCK_EX|LOCK_NB") == "EAGAIN"
        holder.flock("LOCK_UN")
        assert waiter.answer()[0] == "done"
    leader.start()
    assert (folders[0] / "f").read_bytes().strip(b"x") == b""


def test_the_verb_ends_its_command_before_others_get_the_lock(nodes, folders, tmp_path):
    lost, other, _ = nodes
    path = tmp_path / "beats"
    command = ["python3", "-u", "-c", "import signal, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
               "while True:\n    print(time.monotonic(), flush=True)\n    time.sleep(0.01)"]
    with open(path, "w") as out:
        verb = lock_verb(folders[0] / "f", *command, stdout=out)
    try:
        wait_for(lambda: os.path.getsize(path) > 100, "it runs")
        with programs(folders[1]) as (taker,):
            taker.begins_flock()
            lost.pause()
            word, when = taker.answer()
            assert word == "done"
            status, said, _ = ends(verb)
            assert status == 75 and "the lock is lost" in said, said
            assert float(path.read_text().split()[-2]) < when
    finally:
        lost.resume()


def test_the_verb_lets_a_command_clean_up(nodes, folders):
    lost, _, _ = nodes
    verb = lock_verb(folders[0] / "f", "sh", "-c", "trap 'echo cleaned; exit 0' TERM; echo runs; sleep 60 & wait",
                     stdout=subprocess.PIPE)
    assert verb.stdout.readline() == "runs\n"
    lost.pause()
    try:
        out, said = verb.communicate(timeout=10)
        assert (verb.returncode, out) == (75, "cleaned\n"), said
    finally:
        lost.resume()


def test_the_verb_notices_that_its_node_was_killed(nodes, folders):
    lost = nodes[0]
    verb = lock_verb(folders[0] / "f", "sh", "-c", "echo runs; exec sleep 60", stdout=subprocess.PIPE)
    assert verb.stdout.readline() == "runs\n"
    lost.kill()
    status, said, took = ends(verb)
    assert status == 75 and "its node has ended" in said and took < SESSION
    lost.start()


# ---- commit=close ----

@pytest.fixture(scope="module")
def closing():
    with Cluster(**CONFIG | {"commit": "close"}) as cluster:
        yield cluster


def test_writes_are_decided_before_the_lock_is_given_up(closing):
    """Those that were gathered, whichever way the lock goes."""
    one, two, _ = (node.mount for node in closing.nodes)
    for number, give_up in enumerate(["fcntl.flock(fd, fcntl.LOCK_UN)", "os.close(fd)", None]):
        with programs(one, two) as (holder, waiter):
            assert holder.flock() == holder.does(f"os.pwrite(fd, b'{number}', 0)") == "done"
            waiter.begins_flock()
            wait_waiting(closing.nodes[2], "f", 1)
            if give_up:
                holder.begins(give_up)
            else:
                holder.kill()
            assert waiter.answer()[0] == "done"
            assert waiter.does(f"assert os.pread(fd, 1, 0) == b'{number}'") == "done"


def test_gathered_writes_of_a_lost_lock_are_dropped(closing):
    leader = closing.leader()
    lost, other = (node for node in closing.nodes if node is not leader)
    with programs(lost.mount) as (holder,):
        assert holder.opens("g").flock() == holder.does("os.pwrite(fd, b'late', 0)") == "done"
        lost.pause()
        with programs(other.mount) as (taker,):
            assert taker.opens("g").flock() == taker.does("os.pwrite(fd, b'taken', 0)") == "done"
            time.sleep(2 * SESSION)
            lost.resume()
            assert holder.does("os.fsync(fd)") == "EIO"
            assert holder.does("os.close(fd)") in ("done", "EIO")
        assert holder.does("open('h', 'w').write('x')") == "done"
    assert other.value("g") == b"taken"
