"""The walkthrough of the first page, line by line: curl and files against three processes."""

import json
import subprocess

import pytest

CONFIG = {"on_quorum_loss": "stale"}


def curl(node, path, *options):
    """Returns (status, answer)."""
    url = f"http://{node.addr}{path}"
    done = subprocess.run(["curl", "-s", "-m", "15", "-w", "\n%{http_code}", *options, url],
                          capture_output=True, text=True, check=True)
    body, status = done.stdout.rsplit("\n", 1)
    return int(status), json.loads(body)


def post(node, path, body):
    return curl(node, path, "-X", "POST", "-d", json.dumps(body))


def delete(node, path, body=None):
    return curl(node, path, "-X", "DELETE", *(["-d", json.dumps(body)] if body else []))


def shell(cluster, line):
    done = subprocess.run(["sh", "-c", line], cwd=cluster.folder, capture_output=True, text=True)
    assert done.returncode == 0, f"{line}: {done.stderr}"
    return done.stdout


@pytest.fixture
def nodes(cluster):
    return cluster.nodes


def test_1_a_key_that_does_not_exist(nodes):
    assert curl(nodes[0], "/key/eat") == (404, {"Single": {"key": "eat", "exists": False}})


def test_2_written_at_one_node_read_at_another(nodes):
    assert post(nodes[1], "/key", {"key": "eat", "value": "it"}) == (200, {"Single": {"key": "eat", "value": "it"}})
    assert curl(nodes[2], "/key/eat") == (200, {"Single": {"key": "eat", "exists": True, "value": "it"}})


def test_3_one_node_stopped(nodes):
    nodes[1].stop()
    assert curl(nodes[0], "/key/eat")[1]["Single"]["value"] == "it"
    assert post(nodes[2], "/key", {"key": "duck", "value": "you"})[0] == 200


def test_4_it_comes_back_and_knows(nodes):
    nodes[1].start()
    assert curl(nodes[1], "/key/duck")[1]["Single"]["value"] == "you"


def test_5_no_quorum(nodes):
    nodes[1].stop()
    nodes[2].stop()
    status, answer = post(nodes[0], "/key", {"key": "in_your", "value": "maze"})
    assert status == 503 and "quorum" in answer["Single"]["error"]
    status, answer = curl(nodes[0], "/key/eat")
    assert (status, answer["Single"]["value"]) == (200, "it")


def test_6_several_keys(nodes):
    nodes[1].start(wait=False)
    nodes[2].start(wait=False)
    for node in nodes:
        node.wait_ready()
    both = [{"key": "goto", "value": "dell"}, {"key": "up", "value": "doors"}]
    assert post(nodes[0], "/keys", both) == (200, {"Multiple": both})
    status, answer = curl(nodes[1], "/keys", "-X", "GET", "-d", '["goto","up"]')
    assert (status, answer) == (200, {"Multiple": [{"key": "goto", "exists": True, "value": "dell"},
                                                   {"key": "up", "exists": True, "value": "doors"}]})


def test_7_deleting(nodes):
    assert post(nodes[0], "/key", {"key": "in_your", "value": "maze"})[0] == 200
    assert delete(nodes[2], "/key/in_your") == (
        200, {"Single": {"key": "in_your", "exists": True, "overwritten_value": "maze"}})
    status, answer = delete(nodes[2], "/keys", ["eat", "goto"])
    assert status == 200
    assert [(one["key"], one["overwritten_value"]) for one in answer["Multiple"]] == [("eat", "it"), ("goto", "dell")]
    assert curl(nodes[0], "/key/eat")[0] == 404


def test_8_ping(nodes):
    for number, node in enumerate(nodes, 1):
        others = [n for n in (1, 2, 3) if n != number]
        assert curl(node, "/ping") == (200, {"Multiple": [
            {"key": str(n), "value": f"Pinged peer node {n} successfully"} for n in others]})


def test_9_websocket(nodes):
    connection = nodes[0].websocket()
    connection.send('{"APIRequest":{"Get":"duck"}}')
    assert json.loads(connection.recv()) == {"request": {"Get": "duck"},
                                             "response": {"Get": {"key": "duck", "value": "you"}}}
    connection.close()


def test_10_files(cluster, nodes):
    shell(cluster, "echo it > data_1/mnt/eat")
    assert shell(cluster, "cat data_3/mnt/eat") == "it\n"
    assert curl(nodes[1], "/key/eat")[1]["Single"]["value"] == "it\n"
    shell(cluster, "mkdir -p data_2/mnt/etc/app && echo 80 > data_2/mnt/etc/app/port")
    assert curl(nodes[0], "/key/etc/app/port")[1]["Single"]["value"] == "80\n"
    shell(cluster, "mv data_1/mnt/etc/app/port data_1/mnt/etc/app/old")
    assert shell(cluster, "cat data_3/mnt/etc/app/old") == "80\n"
    assert "old" in shell(cluster, "ls -l data_2/mnt/etc/app")
    shell(cluster, "rm data_3/mnt/etc/app/old")
    assert shell(cluster, "ls data_1/mnt/etc/app") == ""
