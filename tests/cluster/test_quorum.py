"""Without a quorum: refused at once and said why, reads as configured, and back to normal by itself."""

import errno
import json
import os
import threading
import time

import pytest

from cluster import Cluster, wait_for

AT_ONCE = 1.0  # seconds


def timed(act):
    start = time.monotonic()
    answer = act()
    assert time.monotonic() - start < AT_ONCE
    return answer


def loses_its_quorum(node):
    wait_for(lambda: not node.status()["quorum"], f"{node} notices that it has no quorum")


def check_writes_are_refused(node):
    for method, path, body in [("PUT", "/key/new", "x"), ("POST", "/key", {"key": "new", "value": "x"}),
                               ("DELETE", "/key/old", None), ("POST", "/keys", [{"key": "new", "value": "x"}]),
                               ("DELETE", "/keys", ["old"])]:
        answer = timed(lambda: node.request(method, path, body))
        assert answer.status == 503 and "quorum" in answer.error, answer
        assert answer.headers["Retry-After"]
    connection = node.websocket()
    request = {"Put": {"key": "new", "value": "x"}}
    connection.send(json.dumps({"APIRequest": request}))
    assert json.loads(timed(connection.recv)) == {"request": request, "response": {"Blocked": request}}
    connection.close()


def check_files_are_read_only(node):
    for change in (lambda: os.open(node.path("old"), os.O_WRONLY), lambda: os.open(node.path("old"), os.O_RDWR),
                   lambda: os.open(node.path("old"), os.O_WRONLY | os.O_TRUNC),
                   lambda: os.open(node.path("new"), os.O_WRONLY | os.O_CREAT), lambda: os.mkdir(node.path("new")),
                   lambda: os.unlink(node.path("old")), lambda: os.rename(node.path("old"), node.path("new")),
                   lambda: os.symlink("x", node.path("new")), lambda: os.chmod(node.path("old"), 0o600),
                   lambda: os.truncate(node.path("old"), 0)):
        def refused():
            with pytest.raises(OSError) as failure:
                change()
            assert failure.value.errno in (errno.EROFS, errno.EIO), failure.value
            return failure.value.errno
        # If the kernel has to look the name up first, `fail` makes that fail already.
        assert timed(refused) == errno.EROFS or node.config["on_quorum_loss"] == "fail"


def check_normal(node):
    assert node.why() == ""
    assert node.put("new", "x").status == 200
    assert node.delete("new").status == 200
    node.path("new").write_text("x")
    node.path("new").unlink()


@pytest.fixture(scope="module", params=["fail", "stale"])
def loss(request):
    with Cluster(on_quorum_loss=request.param) as cluster:
        assert cluster.nodes[0].put("old", "known").status == 200
        yield cluster


def check_without_a_quorum(node):
    check_writes_are_refused(node)
    check_files_are_read_only(node)
    assert "quorum" in node.why() and node.why().count("\n") == 1
    assert timed(lambda: node.local("old").read_text()) == "known"
    assert os.listdir(node.local()) == ["old"]
    assert node.get("old", "?consistency=local").single["value"] == "known"
    assert node.request("GET", "/healthz").status == 200
    assert node.request("GET", "/readyz").status == 503
    check_reads(node)
    assert timed(lambda: node.get("old", "?consistency=linearizable")).status == 503


def check_reads(node):
    answer = timed(lambda: node.get("old"))
    if node.config["on_quorum_loss"] == "stale":
        assert answer.single["value"] == "known"
        assert answer.headers["Warning"].startswith("110 ")
        assert timed(lambda: node.path("old").read_text()) == "known"
    else:
        assert answer.status == 503 and "quorum" in answer.error
        with pytest.raises(OSError) as failure:
            timed(lambda: node.path("old").read_text())
        assert failure.value.errno == errno.EIO


def test_two_nodes_are_gone(loss):
    alone, *others = loss.nodes
    check_normal(alone)
    for node in others:
        node.kill()
    loses_its_quorum(alone)
    check_without_a_quorum(alone)
    others[0].start()
    wait_for(lambda: alone.status()["quorum"], "the quorum is back")
    alone.wait_ready()
    assert "Warning" not in alone.get("old").headers
    check_normal(alone)
    others[1].start()


def test_two_nodes_hang(loss):
    """Their connections stand and nothing closes them: only silence tells."""
    alone, *others = loss.nodes
    for node in others:
        node.pause()
    loses_its_quorum(alone)
    check_without_a_quorum(alone)
    for node in others:
        node.resume()
    for node in loss.nodes:
        node.wait_ready()
    for node in loss.nodes:
        wait_for(lambda: node.why() == "", f"{node} is back to normal")
        check_normal(node)


def test_half_is_no_quorum():
    with Cluster(4, mount=False) as cluster:
        first, second, *others = cluster.nodes
        for node in others:
            node.kill()
        for node in (first, second):
            loses_its_quorum(node)
            assert timed(lambda: node.put("k", "v")).status == 503
        others[0].start()
        first.wait_ready()
        assert first.put("k", "v").status == 200


def test_a_write_under_way_has_an_answer():
    """It began while there was a quorum: its outcome is unknown, and that is what the answer says."""
    with Cluster(mount=False, request_timeout="1s", heartbeat_ms=1000) as cluster:
        leader = cluster.leader()
        for node in cluster.nodes:
            if node is not leader:
                node.pause()
        answer = leader.put("k", "v")
        assert answer.status == 504 and "unknown" in answer.error, answer


def make_until(stop, folder, number, refused):
    """Makes files and folders of ever new names; those that were refused are kept in mind."""
    made = 0
    while not stop.is_set():
        name = f"{number}-{made}"
        made += 1
        try:
            if made % 2:
                os.close(os.open(name, os.O_WRONLY | os.O_CREAT, dir_fd=folder))
            else:
                os.mkdir(name, dir_fd=folder)
        except OSError as error:
            assert error.errno in (errno.EROFS, errno.EIO), error
            if error.errno == errno.EROFS:
                refused.append(name)


def test_refused_writes_have_not_happened():
    """Also where the quorum goes away in the middle of a system call."""
    with Cluster(heartbeat_ms=20, request_timeout="1s") as cluster:
        node, *others = cluster.nodes
        folder = node.path("names")
        folder.mkdir()
        stop, refused = threading.Event(), []
        held = os.open(folder, os.O_RDONLY)  # by its path, it would have to be looked up: EIO
        makers = [threading.Thread(target=make_until, args=(stop, held, number, refused)) for number in range(8)]
        for maker in makers:
            maker.start()
        for _ in range(8):
            for other in others:
                other.pause()
            before = len(refused)
            wait_for(lambda: len(refused) > before, "the quorum is gone for more than a moment")
            for other in others:
                other.resume()
            node.wait_ready()
        stop.set()
        for maker in makers:
            maker.join(30)
        os.close(held)
        made = set(os.listdir(folder))
        assert made and refused
        assert [name for name in refused if name in made] == []


def test_a_leader_that_is_stopped_hands_over():
    """When its process has ended another one leads already: nobody has to miss it first."""
    with Cluster(mount=False) as cluster:
        wait_for(lambda: all(node.status()["level"] >= 3 for node in cluster.nodes), "all nodes can")
        for _ in cluster.nodes:
            leader = cluster.leader()
            others = [node for node in cluster.nodes if node is not leader]
            leader.stop()
            now = [node.status() for node in others]
            for node, seen in zip(others, now):
                assert seen["quorum"] and cluster.nodes[seen["leader"] - 1] in others, now
                assert node.request("PUT", "/key/a", "1").status == 200
            leader.start()
