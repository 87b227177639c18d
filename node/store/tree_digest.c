/* A hash of everything that is replicated (contents, names, attributes, exactly-once results,
 * counters), wherever it lies in the file. FNV-1a, 64 bits. */
#include "store/tree_internal.h"

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
    digest_bytes(d, bytes_of(&value, sizeof value));
}

/* Every column of every row. The length comes before the bytes, so that different tables give
 * different input. */
static int digest_rows(struct sql *sql, struct digest *d, const struct table *table)
{
    sqlite3_stmt *query;
    int status = table_select(sql, table, record_format, &query);
    if (status < 0)
        return status;
    while ((status = sql_step(sql, query)) > 0) {
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

int tree_digest(struct tree *tree, uint64_t *digest)
{
    struct digest d = {UINT64_C(0xcbf29ce484222325)};
    int status = tree_commit(tree); /* counters and sessions are then in their tables */
    for (uint32_t i = 0; status == 0 && i < tables_count(record_format); i++)
        status = digest_rows(&tree->sql, &d, &tree_tables[i]);
    *digest = d.hash;
    return status;
}
