/* Private to the room: log.db as a database, and the steps in which the storage thread works on it.
 *
 *   state   one row: promise, accepted round, decided, compacted, incarnation, standing, folder
 *   member  pid -> life, folder: struct paxos_membership
 *   entry   idx -> bytes. Rows below `compacted` are dead and are deleted piece by piece, unless
 * they are kept for log_read
 *
 * The WAL file is made large once, with zeros, and never shrinks: a commit overwrites blocks that
 * the file already has, so that its fdatasync has no file system metadata to write.
 *
 * Every function that returns an int gives 0 or a negative errno, with the text in db->sql.fault;
 * nothing but log_db_close may be called after an error, except where said. Thread: one at a time.
 */
#ifndef QUORUMFS_STORE_LOG_DB_H
#define QUORUMFS_STORE_LOG_DB_H

#include "base/buffer.h"
#include "paxos/paxos.h"
#include "store/sql.h"

enum {
    LOG_PAGE_BYTES = 4096,
    LOG_WAL_PAGES = 1500, /* the WAL is written back at this length, which takes 5 to 25 ms */
    LOG_WAL_BYTES = 16 * 1024 * 1024, /* its file from the start: LOG_WAL_PAGES and a large batch */
    LOG_TRIM_ROWS = 64,           /* dead rows deleted with a commit, plus two for each new one */
    LOG_TRIM_BYTES = 1024 * 1024, /* their bytes likewise, so that a commit stays short */
};

enum log_statement {
    LOG_BEGIN,
    LOG_COMMIT,
    LOG_CUT,
    LOG_INSERT,
    LOG_SET_STATE,
    LOG_LIST_DEAD,
    LOG_TRIM,
    LOG_GET_STATE,
    LOG_LIST,
    LOG_SET_INCARNATION,
    LOG_FORGET_MEMBERS,
    LOG_ADD_MEMBER,
    LOG_LIST_MEMBERS,
    LOG_FREE_PAGES,
    LOG_STATEMENT_COUNT
};

/* The row of `state`, and the members. */
struct log_state {
    struct paxos_ballot promise, acc_round;
    uint64_t decided, compacted;
    uint64_t incarnation;
    uint64_t folder; /* struct paxos_stored */
    struct paxos_membership membership;
};

struct log_db {
    struct sql sql;
    sqlite3_stmt *statements[LOG_STATEMENT_COUNT];
    struct log_state state;           /* on disk; inside a transaction, what it will be */
    struct log_state state_before;    /* inside a transaction: on disk */
    bool state_changed;               /* the row must be written with this transaction */
    bool membership_changed;          /* so must the members' rows */
    uint32_t node;                    /* struct identity */
    uint64_t keep;                    /* rows from here on stay, dead or not; log_keep */
    uint64_t first_row;               /* no row lies below */
    uint64_t first_row_before;        /* inside a transaction: none of those on disk */
    uint64_t rows_added, bytes_added; /* by this transaction */
    int wal_pages;                    /* after the last commit */
    uint64_t free_bytes;              /* of pages that hold nothing; after the last trim */
};

/* Opens or makes the database; `members` as in log_open. `applied` is how far the tree has applied
 * the log: if it is not 0, a missing log is refused. On an error there is nothing to close. */
int log_db_open(struct log_db *db, const struct folder *folder, const struct identity *identity,
                const struct paxos_membership *members, uint64_t applied);
void log_db_close(struct log_db *db);

/* Reads and checks everything, and cuts a log that ends below `applied`. See log_open. */
int log_db_load(struct log_db *db, uint64_t applied, uint64_t snapshot,
                struct paxos_stored *stored);
/* Durable on return. */
int log_db_next_incarnation(struct log_db *db, uint64_t *incarnation);

/* A transaction: begin, any number of puts, commit (durable on return). */
int log_db_begin(struct log_db *db);
int log_db_put(struct log_db *db, const struct paxos_write *write);
int log_db_commit(struct log_db *db);
/* After begin, put or commit gave -ENOSPC: all is as before begin. */
int log_db_undo(struct log_db *db);

/* Dead rows are left: an empty transaction deletes some more. */
bool log_db_has_dead_rows(const struct log_db *db);
/* As log_read; `*count` is the number of entries. */
int log_db_read(struct log_db *db, uint64_t first, uint64_t end, size_t bytes_max,
                struct buffer *records, uint32_t *count);
/* Writes the WAL back if it has grown to LOG_WAL_PAGES. If there is no room for it, that has to
 * wait for a later call, and is no error. */
int log_db_checkpoint(struct log_db *db);

#endif
