"""Nodes that have forgotten what they acknowledged although no start of theirs is missing: a folder that was
copied while the node ran, a disk that was set back. Whoever can see it says so; nobody waits in silence."""

import http.client

import pytest

from cluster import Cluster, wait_for

SECONDS = 20


@pytest.fixture
def cluster():
    with Cluster(mount=False) as made:
        yield made


def copy_of(node):
    """Of one moment, as a snapshot of its disk would be."""
    node.pause()
    copy = node.copy_folder()
    node.resume()
    return copy


def write(node, name):
    for number in range(40):
        assert node.put(f"{name}{number}", "1").status == 200


def says(node, text):
    try:
        return text in node.status()["why"]
    except (OSError, http.client.HTTPException):
        return False  # it does not listen yet


def warned(node, text):
    return any(" warn " in line and text in line for line in node.log.read_text().splitlines())


def check_refuses(node, text):
    """Everywhere the same, and nothing takes longer than it must."""
    status = node.status()
    assert not status["ready"] and text in status["why"], status
    ready = node.request("GET", "/readyz")
    assert ready.status == 503 and text in ready.json["error"]
    for answer in (node.put("k", "x"), node.get("k", "?consistency=linearizable")):
        assert answer.status == 503 and text in answer.error, answer


def refuses_at_once(node):
    return node.put("k", "x").status == 503


def test_a_node_that_has_forgotten_is_named_and_does_not_count(cluster):
    leader = cluster.leader()
    forgetful, other = [node for node in cluster.nodes if node is not leader]
    write(leader, "before")
    cluster.wait_equal()
    copy = copy_of(forgetful)
    leader.wait_ready()
    assert cluster.leader() is leader
    write(leader, "since")
    cluster.wait_equal()
    forgetful.kill()
    forgetful.put_back(copy)
    forgetful.start(wait=False)
    name = f"node {cluster.nodes.index(forgetful) + 1}"
    wait_for(lambda: says(leader, f"{name} has forgotten what it acknowledged"), "the leader knows", SECONDS)
    assert warned(leader, f"{name} has forgotten what it acknowledged")
    write(leader, "later")  # with the other one
    assert leader.status()["ready"]
    wait_for(lambda: says(forgetful, "has not brought its log in line"), "it says that it cannot follow", SECONDS)
    wait_for(lambda: refuses_at_once(forgetful), "and refuses", SECONDS)
    check_refuses(forgetful, "has not brought its log in line")
    wait_for(lambda: warned(forgetful, "has not brought its log in line"), "its log says so", SECONDS)
    other.kill()  # now there is no majority that remembers
    wait_for(lambda: not leader.status()["ready"], "the leader does not count it", SECONDS)
    wait_for(lambda: leader.put("k", "x").status == 503, "and refuses", SECONDS)
    assert says(leader, f"{name} has forgotten")
    other.start()
    forgetful.kill()
    forgetful.lose_folder()
    forgetful.start()
    cluster.wait_equal()
    wait_for(lambda: leader.status()["why"] == "", "all fit again", SECONDS)
    assert len(forgetful.contents()) == 120


def test_a_majority_that_has_forgotten_is_named(cluster):
    """The one that is right refuses and says why, and the others say that they may be wrong."""
    *old, right = cluster.nodes
    write(right, "before")
    cluster.wait_equal()
    copies = [copy_of(node) for node in old]
    for node in cluster.nodes:
        node.wait_ready()
    write(right, "since")
    cluster.wait_equal()
    for node in old:
        node.kill()
    right.stop()  # so that it has on disk what it knows to be decided
    for copy, node in zip(copies, old):
        node.put_back(copy)
        node.config["priority"] = 1  # one of them leads: if the other one did, it would wait for their logs, and name nobody
        node.write_config()
        node.start(wait=False)
    for node in old:
        node.wait_ready()
    right.start(wait=False)
    wait_for(lambda: says(right, "one of the two has lost data"), "it says what is wrong", SECONDS)
    wait_for(lambda: refuses_at_once(right), "and refuses", SECONDS)
    check_refuses(right, "one of the two has lost data")
    assert warned(right, "one of the two has lost data")
    for node in old:
        wait_for(lambda: says(node, "node 3 ") and says(node, "one of the two has lost data"), "so do they", SECONDS)
        assert warned(node, "one of the two has lost data")
    assert len(right.contents("&consistency=local")) == 80


def test_a_node_without_a_leader_says_so_and_then_serves(cluster):
    """A state that passes is told as well: in the log once it lasts, and when it is over."""
    alone, *others = cluster.nodes
    for node in others:
        node.pause()
    wait_for(lambda: warned(alone, "no quorum"), "the log says why", SECONDS)
    check_refuses(alone, "no quorum")
    for node in others:
        node.resume()
    alone.wait_ready()
    wait_for(lambda: "requests are served again" in alone.log.read_text(), "and that it is over", SECONDS)
    assert alone.status()["why"] == ""
