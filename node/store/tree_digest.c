/* A hash of what is replicated: contents, names, attributes, exactly-once results, counters; not of
 * where any of it lies in the file. FNV-1a, 64 bits. */
#include "store/tree_internal.h"
#include "store/tree_records.h"

struct digest {
    uint64_t hash;
};

static void digest_bytes(struct digest *d, struct bytes bytes)
{
    for (size_t i = 0; i < bytes.len; i++) {
        d->hash ^= bytes.data[i];
        d->hash *= UINT64_C(0x100000001b3);
    }
}

static void digest_number(struct digest *d, uint64_t value)
{
    digest_bytes(d, bytes_of(&value, sizeof(value)));
}

/* Every column of every row; lengths first, so that no two tables give the same bytes. */
static int digest_rows(struct tree *tree, struct digest *d, const char *text)
{
    sqlite3_stmt *query;
    int status = sql_prepare(&tree->sql, text, &query);

    if (status < 0)
        return status;
    while ((status = sql_step(&tree->sql, query)) > 0) {
        for (int i = 0; i < sqlite3_column_count(query); i++) {
            struct bytes bytes = {0};
            bool number = sqlite3_column_type(query, i) == SQLITE_INTEGER;
            if (!number)
                bytes = sql_column_bytes(query, i);
            digest_number(d, number ? column_number(query, i) : bytes.len);
            digest_bytes(d, bytes);
        }
    }
    sqlite3_finalize(query);
    return status;
}

static void digest_counters(struct digest *d, const struct counters *counters)
{
    digest_number(d, counters->applied);
    digest_number(d, counters->next_ino);
    digest_number(d, counters->next_data);
    digest_number(d, counters->last_time);
    digest_number(d, counters->inodes);
    digest_number(d, counters->bytes);
    digest_number(d, counters->digest);
}

int tree_digest(struct tree *tree, uint64_t *digest)
{
    /* Chunks by the inode that they belong to: their ids say nothing about the contents. */
    static const char *const texts[] = {
        "SELECT ino, mode, nlink, uid, gid, rdev, size, used, revision, atime, mtime, ctime, "
        "parent, inline FROM inode ORDER BY ino",
        "SELECT i.ino, c.id & 67108863, c.bytes FROM inode i CROSS JOIN chunk c"
        " ON c.id BETWEEN i.data << 26 AND (i.data << 26) + 67108863"
        " WHERE i.data > 0 AND" CHUNK_IS_CONTENTS " ORDER BY i.ino, c.id",
        "SELECT parent, name, ino FROM dentry ORDER BY parent, name",
        "SELECT ino, name, value FROM xattr ORDER BY ino, name",
        "SELECT node, ino FROM held ORDER BY node, ino",
        "SELECT node, incarnation, lowest FROM session ORDER BY node",
        "SELECT node, page, bytes FROM result ORDER BY node, page",
    };
    struct digest d = {UINT64_C(0xcbf29ce484222325)};
    int status = tree_commit(tree); /* the sessions are then in their tables */

    digest_counters(&d, &tree->counters);
    for (size_t i = 0; status == 0 && i < sizeof(texts) / sizeof(*texts); i++)
        status = digest_rows(tree, &d, texts[i]);
    *digest = d.hash;
    return status;
}
