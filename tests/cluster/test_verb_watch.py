"""`quorumfs watch`: lines, commands, and going on at another node."""

import contextlib
import subprocess
import time

import pytest

from cluster import QUORUMFS, Cluster, wait_for


@contextlib.contextmanager
def watching(*arguments, **options):
    with subprocess.Popen([QUORUMFS, "watch", *map(str, arguments)], stdout=subprocess.PIPE, text=True,
                          **options) as process:
        try:
            yield process
        finally:
            process.kill()


def begun(nodes, before=0):
    """Until one more watch is open."""
    wait_for(lambda: sum(node.metrics()["watches"] for node in nodes if node.running) > before, "the watch is open")


def revision(answer):
    return int(answer.headers["ETag"].strip('"+'))


def line(process):
    return process.stdout.readline().rstrip("\n").split(" ")


def test_a_path_in_a_mount(at, cluster):
    here = at[0]
    with watching(here) as process:
        begun(cluster.nodes)
        (at[1] / "a b").write_text("x")
        assert line(process)[1:] == ["created", f"{here.name}/a\\040b"]
        assert line(process)[1:] == ["written", f"{here.name}/a\\040b"]
        cluster.nodes[2].put(f"{here.name}-beside", "not below it")
        cluster.nodes[2].put(f"{here.name}/c", "1")
        assert line(process)[1:] == ["created", f"{here.name}/c"]


def test_a_key_and_a_revision(cluster):
    a, b, _ = cluster.nodes
    first = revision(a.put("verb/k", "1"))
    a.put("verb/k", "2")
    a.put("verb/kk", "2")
    with watching("verb/k", "--since", first, "--addr", b.addr) as process:
        assert line(process)[1:] == ["written", "verb/k"]
        a.delete("verb/k")
        assert line(process)[1:] == ["deleted", "verb/k"]


def test_a_command_runs_for_each_event(cluster):
    a, b, _ = cluster.nodes
    made = revision(a.put("command/k", "1"))
    command = ["sh", "-c", 'echo "$QUORUMFS_REVISION $QUORUMFS_EVENT $QUORUMFS_KEY $1"', "sh", "--since"]
    with watching("command", "--since", made - 1, "--addr", b.addr, "--", *command) as process:
        assert line(process)[1:] == ["created", "command", "--since"]
        assert line(process) == [str(made), "created", "command/k", "--since"]
    done = subprocess.run([QUORUMFS, "watch", "command", "--since", str(made - 1), "--addr", b.addr, "--", "/none"],
                          capture_output=True, text=True, timeout=20)
    assert done.returncode == 127 and "/none" in done.stderr


def test_it_goes_on_at_another_node(cluster):
    """Lists of several keys, while the node that is watched is killed again and again: each event once."""
    nodes = cluster.nodes
    addrs = [argument for node in nodes for argument in ("--addr", node.addr)]
    expected = []
    with watching("again", *addrs, stderr=subprocess.DEVNULL) as process:
        begun(nodes)
        for round_ in range(3):
            for number in range(10):
                keys = [f"again/{round_}-{number}-{n}" for n in range(3)]
                then = [{"put": {"key": key, "value": "v"}} for key in keys]
                node = nodes[(round_ + 1) % 3]
                wait_for(lambda: node.txn([], then).status == 200, "it is written")
                expected += keys
                if number == 5:
                    nodes[round_].kill()
            nodes[round_].start()
        told = [line(process) for _ in range(len(expected) + 1)]
    assert told[0][1:] == ["created", "again"]
    assert [words[2] for words in told[1:]] == expected
    assert [int(words[0]) for words in told] == sorted(int(words[0]) for words in told)


def test_what_is_lost_is_told():
    with Cluster(1, mount=False) as cluster:
        node = cluster.nodes[0]
        node.put("first", "1")
        name = "long/" + "/".join(["x" * 250] * 15)
        for _ in range(60):
            node.txn([], [{"put": {"key": name, "value": ""}}, {"delete": name}] * 50)
        with watching(".", "--since", 1, "--addr", node.addr) as process:
            words = line(process)
            assert words[1] == "lost" and words[0] == words[2]
            assert int(line(process)[0]) == int(words[0]) + 1


def test_what_cannot_be_is_refused(tmp_path, cluster):
    def run(*arguments):
        done = subprocess.run([QUORUMFS, "watch", *arguments], capture_output=True, text=True, timeout=20)
        return done.returncode, done.stderr
    assert run(str(tmp_path))[0] == 1 and "in no mount" in run(str(tmp_path))[1]
    assert run("--since", "x", ".")[0] == 2
    assert run("a", "b")[0] == 2
    assert run("--addr", "nowhere", "k")[0] == 2
    assert subprocess.run([QUORUMFS, "watch", "--help"], capture_output=True).returncode == 0


def test_a_folder_may_have_the_name_of_a_verb():
    with Cluster(1, start=False, mount=False) as cluster:
        node = cluster.nodes[0]
        node.folder.rename(node.folder.with_name("watch"))
        with subprocess.Popen([QUORUMFS, "./watch"], cwd=cluster.folder) as process:
            try:
                wait_for(lambda: ready(node), "the node is ready")
            finally:
                process.terminate()
        assert process.returncode == 0


def ready(node):
    with contextlib.suppress(OSError):
        return node.request("GET", "/readyz", timeout=2).status == 200
