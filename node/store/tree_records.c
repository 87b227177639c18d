#include "store/tree_records.h"

#include "store/tree_internal.h"

enum { RECORD_NUMBER = 1, RECORD_BYTES = 2 };

const char *const record_selects[RECORD_TABLES] = {
    "SELECT applied, next_ino, next_data, last_time, inodes, bytes, digest FROM meta",
    "SELECT node, incarnation, lowest FROM session ORDER BY node",
    "SELECT node, page, bytes FROM result ORDER BY node, page",
    "SELECT ino, mode, nlink, uid, gid, rdev, size, used, revision, atime, mtime, ctime, "
    "parent, data, inline FROM inode ORDER BY ino",
    "SELECT node, ino FROM held ORDER BY node, ino",
    "SELECT parent, name, ino FROM dentry ORDER BY parent, name",
    "SELECT id, bytes FROM chunk WHERE" CHUNK_IS_CONTENTS " ORDER BY id",
    "SELECT ino, name, value FROM xattr ORDER BY ino, name",
};
const char *const record_inserts[RECORD_TABLES] = {
    "INSERT INTO meta VALUES (?, ?, ?, ?, ?, ?, ?)",
    "INSERT INTO session VALUES (?, ?, ?)",
    "INSERT INTO result VALUES (?, ?, ?)",
    "INSERT INTO inode VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    "INSERT INTO held VALUES (?, ?)",
    "INSERT INTO dentry VALUES (?, ?, ?)",
    "INSERT INTO chunk VALUES (?, ?)",
    "INSERT INTO xattr VALUES (?, ?, ?)",
};

void record_put_row(struct buffer *out, uint8_t table, sqlite3_stmt *row)
{
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

void record_bind_row(struct reader *r, sqlite3_stmt *insert)
{
    int columns = sqlite3_bind_parameter_count(insert);

    for (int i = 1; i <= columns; i++) {
        uint8_t type = reader_u8(r);
        if (type == RECORD_NUMBER)
            bind_number(insert, i, reader_u64(r));
        else if (type == RECORD_BYTES)
            sql_bind_bytes(insert, i, reader_bytes(r));
        else
            r->bad = true;
    }
}
