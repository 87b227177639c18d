"""SQLite locks its files. Until locks hold in the whole cluster it is refused, and says so; told to leave locks
alone (vfs=unix-none), by one writer at a time, its files are as good as anywhere."""

import sqlite3

import pytest

from files import sh


def test_with_locks_it_is_refused(at):
    for mode in ("delete", "wal"):
        with pytest.raises(sqlite3.OperationalError, match="locking protocol|locked|unable|I/O"):
            connection = sqlite3.connect(at[0] / f"{mode}.db", timeout=0.1)
            connection.execute(f"PRAGMA journal_mode = {mode}")
            connection.execute("CREATE TABLE t (x)")
    assert sh("sqlite3 x.db 'CREATE TABLE t (x)' 2>&1 || true", at[1]) != ""


@pytest.mark.parametrize("mode", ["delete", "persist"])
def test_without_locks_it_works_with_a_rollback_journal(at, mode):
    def connect(folder):
        return sqlite3.connect(f"file:{folder}/a.db?vfs=unix-none", uri=True, isolation_level=None)

    for number in range(3):
        connection = connect(at[number % 3])
        connection.execute(f"PRAGMA journal_mode = {mode}")
        connection.execute("CREATE TABLE IF NOT EXISTS t (x INTEGER PRIMARY KEY, y BLOB)")
        connection.execute("BEGIN")
        connection.executemany("INSERT INTO t (y) VALUES (zeroblob(?))", [(n * 100,) for n in range(20)])
        connection.execute("COMMIT")
        connection.execute("BEGIN")
        connection.execute("DELETE FROM t")
        connection.execute("ROLLBACK")
        connection.close()
        looking = connect(at[(number + 1) % 3])
        assert looking.execute("SELECT count(*) FROM t").fetchone() == (20 * (number + 1),)
        assert looking.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        looking.close()
