"""flock(2), fcntl(2) and open-file-description locks between programs at several nodes, and who sees them. What happens
when a node is lost: test_locks_lost.py."""

import os
import signal
import subprocess
import time

from cluster import QUORUMFS, wait_for
from files import User, needs_root, sh
from locks import ends, listed, lock_verb, programs, record_line, wait_waiting, waiting

CONFIG = {"session_time": "2s", "allow_other": True}
WAITERS = int(os.environ.get("LOCK_WAITERS", 60))


def key_of(at, name="f"):
    return f"{at[0].name}/{name}"


# ---- flock(1) ----

def test_flock_excludes_programs_of_other_nodes(at):
    script = "sleep 0.3; test ! -e busy && touch busy && sleep 0.2 && rm busy"
    running = [subprocess.Popen(["flock", "f", "sh", "-c", script], cwd=folder) for folder in at]
    assert [program.wait(30) for program in running] == [0, 0, 0]


def test_flock_tries_waits_and_shares(at):
    with subprocess.Popen(["flock", "-F", "-s", "f", "sleep", "60"], cwd=at[0]) as holder:
        try:
            wait_for(lambda: os.path.exists(at[1] / "f") and
                     subprocess.run(["flock", "-n", "f", "true"], cwd=at[1]).returncode == 1, "it is locked")
            sh("flock -s -n f true", at[1])
            sh("flock -n f true", at[2], status=1)
            began = time.monotonic()
            sh("flock -w 0.5 f true", at[2], status=1)
            assert 0.4 < time.monotonic() - began < 5
        finally:
            holder.kill()
    sh("flock -w 10 f true", at[2])


def test_locks_are_converted(at):
    with programs(*at) as (one, two, three):
        assert one.flock("LOCK_SH") == two.flock("LOCK_SH") == "done"
        assert one.flock("LOCK_EX|LOCK_NB") == "EAGAIN"
        # As flock(2) says, the shared lock was given up for that.
        assert two.flock("LOCK_EX|LOCK_NB") == "done"
        assert three.flock("LOCK_SH|LOCK_NB") == "EAGAIN"
        assert two.flock("LOCK_SH") == three.flock("LOCK_SH|LOCK_NB") == "done"


def test_the_queue_is_fair(at, cluster):
    """The first to ask is the first to get it, wherever it runs."""
    with programs(at[0], *[at[number % 3] for number in range(WAITERS)]) as (holder, *waiters):
        holder.flock()
        for number, waiter in enumerate(waiters, 1):
            waiter.begins_flock()
            if number % 5 == 0 or number == len(waiters):  # the others of five may come in another order
                wait_waiting(cluster.nodes[number % 3], key_of(at), number)
        assert [lock["waits"] for lock in waiting(cluster.nodes[0])] == list(range(1, WAITERS + 1))
        holder.flock("LOCK_UN")
        granted = []
        for begin in range(0, WAITERS, 5):
            left = set(range(begin, min(begin + 5, WAITERS)))
            while left:  # in some order
                queue = waiting(cluster.nodes[1], key_of(at))
                assert len(queue) == WAITERS - len(granted) - 1
                pid = next(lock["process"] for lock in listed(cluster.nodes[1], key_of(at)) if "token" in lock)
                number = next(n for n in left if waiters[n].process.pid == pid)
                assert waiters[number].answer()[0] == "done"
                left.remove(number)
                granted.append(number)
                if len(granted) < WAITERS:
                    waiters[number].flock("LOCK_UN")


def test_a_handover_waits_for_nothing(at, cluster):
    """A leader tells followers after 5 ms what is decided, unless they wait for it."""
    leader = cluster.leader()
    folders = [folder for folder, node in zip(at, cluster.nodes) if node is not leader]
    with programs(*folders) as (one, two):
        taken = []
        for _ in range(20):
            assert one.flock() == "done"
            two.begins_flock()
            wait_waiting(leader, key_of(at), 1)
            one.begins("fcntl.flock(fd, fcntl.LOCK_UN)")
            unlocked, granted = one.answer()[1], two.answer()[1]
            taken.append(granted - unlocked)
            assert two.flock("LOCK_UN") == "done"
    assert min(taken) < 0.003, taken


# ---- fcntl(2) ----

