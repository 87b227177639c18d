"""SQLite locks its files: with a rollback journal it works from several nodes at once. Its WAL mode needs shared memory,
which two machines do not have: it is refused."""

import os
import sqlite3
import threading

import pytest

WRITERS = 3
ROWS = int(os.environ.get("SQLITE_ROWS", 6))  # of each writer


def connect(folder):
    return sqlite3.connect(folder / "a.db", timeout=60, isolation_level=None)


@pytest.mark.parametrize("mode", ["delete", "persist", "truncate"])
def test_writers_at_all_nodes_lose_nothing(at, mode):
    connection = connect(at[0])
    assert connection.execute(f"PRAGMA journal_mode = {mode}").fetchone() == (mode,)
    connection.execute("CREATE TABLE t (writer, number, total)")
    connection.close()
    failures = []

    def write(writer):
        try:
            mine = connect(at[writer % len(at)])
            mine.execute(f"PRAGMA journal_mode = {mode}")
            for number in range(ROWS):
                mine.execute("BEGIN IMMEDIATE")
                mine.execute("INSERT INTO t SELECT ?, ?, count(*) FROM t", (writer, number))
                mine.execute("COMMIT")
            mine.close()
        except sqlite3.Error as error:
            failures.append(error)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(WRITERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    for folder in at:
        looking = connect(folder)
        assert looking.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        # Each has counted what was there before: no two transactions ran at the same time.
        assert looking.execute("SELECT total FROM t ORDER BY total").fetchall() == [
            (number,) for number in range(WRITERS * ROWS)]
        looking.close()


def test_shared_memory_is_refused(at):
    connection = connect(at[0])
    with pytest.raises(sqlite3.OperationalError):
        connection.execute("PRAGMA journal_mode = wal")
        connection.execute("CREATE TABLE t (x)")
    connection.close()
    # By one process, whose memory nobody shares, it works.
    connection = connect(at[1])
    connection.execute("PRAGMA locking_mode = exclusive")
    assert connection.execute("PRAGMA journal_mode = wal").fetchone() == ("wal",)
    connection.execute("CREATE TABLE t (x)")
    connection.close()
