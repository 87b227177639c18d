#include "store/tree_records.h"

#include "store/tree_internal.h"

#include <assert.h>

void record_put_header(struct buffer *out, uint32_t format, uint64_t index)
{
    buffer_put_u8(out, RECORD_HEADER);
    buffer_put_u32(out, format);
    buffer_put_u64(out, index);
}

void record_put_end(struct buffer *out, uint32_t format, const uint64_t rows[TABLES_MAX])
{
    buffer_put_u8(out, RECORD_END);
    for (uint32_t i = 0; i < tables_count(format); i++)
        buffer_put_u64(out, rows[i]);
}

void record_put_entry(struct buffer *out, struct bytes entry)
{
    buffer_put_u8(out, RECORD_ENTRY);
    buffer_put_bytes(out, entry);
}

void record_put_last(struct buffer *out, uint64_t index)
{
    buffer_put_u8(out, RECORD_LAST);
    buffer_put_u64(out, index);
}

void record_put_row(struct buffer *out, uint8_t table, sqlite3_stmt *row)
{
    assert(table < TABLES_MAX);
    int columns = sqlite3_column_count(row);
    buffer_put_u8(out, table);
    for (int i = 0; i < columns; i++) {
        if (sqlite3_column_type(row, i) == SQLITE_INTEGER) {
            buffer_put_u8(out, RECORD_NUMBER);
            buffer_put_u64(out, column_number(row, i));
        } else {
            buffer_put_u8(out, RECORD_BYTES);
            buffer_put_bytes(out, sql_column_bytes(row, i));
        }
    }
}

void record_bind_row(struct reader *r, sqlite3_stmt *insert, int first, int columns)
{
    for (int i = first; i < first + columns; i++) {
        uint8_t type = reader_u8(r);
        if (type == RECORD_NUMBER)
            bind_number(insert, i, reader_u64(r));
        else if (type == RECORD_BYTES)
            sql_bind_bytes(insert, i, reader_bytes(r));
        else
            r->bad = true;
    }
}