def test_records_are_locked_by_ranges(at):
    with programs(*at) as (one, two, three):
        assert one.record("F_WRLCK", 0, 10) == two.record("F_WRLCK", 10, 10) == "done"
        assert three.record("F_RDLCK", 9, 2) == "EAGAIN"
        assert three.record("F_RDLCK", 20, 0) == "done"
        assert one.record("F_WRLCK", 25, 1) == "EAGAIN"
        assert one.record("F_UNLCK", 5, 1) == two.record("F_WRLCK", 5, 1) == "done"
        three.begins_record("F_WRLCK", 0, 5)
        assert one.record("F_UNLCK", 0, 5) == "done"
        assert three.answer()[0] == "done"


def test_getlk_tells_of_other_nodes(at):
    ask = ("kind, whence, start, length, pid = struct.unpack('hhqqi4x', fcntl.fcntl(fd, fcntl.F_GETLK, "
           "struct.pack('hhqqi4x', fcntl.F_WRLCK, 0, 0, 0, 0))); "
           "assert (kind, start, length, pid) == {}, (kind, start, length, pid)")
    with programs(at[0], at[0], at[1]) as (one, beside, other):
        assert one.record("F_RDLCK", 3, 4) == "done"
        pid = one.process.pid
        assert beside.does(ask.format(f"(fcntl.F_RDLCK, 3, 4, {pid})")) == "done"
        assert other.does(ask.format("(fcntl.F_RDLCK, 3, 4, 0)")) == "done"  # no process of this machine
        assert one.does(ask.format("(fcntl.F_UNLCK, 0, 0, 0)")) == "done"
        # Of a thread it tells the process.
        lock = record_line("F_RDLCK", 3, 4, False, "fd")
        thread = f"import threading; t = threading.Thread(target=lambda: {lock}); t.start(); t.join()"
        assert one.record("F_UNLCK") == one.does(thread) == "done"
        assert beside.does(ask.format(f"(fcntl.F_RDLCK, 3, 4, {pid})")) == "done"


def test_closing_any_descriptor_drops_records(at):
    with programs(at[0], at[1]) as (one, two):
        assert one.record("F_WRLCK") == "done"
        assert two.record("F_WRLCK") == "EAGAIN"
        assert one.does("os.close(os.open('f', os.O_RDONLY))") == "done"
        assert two.record("F_WRLCK") == "done"


def test_open_file_descriptions_keep_locks_over_fork_dup_and_close(at):
    with programs(at[0], at[1]) as (one, two):
        for take, try_it in ((one.flock, lambda: two.flock("LOCK_EX|LOCK_NB")),
                             (lambda: one.record("F_WRLCK", command="F_OFD_SETLK"), lambda: two.record("F_WRLCK"))):
            assert take() == "done"
            assert one.does("os.close(os.open('f', os.O_RDONLY))") == "done"
            assert try_it() == "EAGAIN"
            assert one.does("copy = os.dup(fd); os.close(fd)") == "done"
            assert try_it() == "EAGAIN"
            assert one.does("child = os.fork() or time.sleep(60)") == "done"
            assert one.does("os.close(copy)") == "done"
            assert try_it() == "EAGAIN"  # the child has it
            assert one.does("os.kill(child, 9); os.waitpid(child, 0)") == "done"
            wait_for(lambda: try_it() == "done", "the lock is given up")
            assert two.flock("LOCK_UN") == two.record("F_UNLCK") == "done"
            one.opens()


def test_a_circle_across_nodes_is_a_deadlock(at, cluster):
    with programs(*at) as all_three:
        for number, program in enumerate(all_three):
            assert program.record("F_WRLCK", number, 1) == "done"
        all_three[0].begins_record("F_WRLCK", 1, 1)
        all_three[1].begins_record("F_WRLCK", 2, 1)
        wait_waiting(cluster.nodes[2], key_of(at), 2)
        assert all_three[2].record("F_WRLCK", 0, 1, wait=True) in ("EDEADLK", "EDEADLOCK")
        assert all_three[2].record("F_UNLCK", 2, 1) == "done"
        assert all_three[1].answer()[0] == "done"
        assert all_three[1].record("F_UNLCK", 1, 1) == "done"
        assert all_three[0].answer()[0] == "done"


# ---- Waiters and holders that go ----

def test_a_waiter_that_goes_leaves_no_wait(at, cluster):
    with programs(at[0], at[1], at[1], at[2]) as (holder, alarmed, killed, last):
        holder.flock()
        alarmed.begins("signal.signal(signal.SIGALRM, lambda *_: (_ for _ in ()).throw(InterruptedError(4, 'x')))")
        alarmed.answer()
        alarmed.begins("signal.setitimer(signal.ITIMER_REAL, 0.5); fcntl.flock(fd, fcntl.LOCK_EX)")
        killed.begins_flock()
        wait_waiting(cluster.nodes[0], key_of(at), 2)
        assert alarmed.answer()[0] == "EINTR"
        killed.kill()
        wait_waiting(cluster.nodes[2], key_of(at), 0)
        last.begins_flock()
        wait_waiting(cluster.nodes[2], key_of(at), 1)
        holder.flock("LOCK_UN")
        assert last.answer()[0] == "done"
        assert alarmed.flock("LOCK_EX|LOCK_NB") == "EAGAIN"


