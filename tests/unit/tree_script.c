#include "tree_script.h"

#include <stdlib.h>

enum { LIST_OPS_MAX = 6 };

static uint64_t pick_inode(const struct model *m, uint64_t *seed)
{
    for (int tries = 0; tries < 100; tries++) {
        uint64_t ino = 1 + random_below(seed, m->inodes);
        if (m->inode[ino].mode)
            return ino;
    }
    return 1 + random_below(seed, m->inodes);
}

static struct op pick_op(const struct model *m, uint64_t *seed)
{
    struct op op = workload_op(seed, 100);

    if (op.ino)
        op.ino = pick_inode(m, seed);
    if (op.ino2)
        op.ino2 = pick_inode(m, seed);
    if (op.hold)
        op.hold = pick_inode(m, seed);
    if (op.ino && random_below(seed, 3) == 0) {
        uint64_t named = model_find(m, op.ino, op.name); /* often enough what is removed is open */
        op.hold = named ? named : op.hold;
    }
    return op;
}

/* Carries a list out on the model: all of it, or none. */
static int apply_list(struct model **m, const struct op *ops, uint32_t count)
{
    struct model *before = count > 1 ? model_copy(*m) : NULL;
    int status = 0;

    for (uint32_t i = 0; status == 0 && i < count; i++)
        status = model_apply(*m, &ops[i]);
    if (status < 0 && before) {
        model_free(*m);
        *m = before;
        return status;
    }
    if (before)
        model_free(before);
    return status;
}

struct buffer script_next(struct fixture *stamps, struct model **m, uint64_t *seed, int *status)
{
    struct op ops[LIST_OPS_MAX];
    uint32_t count = random_below(seed, 10) == 0 ? 2 + random_below(seed, LIST_OPS_MAX - 1) : 1;

    for (uint32_t i = 0; i < count; i++)
        ops[i] = pick_op(*m, seed);
    stamps->time += random_below(seed, 100);
    *status = apply_list(m, ops, count);
    return fixture_entry(stamps, ops, count);
}

struct script *script_new(uint64_t seed)
{
    struct script *s = calloc(1, sizeof *s);
    struct fixture stamps = {.node = 1, .incarnation = 1, .sequence = 1, .time = 1000};

    s->model = model_new();
    for (int i = 0; i < SCRIPT_ENTRIES; i++)
        s->entry[i] = script_next(&stamps, &s->model, &seed, &s->status[i]);
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
