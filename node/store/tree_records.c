#include "store/tree_records.h"

#include "store/tree_internal.h"

#include <errno.h>
#include <string.h>

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
static const char *const record_inserts[RECORD_TABLES] = {
    "INSERT INTO meta VALUES (?, ?, ?, ?, ?, ?, ?)",
    "INSERT INTO session VALUES (?, ?, ?)",
    "INSERT INTO result VALUES (?, ?, ?)",
    "INSERT INTO inode (ino, mode, nlink, uid, gid, rdev, size, used, revision, atime, mtime, "
    "ctime,"
    " parent, data, inline) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    "INSERT INTO held VALUES (?, ?)",
    "INSERT INTO dentry VALUES (?, ?, ?)",
    "INSERT INTO chunk VALUES (?, ?)",
    "INSERT INTO xattr VALUES (?, ?, ?)",
};

int record_prepare_insert(struct sql *sql, uint8_t table, int rows, sqlite3_stmt **insert)
{
    const char *one = record_inserts[table], *row = strrchr(one, '(');
    struct buffer text = {0};
    int status;

    buffer_printf(&text, "%s", one);
    for (int i = 1; i < rows; i++)
        buffer_printf(&text, ", %s", row);
    buffer_put_u8(&text, '\0');
    status = text.failed ? fault_set(&sql->fault, -ENOMEM, "%s: out of memory", sql->name)
                         : sql_prepare(sql, (const char *)text.data, insert);
    buffer_free(&text);
    return status;
}

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
