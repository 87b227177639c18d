#include "store/sql.h"

#include "store/seal.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* SQLite's extended result code, and the errno of the system call behind it (0: none), as an errno.
 */
static int sql_errno(int code, int system_errno)
{
    if (code == SQLITE_IOERR_DATA)
        return -EUCLEAN;
    switch (code & 0xff) {
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return -EUCLEAN;
    case SQLITE_FULL:
        return -ENOSPC;
    case SQLITE_NOMEM:
        return -ENOMEM;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return -EBUSY;
    case SQLITE_READONLY:
        return -EROFS;
    case SQLITE_PERM:
    case SQLITE_AUTH:
        return -EACCES;
    default:
        break;
    }
    if (code == SQLITE_IOERR_NOMEM)
        return -ENOMEM;
    if (code == SQLITE_IOERR_FSYNC || code == SQLITE_IOERR_DIR_FSYNC)
        return -EIO; /* whatever the reason: nothing tells what was written */
    if (system_errno == ENOSPC || system_errno == EDQUOT || system_errno == EFBIG)
        return -ENOSPC;
    return system_errno == EACCES ? -EACCES : -EIO;
}

int sql_damaged(struct sql *sql, const char *what)
{
    return fault_set(&sql->fault, -EUCLEAN, "%s is damaged (%s): " FOLDER_REMEDY, sql->name, what);
}

int sql_failed(struct sql *sql, const char *doing)
{
    int code = sqlite3_extended_errcode(sql->db);
    bool of_system = (code & 0xff) == SQLITE_IOERR || (code & 0xff) == SQLITE_CANTOPEN;
    int system_errno = of_system ? sqlite3_system_errno(sql->db) : 0;
    const char *text = sqlite3_errmsg(sql->db);
    char page[64];
    if (code == SQLITE_IOERR_FSYNC || code == SQLITE_IOERR_DIR_FSYNC)
        doing = "sync";
    if (code == SQLITE_IOERR_DATA) {
        snprintf(page, sizeof page, "page %" PRId64 " is not as it was written",
                 seal_damaged_page(sql->db));
        return sql_damaged(sql, page);
    }
    if (sql_errno(code, 0) == -EUCLEAN)
        return sql_damaged(sql, text);
    if (system_errno == 0)
        return fault_set(&sql->fault, sql_errno(code, 0), "%s: %s: %s", sql->name, doing, text);
    return fault_set(&sql->fault, sql_errno(code, system_errno), "%s: %s: %s (%s)", sql->name,
                     doing, text, strerror(system_errno));
}

/* After a sync that failed, Linux considers the pages written: no later sync writes them, but they
 * are read until they are evicted. */
int sql_settle(const struct folder *folder, const char *name, struct fault *fault)
{
    char path[PATH_MAX];
    if (snprintf(path, sizeof path, "%s/%s-wal", folder_path(folder), name) >= (int)sizeof path)
        return fault_set(fault, -ENAMETOOLONG, "%s: the folder's path is too long", name);
    int fd = open(path, O_RDWR | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT)
        return 0;
    int status = fd < 0 || fsync(fd) < 0 ? -errno : -posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
    if (fd >= 0)
        close(fd);
    return status < 0 ? fault_set(fault, status, "%s-wal: sync: %s", name, strerror(-status)) : 0;
}

int sql_open(struct sql *sql, const struct folder *folder, const char *name)
{
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
    memset(sql, 0, sizeof *sql);
    sql->name = name;
    char path[PATH_MAX];
    if (snprintf(path, sizeof path, "%s/%s", folder_path(folder), name) >= (int)sizeof path)
        return fault_set(&sql->fault, -ENAMETOOLONG, "%s: the folder's path is too long", name);
    /* Made here, without being opened, with a mode of its own: the tree may hold files that only
     * their owner may read. SQLite gives the WAL the same mode. If making it fails, opening it
     * fails as well and says why. */
    mknod(path, S_IFREG | 0600, 0);
    int status;
    if (sqlite3_open_v2(path, &sql->db, flags, seal_vfs()) != SQLITE_OK) {
        status = sql_failed(sql, "open");
        goto failed;
    }
    seal_make_room(sql->db);
    sqlite3_extended_result_codes(sql->db, 1);
    sql->path = sqlite3_db_filename(sql->db, "main");
    /* Debian's SQLite overwrites what is deleted with zeros unless told not to. */
    status = sql_exec(sql, "PRAGMA secure_delete = OFF");
    if (status < 0)
        goto failed;
    return 0;

failed:
    sql_close(sql);
    return status;
}

