/* Private to the room: the parts of a snapshot: a header, the rows of every replicated table in the
 * order of their keys, and the number of rows of each. A piece is some records, one after another.
 *
 *   header  RECORD_HEADER u8 | format u32 | index u64
 *   row     table u8 | each column: RECORD_NUMBER u8, u64 or RECORD_BYTES u8, length u32, bytes
 *   end     RECORD_END u8 | rows u64 for each table
 *
 * Thread: whichever has the connection. */
#ifndef QUORUMFS_STORE_TREE_RECORDS_H
#define QUORUMFS_STORE_TREE_RECORDS_H

#include "store/sql.h"

enum {
    RECORD_TABLES = 8,
    RECORD_HEADER = 254,
    RECORD_END = 255,
};

/* A condition on chunk.id: it is not in one of the ranges of the trash. The one that begins last
 * before it decides, as the ranges of one file all end at the same chunk. */
#define CHUNK_IS_CONTENTS                                                                          \
    " coalesce((SELECT last FROM trash WHERE first <= id ORDER BY first DESC LIMIT 1), -1) < id"

/* The rows of each table, in the order of the columns. */
extern const char *const record_selects[RECORD_TABLES];
/* Prepares to insert so many rows of a table at a time. */
int record_prepare_insert(struct sql *sql, uint8_t table, int rows, sqlite3_stmt **insert);

/* Appends the current row of a query. */
void record_put_row(struct buffer *out, uint8_t table, sqlite3_stmt *row);
/* Binds the columns of a row, which follow its table's number, to an insert, from its parameter
 * `first` on: they borrow from what is read. Sets r->bad where they do not parse. */
void record_bind_row(struct reader *r, sqlite3_stmt *insert, int first, int columns);

#endif
