#include "store/log_db.h"

#include "store/seal.h"
#include "store/tree_records.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static const char *const log_statement_texts[LOG_STATEMENT_COUNT] = {
    [LOG_BEGIN] = "BEGIN IMMEDIATE",
    [LOG_COMMIT] = "COMMIT",
    [LOG_CUT] = "DELETE FROM entry WHERE idx >= ?",
    [LOG_INSERT] = "INSERT INTO entry (idx, bytes) VALUES (?, ?)",
    [LOG_SET_STATE] = "UPDATE state SET promise_n = ?, promise_priority = ?, promise_pid = ?,"
                      " round_n = ?, round_priority = ?, round_pid = ?, decided = ?, compacted = ?,"
                      " standing = ?",
    [LOG_LIST_DEAD] = "SELECT idx, length(bytes) FROM entry WHERE idx < ? ORDER BY idx LIMIT ?",
    [LOG_TRIM] = "DELETE FROM entry WHERE idx <= ?",
    [LOG_GET_STATE] = "SELECT promise_n, promise_priority, promise_pid, round_n, round_priority,"
                      " round_pid, decided, compacted, incarnation, standing, folder FROM state",
    [LOG_LIST] = "SELECT idx, bytes FROM entry WHERE idx >= ? ORDER BY idx",
    [LOG_SET_INCARNATION] = "UPDATE state SET incarnation = ?",
    [LOG_FORGET_MEMBERS] = "DELETE FROM member",
    [LOG_ADD_MEMBER] = "INSERT INTO member (pid, life, folder) VALUES (?, ?, ?)",
    [LOG_LIST_MEMBERS] = "SELECT pid, life, folder FROM member ORDER BY pid",
    [LOG_FREE_PAGES] = "PRAGMA freelist_count",
};

_Static_assert(PAXOS_MEMBER == 0 && PAXOS_JOINING == 1 && PAXOS_FRESH == 2, "they are stored");

/* A new folder is PAXOS_FRESH and gets a random number, which is not 0. */
static const char log_schema[] =
    "CREATE TABLE state (promise_n INTEGER NOT NULL, promise_priority INTEGER NOT NULL,"
    " promise_pid INTEGER NOT NULL, round_n INTEGER NOT NULL, round_priority INTEGER NOT NULL,"
    " round_pid INTEGER NOT NULL, decided INTEGER NOT NULL, compacted INTEGER NOT NULL,"
    " incarnation INTEGER NOT NULL, standing INTEGER NOT NULL, folder INTEGER NOT NULL);"
    "INSERT INTO state VALUES (0, 0, 0, 0, 0, 0, 0, 0, 0, 2, random() | 1);"
    "CREATE TABLE entry (idx INTEGER PRIMARY KEY, bytes BLOB NOT NULL);";

static const char log_member_schema[] =
    "CREATE TABLE member (pid INTEGER PRIMARY KEY, life INTEGER NOT NULL, folder INTEGER NOT NULL)";

/* ---- Opening ---- */

/* Makes the table of members. Neither life nor folder is known of any yet. */
static int log_db_make_members(struct log_db *db, const struct paxos_membership *members)
{
    assert(members->count <= PAXOS_NODES_MAX);
    int status = sql_exec(&db->sql, log_member_schema);
    for (uint32_t i = 0; i < members->count && status == 0; i++) {
        char text[80];
        snprintf(text, sizeof text, "INSERT INTO member VALUES (%" PRIu32 ", 0, 0)",
                 members->members[i].pid);
        status = sql_exec(&db->sql, text);
    }
    return status;
}

/* Format 3 numbered the nodes of a cluster from 1 on without a gap, and had a table `node` by rank,
 * which is that number less one. All its rows were written together, even for ranks without a node;
 * there were none as long as nothing was known. */
static int log_db_upgrade(struct log_db *db, const struct paxos_membership *members, int format)
{
    int status = format < 4 ? log_db_make_members(db, members) : 0;
    if (format < 4 && status == 0)
        status = sql_exec(&db->sql, "UPDATE member SET life = node.life, folder = node.folder"
                                    " FROM node WHERE node.rank = member.pid - 1;"
                                    "DROP TABLE node");
    return status < 0 ? status : sql_upgraded(&db->sql, format);
}

/* The size of a file in the folder; 0 if there is none. */
static off_t log_db_size(const struct folder *folder, const char *name)
{
    char path[PATH_MAX];
    struct stat file;
    if (snprintf(path, sizeof path, "%s/%s", folder_path(folder), name) >= (int)sizeof path)
        return 0;
    return stat(path, &file) == 0 ? file.st_size : 0;
}

/* To be asked before the log is opened. The WAL has its full length before anything is written back
 * from it, and keeps it. Without it log.db is as it was when the WAL was written back last: the
 * node has forgotten what it promised and acknowledged since. */
