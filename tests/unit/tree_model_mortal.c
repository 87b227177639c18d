/* The model's operations on what goes away by itself. */
#include "tree_model.h"

#include <errno.h>
#include <sys/stat.h>

static bool is_ttl(uint64_t ms)
{
    return ms >= TTL_MS_MIN && ms <= TTL_MS_MAX;
}

void model_set_mortal(struct model *m, uint64_t ino, uint64_t ttl, uint64_t lease)
{
    m->inode[ino].ttl = ttl;
    m->inode[ino].lease = lease;
    m->inode[ino].attr.rdev = ttl > 0 || lease > 0;
}

int model_check_mortal(const struct model *m, const struct op *op, uint64_t ino)
{
    if (op->ttl && op->lease)
        return -EINVAL;
    if (op->lease && (op->lease > MODEL_LEASES || m->lease[op->lease].ttl == 0))
        return -EKEYEXPIRED;
    if (op->lease && !model_may_use(m, &m->lease[op->lease]))
        return -EPERM;
    if (op->ttl && op->ttl != TTL_NONE && !is_ttl(op->ttl))
        return -EINVAL;
    bool becomes = op->lease || (op->ttl && op->ttl != TTL_NONE);
    return becomes && ino && m->inode[ino].attr.nlink > MORTAL_LINKS_MAX ? -EMLINK : 0;
}

void model_put_mortal(struct model *m, const struct op *op, uint64_t ino)
{
    if (op->ttl || op->lease)
        model_set_mortal(m, ino, op->ttl == TTL_NONE ? 0 : op->ttl, op->lease);
    else if (m->inode[ino].lease)
        model_set_mortal(m, ino, 0, 0);
}

static int apply_ttl(struct model *m, const struct op *op, struct op_result *out)
{
    int status = model_check_file(m, op->ino);
    const struct model_inode *inode = &m->inode[op->ino];
    if (status == 0 && inode->attr.nlink == 0)
        status = -ENOENT;
    if (status == 0)
        status = model_may(m, op->ino, CALLER_WRITE);
    if (status == 0 && op->size > 0)
        status = model_may_remove_all(m, op->ino);
    if (status < 0)
        return status;
    if (op->size == 0 && inode->ttl == 0)
        return -ENODATA;
    if (op->size > 0 && !is_ttl(op->size))
        return -EINVAL;
    if (op->size > 0 && inode->attr.nlink > MORTAL_LINKS_MAX)
        return -EMLINK;
    model_set_mortal(m, op->ino, op->size, 0);
    model_touch(m, op->ino);
    out->attr = inode->attr;
    return 0;
}

/* By all its names. */
static void remove_file(struct model *m, uint64_t ino)
{
    for (int i = 0; i < MODEL_NAMES; i++) {
        uint64_t dir = m->name[i].parent;
        if (m->name[i].ino != ino)
            continue;
        model_drop(m, &m->name[i], 0);
        model_prune(m, dir);
    }
}

static int apply_expire(struct model *m, const struct op *op, struct op_result *out)
{
    out->existed = model_exists(m, op->ino) && m->inode[op->ino].ttl > 0 &&
                   m->inode[op->ino].attr.revision == op->revision;
    if (out->existed)
        remove_file(m, op->ino);
    return 0;
}

static int end_lease(struct model *m, const struct op *op, struct op_result *out)
{
    out->existed = true;
    for (uint64_t ino = 1; ino < m->inodes; ino++) {
        if (m->inode[ino].lease != op->lease)
            continue;
        out->offset++;
        remove_file(m, ino);
    }
    m->lease[op->lease] = (struct model_lease){.ttl = 0};
    return 0;
}

int model_apply_mortal(struct model *m, const struct op *op, struct op_result *out)
{
    if (op->type == OP_TTL)
        return apply_ttl(m, op, out);
    if (op->type == OP_EXPIRE)
        return apply_expire(m, op, out);
    struct model_lease *lease =
        &m->lease[op->lease <= MODEL_LEASES ? op->lease : 0]; /* which is none */
    if (op->type == OP_LEASE) {
        if (op->lease == 0 || !is_ttl(op->size))
            return -EINVAL;
        if (lease->ttl > 0)
            return -EEXIST;
        *lease = (struct model_lease){.ttl = op->size, .revision = m->applied + 1};
        if (m->checked) {
            lease->uid = m->caller.uid;
            lease->token = m->caller.token;
        }
        return 0;
    }
    bool timely = op->type == OP_LEASE_END && op->revision > 0;
    if (lease->ttl == 0)
        return timely ? 0 : -EKEYEXPIRED;
    if (!model_may_use(m, lease))
        return -EPERM;
    if (timely && lease->revision != op->revision)
        return 0;
    if (op->type == OP_LEASE_END)
        return end_lease(m, op, out);
    lease->revision = m->applied + 1;
    out->offset = lease->ttl;
    return 0;
}
