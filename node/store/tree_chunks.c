/* Contents in chunks of CHUNK_BYTES; a hole has none.
 *
 * A chunk stores a multiple of CHUNK_ROUND bytes, at least up to the last byte that was written to
 * it, and grows by doubling, so that many small appends do not rewrite it each time. SQLite changes
 * a row whose length stays the same in place, and does not touch those of its pages that stay the
 * same: 4 KiB anywhere in a large file dirty two or three pages. */
#include "store/tree_internal.h"

#include <assert.h>
#include <string.h>

/* Copies a chunk to the scratch bytes. */
static int chunk_load(struct tree *tree, uint64_t id, uint32_t *len)
{
    *len = 0;
    sqlite3_stmt *query = tree_query(tree, QUERY_CHUNK);
    bind_number(query, 1, id);
    int status = tree_step(tree, query);
    if (status <= 0)
        return status;
    struct bytes bytes = sql_column_bytes(query, 0);
    assert(bytes.len > 0 && bytes.len <= CHUNK_BYTES);
    memcpy(tree->scratch, bytes.data, bytes.len);
    *len = (uint32_t)bytes.len;
    sqlite3_reset(query);
    return 0;
}

/* How much a chunk that is about to be replaced stores; its bytes are not needed. */
static int chunk_length(struct tree *tree, uint64_t id, uint32_t *len)
{
    *len = 0;
    sqlite3_stmt *query = tree_query(tree, QUERY_CHUNK_LENGTHS);
    bind_number(query, 1, id);
    bind_number(query, 2, id);
    bind_number(query, 3, 1);
    int status = tree_step(tree, query);
    if (status <= 0)
        return status;
    *len = (uint32_t)column_number(query, 1);
    sqlite3_reset(query);
    return 0;
}

int chunk_store(struct change *c, struct inode *inode, uint64_t number, uint32_t old_len,
                struct bytes bytes)
{
    assert(inode->data > 0 && inode->data < DATA_MAX);
    assert(number <= CHUNK_NUMBER_MAX);
    assert(old_len <= inode->attr.used);
    assert(bytes.len > 0 && bytes.len % CHUNK_ROUND == 0);
    assert(bytes.len <= CHUNK_BYTES);
    inode_set_used(c, inode, inode->attr.used - old_len + bytes.len);
    sqlite3_stmt *query = tree_query(c->tree, old_len > 0 ? QUERY_CHUNK_SET : QUERY_CHUNK_ADD);
    bind_number(query, 1, chunk_id(inode->data, number));
    sql_bind_bytes(query, 2, bytes);
    c->tree->changes += (uint32_t)bytes.len / CHUNK_ROUND;
    return tree_run(c->tree, query);
}

/* Puts bytes into one chunk. */
static int chunk_write(struct change *c, struct inode *inode, uint64_t number, uint32_t at,
                       struct bytes bytes)
{
    uint64_t id = chunk_id(inode->data, number);
    uint32_t end = at + (uint32_t)bytes.len;
    assert(bytes.len > 0);
    assert(end <= CHUNK_BYTES);
    uint32_t old_len;
    int status;
    if (bytes.len == CHUNK_BYTES) {
        status = chunk_length(c->tree, id, &old_len);
        return status < 0 ? status : chunk_store(c, inode, number, old_len, bytes);
    }
    status = chunk_load(c->tree, id, &old_len);
    if (status < 0)
        return status;
    uint32_t len = old_len;
    if (end > len)
        len =
            rounded(end) > 2 * old_len ? rounded(end) : (uint32_t)smaller(2 * old_len, CHUNK_BYTES);
    uint8_t *scratch = c->tree->scratch;
    assert(len >= end && len <= CHUNK_BYTES);
    memset(scratch + old_len, 0, len - old_len);
    memcpy(scratch + at, bytes.data, bytes.len);
    return chunk_store(c, inode, number, old_len, bytes_of(scratch, len));
}

int chunks_write(struct change *c, struct inode *inode, uint64_t offset, struct bytes bytes)
{
    while (bytes.len > 0) {
        uint32_t at = (uint32_t)(offset % CHUNK_BYTES);
        size_t len = smaller(bytes.len, CHUNK_BYTES - at);
        int status = chunk_write(c, inode, offset >> CHUNK_BITS, at, bytes_of(bytes.data, len));
        if (status < 0)
            return status;
        offset += len;
        bytes = bytes_of(bytes.data + len, bytes.len - len);
    }
    return 0;
}

