/* Contents: small ones in the inode's row, larger ones in chunks, holes where there is no chunk.
 *
 *   inline --- grows past INLINE_BYTES_MAX (data_to_chunks) ---> chunks
 *          <-- cut to nothing, or replaced by little (data_drop) -- */
#include "store/tree_internal.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

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

/* Writes the inode of a file in chunks. `converted`: its row may still hold inline contents. */
static int data_finish(struct change *c, struct inode *inode, bool converted)
{
    assert(inode_is(inode, S_IFREG));
    inode_touch(c, inode);
    return converted ? inode_set_inline(c, inode, (struct bytes){0}) : inode_set(c, inode);
}

/* ---- Between the row and chunks ---- */

/* Copies inline contents to a chunk; data_finish then clears them in the row. */
static int data_to_chunks(struct change *c, struct inode *inode)
{
    uint32_t size = (uint32_t)inode->attr.size;
    assert(inode->data == 0 && inode->attr.size <= INLINE_BYTES_MAX);
    inode->data = c->tree->counters.next_data++;
    inode_set_used(c, inode, 0);
    if (size == 0)
        return 0;
    uint8_t *scratch = c->tree->scratch;
    int status = data_inline(c->tree, inode, scratch, size);
    if (status < 0)
        return status;
    memset(scratch + size, 0, rounded(size) - size);
    return chunk_store(c, inode, 0, 0, bytes_of(scratch, rounded(size)));
}

int data_drop_later(struct change *c, struct inode *inode)
{
    uint64_t data = inode->data;
    inode_set_used(c, inode, 0);
    inode->data = 0;
    return data == 0 ? 0 : trash_add(c->tree, chunk_id(data, 0), chunk_id(data, CHUNK_NUMBER_MAX));
}

int data_drop(struct change *c, struct inode *inode)
{
    int status = 0;
    if (inode->attr.used > DROP_BYTES_MAX)
        return data_drop_later(c, inode);
    if (inode->data > 0 && inode->attr.used > 0)
        status = chunks_delete(c, inode, 0, (inode->attr.size - 1) >> CHUNK_BITS);
    inode_set_used(c, inode, 0);
    inode->data = 0;
    return status;
}

/* ---- The changes ---- */

/* Before a file in chunks becomes `size` long: chunks that were once cut off may still be there, as
 * trash, and must not become contents again. */
static int data_grow(struct change *c, struct inode *inode, uint64_t size)
{
    assert(inode->data > 0);
    if (size <= inode->attr.size)
        return 0;
    return trash_clear(c->tree, chunk_id(inode->data, 0),
                       chunk_id(inode->data, (size - 1) >> CHUNK_BITS));
}

int data_replace(struct change *c, struct inode *inode, struct bytes contents)
{
    uint64_t old_size = inode->attr.size;
    bool converted = inode->data == 0;
    assert(inode_is(inode, S_IFREG));
    if (contents.len <= INLINE_BYTES_MAX) {
        int status = data_drop(c, inode);
        if (status < 0)
            return status;
        inode->attr.size = contents.len;
        inode_set_used(c, inode, contents.len);
        inode_touch(c, inode);
        return inode_set_inline(c, inode, contents);
    }
    if (converted) {
        inode_set_used(c, inode, 0);
        inode->data = c->tree->counters.next_data++;
    }
    int status = data_grow(c, inode, contents.len);
    if (status == 0)
        status = chunks_write(c, inode, 0, contents);
    if (status == 0 && !converted && old_size > contents.len)
        status = chunks_cut(c, inode, old_size, contents.len);
    inode->attr.size = contents.len;
    return status < 0 ? status : data_finish(c, inode, converted);
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
    assert(inode->data == 0 && size <= INLINE_BYTES_MAX);
    if (status < 0)
        return status;
    if (end > size) {
        memset(scratch + size, 0, end - size);
        inode->attr.size = end;
        inode_set_used(c, inode, end);
    }
    memcpy(scratch + offset, contents.data, contents.len);
    inode_touch(c, inode);
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
        status = data_to_chunks(c, inode);
    if (status == 0)
        status = data_grow(c, inode, end);
    if (status == 0)
        status = chunks_write(c, inode, offset, contents);
    if (inode->attr.size < end)
        inode->attr.size = end;
    return status < 0 ? status : data_finish(c, inode, converted);
}

/* Cuts a file that stays inline, or makes it longer with zeros. */
static int inline_resize(struct change *c, struct inode *inode, uint64_t size)
{
    assert(inode->data == 0);
    assert(inode->attr.size <= INLINE_BYTES_MAX && size <= INLINE_BYTES_MAX);
    uint8_t *scratch = c->tree->scratch;
    uint64_t old_size = inode->attr.size;
    int status = data_inline(c->tree, inode, scratch, old_size);
    if (status < 0)
        return status;
    if (size > old_size)
        memset(scratch + old_size, 0, size - old_size);
    inode->attr.size = size;
    inode_touch(c, inode);
    inode_set_used(c, inode, size);
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
        status = data_to_chunks(c, inode);
    else if (size < old_size)
        status = chunks_cut(c, inode, old_size, size);
    else
        status = data_grow(c, inode, size);
    inode->attr.size = size;
    return status < 0 ? status : data_finish(c, inode, converted);
}

int data_punch(struct change *c, struct inode *inode, uint64_t offset, uint64_t len)
{
    /* If the hole reaches the end of the file, the last chunk goes as a whole: behind the end it
     * holds zeros. */
    uint64_t end = len < inode->attr.size - smaller(offset, inode->attr.size)
                       ? offset + len
                       : chunks_of(inode->attr.size) << CHUNK_BITS;
    uint64_t size = inode->attr.size;
    int status = 0;
    assert(inode_is(inode, S_IFREG));
    if (offset >= size)
        return data_finish(c, inode, false);
    if (inode->data > 0) {
        status = chunks_punch(c, inode, offset, end);
        return status < 0 ? status : data_finish(c, inode, false);
    }
    uint8_t *scratch = c->tree->scratch;
    status = data_inline(c->tree, inode, scratch, size);
    if (status < 0)
        return status;
    memset(scratch + offset, 0, smaller(end, size) - offset);
    inode_touch(c, inode);
    return inode_set_inline(c, inode, bytes_of(scratch, size));
}
