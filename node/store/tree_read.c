/* Reading files and inodes. Every statement is reset: an open one would hold back checkpoints. */
#include "store/tree_internal.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

enum { SEEK_CHUNKS_MAX = 4096 }; /* looked at in one tree_seek */

int data_inline(struct tree *tree, const struct inode *inode, uint8_t *to, size_t len)
{
    if (len == 0)
        return 0;
    sqlite3_stmt *query = tree_query(tree, inode->kept ? QUERY_KEPT_INLINE : QUERY_INLINE);
    bind_number(query, 1, inode->attr.ino);
    int status = tree_step(tree, query);
    if (status < 0)
        return status;
    struct bytes bytes = status > 0 ? sql_column_bytes(query, 0) : (struct bytes){0};
    bool right = bytes.len == len && len <= CHUNK_BYTES;
    if (right)
        memcpy(to, bytes.data, len);
    sqlite3_reset(query);
    return right ? 0 : tree_damaged(tree, "an inode is not as long as it says");
}

/* Copies the contents from `offset` on over the zeros in `to`, which stay where holes are. */
static int chunks_read(struct tree *tree, uint64_t data, uint64_t offset, size_t len, uint8_t *to)
{
    assert(len > 0);
    assert(data > 0);
    sqlite3_stmt *query = tree_query(tree, QUERY_CHUNK_RANGE);
    bind_number(query, 1, chunk_id(data, offset >> CHUNK_BITS));
    bind_number(query, 2, chunk_id(data, (offset + len - 1) >> CHUNK_BITS));
    int status;
    while ((status = tree_step(tree, query)) > 0) {
        struct bytes bytes = sql_column_bytes(query, 1);
        uint64_t start = (column_number(query, 0) - chunk_id(data, 0)) << CHUNK_BITS;
        uint64_t from = start > offset ? start : offset;
        uint64_t end = start + bytes.len < offset + len ? start + bytes.len : offset + len;
        if (from < end)
            memcpy(to + (from - offset), bytes.data + (from - start), end - from);
    }
    return status;
}

int data_read(struct tree *tree, const struct inode *inode, uint64_t offset, size_t len,
              struct buffer *out)
{
    uint64_t size = inode->attr.size;
    if (offset >= size || len == 0)
        return 0;
    if (len > size - offset)
        len = size - offset;
    uint8_t *to = buffer_reserve(out, len);
    if (!to)
        return -ENOMEM;
    int status;
    if (inode->data > 0) {
        memset(to, 0, len);
        status = chunks_read(tree, inode->data, offset, len, to);
    } else {
        status = data_inline(tree, inode, tree->scratch, size);
        if (status == 0)
            memcpy(to, tree->scratch + offset, len);
    }
    if (status == 0)
        out->len += len;
    return status;
}

int inode_find(struct tree *tree, uint64_t ino, struct inode *inode)
{
    int status = inode_get(tree, ino, inode);
    return status == -ESTALE ? kept_get(tree, ino, inode) : status;
}

int tree_getattr(struct tree *tree, uint64_t ino, struct attr *attr)
{
    struct inode inode;
    int status = inode_find(tree, ino, &inode);
    if (status == 0)
        *attr = inode.attr;
    return status;
}

int tree_lookup(struct tree *tree, uint64_t parent, struct bytes name, struct attr *attr)
{
    if (name.len > NAME_BYTES_MAX)
        return -ENAMETOOLONG;
    struct inode inode;
    int status = name_lookup(tree, parent, name, &inode);
    if (status == 0) {
        *attr = inode.attr;
        return 0;
    }
    if (status != -ENOENT)
        return status;
    status = inode_get(tree, parent, &inode);
    if (status < 0)
        return status;
    return inode_is(&inode, S_IFDIR) ? -ENOENT : -ENOTDIR;
}

int tree_parent(struct tree *tree, uint64_t ino, uint64_t *parent)
{
    struct inode inode;
    int status = inode_get(tree, ino, &inode);
    if (status < 0)
        return status;
    *parent = inode.parent;
    return inode_is(&inode, S_IFDIR) ? 0 : -ENOTDIR;
}

int tree_read(struct tree *tree, uint64_t ino, uint64_t offset, size_t len, struct buffer *out)
{
    struct inode inode;
    int status = inode_find(tree, ino, &inode);
    if (status == 0)
        status = data_check_regular(&inode);
    return status < 0 ? status : data_read(tree, &inode, offset, len, out);
}

int tree_readlink(struct tree *tree, uint64_t ino, struct buffer *out)
{
    struct inode inode;
    int status = inode_find(tree, ino, &inode);
    if (status < 0)
        return status;
    if (!inode_is(&inode, S_IFLNK))
        return -EINVAL;
    return data_read(tree, &inode, 0, SYMLINK_BYTES_MAX, out);
}

/* Moves `*at` to the data or the hole, or to the end of the file. The end also stands for a hole
 * that is more than SEEK_CHUNKS_MAX chunks away, as lseek(2) allows. */
static int seek_chunks(struct tree *tree, const struct inode *inode, bool hole, uint64_t *at)
{
    assert(inode->data > 0 && *at < inode->attr.size);
    sqlite3_stmt *query = tree_query(tree, QUERY_CHUNK_LENGTHS);
    int left = SEEK_CHUNKS_MAX;
    bind_number(query, 1, chunk_id(inode->data, *at >> CHUNK_BITS));
    bind_number(query, 2, chunk_id(inode->data, (inode->attr.size - 1) >> CHUNK_BITS));
    bind_number(query, 3, SEEK_CHUNKS_MAX);
    int status;
    while ((status = tree_step(tree, query)) > 0) {
        uint64_t start = (column_number(query, 0) - chunk_id(inode->data, 0)) << CHUNK_BITS;
        uint64_t end = start + column_number(query, 1);
        bool inside = *at >= start && *at < end;
        left--;
        if (hole && !inside)
            break; /* before this chunk, or behind its last byte */
        if (!hole && *at < end) {
            *at = inside ? *at : start;
            break;
        }
        if (hole)
            *at = end;
    }
    sqlite3_reset(query);
    if (status == 0 && (!hole || left == 0))
        *at = inode->attr.size;
    return status < 0 ? status : 0;
}

int tree_seek(struct tree *tree, uint64_t ino, uint64_t offset, bool hole, uint64_t *found)
{
    struct inode inode;
    uint64_t at = offset;
    int status = inode_find(tree, ino, &inode);
    if (status == 0)
        status = data_check_regular(&inode);
    if (status < 0)
        return status;
    if (offset >= inode.attr.size)
        return -ENXIO;
    if (inode.data > 0)
        status = seek_chunks(tree, &inode, hole, &at);
    else if (hole)
        at = inode.attr.size;
    if (status < 0)
        return status;
    if (!hole && at >= inode.attr.size)
        return -ENXIO;
    assert(at >= offset);
    *found = at < inode.attr.size ? at : inode.attr.size;
    return 0;
}