/* How many bytes the chunks from number `first` to `last` store. */
static int chunks_sum(struct tree *tree, const struct inode *inode, uint64_t first, uint64_t last,
                      uint64_t *bytes)
{
    assert(first <= last && last <= CHUNK_NUMBER_MAX);
    sqlite3_stmt *query = tree_query(tree, QUERY_CHUNK_SUM);
    bind_number(query, 1, chunk_id(inode->data, first));
    bind_number(query, 2, chunk_id(inode->data, last));
    int status = tree_step(tree, query);
    if (status < 0)
        return status;
    *bytes = column_number(query, 0);
    sqlite3_reset(query);
    return 0;
}

int chunks_delete(struct change *c, struct inode *inode, uint64_t first, uint64_t last)
{
    if (first > last)
        return 0;
    uint64_t bytes;
    int status = chunks_sum(c->tree, inode, first, last, &bytes);
    if (status < 0)
        return status;
    assert(bytes <= inode->attr.used);
    inode_set_used(c, inode, inode->attr.used - bytes);
    sqlite3_stmt *delete = tree_query(c->tree, QUERY_CHUNK_DELETE);
    bind_number(delete, 1, chunk_id(inode->data, first));
    bind_number(delete, 2, chunk_id(inode->data, last));
    c->tree->changes += (uint32_t)(bytes / CHUNK_BYTES);
    return tree_run(c->tree, delete);
}

/* Zeros from `from` to `to` in one chunk, if it is there. */
static int chunk_zero(struct change *c, struct inode *inode, uint64_t number, uint32_t from,
                      uint32_t to)
{
    assert(from < to && to <= CHUNK_BYTES);
    uint32_t len;
    int status = chunk_load(c->tree, chunk_id(inode->data, number), &len);
    if (status < 0 || from >= len)
        return status;
    if (from == 0 && to >= len)
        return chunks_delete(c, inode, number, number);
    memset(c->tree->scratch + from, 0, smaller(to, len) - from);
    return chunk_store(c, inode, number, len, bytes_of(c->tree->scratch, len));
}

/* Removes the chunks from number `first` to `last`, which is the file's last one. If they store
 * much, they become trash, which is removed piece by piece. */
static int chunks_give_up(struct change *c, struct inode *inode, uint64_t first, uint64_t last)
{
    if (first > last)
        return 0;
    uint64_t bytes;
    int status = chunks_sum(c->tree, inode, first, last, &bytes);
    if (status < 0 || bytes <= DROP_BYTES_MAX)
        return status < 0 ? status : chunks_delete(c, inode, first, last);
    assert(bytes <= inode->attr.used);
    inode_set_used(c, inode, inode->attr.used - bytes);
    return trash_add(c->tree, chunk_id(inode->data, first),
                     chunk_id(inode->data, CHUNK_NUMBER_MAX));
}

int chunks_cut(struct change *c, struct inode *inode, uint64_t old_size, uint64_t size)
{
    assert(size > 0 && size < old_size);
    uint64_t last = (size - 1) >> CHUNK_BITS;
    uint32_t kept = (uint32_t)(size - (last << CHUNK_BITS));
    int status = chunks_give_up(c, inode, last + 1, (old_size - 1) >> CHUNK_BITS);
    if (status < 0)
        return status;
    uint32_t len;
    status = chunk_load(c->tree, chunk_id(inode->data, last), &len);
    if (status < 0 || len <= kept)
        return status;
    memset(c->tree->scratch + kept, 0, len - kept);
    return chunk_store(c, inode, last, len, bytes_of(c->tree->scratch, rounded(kept)));
}

int chunks_punch(struct change *c, struct inode *inode, uint64_t offset, uint64_t end)
{
    assert(offset < end);
    uint64_t first = offset >> CHUNK_BITS;
    uint64_t last = end >> CHUNK_BITS;
    uint32_t head = (uint32_t)(offset % CHUNK_BYTES);
    uint32_t tail = (uint32_t)(end % CHUNK_BYTES);
    int status = 0;
    if (first == last)
        return chunk_zero(c, inode, first, head, tail);
    if (head > 0)
        status = chunk_zero(c, inode, first, head, CHUNK_BYTES);
    if (status == 0)
        status = chunks_delete(c, inode, head > 0 ? first + 1 : first, last - 1);
    return status < 0 || tail == 0 ? status : chunk_zero(c, inode, last, 0, tail);
}