void sql_close(struct sql *sql)
{
    int code = sqlite3_close(sql->db);
    assert(code == SQLITE_OK);
    sql->db = NULL;
}

/* The beginning of the SQL names what was being done. */
static int sql_text_failed(struct sql *sql, const char *text)
{
    char doing[40];
    snprintf(doing, sizeof doing, "%s", text);
    return sql_failed(sql, doing);
}

int sql_exec(struct sql *sql, const char *text)
{
    int code = sqlite3_exec(sql->db, text, NULL, NULL, NULL);
    return code == SQLITE_OK ? 0 : sql_text_failed(sql, text);
}

int sql_prepare(struct sql *sql, const char *text, sqlite3_stmt **statement)
{
    int code = sqlite3_prepare_v3(sql->db, text, -1, SQLITE_PREPARE_PERSISTENT, statement, NULL);
    assert(code != SQLITE_OK || *statement); /* there is a statement in the text */
    return code == SQLITE_OK ? 0 : sql_text_failed(sql, text);
}

/* To SQLite, a commit is a statement that only reads; but it gives no columns. */
static const char *sql_doing(sqlite3_stmt *statement)
{
    if (!sqlite3_stmt_readonly(statement))
        return "write";
    return sqlite3_column_count(statement) > 0 ? "read" : "commit";
}

int sql_step(struct sql *sql, sqlite3_stmt *statement)
{
    if (!statement)
        return sql_failed(sql, "prepare a statement");
    int code = sqlite3_step(statement);
    int status = 0;
    if (code == SQLITE_ROW)
        return 1;
    if (code != SQLITE_DONE)
        status = sql_failed(sql, sql_doing(statement));
    sqlite3_reset(statement);
    return status;
}

int sql_run(struct sql *sql, sqlite3_stmt *statement)
{
    int status = sql_step(sql, statement);
    assert(status <= 0);
    return status;
}

void sql_bind_bytes(sqlite3_stmt *statement, int parameter, struct bytes bytes)
{
    assert(bytes.len == 0 || bytes.data);
    const void *data = bytes.len > 0 ? (const void *)bytes.data : "";
    sqlite3_bind_blob64(statement, parameter, data, bytes.len, SQLITE_STATIC);
}

struct bytes sql_column_bytes(sqlite3_stmt *statement, int column)
{
    const void *data = sqlite3_column_blob(statement, column);
    return bytes_of(data, (size_t)sqlite3_column_bytes(statement, column));
}

int sql_number(struct sql *sql, const char *text, int64_t *number)
{
    sqlite3_stmt *query;
    int status = sql_prepare(sql, text, &query);
    if (status < 0)
        return status;
    status = sql_step(sql, query);
    *number = status > 0 ? sqlite3_column_int64(query, 0) : 0;
    sqlite3_finalize(query);
    return status < 0 ? status : 0;
}

/* `path` as a URI (https://sqlite.org/uri.html) of a file that does not change: SQLite then does
 * not look for its WAL. */
static void sql_uri_alone(const char *path, struct buffer *uri)
{
    buffer_printf(uri, "file:");
    for (const char *at = path; *at != '\0'; at++)
        buffer_printf(uri, strchr("%?#", *at) ? "%%%02x" : "%c", *at);
    buffer_printf(uri, "?immutable=1%c", '\0');
}

uint64_t sql_checkpointed(const struct sql *sql, const char *text)
{
    struct sql alone = {.name = sql->name};
    struct buffer uri = {0};
    int64_t number = 0;
    sql_uri_alone(sql->path, &uri);
    if (!uri.failed &&
        sqlite3_open_v2((const char *)uri.data, &alone.db, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI,
                        seal_vfs()) == SQLITE_OK)
        sql_number(&alone, text, &number);
    sql_close(&alone);
    buffer_free(&uri);
    return (uint64_t)number;
}

static uint64_t sql_size_of(const char *path)
{
    struct stat file;
    return stat(path, &file) == 0 ? (uint64_t)file.st_size : 0;
}

uint64_t sql_wal_bytes(const struct sql *sql)
{
    return sql_size_of(sqlite3_filename_wal(sql->path));
}

uint64_t sql_file_bytes(const struct sql *sql)
{
    return sql_size_of(sql->path) + sql_wal_bytes(sql);
}
