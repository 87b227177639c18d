#include "former_folder.h"
#include "log_wal.h"

#include "store/seal.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const char tree_tables[] =
    "CREATE TABLE meta (applied INTEGER NOT NULL, next_ino INTEGER NOT NULL,"
    " next_data INTEGER NOT NULL, last_time INTEGER NOT NULL, inodes INTEGER NOT NULL,"
    " bytes INTEGER NOT NULL, digest INTEGER NOT NULL) STRICT;"
    "CREATE TABLE snapshot (upto INTEGER NOT NULL) STRICT;"
    "CREATE TABLE inode (ino INTEGER PRIMARY KEY, mode INTEGER NOT NULL, nlink INTEGER NOT NULL,"
    " uid INTEGER NOT NULL, gid INTEGER NOT NULL, rdev INTEGER NOT NULL, size INTEGER NOT NULL,"
    " used INTEGER NOT NULL, revision INTEGER NOT NULL, atime INTEGER NOT NULL,"
    " mtime INTEGER NOT NULL, ctime INTEGER NOT NULL, parent INTEGER NOT NULL, data INTEGER NOT "
    "NULL,"
    " inline BLOB NOT NULL) STRICT;"
    "CREATE TABLE dentry (parent INTEGER NOT NULL, name BLOB NOT NULL, ino INTEGER NOT NULL,"
    " PRIMARY KEY (parent, name)) STRICT, WITHOUT ROWID;"
    "CREATE TABLE chunk (id INTEGER PRIMARY KEY, bytes BLOB NOT NULL) STRICT;"
    "CREATE TABLE xattr (ino INTEGER NOT NULL, name BLOB NOT NULL, value BLOB NOT NULL,"
    " PRIMARY KEY (ino, name)) STRICT, WITHOUT ROWID;"
    "CREATE TABLE held (node INTEGER NOT NULL, ino INTEGER NOT NULL,"
    " PRIMARY KEY (node, ino)) STRICT, WITHOUT ROWID;"
    "CREATE TABLE kept (ino INTEGER PRIMARY KEY, mode INTEGER NOT NULL, nlink INTEGER NOT NULL,"
    " uid INTEGER NOT NULL, gid INTEGER NOT NULL, rdev INTEGER NOT NULL, size INTEGER NOT NULL,"
    " used INTEGER NOT NULL, revision INTEGER NOT NULL, atime INTEGER NOT NULL,"
    " mtime INTEGER NOT NULL, ctime INTEGER NOT NULL, parent INTEGER NOT NULL,"
    " data INTEGER NOT NULL, inline BLOB NOT NULL) STRICT;"
    "CREATE INDEX kept_data ON kept (data);"
    "CREATE TABLE trash (first INTEGER PRIMARY KEY, last INTEGER NOT NULL) STRICT;"
    "CREATE TABLE session (node INTEGER PRIMARY KEY, incarnation INTEGER NOT NULL,"
    " lowest INTEGER NOT NULL) STRICT;"
    "CREATE TABLE result (node INTEGER NOT NULL, page INTEGER NOT NULL, bytes BLOB NOT NULL,"
    " PRIMARY KEY (node, page)) STRICT, WITHOUT ROWID;";

static const char log_tables[] =
    "CREATE TABLE state (promise_n INTEGER NOT NULL, promise_priority INTEGER NOT NULL,"
    " promise_pid INTEGER NOT NULL, round_n INTEGER NOT NULL, round_priority INTEGER NOT NULL,"
    " round_pid INTEGER NOT NULL, decided INTEGER NOT NULL, compacted INTEGER NOT NULL,"
    " incarnation INTEGER NOT NULL, standing INTEGER NOT NULL, folder INTEGER NOT NULL);"
    "INSERT INTO state VALUES (0, 0, 0, 0, 0, 0, 0, 0, 0, 2, random() | 1);"
    "CREATE TABLE node (rank INTEGER PRIMARY KEY, life INTEGER NOT NULL, folder INTEGER NOT NULL);"
    "CREATE TABLE entry (idx INTEGER PRIMARY KEY, bytes BLOB NOT NULL);";

static sqlite3 *former_open(const char *path, const char *name)
{
    char file[256];
    snprintf(file, sizeof file, "%s/%s", path, name);
    sqlite3 *db;
    assert_int_equal(
        sqlite3_open_v2(file, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, seal_vfs()),
        SQLITE_OK);
    seal_make_room(db);
    return db;
}

static void must(sqlite3 *db, const char *text)
{
    if (sqlite3_exec(db, text, NULL, NULL, NULL) != SQLITE_OK)
        fail_msg("%s", sqlite3_errmsg(db));
}

static void make(const char *path, const char *name, const struct identity *identity,
                 const char *tables, const char *rows)
{
    sqlite3 *db = former_open(path, name);
    char owner[256];
    snprintf(owner, sizeof owner,
             "PRAGMA page_size = 4096; PRAGMA journal_mode = WAL; BEGIN;"
             "CREATE TABLE owner (cluster INTEGER NOT NULL, node INTEGER NOT NULL);"
             "INSERT INTO owner VALUES (%" PRId64 ", %" PRIu32 ");"
             "PRAGMA user_version = 3",
             (int64_t)identity->cluster, identity->node);
    must(db, owner);
    must(db, tables);
    must(db, rows);
    must(db, "COMMIT");
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

void former_tree(const char *path, const struct identity *identity, const char *rows)
{
    make(path, "tree.db", identity, tree_tables, rows);
}

void former_log(const char *path, const struct identity *identity, const char *rows)
{
    make(path, "log.db", identity, log_tables, rows);
    log_wal_restore(path);
}

int64_t former_number(const char *path, const char *name, const char *query)
{
    sqlite3 *db = former_open(path, name);
    int64_t number = 0;
    sqlite3_stmt *statement;
    assert_int_equal(sqlite3_prepare_v2(db, query, -1, &statement, NULL), SQLITE_OK);
    if (sqlite3_step(statement) == SQLITE_ROW)
        number = sqlite3_column_int64(statement, 0);
    assert_int_equal(sqlite3_finalize(statement), SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    if (strcmp(name, "log.db") == 0)
        log_wal_restore(path);
    return number;
}
