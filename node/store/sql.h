/* Private to the room: what log.db and tree.db both need of SQLite: opening, statements, errors as
 * errnos with a text for the operator, and the mark that says whose database it is.
 *
 * Thread: a connection is used by one thread at a time (SQLITE_OPEN_NOMUTEX). */
#ifndef QUORUMFS_STORE_SQL_H
#define QUORUMFS_STORE_SQL_H

#include "base/buffer.h"
#include "base/fault.h"
#include "store/folder.h"

#include <sqlite3.h>

struct sql {
    sqlite3 *db;
    const char *name;   /* of the file, such as "log.db"; not copied */
    const char *path;   /* of the database; valid while it is open */
    struct fault fault; /* the last error: "log.db: commit: database or disk is full" */
};

/* Every function that returns an int gives 0 or a negative errno, with the text in sql->fault:
 * -ENOSPC (disk full, quota), -ENOMEM, -EBUSY (locked by another connection), -EROFS, -EACCES,
 * -EUCLEAN (the database is damaged), otherwise -EIO (also wrong SQL). */

/* Call it before the process first connects to `name`. Syncs what an earlier process wrote to the
 * WAL, and makes the system forget what it could not write but would still let us read. So only
 * what is on disk is believed. */
int sql_settle(const struct folder *folder, const char *name, struct fault *fault);

/* Opens or makes `name` in the folder. On an error there is nothing to close. */
int sql_open(struct sql *sql, const struct folder *folder, const char *name);
/* Every statement must be finalized before. A connection that was never opened (all zeros) is fine.
 */
void sql_close(struct sql *sql);

/* Records that the database is damaged; `what` says what shows it. Returns -EUCLEAN. */
int sql_damaged(struct sql *sql, const char *what);
/* Records the connection's last error under what was being done ("commit"). Returns its errno. */
int sql_failed(struct sql *sql, const char *doing);

/* Runs one or more statements, and ignores the rows that they give. */
int sql_exec(struct sql *sql, const char *text);
/* A statement that is used again and again; finalized by the caller (sqlite3_finalize). */
int sql_prepare(struct sql *sql, const char *text, sqlite3_stmt **statement);

/* Steps a statement whose parameters are bound: 1 for a row (read its columns, then step again or
 * sqlite3_reset), 0 when there are no more. It is reset unless there is a row. NULL, after
 * sql_prepare failed, gives that failure. */
int sql_step(struct sql *sql, sqlite3_stmt *statement);
/* Steps a statement that gives no rows, and resets it. */
int sql_run(struct sql *sql, sqlite3_stmt *statement);

/* The bytes must stay valid until the statement is reset. Empty bytes are an empty blob, not NULL.
 */
void sql_bind_bytes(sqlite3_stmt *statement, int parameter, struct bytes bytes);
/* A blob of the current row; valid until the statement is stepped or reset. */
struct bytes sql_column_bytes(sqlite3_stmt *statement, int column);

/* The first column of the only row of a query; 0 if there is none. */
int sql_number(struct sql *sql, const char *text, int64_t *number);

/* ---- identity.c: whose a database is ---- */

/* Reads the mark of a database: whose it is, and its format. A database without one gives zeros,
 * and so does one whose cluster is not known yet. -EINVAL for one of an unknown format, or of
 * another program. */
int sql_owner(struct sql *sql, struct identity *identity, int *format);

/* Inside a transaction: checks the mark of a database, or gives it one if it has none. `*format` is
 * the format that it had, 0 if it had no mark: then the caller makes the tables. If it is older
 * than FOLDER_FORMAT, the caller changes the tables and then calls sql_upgraded, all in this
 * transaction. A mark of no cluster becomes this one's; that of another cluster, another node or an
 * unknown format is refused with -EINVAL. */
int sql_identify(struct sql *sql, const struct identity *identity, int *format);
/* Replaces the mark of no cluster by this one. */
int sql_set_owner(struct sql *sql, const struct identity *identity);
/* Marks that the tables, which had `format`, have FOLDER_FORMAT now. */
int sql_upgraded(struct sql *sql, int format);

/* The number that a query gives when it sees the database file without its WAL, as the last
 * checkpoint left it. 0 if it cannot be read, for example after a checkpoint that was cut short. */
uint64_t sql_checkpointed(const struct sql *sql, const char *text);

/* The size of the database and its WAL on disk, in bytes. Any thread, while the database is open.
 */
uint64_t sql_file_bytes(const struct sql *sql);
/* Of these, the WAL's. */
uint64_t sql_wal_bytes(const struct sql *sql);

#endif
