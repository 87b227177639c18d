/* Private to the room: the tables of tree.db, each described once. The schema, every statement that
 * names all columns, what a snapshot holds and the digest follow from the description.
 *
 * A snapshot has a format, and holds the tables and columns that have this format or an older one.
 * The number of a table in a snapshot is its place in tree_tables, so that list grows only at its
 * end. A node reads every format from RECORD_FORMAT_OLDEST to record_format, and writes the one
 * that it is asked for. Whatever an older snapshot lacks is then as in a new tree: a column has its
 * first value, and a table has no row, or its first one (table_begin).
 *
 * How to add something: a counter or a column of the inode here, a column of another table or a
 * table in tree_tables.c. New ones have the format RECORD_FORMAT, which is raised once for a
 * release.
 *
 * Thread: whichever has the connection. */
#ifndef QUORUMFS_STORE_TREE_TABLES_H
#define QUORUMFS_STORE_TREE_TABLES_H

#include "store/sql.h"
#include "store/tree.h"

enum { TABLES_MAX = 24, COLUMNS_MAX = 24 };

/* The replicated numbers, which are the columns of the only row of `meta`: name, first value,
 * format. FIRST and NEXT are macros; they differ if something comes between two columns. */
#define COUNTERS(FIRST, NEXT)                                                                      \
    FIRST(applied, 0, 3)                                                                           \
    NEXT(next_ino, 2, 3) /* the root has 1 */                                                      \
    NEXT(next_data, 1, 3)                                                                          \
    NEXT(last_time, 0, 3) /* ns, of the last command that took effect */                           \
    NEXT(inodes, 1, 3)                                                                             \
    NEXT(bytes, 0, 3)                                                                              \
    NEXT(digest, 0, 3) /* of the history */

/* The columns of `inode` but for `ino` and `inline`: name, member of struct inode, format. */
#define INODE_NUMBERS(FIRST, NEXT)                                                                 \
    FIRST(mode, attr.mode, 3)                                                                      \
    NEXT(nlink, attr.nlink, 3)                                                                     \
    NEXT(uid, attr.uid, 3)                                                                         \
    NEXT(gid, attr.gid, 3)                                                                         \
    NEXT(rdev, attr.rdev, 3) /* of a directory: tree_implied.c */                                  \
    NEXT(size, attr.size, 3)                                                                       \
    NEXT(used, attr.used, 3)                                                                       \
    NEXT(revision, attr.revision, 3)                                                               \
    NEXT(atime, attr.atime, 3)                                                                     \
    NEXT(mtime, attr.mtime, 3)                                                                     \
    NEXT(ctime, attr.ctime, 3)                                                                     \
    NEXT(parent, parent, 3)                                                                        \
    NEXT(data, data, 3)

/* A condition on chunk.id: it is not in one of the ranges of the trash. The range that begins last
 * before it decides, as the ranges of one file all end at the same chunk. */
#define CHUNK_IS_CONTENTS                                                                          \
    " coalesce((SELECT last FROM trash WHERE first <= id ORDER BY first DESC LIMIT 1), -1) < id"

enum column_type { COLUMN_NUMBER, COLUMN_BYTES };

struct column {
    const char *name;
    enum column_type type;
    uint32_t format;
    int64_t first; /* of a number; bytes are empty at first */
};

/* A replicated table. */
struct table {
    const char *name; /* NULL: there is none */
    uint32_t format;
    uint32_t key;         /* its first columns, as many as this, are its key; 0: it has one row */
    const char *contents; /* a condition that replicated rows meet; NULL: all are replicated */
    const char *wrong;    /* a condition that no such row of a sound tree meets; NULL: none */
    const char *index;    /* SQL that makes one; NULL: none */
    struct column columns[COLUMNS_MAX]; /* those behind the last have no name */
};

/* In the order in which a snapshot has them: by format, and then a table after those that its rows
 * refer to. */
extern const struct table tree_tables[TABLES_MAX];
extern const uint32_t record_format; /* RECORD_FORMAT; a test has newer ones */
/* The schema of the tables that are this node's own and in no snapshot. */
extern const char tree_own_schema[];

/* ---- tree_schema.c: what follows from a description ---- */

/* How many tables, and how many columns of one, a snapshot of this format has. */
uint32_t tables_count(uint32_t format);
uint32_t columns_count(const struct table *table, uint32_t format);

/* Makes the table, empty. 0 or a negative errno, like those that follow. */
int table_make(struct sql *sql, const struct table *table);
/* Adds the columns that the table did not have in this former format. */
int table_widen(struct sql *sql, const struct table *table, uint32_t format);
/* Gives a table that has one row its first one. */
int table_begin(struct sql *sql, const struct table *table);
/* Prepares to read the rows that are replicated, in the order of their keys, as this format has
 * them. */
int table_select(struct sql *sql, const struct table *table, uint32_t format,
                 sqlite3_stmt **select);
/* Prepares to insert `rows` of them at a time. */
int table_insert(struct sql *sql, const struct table *table, uint32_t format, int rows,
                 sqlite3_stmt **insert);
/* Prepares a query that gives one number: 0 if each row by itself may be in a sound tree, and there
 * is the one row of a table without a key. */
int table_find_wrong(struct sql *sql, const struct table *table, sqlite3_stmt **query);

#endif
