#include "tree_script.h"

#include "command/key.h"
#include "command/level.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { LIST_OPS_MAX = 6 };
#define SIX_SECONDS (UINT64_C(6) * 1000000000)

struct script_nodes script_nodes(void)
{
    struct script_nodes nodes = {.time = 1000};
    for (uint32_t i = 0; i < SCRIPT_NODES; i++)
        nodes.node[i] = (struct fixture){.node = 1 + i, .incarnation = 1, .sequence = 1};
    return nodes;
}

/* ---- Operations that have something to do, more often than not ---- */

static bool any(const struct model_inode *inode)
{
    return true;
}

static bool is_file(const struct model_inode *inode)
{
    return S_ISREG(inode->attr.mode);
}

static bool is_folder(const struct model_inode *inode)
{
    return S_ISDIR(inode->attr.mode) && inode->attr.nlink > 0;
}

static bool is_bound(const struct model_inode *inode)
{
    return inode->bound;
}

static bool has_ttl(const struct model_inode *inode)
{
    return inode->ttl > 0;
}

static bool is_held(const struct model_inode *inode)
{
    return inode->holder;
}

static uint64_t pick_inode(const struct model *m, uint64_t *seed,
                           bool (*fits)(const struct model_inode *inode))
{
    uint64_t ino = 1 + random_below(seed, (uint32_t)m->inodes); /* it may not exist */
    for (int tries = random_below(seed, 10) ? 300 : 0; tries > 0; tries--) {
        uint64_t other = 1 + random_below(seed, (uint32_t)m->inodes);
        if (m->inode[other].attr.ino && fits(&m->inode[other]))
            return other;
    }
    return ino;
}

/* A name that exists, if there is any. Its bytes are the model's. */
static void pick_name(const struct model *m, uint64_t *seed, uint64_t *parent, struct bytes *name)
{
    uint32_t from = random_below(seed, MODEL_NAMES);
    for (uint32_t i = 0; i < MODEL_NAMES; i++) {
        const struct model_name *n = &m->name[(from + i) % MODEL_NAMES];
        if (!n->ino)
            continue;
        *parent = n->parent;
        *name = text(n->name);
        return;
    }
}

/* The inode with this key, or 0. */
static uint64_t find_key(const struct model *m, struct bytes key)
{
    uint64_t ino = INO_ROOT;
    while (ino && key.len > 0)
        ino = model_find(m, ino, key_next(&key));
    return ino;
}

static void pick_names(const struct model *m, uint64_t *seed, struct op *op)
{
    bool makes = op->type == OP_CREATE || op->type == OP_MKNOD || op->type == OP_MKDIR ||
                 op->type == OP_SYMLINK || op->type == OP_LINK || op->type == OP_EPHEMERAL;
    op->ino = pick_inode(m, seed, is_folder);
    op->ino2 = pick_inode(m, seed, op->type == OP_RENAME ? is_folder : is_file);
    if (makes ? random_below(seed, 6) == 0 : random_below(seed, 6) > 0)
        pick_name(m, seed, &op->ino, &op->name);
    if (op->type == OP_RENAME && random_below(seed, 2))
        pick_name(m, seed, &op->ino2, &op->name2);
}

static struct op pick_op(const struct model *m, uint64_t *seed)
{
    if (random_below(seed, 150) == 0)
        return (struct op){.type = OP_LEVEL, .size = 1 + random_below(seed, LEVEL_MAX)};
    struct op op = workload_op(seed, 100);
    if (op.type == OP_TOKEN_ADD || op.type == OP_TOKEN_REMOVE) {
        op.mtime += op.mtime > 0 ? (int64_t)m->last_time : 0;
        return op;
    }
    uint64_t taken; /* the inode that may lose a name */
    if (op.type == OP_PUT || op.type == OP_DELETE) {
        taken = find_key(m, op.name);
        if (random_below(seed, 2))
            op.revision = m->inode[taken].attr.revision;
    } else if (op.type == OP_EPHEMERAL || (op.type >= OP_CREATE && op.type <= OP_RENAME)) {
        pick_names(m, seed, &op);
        taken = op.type == OP_RENAME ? model_find(m, op.ino2, op.name2)
                                     : model_find(m, op.ino, op.name);
    } else {
        op.ino = pick_inode(m, seed,
                            op.type == OP_RELEASE                      ? is_held
                            : op.type == OP_EPHEMERAL_END              ? is_bound
                            : op.type == OP_EXPIRE                     ? has_ttl
                            : op.type < OP_CREATE || op.type == OP_TTL ? is_file
                                                                       : any);
        taken = 0;
        if (op.type == OP_END_SESSION && random_below(seed, 4))
            op.revision = m->session[op.size];
        if (op.type == OP_EXPIRE && random_below(seed, 2) && op.ino < m->inodes)
            op.revision = m->inode[op.ino].attr.revision;
        if (op.type == OP_LEASE_END && op.revision > 0 && random_below(seed, 2))
            op.revision = m->lease[op.lease].revision;
        if (random_below(seed, 2)) /* near what was set by changes */
            op.mtime = (int64_t)(m->last_time + random_below(seed, 200)) - 100;
    }
    op.hold = random_below(seed, 2) ? taken : random_below(seed, (uint32_t)m->inodes);
    return op;
}

