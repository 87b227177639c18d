#include "fs/pending.h"

#include <assert.h>
#include <errno.h>

static struct fs_run *run_at(const struct fs_pending *p, uint32_t i)
{
    assert(i < fs_pending_runs(p));
    return (struct fs_run *)p->runs.data + i;
}

bool fs_pending_full(const struct fs_pending *p, size_t more)
{
    return fs_pending_runs(p) == FS_GATHERED_RUNS_MAX ||
           (p->runs.len > 0 && p->data.len + more > FS_GATHERED_BYTES_MAX);
}

/* Whether the bytes of the operation go right behind those of the last run. */
static bool continues(const struct fs_run *last, const struct op *op)
{
    if (last->type != op->type || last->flags != op->flags || last->outsider != op->outsider)
        return false;
    return op->type == OP_APPEND || last->offset + last->len == op->offset;
}

int fs_pending_gather(struct fs_pending *p, const struct op *op)
{
    uint32_t count = fs_pending_runs(p);
    bool same_run = count > 0 && continues(run_at(p, count - 1), op);
    struct fs_run run = {op->type, op->flags, op->outsider, op->offset, p->data.len, op->data.len};
    assert(op->type == OP_WRITE || op->type == OP_APPEND);
    if (!buffer_reserve(&p->data, op->data.len) ||
        (!same_run && !buffer_reserve(&p->runs, sizeof run))) {
        p->data.failed = p->runs.failed = false;
        return -ENOMEM;
    }
    buffer_append(&p->data, op->data.data, op->data.len);
    if (same_run)
        run_at(p, count - 1)->len += op->data.len;
    else
        buffer_append(&p->runs, &run, sizeof run);
    return 0;
}

int fs_pending_command(const struct fs_pending *p, uint64_t ino, const struct op *ops,
                       uint32_t count, struct command *command)
{
    int status = 0;
    for (uint32_t i = 0; i < fs_pending_runs(p) && status == 0; i++) {
        const struct fs_run *run = run_at(p, i);
        struct op op = {.type = run->type,
                        .flags = run->flags,
                        .outsider = run->outsider,
                        .ino = ino,
                        .offset = run->offset,
                        .data = bytes_of(p->data.data + run->at, run->len)};
        status = command_add(command, &op);
    }
    for (uint32_t i = 0; i < count && status == 0; i++)
        status = command_add(command, &ops[i]);
    return status;
}

void fs_pending_clear(struct fs_pending *p)
{
    buffer_free(&p->data);
    buffer_free(&p->runs);
    *p = (struct fs_pending){0};
}