static bool log_db_has_lost_wal(const struct folder *folder)
{
    return log_db_size(folder, "log.db") > SEAL_PAGE_BYTES &&
           log_db_size(folder, "log.db-wal") < LOG_WAL_BYTES;
}

/* In one transaction: makes the tables of a new database, or brings those of a former format up to
 * date. */
static int log_db_make(struct log_db *db, const struct identity *identity,
                       const struct paxos_membership *members, uint64_t applied, bool lost_wal)
{
    int format, status = sql_exec(&db->sql, "BEGIN IMMEDIATE");
    if (status == 0)
        status = sql_identify(&db->sql, identity, &format);
    bool made = status == 0 && format == 0;
    if (made && applied > 0)
        status = fault_set(
            &db->sql.fault, -EINVAL,
            "log.db is missing although tree.db holds data: this node has forgotten what it "
            "promised the others; " FOLDER_REMEDY);
    if (status == 0 && !made && lost_wal)
        status = fault_set(
            &db->sql.fault, -EINVAL,
            "log.db-wal is missing or was cut: without it this node has forgotten what it "
            "acknowledged last; put it back or, " FOLDER_REMEDY);
    if (status == 0 && made)
        status = sql_exec(&db->sql, log_schema);
    if (status == 0 && made)
        status = log_db_make_members(db, members);
    if (status == 0 && !made && format < FOLDER_FORMAT)
        status = log_db_upgrade(db, members, format);
    return status == 0 ? sql_exec(&db->sql, "COMMIT") : status;
}

/* SQLite calls it after each commit. */
static int log_count_wal_pages(void *arg, sqlite3 *handle, const char *schema, int pages)
{
    struct log_db *db = arg;
    db->wal_pages = pages;
    return SQLITE_OK;
}

/* Makes the WAL file LOG_WAL_BYTES long. Zeros are no frames, so recovery stops where they begin.
 * They are written rather than allocated, which would leave metadata to change with each first use
 * of a block. */
static int log_db_extend_wal(struct log_db *db)
{
    static const uint8_t zeros[64 * 1024];
    sqlite3_file *wal;
    sqlite3_file_control(db->sql.db, "main", SQLITE_FCNTL_JOURNAL_POINTER, &wal);
    assert(wal->pMethods);
    sqlite3_int64 size;
    int code = wal->pMethods->xFileSize(wal, &size);
    if (code == SQLITE_OK && size >= LOG_WAL_BYTES)
        return 0;
    while (code == SQLITE_OK && size < LOG_WAL_BYTES) {
        code = wal->pMethods->xWrite(wal, zeros, sizeof zeros, size);
        size += (sqlite3_int64)sizeof zeros;
    }
    if (code == SQLITE_OK)
        code = wal->pMethods->xSync(wal, SQLITE_SYNC_NORMAL);
    if (code == SQLITE_OK)
        return 0;
    return fault_set(&db->sql.fault, code == SQLITE_FULL ? -ENOSPC : -EIO,
                     "log.db: make room for its WAL (%d MiB): %s", LOG_WAL_BYTES / (1024 * 1024),
                     sqlite3_errstr(code));
}

static int log_db_prepare(struct log_db *db)
{
    int status = 0;
    for (int i = 0; i < LOG_STATEMENT_COUNT && status == 0; i++)
        status = sql_prepare(&db->sql, log_statement_texts[i], &db->statements[i]);
    return status;
}

static int log_db_count_free(struct log_db *db)
{
    sqlite3_stmt *count = db->statements[LOG_FREE_PAGES];
    int status = sql_step(&db->sql, count);
    if (status > 0)
        db->free_bytes = (uint64_t)sqlite3_column_int64(count, 0) * LOG_PAGE_BYTES;
    sqlite3_reset(count);
    return status < 0 ? status : 0;
}

