/* Operations on the contents of a file, by inode. Each checks everything before its first change.
 */
#include "store/tree_internal.h"

#include <errno.h>

/* 0, -ESTALE, -EISDIR or -EINVAL. */
static int regular_file(struct change *c, uint64_t ino, struct inode *inode)
{
    int status = inode_get(c->tree, ino, inode);
    return status < 0 ? status : data_check_regular(inode);
}

/* WRITE and APPEND; the end of the bytes has been checked. */
static int write_bytes(struct change *c, const struct op *op, struct inode *inode, uint64_t offset)
{
    bool first = op->flags & OP_TRUNCATE_FIRST;
    int status = 0;
    if (op->data.len == 0 && !first)
        return 0;
    inode_kill_priv(inode, op);
    change_inode(c, CHANGE_WRITTEN, inode);
    if (first && offset == 0)
        return data_replace(c, inode, op->data);
    if (first)
        status = data_resize(c, inode, 0);
    if (status < 0 || op->data.len == 0)
        return status;
    return data_write(c, inode, offset, op->data);
}

int op_write(struct change *c, const struct op *op, struct op_result *out)
{
    struct inode inode;
    int status = regular_file(c, op->ino, &inode);
    if (status < 0)
        return status;
    if (op->offset > FILE_BYTES_MAX)
        return -EFBIG;
    status = data_check_size(c->tree, op->offset + op->data.len);
    if (status == 0)
        status = write_bytes(c, op, &inode, op->offset);
    out->attr = inode.attr;
    return status;
}

int op_append(struct change *c, const struct op *op, struct op_result *out)
{
    struct inode inode;
    int status = regular_file(c, op->ino, &inode);
    if (status < 0)
        return status;
    out->offset = op->flags & OP_TRUNCATE_FIRST ? 0 : inode.attr.size;
    status = data_check_size(c->tree, out->offset + op->data.len);
    if (status == 0)
        status = write_bytes(c, op, &inode, out->offset);
    out->attr = inode.attr;
    return status;
}

int op_truncate(struct change *c, const struct op *op, struct op_result *out)
{
    struct inode inode;
    int status = regular_file(c, op->ino, &inode);
    if (status < 0)
        return status;
    status = data_check_size(c->tree, op->size);
    if (status < 0)
        return status;
    inode_kill_priv(&inode, op);
    change_inode(c, CHANGE_WRITTEN, &inode);
    if ((op->flags & OP_FOR_OPEN) && op->size == 0 && inode.attr.size > 0)
        c->tree->emptied = op->ino;
    status = data_resize(c, &inode, op->size);
    out->attr = inode.attr;
    return status;
}

int op_punch(struct change *c, const struct op *op, struct op_result *out)
{
    struct inode inode;
    int status = regular_file(c, op->ino, &inode);
    if (status < 0)
        return status;
    if (op->size == 0)
        return -EINVAL;
    if (op->offset > FILE_BYTES_MAX || op->size > FILE_BYTES_MAX)
        return -EFBIG;
    change_inode(c, CHANGE_WRITTEN, &inode);
    status = data_punch(c, &inode, op->offset, op->size);
    out->attr = inode.attr;
    return status;
}

/* The longer file is sparse: no node can promise that there will be room on all of them. */
int op_allocate(struct change *c, const struct op *op, struct op_result *out)
{
    struct inode inode;
    int status = regular_file(c, op->ino, &inode);
    if (status == 0)
        status = data_check_size(c->tree, op->size);
    if (status == 0 && op->size > inode.attr.size) {
        change_inode(c, CHANGE_WRITTEN, &inode);
        status = data_resize(c, &inode, op->size);
    }
    out->attr = inode.attr;
    return status;
}