def test_a_waiter_killed_at_any_moment_leaves_nothing(at, cluster):
    """Also when the grant is on its way."""
    with programs(at[0], at[1]) as (holder, last):
        for delay in range(12):
            assert holder.flock() == "done"
            with programs(at[2]) as (waiter,):
                waiter.begins_flock()
                wait_waiting(cluster.nodes[1], key_of(at), 1)
                holder.begins_flock("LOCK_UN")
                time.sleep(delay * 0.0005)
                waiter.kill()
                holder.answer()
            assert last.flock() == "done"
            assert last.flock("LOCK_UN") == "done"
    wait_for(lambda: not listed(cluster.nodes[0], key_of(at)), "nobody has it")


def test_a_holder_that_is_killed_gives_way_at_once(at, cluster):
    with programs(at[0], at[1]) as (holder, waiter):
        assert holder.flock() == holder.record("F_WRLCK") == "done"
        waiter.begins_flock()
        wait_waiting(cluster.nodes[0], key_of(at), 1)
        killed = time.monotonic()
        holder.kill()
        word, when = waiter.answer()
        assert word == "done" and when - killed < 1
        wait_for(lambda: waiter.record("F_WRLCK") == "done", "the record is free", 1)


def test_a_removed_file_keeps_its_lock(at, cluster):
    with programs(at[0], at[0], at[1]) as (holder, waiter, other):
        assert holder.flock() == "done"
        waiter.begins_flock()
        wait_waiting(cluster.nodes[0], key_of(at), 1)
        os.unlink(at[1] / "f")
        assert [lock["keys"] for lock in listed(cluster.nodes[0])] == [[], []]
        other.opens()  # another file of that name
        assert other.flock("LOCK_EX|LOCK_NB") == "done"
        holder.kill()
        assert waiter.answer()[0] == "done"
        assert waiter.end() == 0
        wait_for(lambda: len(listed(cluster.nodes[0])) == 1, "the removed file has no lock")


# ---- Who sees it ----

def test_locks_are_shown(at, cluster):
    name = "a b\\c"
    with programs(*at) as (one, two, three):
        for program in (one, two, three):
            program.opens(name)
        assert one.flock() == "done" and one.record("F_RDLCK", 5, 5, of="fd") == "done"
        two.begins_flock("LOCK_SH")
        wait_waiting(cluster.nodes[2], key_of(at, name), 1)
        for node in cluster.nodes:
            held, waits, record = sorted(listed(node, key_of(at, name)), key=lambda lock: (lock["kind"], "waits" in lock))
            assert (held["kind"], held["shared"], held["node"], held["process"]) == ("flock", False, 1, one.process.pid)
            assert (waits["shared"], waits["node"], waits["process"], waits["waits"]) == (True, 2, two.process.pid, 1)
            assert (record["first"], record["last"], record["shared"]) == (5, 9, True)
            lines = (node.mount / ".quorumfs" / "locks").read_text().splitlines()
            path = key_of(at, name).replace("\\", "\\134").replace(" ", "\\040")
            assert f"holds {held['token']} flock exclusive 0-end 1 {one.process.pid} {held['since']} {path}" in lines
            assert f"waits 1 flock shared 0-end 2 {two.process.pid} {waits['since']} {path}" in lines
            assert f"holds {record['token']} record shared 5-9 1 {one.process.pid} {record['since']} {path}" in lines
        one.flock("LOCK_UN")
        assert two.answer()[0] == "done"
        # The list is as fresh as any other read.
        assert [lock["node"] for lock in listed(cluster.nodes[2], key_of(at, name)) if lock["kind"] == "flock"] == [2]


def test_a_program_learns_whether_its_node_believes(cluster):
    for node in cluster.nodes:
        assert 0 < int((node.mount / ".quorumfs" / "session").read_text()) <= 1750
        assert 0 < node.status()["session_left_ms"] <= 1750


# ---- quorumfs lock ----

