/* The model's rights of callers, and its tokens. */
#include "tree_model.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

int model_may(const struct model *m, uint64_t ino, uint32_t want)
{
    const struct attr *attr = &m->inode[ino].attr;
    uint32_t granted = attr->mode & 7;
    bool member = m->caller.gid == attr->gid;
    if (!m->checked || m->caller.uid == 0)
        return 0;
    for (uint32_t i = 0; i < m->caller.group_count; i++)
        member |= m->caller.groups[i] == attr->gid;
    if (member)
        granted = attr->mode >> 3 & 7;
    if (m->caller.uid == attr->uid)
        granted = attr->mode >> 6 & 7;
    return (granted & want) == want ? 0 : -EACCES;
}

int model_may_remove(const struct model *m, const struct model_name *n)
{
    const struct attr *dir = &m->inode[n->parent].attr;
    if (model_may(m, n->parent, CALLER_WRITE | CALLER_SEARCH) < 0)
        return -EACCES;
    if (m->checked && dir->mode & S_ISVTX && m->caller.uid != 0 && m->caller.uid != dir->uid &&
        m->caller.uid != m->inode[n->ino].attr.uid)
        return -EPERM;
    return 0;
}

/* Whether a path is the token's or below it. */
static bool is_covered(const struct model *m, const char *path)
{
    size_t len = strlen(m->by.path);
    if (!m->checked || m->caller.token == 0 || len == 0)
        return true;
    return strncmp(path, m->by.path, len) == 0 && (path[len] == '\0' || path[len] == '/');
}

static bool is_name_covered(const struct model *m, const struct model_name *n)
{
    char path[4096] = "", longer[4096];
    uint64_t dir = n->parent;
    snprintf(path, sizeof path, "%s", n->name);
    while (dir != INO_ROOT) {
        const struct model_name *of = m->name;
        while (of->ino != dir)
            of++;
        snprintf(longer, sizeof longer, "%s/%.2000s", of->name, path);
        strcpy(path, longer);
        dir = of->parent;
    }
    return is_covered(m, path);
}

/* In the order of directories and then of names, as the first refusal is the answer. */
int model_may_remove_all(const struct model *m, uint64_t ino)
{
    const struct model_name *last = NULL;
    for (;;) {
        const struct model_name *next = NULL;
        for (const struct model_name *n = m->name; n < m->name + MODEL_NAMES; n++) {
            bool later = !last || n->parent > last->parent ||
                         (n->parent == last->parent && strcmp(n->name, last->name) > 0);
            bool sooner = !next || n->parent < next->parent ||
                          (n->parent == next->parent && strcmp(n->name, next->name) < 0);
            if (n->ino == ino && later && sooner)
                next = n;
        }
        if (!next)
            return 0;
        int status = model_may_remove(m, next);
        if (status == 0 && !is_name_covered(m, next))
            status = -EACCES;
        if (status < 0)
            return status;
        last = next;
    }
}

/* Numbers of directories grow on the way down, and the tree looks at the highest one first. Which
 * refusal is the first does not matter but for its errno. */
int model_may_remove_below(const struct model *m, const struct model_name *n)
{
    int status = 0;
    for (const struct model_name *below = m->name; below < m->name + MODEL_NAMES; below++)
        if (below->ino && below->parent == n->ino && status == 0)
            status = model_may_remove_below(m, below);
    return status < 0 ? status : model_may_remove(m, n);
}

bool model_may_use(const struct model *m, const struct model_lease *lease)
{
    if (!m->checked)
        return true;
    return m->caller.uid == lease->uid && (m->caller.token == 0 || m->caller.token == lease->token);
}

