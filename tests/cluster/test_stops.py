"""A node that is told to stop ends within its bound, whatever it waits for."""

import pathlib
import struct
import time

import pytest

from cluster import QUORUMFS, Node, free_ports, wait_for

HARDWARE = pathlib.Path(QUORUMFS).parent / "tests" / "hosts" / "hardware.so"
BOUND = 10 + 1  # seconds: those of main.c, and the time of a request


@pytest.mark.skipif(not HARDWARE.exists() or b"__asan_init" in pathlib.Path(QUORUMFS).read_bytes(),
                    reason="the disk cannot be slowed down")
def test_a_disk_that_hangs(tmp_path, monkeypatch):
    disk = tmp_path / "disk"
    disk.write_bytes(struct.pack("=dq", 1, 0))
    monkeypatch.setenv("LD_PRELOAD", str(HARDWARE))
    monkeypatch.setenv("HARDWARE", str(disk))
    addr = f"127.0.0.1:{free_ports(1)[0]}"
    node = Node(tmp_path / "data", addr, {"addr": addr, "request_timeout": "1s"}).start()
    # SQLite syncs the beginning of the tree's write-ahead log where it commits, on the loop: that is over then.
    began = time.time()
    assert node.put("k", "v").status == 200
    wait_for(lambda: (node.folder / "tree.db-wal").stat().st_mtime > began, "the tree is committed")
    disk.write_bytes(struct.pack("=dq", 1e9, 0))
    assert node.put("k", "v").status == 504
    began = time.monotonic()
    node.ask_to_stop()
    assert node.process.wait(BOUND + 5) == 3, node.log_tail(5)
    assert time.monotonic() - began > BOUND / 2  # it has given the disk its time
    assert "nothing that was acknowledged is lost" in node.log_tail(1)
