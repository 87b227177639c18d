/* Whether rows make a tree: everything that the operations rely on, in the order of
 * tree_internal.h. Each row by itself is checked by its table's description.
 *
 * A snapshot of a peer is believed only after this check: an operation that meets a contradiction
 * later could only stop the node. Every query is one pass over a table or two, or a join by their
 * keys, and gives 1 if something is wrong. Later queries rely on earlier ones. */
#include "store/tree_internal.h"
#include "store/tree_tables.h"

#include <errno.h>
#include <xxhash.h>

#define IS_FOLDER "mode & 61440 = 16384"
#define IS_LIVE_FOLDER "mode & 61440 = 16384 AND nlink > 0"

static const char *const wrong[] = {
    /* inodes by themselves: how many, their numbers, and what a row of each type holds */
    "SELECT count(*) <> (SELECT inodes FROM meta) OR total(used) <> (SELECT bytes FROM meta) OR"
    " max(ino NOT BETWEEN 1 AND (SELECT next_ino FROM meta) - 1 OR"
    " data NOT BETWEEN 0 AND (SELECT next_data FROM meta) - 1 OR size NOT BETWEEN 0 AND 1 << 40 OR"
    " used NOT BETWEEN 0 AND (1 << 40) + 16384 OR nlink NOT BETWEEN 0 AND 0x7fffffff OR"
    " min(uid, gid, rdev, mode) < 0 OR max(uid, gid, rdev) > 0xffffffff OR mode > 65535 OR"
    " CASE mode & 61440"
    " WHEN 16384 THEN data + used + length(inline) <> 0 OR nlink = 1 OR rdev > 1"
    " WHEN 32768 THEN parent <> 0 OR length(inline) > 3072 OR iif(data > 0, length(inline) > 0,"
    "   size <> length(inline) OR used <> length(inline))"
    " WHEN 40960 THEN parent + data <> 0 OR size NOT BETWEEN 1 AND 4095 OR used <> size OR"
    "   length(inline) <> size"
    " ELSE mode & 61440 NOT IN (4096, 8192, 24576, 49152) OR"
    "   parent + data + size + used + length(inline) <> 0 END) FROM inode",
    "SELECT NOT EXISTS (SELECT 1 FROM inode WHERE ino = 1 AND " IS_FOLDER " AND nlink > 0 AND"
    " parent = 1)",

    /* names: what they are, where they stand, how many an inode and a directory have, how many
     * directories are in one; and some node holds each inode without a name */
    "SELECT EXISTS (SELECT 1 FROM dentry d LEFT JOIN inode p ON p.ino = d.parent"
    " LEFT JOIN inode i ON i.ino = d.ino WHERE length(name) NOT BETWEEN 1 AND 255 OR"
    " name IN (x'2e', x'2e2e') OR instr(name, x'2f') OR instr(name, x'00') OR d.ino = 1 OR"
    " (d.parent = 1 AND name = CAST('.quorumfs' AS BLOB)) OR i.ino IS NULL OR p.ino IS NULL OR"
    " p.nlink = 0 OR NOT (p." IS_FOLDER ") OR (i." IS_FOLDER " AND i.parent <> d.parent))",
    "SELECT (SELECT tally(ino, iif(" IS_FOLDER ", ino <> 1 AND nlink > 0, nlink)),"
    "  tally(ino, iif(" IS_FOLDER ", size, 0)), tally(ino, nlink = 0),"
    "  tally(ino, iif(" IS_LIVE_FOLDER ", nlink - 2, 0)) <>"
    "  tally(parent, " IS_LIVE_FOLDER " AND ino <> 1) FROM inode)"
    " <> (SELECT tally(ino, 1), tally(parent, 1), (SELECT tally(ino, 1) FROM held), 0 FROM dentry)",
    /* every directory is below the root; it has one parent, so none is met twice on the way */
    "WITH RECURSIVE folder AS MATERIALIZED (SELECT ino, parent FROM inode"
    "  WHERE " IS_LIVE_FOLDER " AND ino <> 1),"
    " below(ino) AS (VALUES (1) UNION ALL"
    "  SELECT folder.ino FROM below CROSS JOIN folder ON folder.parent = below.ino)"
    " SELECT (SELECT count(*) FROM below) <> (SELECT 1 + count(*) FROM folder)",

    /* contents */
    "SELECT EXISTS (SELECT 1 FROM inode WHERE data > 0 GROUP BY data HAVING count(*) > 1)",
    "SELECT EXISTS (SELECT 1 FROM inode i LEFT JOIN"
    " (SELECT id >> 26 AS data, sum(length(bytes)) AS stored, max(id & 0x3ffffff) AS last"
    "  FROM chunk WHERE" CHUNK_IS_CONTENTS " GROUP BY id >> 26) c ON c.data = i.data"
    " WHERE i.data > 0 AND (used <> coalesce(stored, 0) OR last << 14 >= size))",
    "SELECT EXISTS (SELECT 1 FROM (SELECT DISTINCT id >> 26 AS data FROM chunk"
    "  WHERE" CHUNK_IS_CONTENTS ") c"
    " LEFT JOIN (SELECT data FROM inode WHERE data > 0) i ON i.data = c.data"
    " WHERE i.data IS NULL)",

    /* locks: of a node with a session */
    "SELECT EXISTS (SELECT 1 FROM lock WHERE ino NOT IN (SELECT ino FROM inode) OR"
    " node NOT IN (SELECT node FROM lock_session))",
    "SELECT EXISTS (SELECT 1 FROM lock_wait WHERE ino NOT IN (SELECT ino FROM inode) OR"
    " node NOT IN (SELECT node FROM lock_session))",

    /* files that go with a session: regular, with one name */
    "SELECT EXISTS (SELECT 1 FROM ephemeral e LEFT JOIN inode i ON i.ino = e.ino"
    " WHERE i.ino IS NULL OR mode & 61440 <> 32768 OR nlink <> 1 OR"
    " node NOT IN (SELECT node FROM lock_session))",
    "SELECT count(*) > 8192 FROM ephemeral",

    /* attributes */
    "SELECT EXISTS (SELECT 1 FROM xattr WHERE ino NOT IN (SELECT ino FROM inode))",

    /* files that go away: they are marked, and have a name; each lease knows its files */
    "SELECT (SELECT tally(ino, mode & 61440 = 32768 AND rdev = 1 AND nlink > 0) FROM inode)"
    " <> (SELECT tally(ino, 1) FROM ttl)",
    "SELECT EXISTS (SELECT 1 FROM inode WHERE mode & 61440 = 32768 AND"
    " (rdev > 1 OR (rdev = 1 AND (nlink = 0 OR nlink > 16))))",
    "SELECT (SELECT tally(ino, lease) FROM ttl WHERE lease <> 0)"
    " <> (SELECT tally(ino, lease) FROM lease_file)",
    "SELECT (SELECT tally(id, files) FROM lease) <> (SELECT tally(lease, 1) FROM lease_file)",
    "SELECT (SELECT count(*) FROM ttl) > 1000000 OR (SELECT count(*) FROM lease) > 100000",

    /* tokens: each was made by an entry */
    "SELECT count(*) > 4096 OR max(id > (SELECT applied FROM meta)) FROM token",
};
_Static_assert(CHUNK_NUMBER_BITS == 26 && CHUNK_BITS == 14, "chunks, above");
_Static_assert(TOKENS_MAX == 4096, "tokens, above");
_Static_assert(EPHEMERALS_MAX == 8192, "files that go with a session, above");
_Static_assert(MORTAL_LINKS_MAX == 16 && MORTAL_FILES_MAX == 1000000 && LEASES_MAX == 100000 &&
                   RDEV_MORTAL == 1,
               "files that go away, above");
