"""Directories that a PUT made on its way: what one door has made, each door can undo."""

import errno
import os
import threading

import pytest

from cluster import wait_for

MIXED = 400  # of each writer


def keys(node, prefix):
    return [key.decode() for key in node.contents(f"&prefix={prefix}")]


@pytest.fixture(scope="module", autouse=True)
def level(cluster):
    wait_for(lambda: all(node.status()["level"] >= 3 for node in cluster.nodes), "the cluster is at level 3")


def delete_by_websocket(node, key):
    socket = node.websocket()
    socket.send('{"APIRequest":{"Delete":"%s"}}' % key)
    assert '"response":{"Delete"' in socket.recv()
    socket.close()


@pytest.mark.parametrize("delete", [
    lambda node, key: node.delete(key),
    lambda node, key: node.request("DELETE", "/keys", [key]),
    lambda node, key: node.txn([{"key": key, "exists": True}], [{"delete": key}]),
    delete_by_websocket,
], ids=["delete", "list", "txn", "websocket"])
def test_parents_go_with_their_last_key(cluster, delete):
    a, b, c = cluster.nodes
    assert a.put("gone/b/c", "1").status == 200 and a.put("gone/b2", "1").status == 200
    assert b.get("gone/b").status == 409 and os.listdir(c.path("gone")) == ["b", "b2"]
    delete(b, "gone/b/c")
    assert os.listdir(c.path("gone")) == ["b2"]
    delete(c, "gone/b2")
    for node in cluster.nodes:
        assert node.get("gone").status == node.get("gone/b").status == node.delete("gone/b").status == 404
        assert keys(node, "gone") == [] and not os.path.lexists(node.path("gone"))
    assert a.put("gone", "now a file").status == 200 and b.path("gone").read_text() == "now a file"
    assert a.delete("gone").status == 200


def test_what_mkdir_made_stays(cluster):
    a, b, c = cluster.nodes
    os.makedirs(a.path("made/sub"))
    b.put("made/sub/x/y", "1")
    assert b.delete("made/sub/x/y").status == 200
    assert os.listdir(c.path("made/sub")) == [] and b.put("made/sub", "1").status == 409
    assert b.delete("made/sub").status == 409 and b.get("made/sub").status == 409
    os.removedirs(c.path("made/sub"))
    assert b.put("made/sub", "1").status == 200 and b.delete("made/sub").status == 200
    assert not a.path("made").exists()


def test_who_empties_a_directory_by_file_keeps_it(cluster):
    a, b, c = cluster.nodes
    a.put("work/b/c", "1")
    folder = b.path("work/b")
    assert os.stat(folder).st_rdev == 0
    os.unlink(folder / "c")
    assert folder.is_dir() and c.get("work/b").status == 404
    (folder / "c").write_text("again")  # cd work/b; rm c; echo again >c
    assert c.value("work/b/c") == b"again"
    assert c.delete("work/b/c").status == 200
    assert folder.is_dir(), "a file was made in it, so it is like one of mkdir"
    assert c.put("work/b", "1").status == 409
    os.rmdir(folder)
    # What is left above was only implied.
    assert a.path("work").is_dir() and c.put("work", "1").status == 200 and a.path("work").read_text() == "1"
    assert c.delete("work").status == 200


def test_a_put_takes_the_place_of_what_is_left(cluster):
    a, b, c = cluster.nodes
    for name in ("x/1", "x/2/3", "y"):
        a.put("left/" + name, "1")
    os.rename(b.path("left/y"), b.path("y"))
    os.unlink(b.path("left/x/1"))
    assert c.put("left", "1").status == 409
    os.unlink(b.path("left/x/2/3"))
    assert c.delete("left/x").status == 404 and c.put("left", "file").status == 200
    assert [node.value("left") for node in cluster.nodes] == [b"file"] * 3
    assert c.delete("left").status == c.delete("y").status == 200


def test_an_open_directory_that_goes(cluster):
    a, b, c = cluster.nodes
    a.put("open/b/c", "1")
    for node in (a, b):
        descriptor = os.open(node.path("open/b"), os.O_RDONLY | os.O_DIRECTORY)
        try:
            c.put("open/b/c", "1")
            assert c.delete("open/b/c").status == 200
            assert os.listdir(descriptor) == [] and os.fstat(descriptor).st_nlink == 0
            with pytest.raises(OSError) as error:
                os.open("x", os.O_CREAT | os.O_WRONLY, dir_fd=descriptor)
            assert error.value.errno in (errno.ENOENT, errno.ESTALE)
            a.put("open/b/c", "2")
            assert (node.path("open/b/c")).read_text() == "2" and os.listdir(descriptor) == []
        finally:
            os.close(descriptor)
    assert c.delete("open/b/c").status == 200


def test_both_doors_at_once(cluster):
    """Keys come and go by HTTP while files do in the same directories: neither sees an error that the other one does
    not explain, and the trees are equal."""
    failures = []

    def by_key(node):
        for number in range(MIXED):
            answer = node.put("mixed/a/b/key", str(number))
            assert answer.status == 200, answer
            answer = node.delete("mixed/a/b/key")
            assert answer.status in (200, 404), answer

    def by_file(node):
        for number in range(MIXED):
            path = node.path("mixed/a/b/file")
            try:
                os.makedirs(path.parent, exist_ok=True)
                path.write_text(str(number))
                os.unlink(path)
                os.removedirs(path.parent)
            except (FileNotFoundError, FileExistsError):
                pass  # it went on the way, as any directory may that another one removes
            except OSError as error:
                assert error.errno in (errno.ENOTEMPTY, errno.ESTALE), error  # it went while it was used

    def run(function, node):
        try:
            function(node)
        except BaseException as failure:
            failures.append(failure)

    threads = [threading.Thread(target=run, args=pair) for pair in
               ((by_key, cluster.nodes[0]), (by_key, cluster.nodes[1]), (by_file, cluster.nodes[1]),
                (by_file, cluster.nodes[2]))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures, failures
    cluster.wait_equal()
    assert len({node.status()["log"]["digest"] for node in cluster.nodes}) == 1
