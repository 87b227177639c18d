/* Private to the room: the parts of a snapshot. It has a header, the rows of every table that its
 * format has (tree_tables.h) in the order of their keys, and the number of rows of each table. A
 * piece is some of these records, one after another.
 *
 *   header  RECORD_HEADER u8 | format u32 | index u64
 *   row     table u8 | each column: RECORD_NUMBER u8, u64 or RECORD_BYTES u8, length u32, bytes
 *   end     RECORD_END u8 | rows u64 for each table
 *
 * From level 3 on, what was applied while the snapshot was read follows, as entries of the log, so
 * that a snapshot over a slow line is not old when it arrives:
 *
 *   entry   RECORD_ENTRY u8 | length u32, bytes
 *   last    RECORD_LAST u8 | index u64, of the tree after all of them
 *
 * Thread: whichever has the connection. */
#ifndef QUORUMFS_STORE_TREE_RECORDS_H
#define QUORUMFS_STORE_TREE_RECORDS_H

#include "base/buffer.h"
#include "store/tree_tables.h"

enum {
    RECORD_NUMBER = 1,
    RECORD_BYTES = 2,
    RECORD_ENTRY = 252,
    RECORD_LAST = 253,
    RECORD_HEADER = 254,
    RECORD_END = 255,
};

void record_put_header(struct buffer *out, uint32_t format, uint64_t index);
/* Appends the current row of a query. */
void record_put_row(struct buffer *out, uint8_t table, sqlite3_stmt *row);
/* The rows of each table of the format. */
void record_put_end(struct buffer *out, uint32_t format, const uint64_t rows[TABLES_MAX]);

void record_put_entry(struct buffer *out, struct bytes entry);
void record_put_last(struct buffer *out, uint64_t index);

/* Binds the columns of a row, which follow its table's number, to an insert, from its parameter
 * `first` on. They borrow the bytes that are read. Sets r->bad if they do not parse. */
void record_bind_row(struct reader *r, sqlite3_stmt *insert, int first, int columns);

#endif