def test_a_command_runs_under_a_lock(at, cluster):
    first = lock_verb(at[0] / "f", "sh", "-c", "echo $QUORUMFS_TOKEN > token; sleep 0.5; exit 3", cwd=at[0])
    wait_for(lambda: (at[1] / "token").exists(), "it runs")
    second = lock_verb(at[1] / "f", "sh", "-c", "echo $QUORUMFS_TOKEN > token2", cwd=at[1])
    status, said, _ = ends(lock_verb(at[2] / "f", "true", words=["--wait", "0"]))
    assert status == 1 and "another process has the lock" in said
    status, said, took = ends(lock_verb(at[2] / "f", "true", words=["--shared", "--wait", "100ms"]))
    assert status == 1 and took > 0.09
    assert ends(first)[:2] == (3, "") and ends(second)[:2] == (0, "")
    assert 0 < int((at[2] / "token").read_text()) < int((at[2] / "token2").read_text())
    assert not listed(cluster.nodes[0], key_of(at))


def test_the_lock_ends_with_the_command(at):
    """Whatever it has left running."""
    assert ends(lock_verb(at[0] / "f", "sh", "-c", "exec 2>&-; sleep 30 & echo $! > pid", cwd=at[0]))[0] == 0
    sh("flock -n f true", at[1])
    os.kill(int((at[1] / "pid").read_text()), signal.SIGKILL)


def test_shared_commands_run_together(at):
    script = "touch $0; until test -e 0 -a -e 1; do sleep 0.02; done"
    both = [lock_verb(at[n] / "f", "sh", "-c", script, str(n), words=["--shared"], cwd=at[n]) for n in (0, 1)]
    assert [ends(program)[0] for program in both] == [0, 0]


def test_signals_are_passed_on(at, cluster):
    for number, status in ((signal.SIGTERM, 7), (signal.SIGKILL, -9)):
        program = lock_verb(at[0] / "f", "sh", "-c",
                            "trap 'exit 7' TERM; echo $$ > pid; touch ready; while :; do sleep 0.05; done", cwd=at[0])
        wait_for(lambda: (at[0] / "ready").exists(), "it runs")
        program.send_signal(number)
        assert ends(program)[0] == status
        # Without its supervisor no command goes on.
        pid = int((at[0] / "pid").read_text())
        wait_for(lambda: not os.path.exists(f"/proc/{pid}"), "the command has ended", 2)
        sh("flock -w 5 f true", at[1])
        os.unlink(at[1] / "ready")
    with programs(at[1]) as (holder,):
        assert holder.flock() == "done"
        program = lock_verb(at[0] / "f", "true")
        wait_waiting(cluster.nodes[0], key_of(at), 1)
        program.terminate()
        assert ends(program)[0] == 128 + signal.SIGTERM


def test_errors_say_what_is_wrong(at, tmp_path):
    for file, word in ((at[0], "is not a file on a mount"), (tmp_path / "f", "is not a file on a mount"),
                       (at[0] / "no" / "f", "No such file")):
        status, said, _ = ends(lock_verb(file, "true"))
        assert status == 2 and word in said, said
    status, said, _ = ends(lock_verb(at[0] / "f", "no-such-program"))
    assert status == 127 and "no-such-program: No such file" in said
    for words in ([], ["f"], ["f", "true"], ["f", "--"], ["--wait", "soon", "f", "--", "true"], ["-x", "f", "--", "true"]):
        done = subprocess.run([QUORUMFS, "lock", *words], capture_output=True, text=True)
        assert done.returncode == 2 and done.stderr.startswith("Usage: quorumfs lock"), words


# ---- Others ----

@needs_root
def test_other_users_lock_what_they_may_open(at):
    at[0].chmod(0o755)
    (at[0] / "f").touch(0o644)
    (at[0] / "closed").touch(0o600)
    lock = "fcntl.flock(os.open({!r}, os.O_RDONLY), fcntl.LOCK_EX | fcntl.LOCK_NB)"
    user = User(1234)
    with programs(at[1]) as (holder,):
        holder.flock()
        assert user.tries("import fcntl; " + lock.format("f"), at[0]) == "EAGAIN"
    assert user.tries("import fcntl; " + lock.format("f"), at[0]) is None
    assert user.tries("import fcntl; " + lock.format("closed"), at[0]) == "EACCES"
    done = subprocess.run([QUORUMFS, "lock", "f", "--", "id", "-u"], capture_output=True, text=True, user=1234,
                          cwd=at[0])
    assert (done.returncode, done.stdout) == (0, "1234\n"), done


def test_nothing_is_left(cluster):
    """All that these tests have locked."""
    wait_for(lambda: not listed(cluster.nodes[0]), "no lock is left")