void model_kill_priv(struct model *m, const struct op *op, uint64_t ino)
{
    struct attr *attr = &m->inode[ino].attr;
    struct caller *caller = &m->caller;
    bool member = caller->gid == attr->gid;
    for (uint32_t i = 0; i < caller->group_count; i++)
        member |= caller->groups[i] == attr->gid;
    if (caller->uid == 0)
        return;
    attr->mode &= ~(uint32_t)S_ISUID;
    if ((attr->mode & S_IXGRP) || !member)
        attr->mode &= ~(uint32_t)S_ISGID;
}

int model_check_rights(const struct model *m, const struct op *op)
{
    char path[256];
    bool by_key = op->type == OP_PUT || op->type == OP_DELETE;
    if (!m->checked)
        return 0;
    if (!by_key && op->type != OP_TTL && op->type != OP_LEASE && op->type != OP_LEASE_RENEW &&
        op->type != OP_LEASE_END)
        return -EPERM;
    if (m->caller.token && m->by.read_only)
        return -EROFS;
    snprintf(path, sizeof path, "%.*s", (int)op->name.len, (const char *)op->name.data);
    return by_key && !is_covered(m, path) ? -EACCES : 0;
}

/* ---- Operations ---- */

static int apply_as(struct model *m, const struct op *op)
{
    if (!m->first)
        return -EINVAL;
    if (caller_read(op, &m->caller) < 0)
        return -EINVAL;
    m->checked = !caller_is_root(&m->caller);
    if (m->caller.token == 0)
        return 0;
    for (int i = 0; i < MODEL_TOKENS; i++) {
        const struct model_token *token = &m->token[i];
        if (token->caller.token != m->caller.token)
            continue;
        m->by = *token;
        m->caller = token->caller;
        return token->expires && token->expires <= m->time ? -EKEYREVOKED : 0;
    }
    return -EKEYREVOKED;
}

static bool is_over(const struct model *m, const struct model_token *token)
{
    return token->caller.token == 0 || (token->expires && token->expires <= m->time);
}

static int apply_token_add(struct model *m, const struct op *op)
{
    struct model_token made = {.read_only = op->flags & OP_READ_ONLY,
                               .expires = (uint64_t)op->mtime,
                               .hash = op->data.data[0]};
    struct model_token *place = NULL;
    memcpy(made.name, op->name.data, op->name.len);
    if (op->name2.len > 0)
        memcpy(made.path, op->name2.data, op->name2.len);
    made.caller = (struct caller){.uid = op->uid, .gid = op->gid, .token = m->applied + 1};
    if (op->data.len > TOKEN_HASH_BYTES) {
        made.caller.group_count = 1;
        made.caller.groups[0] = op->data.data[TOKEN_HASH_BYTES];
    }
    if (op->mtime < 0 || (op->mtime && op->mtime <= (int64_t)m->time))
        return -EINVAL;
    for (int i = 0; i < MODEL_TOKENS; i++)
        if (m->token[i].caller.token == made.caller.token)
            return -EINVAL;
    for (int i = 0; i < MODEL_TOKENS; i++)
        if (!is_over(m, &m->token[i]) &&
            (strcmp(m->token[i].name, made.name) == 0 || m->token[i].hash == made.hash))
            return -EEXIST;
    for (int i = 0; i < MODEL_TOKENS; i++) {
        if (is_over(m, &m->token[i]))
            place = memset(&m->token[i], 0, sizeof m->token[i]);
    }
    *place = made;
    return 0;
}

static int apply_token_remove(struct model *m, const struct op *op, struct op_result *out)
{
    for (int i = 0; i < MODEL_TOKENS; i++) {
        struct model_token *token = &m->token[i];
        if (token->caller.token == 0 || !bytes_equal(bytes_of_text(token->name), op->name))
            continue;
        memset(token, 0, sizeof *token);
        out->existed = true;
        return 0;
    }
    return -ENOENT;
}

int model_apply_rights(struct model *m, const struct op *op, struct op_result *out)
{
    if (op->type == OP_AS)
        return apply_as(m, op);
    return op->type == OP_TOKEN_ADD ? apply_token_add(m, op) : apply_token_remove(m, op, out);
}