/* As a user, or by a token that there is or was. */
static struct op pick_caller(const struct model *m, uint64_t *seed)
{
    struct op as = workload_as(seed);
    const struct model_token *token = &m->token[random_below(seed, MODEL_TOKENS)];
    for (int tries = 0; tries < 100 && token->caller.token == 0; tries++)
        token = &m->token[random_below(seed, MODEL_TOKENS)];
    if (random_below(seed, 3) == 0)
        as.revision = random_below(seed, 10) ? token->caller.token : 1 + m->applied / 2;
    return as;
}

struct buffer script_next(struct script_nodes *nodes, struct model **m, uint64_t *seed,
                          struct command_result *expected)
{
    uint32_t count = random_below(seed, 10) == 0 ? 2 + random_below(seed, LIST_OPS_MAX - 1) : 1;
    struct fixture *from = &nodes->node[random_below(seed, SCRIPT_NODES)];
    struct op ops[LIST_OPS_MAX];
    for (uint32_t i = 0; i < count; i++)
        ops[i] = pick_op(*m, seed);
    if (random_below(seed, 300) == 0)
        ops[0] = (struct op){.type = OP_LEVEL,
                             .size = 1 + random_below(seed, LEVEL_MAX),
                             .mode = random_below(seed, 2) ? 01777 : 0,
                             .uid = 1};
    bool by_key = ops[count - 1].type == OP_PUT || ops[count - 1].type == OP_DELETE;
    if (count < LIST_OPS_MAX && random_below(seed, by_key ? 2 : 8) == 0) {
        memmove(ops + 1, ops, count++ * sizeof *ops);
        ops[0] = pick_caller(*m, seed);
    }
    if (random_below(seed, 200) == 0) { /* it has started again */
        from->incarnation++;
        from->sequence = 1;
    }
    nodes->time += random_below(seed, 100);
    from->time = nodes->time - random_below(seed, 150); /* clocks differ */
    if (random_below(seed, 50) == 0)                    /* and one is wrong */
        from->time += random_below(seed, 3) * SIX_SECONDS;
    struct buffer entry = fixture_entry(from, ops, count);
    model_apply(m, bytes_of(entry.data, entry.len), expected);
    return entry;
}

struct script *script_new(uint64_t seed)
{
    struct script *s = calloc(1, sizeof *s);
    struct script_nodes nodes = script_nodes();
    s->model = model_new();
    for (int i = 0; i < SCRIPT_ENTRIES; i++) {
        struct command_result expected;
        s->entry[i] = script_next(&nodes, &s->model, &seed, &expected);
        s->status[i] = expected.status;
        command_result_free(&expected);
    }
    return s;
}

void script_free(struct script *s)
{
    for (int i = 0; i < SCRIPT_ENTRIES; i++)
        buffer_free(&s->entry[i]);
    model_free(s->model);
    free(s);
}

void script_run(struct fixture *f, const struct buffer *entry, int expected)
{
    bool repeated;
    struct command_result result = fixture_apply(f, bytes_of(entry->data, entry->len), &repeated);
    if (result.status != expected)
        fail_msg("entry %llu: %d instead of %d", (unsigned long long)tree_applied(f->tree) - 1,
                 result.status, expected);
    command_result_free(&result);
}
