/* The model's files that go with the session of a node. */
#include "tree_model.h"

#include <errno.h>
#include <sys/stat.h>

static struct attr drop_bound(struct model *m, uint64_t ino)
{
    struct model_name *n = m->name;
    while (n->ino != ino)
        n++;
    uint64_t dir = n->parent;
    struct attr attr = model_drop(m, n, 0);
    model_prune(m, dir);
    return attr;
}

void model_end_session(struct model *m, uint32_t node)
{
    m->session[node] = 0;
    for (uint64_t ino = 1; ino < m->inodes; ino++)
        if (m->inode[ino].attr.ino && m->inode[ino].bound == node)
            drop_bound(m, ino);
}

static int apply_bind(struct model *m, const struct op *op, struct op_result *out)
{
    const struct attr attr = {.mode = (op->mode & 07777) | S_IFREG, .uid = op->uid, .gid = op->gid};
    int status = model_check_dir(m, op->ino);
    uint64_t ino = status == 0 ? model_find(m, op->ino, op->name) : 0;
    if (ino)
        return m->inode[ino].bound ? -EBUSY : -EEXIST;
    if (status < 0)
        return status;
    if (m->session[m->node] == 0)
        m->session[m->node] = m->applied + 1;
    out->offset = m->session[m->node];
    ino = model_make(m, op->ino, op->name, attr);
    m->inode[ino].bound = m->node;
    out->attr = m->inode[ino].attr;
    return 0;
}

int model_apply_ephemeral(struct model *m, const struct op *op, struct op_result *out)
{
    if (op->type == OP_EPHEMERAL)
        return apply_bind(m, op, out);
    if (op->type == OP_EPHEMERAL_END) {
        out->existed = model_exists(m, op->ino) && m->inode[op->ino].bound == m->node;
        if (out->existed)
            drop_bound(m, op->ino);
        return 0;
    }
    out->existed = op->revision != 0 && m->session[op->size] == op->revision;
    if (out->existed)
        model_end_session(m, (uint32_t)op->size);
    return 0;
}
