/* Which cluster and node a folder belongs to: the mark that each of its databases carries (table
 * `owner`), and its format (PRAGMA user_version). The mark of a new folder is zeros. When its
 * cluster becomes known the log is marked first, so the mark of the log is the one that counts. */
#include "store/sql.h"

#include "base/trace.h"
#include "store/seal.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* ---- The mark of one database ---- */

/* `*format` is 0 for a database that has nothing in it yet. */
static int sql_format(struct sql *sql, int *format)
{
    int64_t found, tables;
    int status = sql_number(sql, "PRAGMA user_version", &found);
    if (status == 0)
        status = sql_number(sql, "SELECT count(*) FROM sqlite_schema", &tables);
    if (status < 0)
        return status;
    *format = (int)found; /* SQLite keeps it in 32 bits */
    if (found == 0 && tables == 0)
        return 0;
    if (found < 1)
        return fault_set(&sql->fault, -EINVAL, "%s: not a database of quorumfs: move it away",
                         sql->name);
    if (found < FOLDER_FORMAT_OLDEST || found > FOLDER_FORMAT)
        return fault_set(&sql->fault, -EINVAL,
                         "%s: the folder has format %" PRId64
                         " and this quorumfs knows formats %d to %d: use the version that wrote it",
                         sql->name, found, FOLDER_FORMAT_OLDEST, FOLDER_FORMAT);
    return seal_is_kept(sql->db) ? 0 : sql_damaged(sql, "its pages have no seals");
}

/* Gives an empty database its mark, in the present format. */
static int sql_mark(struct sql *sql, const struct identity *identity)
{
    char text[256];
    snprintf(text, sizeof text,
             "CREATE TABLE owner (cluster INTEGER NOT NULL, node INTEGER NOT NULL,"
             " told INTEGER NOT NULL DEFAULT 0);"
             "INSERT INTO owner VALUES (%" PRId64 ", %" PRIu32 ", %d);"
             "PRAGMA user_version = %d",
             (int64_t)identity->cluster, identity->node, identity->told, FOLDER_FORMAT);
    return sql_exec(sql, text);
}

int sql_set_owner(struct sql *sql, const struct identity *identity)
{
    assert(identity->cluster);
    char text[128];
    snprintf(text, sizeof text,
             "UPDATE owner SET cluster = %" PRId64 ", node = %" PRIu32 ", told = %d",
             (int64_t)identity->cluster, identity->node, identity->told);
    return sql_exec(sql, text);
}

/* Format 3 has no `told`: its nodes were all founders. */
static int sql_read_mark(struct sql *sql, int format, struct identity *identity)
{
    int64_t cluster, node, told = 0;
    int status = sql_number(sql, "SELECT cluster FROM owner", &cluster);
    if (status == 0)
        status = sql_number(sql, "SELECT node FROM owner", &node);
    if (status == 0 && format > 3)
        status = sql_number(sql, "SELECT told FROM owner", &told);
    if (status == 0)
        *identity = (struct identity){(uint64_t)cluster, (uint32_t)node, told != 0};
    return status;
}

int sql_owner(struct sql *sql, struct identity *identity, int *format)
{
    *identity = (struct identity){0};
    int status = sql_format(sql, format);
    return status < 0 || *format == 0 ? status : sql_read_mark(sql, *format, identity);
}

/* A mark of no cluster becomes this one's; any other mark must be this one's already. */
static int sql_check_owner(struct sql *sql, int format, const struct identity *identity)
{
    struct identity found = {0};
    int status = sql_read_mark(sql, format, &found);
    if (status < 0)
        return status;
    if (found.cluster == 0)
        return identity->cluster ? sql_set_owner(sql, identity) : 0;
    if (found.cluster != identity->cluster)
        return fault_set(&sql->fault, -EINVAL,
                         "%s: it belongs to another cluster than the folder: move it away, or "
                         "empty the folder to join as a new node",
                         sql->name);
    if (found.node != identity->node)
        return fault_set(
            &sql->fault, -EINVAL,
            "%s: it belongs to node %" PRIu32 " of the cluster, not to node %" PRIu32
            " like the folder: move it away, or empty the folder to join as a new node",
            sql->name, found.node, identity->node);
    return 0;
}

int sql_identify(struct sql *sql, const struct identity *identity, int *format)
{
    int status = sql_format(sql, format);
    if (status < 0)
        return status;
    return *format == 0 ? sql_mark(sql, identity) : sql_check_owner(sql, *format, identity);
}

int sql_upgraded(struct sql *sql, int format)
{
    assert(format >= FOLDER_FORMAT_OLDEST && format < FOLDER_FORMAT);
    trace_info("store", "%s goes from format %d to %d: earlier versions refuse it from now on",
               sql->name, format, FOLDER_FORMAT);
    char text[128];
    snprintf(text, sizeof text, "%sPRAGMA user_version = %d",
             format < 4 ? "ALTER TABLE owner ADD COLUMN told INTEGER NOT NULL DEFAULT 0;" : "",
             FOLDER_FORMAT);
    return sql_exec(sql, text);
}

/* ---- The folder ---- */

/* Of a database that is open for this alone, and is left as it was. */
static int identity_read_mark(struct sql *sql, struct identity *identity, int *format)
{
    /* Exclusive: no shared memory file is made beside log.db. Closing leaves its WAL as it is. */
    sqlite3_db_config(sql->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    int status = sql_exec(sql, "PRAGMA locking_mode = EXCLUSIVE");
    return status < 0 ? status : sql_owner(sql, identity, format);
}

/* If there is no such database, nothing is read: 0. */
static int identity_read_from(const struct folder *folder, const char *name,
                              struct identity *identity, int *format, struct fault *fault)
{
    char path[PATH_MAX];
    struct sql sql = {0};
    if (snprintf(path, sizeof path, "%s/%s", folder_path(folder), name) >= (int)sizeof path)
        return fault_set(fault, -ENAMETOOLONG, "%s: the path is too long", name);
    if (access(path, F_OK) < 0 && errno == ENOENT)
        return 0;
    int status = sql_settle(folder, name, fault);
    if (status < 0)
        return status;
    status = sql_open(&sql, folder, name);
    if (status == 0)
        status = identity_read_mark(&sql, identity, format);
    if (status < 0)
        *fault = sql.fault;
    sql_close(&sql);
    return status;
}

int identity_read(const struct folder *folder, struct identity *identity, int *format,
                  struct fault *fault)
{
    *identity = (struct identity){0};
    *format = 0;
    int status = identity_read_from(folder, "log.db", identity, format, fault);
    if (status < 0 || identity->cluster)
        return status;
    return identity_read_from(folder, "tree.db", identity, format, fault);
}
