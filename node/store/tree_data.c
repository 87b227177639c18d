/* Contents: small ones in the inode's row, larger ones in chunks, holes where there is no chunk.
 *
 *   inline --- grows past INLINE_BYTES_MAX (to_chunks) ---> chunks
 *          <-- cut to nothing, or replaced by little (data_drop) --
 *
 * A chunk stores a multiple of CHUNK_ROUND bytes, at least up to the last byte that was written to
 * it, and grows by doubling, so that many small appends do not rewrite it each time. Written again
 * at the same length, a row is changed in place and SQLite leaves alone the pages of it that stay
 * the same: 4 KiB anywhere in a large file dirty two pages or three. */
#include "store/tree_internal.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#define CHUNK_NUMBER_MAX ((FILE_BYTES_MAX >> CHUNK_BITS) - 1)

static uint64_t smaller(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static uint32_t rounded(uint32_t len)
{
    return (len + CHUNK_ROUND - 1) / CHUNK_ROUND * CHUNK_ROUND;
}

static uint64_t chunks_of(uint64_t size)
{
    return (size + CHUNK_BYTES - 1) >> CHUNK_BITS;
}

int data_check_regular(const struct inode *inode)
{
    if (inode_is(inode, S_IFDIR))
        return -EISDIR;
    return inode_is(inode, S_IFREG) ? 0 : -EINVAL;
}

int data_check_size(const struct tree *tree, uint64_t size)
{
    if (size > FILE_BYTES_MAX)
        return -EFBIG;
    return size > INLINE_BYTES_MAX && tree->counters.next_data >= DATA_MAX ? -ENOSPC : 0;
}

static void set_used(struct change *c, struct inode *inode, uint64_t used)
{
    assert(c->tree->counters.bytes >= inode->attr.used);
    c->tree->counters.bytes += used - inode->attr.used;
    inode->attr.used = used;
}

static int finish(struct change *c, struct inode *inode, bool converted)
{
    inode->attr.mtime = c->time;
    return converted ? inode_set_inline(c, inode, (struct bytes){0}) : inode_set(c, inode);
}

/* ---- Chunks ---- */

/* Copies a chunk to the scratch bytes. */
static int chunk_load(struct tree *tree, uint64_t id, uint32_t *len)
{
    sqlite3_stmt *query = tree_query(tree, QUERY_CHUNK);
    struct bytes bytes;
    int status;

    *len = 0;
    bind_number(query, 1, id);
    status = tree_step(tree, query);
    if (status <= 0)
        return status;
    bytes = sql_column_bytes(query, 0);
    assert(bytes.len > 0 && bytes.len <= CHUNK_BYTES);
    memcpy(tree->scratch, bytes.data, bytes.len);
    *len = (uint32_t)bytes.len;
    sqlite3_reset(query);
    return 0;
}

static int chunk_length(struct tree *tree, uint64_t id, uint32_t *len)
{
    sqlite3_stmt *query = tree_query(tree, QUERY_CHUNK_LENGTHS);
    int status;

    *len = 0;
    bind_number(query, 1, id);
    bind_number(query, 2, id);
    bind_number(query, 3, 1);
    status = tree_step(tree, query);
    if (status <= 0)
        return status;
    *len = (uint32_t)column_number(query, 1);
    sqlite3_reset(query);
    return 0;
}

static int chunk_store(struct change *c, struct inode *inode, uint64_t number, uint32_t old_len,
                       struct bytes bytes)
{
    sqlite3_stmt *query = tree_query(c->tree, old_len > 0 ? QUERY_CHUNK_SET : QUERY_CHUNK_ADD);

    assert(inode->data > 0 && inode->data < DATA_MAX);
    assert(number <= CHUNK_NUMBER_MAX);
    assert(bytes.len > 0 && bytes.len % CHUNK_ROUND == 0);
    set_used(c, inode, inode->attr.used - old_len + bytes.len);
    bind_number(query, 1, chunk_id(inode->data, number));
    sql_bind_bytes(query, 2, bytes);
    c->tree->dirty += (uint32_t)bytes.len / CHUNK_ROUND;
    return tree_run(c->tree, query);
}

/* Puts bytes into one chunk. */
static int chunk_write(struct change *c, struct inode *inode, uint64_t number, uint32_t at,
                       struct bytes bytes)
{
    uint64_t id = chunk_id(inode->data, number);
    uint8_t *scratch = c->tree->scratch;
    uint32_t end = at + (uint32_t)bytes.len;
    uint32_t old_len, len;
    int status;

    assert(end <= CHUNK_BYTES);
    if (bytes.len == CHUNK_BYTES) {
        status = chunk_length(c->tree, id, &old_len);
        return status < 0 ? status : chunk_store(c, inode, number, old_len, bytes);
    }
    status = chunk_load(c->tree, id, &old_len);
    if (status < 0)
        return status;
    len = old_len;
    if (end > len)
        len =
            rounded(end) > 2 * old_len ? rounded(end) : (uint32_t)smaller(2 * old_len, CHUNK_BYTES);
    memset(scratch + old_len, 0, len - old_len);
    memcpy(scratch + at, bytes.data, bytes.len);
    return chunk_store(c, inode, number, old_len, bytes_of(scratch, len));
}

static int chunks_write(struct change *c, struct inode *inode, uint64_t offset, struct bytes bytes)
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

/* Removes the chunks from number `first` to `last`. */
static int chunks_delete(struct change *c, struct inode *inode, uint64_t first, uint64_t last)
{
    sqlite3_stmt *sum = tree_query(c->tree, QUERY_CHUNK_SUM);
    sqlite3_stmt *delete = tree_query(c->tree, QUERY_CHUNK_DELETE);
    uint64_t bytes;
    int status;

    if (first > last)
        return 0;
    bind_number(sum, 1, chunk_id(inode->data, first));
    bind_number(sum, 2, chunk_id(inode->data, last));
    status = tree_step(c->tree, sum);
    if (status < 0)
        return status;
    bytes = column_number(sum, 0);
    sqlite3_reset(sum);
    set_used(c, inode, inode->attr.used - bytes);
    bind_number(delete, 1, chunk_id(inode->data, first));
    bind_number(delete, 2, chunk_id(inode->data, last));
    c->tree->dirty += (uint32_t)(bytes / CHUNK_BYTES);
    return tree_run(c->tree, delete);
}

/* Zeros from `from` to `to` in one chunk, if it is there. */
static int chunk_zero(struct change *c, struct inode *inode, uint64_t number, uint32_t from,
                      uint32_t to)
{
    uint32_t len;
    int status = chunk_load(c->tree, chunk_id(inode->data, number), &len);

    if (status < 0 || from >= len)
        return status;
    if (from == 0 && to >= len)
        return chunks_delete(c, inode, number, number);
    memset(c->tree->scratch + from, 0, smaller(to, len) - from);
    return chunk_store(c, inode, number, len, bytes_of(c->tree->scratch, len));
}

/* Removes what is stored behind `size`, which is not 0. */
static int chunks_cut(struct change *c, struct inode *inode, uint64_t size)
{
    uint64_t last = (size - 1) >> CHUNK_BITS;
    uint32_t kept = (uint32_t)(size - (last << CHUNK_BITS));
    uint32_t len;
    int status = chunks_delete(c, inode, last + 1, CHUNK_NUMBER_MAX);

    if (status < 0)
        return status;
    status = chunk_load(c->tree, chunk_id(inode->data, last), &len);
    if (status < 0 || len <= kept)
        return status;
    memset(c->tree->scratch + kept, 0, len - kept);
    return chunk_store(c, inode, last, len, bytes_of(c->tree->scratch, rounded(kept)));
}

/* ---- Between the row and chunks ---- */

/* Moves inline contents to a chunk; the row's are cleared by `finish`. */
static int to_chunks(struct change *c, struct inode *inode)
{
    uint32_t size = (uint32_t)inode->attr.size;
    uint8_t *scratch = c->tree->scratch;
    int status;

    assert(inode->data == 0 && inode->attr.size <= INLINE_BYTES_MAX);
    inode->data = c->tree->counters.next_data++;
    set_used(c, inode, 0);
    if (size == 0)
        return 0;
    status = data_inline(c->tree, inode, scratch, size);
    if (status < 0)
        return status;
    memset(scratch + size, 0, rounded(size) - size);
    return chunk_store(c, inode, 0, 0, bytes_of(scratch, rounded(size)));
}

int data_drop_later(struct change *c, struct inode *inode)
{
    sqlite3_stmt *query = tree_query(c->tree, QUERY_TRASH_ADD);
    int status = 0;

    if (inode->data > 0) {
        bind_number(query, 1, inode->data);
        status = tree_run(c->tree, query);
        c->tree->trash = true;
    }
    set_used(c, inode, 0);
    inode->data = 0;
    return status;
}

int data_drop(struct change *c, struct inode *inode)
{
    int status = 0;

    if (inode->attr.used > DROP_BYTES_MAX)
        return data_drop_later(c, inode);
    if (inode->data > 0)
        status = chunks_delete(c, inode, 0, CHUNK_NUMBER_MAX);
    set_used(c, inode, 0);
    inode->data = 0;
    return status;
}

int data_reap_piece(struct tree *tree, uint64_t data)
{
    sqlite3_stmt *reap = tree_query(tree, QUERY_TRASH_REAP);
    sqlite3_stmt *delete = tree_query(tree, QUERY_TRASH_DELETE);
    int status;

    bind_number(reap, 1, chunk_id(data, 0));
    bind_number(reap, 2, chunk_id(data, CHUNK_NUMBER_MAX));
    bind_number(reap, 3, REAP_CHUNKS);
    status = tree_run(tree, reap);
    if (status < 0 || sqlite3_changes(tree->sql.db) == REAP_CHUNKS)
        return status;
    bind_number(delete, 1, data);
    return tree_run(tree, delete);
}

int data_reap(struct tree *tree)
{
    sqlite3_stmt *first = tree_query(tree, QUERY_TRASH_FIRST);
    uint64_t data;
    int status = tree_step(tree, first);

    if (status <= 0) {
        tree->trash = false;
        return status;
    }
    data = column_number(first, 0);
    sqlite3_reset(first);
    return data_reap_piece(tree, data);
}

/* ---- The changes ---- */

int data_replace(struct change *c, struct inode *inode, struct bytes contents)
{
    uint64_t old_size = inode->attr.size;
    bool converted = inode->data == 0;
    int status;

    assert(inode_is(inode, S_IFREG));
    inode->attr.size = contents.len;
    if (contents.len <= INLINE_BYTES_MAX) {
        status = data_drop(c, inode);
        if (status < 0)
            return status;
        set_used(c, inode, contents.len);
        inode->attr.mtime = c->time;
        return inode_set_inline(c, inode, contents);
    }
    if (converted) {
        set_used(c, inode, 0);
        inode->data = c->tree->counters.next_data++;
    }
    status = chunks_write(c, inode, 0, contents);
    if (status == 0 && !converted && old_size > contents.len)
        status = chunks_cut(c, inode, contents.len);
    return status < 0 ? status : finish(c, inode, converted);
}

/* Writes a file that stays inline. */
static int inline_write(struct change *c, struct inode *inode, uint64_t offset,
                        struct bytes contents)
{
    uint8_t *scratch = c->tree->scratch;
    uint64_t size = inode->attr.size;
    uint64_t end = offset + contents.len;
    int status = data_inline(c->tree, inode, scratch, size);

    assert(end <= INLINE_BYTES_MAX);
    if (status < 0)
        return status;
    if (end > size) {
        memset(scratch + size, 0, end - size);
        inode->attr.size = end;
        set_used(c, inode, end);
    }
    memcpy(scratch + offset, contents.data, contents.len);
    inode->attr.mtime = c->time;
    return inode_set_inline(c, inode, bytes_of(scratch, inode->attr.size));
}

int data_write(struct change *c, struct inode *inode, uint64_t offset, struct bytes contents)
{
    uint64_t end = offset + contents.len;
    bool converted = inode->data == 0;
    int status = 0;

    assert(inode_is(inode, S_IFREG));
    assert(contents.len > 0 && end <= FILE_BYTES_MAX);
    if (converted && end <= INLINE_BYTES_MAX)
        return inline_write(c, inode, offset, contents);
    if (converted)
        status = to_chunks(c, inode);
    if (status == 0)
        status = chunks_write(c, inode, offset, contents);
    if (inode->attr.size < end)
        inode->attr.size = end;
    return status < 0 ? status : finish(c, inode, converted);
}

static int inline_resize(struct change *c, struct inode *inode, uint64_t size)
{
    uint8_t *scratch = c->tree->scratch;
    uint64_t old_size = inode->attr.size;
    int status = data_inline(c->tree, inode, scratch, old_size);

    if (status < 0)
        return status;
    if (size > old_size)
        memset(scratch + old_size, 0, size - old_size);
    inode->attr.size = size;
    inode->attr.mtime = c->time;
    set_used(c, inode, size);
    return inode_set_inline(c, inode, bytes_of(scratch, size));
}

int data_resize(struct change *c, struct inode *inode, uint64_t size)
{
    uint64_t old_size = inode->attr.size;
    bool converted = inode->data == 0;
    int status = 0;

    assert(inode_is(inode, S_IFREG));
    assert(size <= FILE_BYTES_MAX);
    if (size == 0)
        return data_replace(c, inode, (struct bytes){0});
    if (converted && size <= INLINE_BYTES_MAX)
        return inline_resize(c, inode, size);
    if (converted)
        status = to_chunks(c, inode);
    else if (size < old_size)
        status = chunks_cut(c, inode, size);
    inode->attr.size = size;
    return status < 0 ? status : finish(c, inode, converted);
}

static int chunks_punch(struct change *c, struct inode *inode, uint64_t offset, uint64_t end)
{
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

int data_punch(struct change *c, struct inode *inode, uint64_t offset, uint64_t len)
{
    /* Up to the end of the file, whole chunks go: what they hold behind it is zeros. */
    uint64_t end = len < inode->attr.size - smaller(offset, inode->attr.size)
                       ? offset + len
                       : chunks_of(inode->attr.size) << CHUNK_BITS;
    uint8_t *scratch = c->tree->scratch;
    uint64_t size = inode->attr.size;
    int status = 0;

    assert(inode_is(inode, S_IFREG));
    if (offset >= size)
        return finish(c, inode, false);
    if (inode->data > 0) {
        status = chunks_punch(c, inode, offset, end);
        return status < 0 ? status : finish(c, inode, false);
    }
    status = data_inline(c->tree, inode, scratch, size);
    if (status < 0)
        return status;
    memset(scratch + offset, 0, smaller(end, size) - offset);
    inode->attr.mtime = c->time;
    return inode_set_inline(c, inode, bytes_of(scratch, size));
}