_Static_assert(INLINE_BYTES_MAX == 3072 && FILE_BYTES_MAX == UINT64_C(1) << 40, "contents, above");

/* tally(key, count): how often each key was counted, all in one number: the sum of count times a
 * random number that belongs to the key. Two different counts hardly ever give the same sum, and
 * the sender of a forged snapshot does not know the random numbers. Unlike GROUP BY, it does not
 * sort. */
static void tally_add(sqlite3_context *context, int count, sqlite3_value **values)
{
    const uint64_t *seed = sqlite3_user_data(context);
    uint64_t *sum = sqlite3_aggregate_context(context, sizeof *sum);
    uint64_t key = (uint64_t)sqlite3_value_int64(values[0]);
    if (sum)
        *sum += (uint64_t)sqlite3_value_int64(values[1]) *
                XXH3_64bits_withSeed(&key, sizeof key, *seed);
    else
        sqlite3_result_error_nomem(context);
}

static void tally_end(sqlite3_context *context)
{
    const uint64_t *sum = sqlite3_aggregate_context(context, 0); /* NULL: nothing was counted */
    sqlite3_result_int64(context, sum ? (sqlite3_int64)*sum : 0);
}

/* Gives the connection the function, with a seed of its own. */
static int tally_make(struct sql *sql)
{
    uint64_t *seed = sqlite3_malloc(sizeof *seed);
    if (!seed)
        return fault_set(&sql->fault, -ENOMEM, "%s: check: out of memory", sql->name);
    sqlite3_randomness(sizeof *seed, seed);
    if (sqlite3_create_function_v2(sql->db, "tally", 2, SQLITE_UTF8, seed, NULL, tally_add,
                                   tally_end, sqlite3_free) != SQLITE_OK)
        return sql_failed(sql, "check");
    return 0;
}

/* Steps and finalizes a query that gives 1 if something is wrong. */
static int check_query(struct sql *sql, sqlite3_stmt *query)
{
    int status = sql_step(sql, query);
    if (status > 0)
        status = sqlite3_column_int64(query, 0) == 0 ? 0 : -EBADMSG;
    sqlite3_finalize(query);
    return status;
}

/* Each row by itself. */
static int check_rows(struct sql *sql)
{
    int status = 0;
    for (uint32_t i = 0; status == 0 && i < tables_count(record_format); i++) {
        sqlite3_stmt *query;
        status = table_find_wrong(sql, &tree_tables[i], &query);
        if (status == 0)
            status = check_query(sql, query);
    }
    return status;
}

int tree_check(struct sql *sql)
{
    int status = tally_make(sql);
    if (status == 0)
        status = check_rows(sql);
    for (size_t i = 0; status == 0 && i < sizeof wrong / sizeof *wrong; i++) {
        sqlite3_stmt *query;
        status = sql_prepare(sql, wrong[i], &query);
        if (status == 0)
            status = check_query(sql, query);
    }
    if (status == 0)
        status = session_check(sql);
    if (status == 0)
        status = tokens_check(sql);
    return status < 0 ? status : events_check(sql);
}