int log_db_open(struct log_db *db, const struct folder *folder, const struct identity *identity,
                const struct paxos_membership *members, uint64_t applied)
{
    memset(db, 0, sizeof *db);
    db->keep = UINT64_MAX;
    db->node = identity->node;
    bool lost_wal = log_db_has_lost_wal(folder);
    int status = sql_settle(folder, "log.db", &db->sql.fault);
    if (status == 0)
        status = sql_open(&db->sql, folder, "log.db");
    if (status < 0)
        return status;
    /* Closing writes nothing, least of all after an error, and leaves the WAL file as it is. */
    sqlite3_db_config(db->sql.db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    /* Exclusive: no shared memory file, no locks to take and give back with each transaction. */
    status = sql_exec(&db->sql, "PRAGMA page_size = 4096;"
                                "PRAGMA locking_mode = EXCLUSIVE;"
                                "PRAGMA journal_mode = WAL;"
                                "PRAGMA synchronous = FULL;"
                                "PRAGMA wal_autocheckpoint = 0");
    if (status == 0)
        status = log_db_make(db, identity, members, applied, lost_wal);
    if (status == 0)
        status = log_db_extend_wal(db);
    if (status == 0)
        status = log_db_prepare(db);
    if (status == 0)
        status = log_db_count_free(db);
    if (status < 0) {
        log_db_close(db);
        return status;
    }
    sqlite3_wal_hook(db->sql.db, log_count_wal_pages, db);
    return 0;
}

void log_db_close(struct log_db *db)
{
    for (int i = 0; i < LOG_STATEMENT_COUNT; i++)
        sqlite3_finalize(db->statements[i]);
    sql_close(&db->sql);
}

/* ---- Writing ---- */

int log_db_begin(struct log_db *db)
{
    assert(sqlite3_get_autocommit(db->sql.db)); /* no transaction is open */
    db->state_before = db->state;
    db->first_row_before = db->first_row;
    db->state_changed = db->membership_changed = false;
    db->rows_added = 0;
    db->bytes_added = 0;
    return sql_run(&db->sql, db->statements[LOG_BEGIN]);
}

static int log_db_cut(struct log_db *db, uint64_t first)
{
    sqlite3_stmt *cut = db->statements[LOG_CUT];
    sqlite3_bind_int64(cut, 1, (int64_t)first);
    return sql_run(&db->sql, cut);
}

static int log_db_insert(struct log_db *db, uint64_t index, const struct paxos_entry *entry)
{
    assert(index >= db->state.compacted);
    sqlite3_stmt *insert = db->statements[LOG_INSERT];
    sqlite3_bind_int64(insert, 1, (int64_t)index);
    sql_bind_bytes(insert, 2, bytes_of(entry->bytes, entry->len));
    db->rows_added++;
    db->bytes_added += entry->len;
    return sql_run(&db->sql, insert);
}

static bool log_ballots_equal(struct paxos_ballot a, struct paxos_ballot b)
{
    return a.n == b.n && a.priority == b.priority && a.pid == b.pid;
}

/* A new `decided` alone is not worth the row's page in a transaction that adds entries: it may be
 * stored late, as it only says where catching up begins. */
static void log_db_set_state(struct log_db *db, const struct paxos_write *write)
{
    struct log_state *state = &db->state;
    assert(write->compacted >= state->compacted);
    assert(write->decided >= state->decided);
    assert(write->compacted <= write->decided);
    assert(paxos_ballot_compare(write->acc_round, write->promise) <= 0);
    assert(write->membership.count > 0);
    assert(write->membership.count <= PAXOS_NODES_MAX);
    if (memcmp(&write->membership, &state->membership, sizeof state->membership) != 0)
        db->state_changed = db->membership_changed = true;
    if (write->entry_count == 0 || write->truncate || write->compacted != state->compacted ||
        !log_ballots_equal(write->promise, state->promise) ||
        !log_ballots_equal(write->acc_round, state->acc_round))
        db->state_changed = true;
    state->promise = write->promise;
    state->acc_round = write->acc_round;
    state->decided = write->decided;
    state->compacted = write->compacted;
    state->membership = write->membership;
}

int log_db_put(struct log_db *db, const struct paxos_write *write)
{
    int status = 0;
    log_db_set_state(db, write);
    if (write->truncate)
        status = log_db_cut(db, write->first);
    for (uint32_t i = 0; i < write->entry_count && status == 0; i++)
        status = log_db_insert(db, write->first + i, write->entries[i]);
    return status;
}

static void log_bind_ballot(sqlite3_stmt *statement, int parameter, struct paxos_ballot ballot)
{
    sqlite3_bind_int64(statement, parameter, (int64_t)ballot.n);
    sqlite3_bind_int64(statement, parameter + 1, ballot.priority);
    sqlite3_bind_int64(statement, parameter + 2, ballot.pid);
}

static int log_db_write_state(struct log_db *db)
{
    assert(db->state.compacted <= db->state.decided);
    assert(paxos_ballot_compare(db->state.acc_round, db->state.promise) <= 0);
    sqlite3_stmt *set = db->statements[LOG_SET_STATE];
    log_bind_ballot(set, 1, db->state.promise);
    log_bind_ballot(set, 4, db->state.acc_round);
    sqlite3_bind_int64(set, 7, (int64_t)db->state.decided);
    sqlite3_bind_int64(set, 8, (int64_t)db->state.compacted);
    sqlite3_bind_int64(set, 9, db->state.membership.standing);
    return sql_run(&db->sql, set);
}

/* All of them at once: their rows are few, and rarely change. */
static int log_db_write_members(struct log_db *db)
{
    sqlite3_stmt *add = db->statements[LOG_ADD_MEMBER];
    const struct paxos_membership *membership = &db->state.membership;
    int status = sql_run(&db->sql, db->statements[LOG_FORGET_MEMBERS]);
    assert(membership->count > 0);
    for (uint32_t i = 0; i < membership->count && status == 0; i++) {
        sqlite3_bind_int64(add, 1, membership->members[i].pid);
        sqlite3_bind_int64(add, 2, membership->members[i].life);
        sqlite3_bind_int64(add, 3, (int64_t)membership->members[i].folder);
        status = sql_run(&db->sql, add);
    }
    return status;
}

/* Rows below it may be deleted. */
static uint64_t log_db_dead_end(const struct log_db *db)
{
    return db->keep < db->state.compacted ? db->keep : db->state.compacted;
}

bool log_db_has_dead_rows(const struct log_db *db)
{
    return db->first_row < log_db_dead_end(db);
}

/* Deletes the oldest dead rows: faster than new rows are added, but few enough for the commit to
 * stay short. */
static int log_db_trim(struct log_db *db)
{
    uint64_t bytes_max = LOG_TRIM_BYTES + 2 * db->bytes_added, bytes = 0;
    uint64_t last = log_db_dead_end(db) - 1; /* unless more are left than are deleted now */
    int status = 0;
    assert(log_db_has_dead_rows(db));
    sqlite3_stmt *dead = db->statements[LOG_LIST_DEAD];
    sqlite3_bind_int64(dead, 1, (int64_t)log_db_dead_end(db));
    sqlite3_bind_int64(dead, 2, (int64_t)(LOG_TRIM_ROWS + 2 * db->rows_added));
    while (bytes < bytes_max && (status = sql_step(&db->sql, dead)) > 0) {
        last = (uint64_t)sqlite3_column_int64(dead, 0);
        bytes += (uint64_t)sqlite3_column_int64(dead, 1);
    }
    sqlite3_reset(dead);
    if (status < 0)
        return status;
    sqlite3_stmt *trim = db->statements[LOG_TRIM];
    sqlite3_bind_int64(trim, 1, (int64_t)last);
    db->first_row = last + 1;
    return sql_run(&db->sql, trim);
}

int log_db_commit(struct log_db *db)
{
    assert(!sqlite3_get_autocommit(db->sql.db));
    int status = 0;
    if (db->state_changed)
        status = log_db_write_state(db);
    if (status == 0 && db->membership_changed)
        status = log_db_write_members(db);
    if (status == 0 && log_db_has_dead_rows(db))
        status = log_db_trim(db);
    if (status == 0 && db->first_row != db->first_row_before)
        status = log_db_count_free(db);
    return status == 0 ? sql_run(&db->sql, db->statements[LOG_COMMIT]) : status;
}

/* SQLite has rolled some errors back by itself. */
int log_db_undo(struct log_db *db)
{
    db->state = db->state_before;
    db->first_row = db->first_row_before;
    return sqlite3_get_autocommit(db->sql.db) ? 0 : sql_exec(&db->sql, "ROLLBACK");
}

/* ---- Reading what lies behind ---- */

int log_db_read(struct log_db *db, uint64_t first, uint64_t end, size_t bytes_max,
                struct buffer *records, uint32_t *count)
{
    sqlite3_stmt *list = db->statements[LOG_LIST];
    int status = 0;
    *count = 0;
    assert(sqlite3_get_autocommit(db->sql.db));
    sqlite3_bind_int64(list, 1, (int64_t)first);
    while (first + *count < end && records->len < bytes_max) {
        status = sql_step(&db->sql, list);
        if (status < 0)
            break;
        if (status == 0 || (uint64_t)sqlite3_column_int64(list, 0) != first + *count) {
            status = -ENOENT; /* it was deleted */
            break;
        }
        record_put_entry(records, sql_column_bytes(list, 1));
        ++*count;
    }
    sqlite3_reset(list);
    if (status < 0)
        return status;
    if (first + *count == end)
        record_put_last(records, end);
    return records->failed ? -ENOMEM : 0;
}

int log_db_checkpoint(struct log_db *db)
{
    if (db->wal_pages < LOG_WAL_PAGES)
        return 0;
    assert(sqlite3_get_autocommit(db->sql.db));
    int pages = db->wal_pages;
    db->wal_pages = 0;
    if (sqlite3_wal_checkpoint_v2(db->sql.db, "main", SQLITE_CHECKPOINT_PASSIVE, NULL, NULL) ==
        SQLITE_OK)
        return 0;
    int status = sql_failed(&db->sql, "checkpoint");
    if (status != -ENOSPC)
        return status;
    db->wal_pages = pages;
    return 0;
}
