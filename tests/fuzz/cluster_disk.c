#include "cluster.h"

#include <stdlib.h>
#include <string.h>

struct checker_view disk_view(const struct node *n, uint64_t changed)
{
    const struct disk *d = &n->disk;
    return (struct checker_view){.promise = d->promise,
                                 .acc_round = d->acc_round,
                                 .member = disk_of_member(d),
                                 .decided = d->decided,
                                 .base = d->base,
                                 .end = d->end,
                                 .entries = d->entries,
                                 .changed = changed,
                                 .installed = n->tree.installed};
}

/* ---- The log ---- */

static void disk_cut(struct disk *d, uint64_t end)
{
    while (d->end > end && d->end > d->base)
        paxos_entry_unref(d->entries[--d->end - d->base]);
}

/* Entries below go. If that is more than the log has, it is empty at that index. */
static void compact(struct disk *d, uint64_t base)
{
    if (base <= d->base)
        return;
    uint64_t held = d->end - d->base, gone = base < d->end ? base - d->base : held;
    for (uint64_t i = 0; i < gone; i++)
        paxos_entry_unref(d->entries[i]);
    if (held > gone)
        memmove(d->entries, d->entries + gone, (held - gone) * sizeof *d->entries);
    d->base = base;
    d->end = d->end > base ? d->end : base;
}

static void append(struct disk *d, struct paxos_entry *e)
{
    if (d->end - d->base == d->cap) {
        d->cap = d->cap ? 2 * d->cap : 64;
        d->entries = realloc(d->entries, d->cap * sizeof *d->entries);
        assert(d->entries);
    }
    d->entries[d->end++ - d->base] = paxos_entry_ref(e);
}

/* ---- Writes ---- */

void disk_queue(struct node *n, struct paxos_write *write)
{
    struct disk *d = &n->disk;
    if (d->count == d->queue_cap) {
        d->queue_cap = d->queue_cap ? 2 * d->queue_cap : 16;
        d->queue = realloc(d->queue, d->queue_cap * sizeof *d->queue);
        assert(d->queue);
    }
    d->queue[d->count++] = *write;
    *write = (struct paxos_write){0};
}

/* As paxos.h says what a write is: nothing is overwritten unasked, and there is no gap. */
void disk_write(struct cluster *c, struct node *n)
{
    struct disk *d = &n->disk;
    assert(d->count > 0);
    struct paxos_write write = d->queue[0];
    memmove(d->queue, d->queue + 1, --d->count * sizeof *d->queue);
    assert(write.ticket == n->written + 1);
    assert(write.truncate || d->end <= write.first);
    disk_cut(d, write.first);
    compact(d, write.compacted);
    assert(d->end == write.first);
    for (uint32_t i = 0; i < write.entry_count; i++)
        append(d, write.entries[i]);
    d->promise = write.promise;
    d->acc_round = write.acc_round;
    d->decided = write.decided;
    d->membership = write.membership;
    n->written = write.ticket;
    struct checker_view view = disk_view(n, write.first);
    paxos_write_clear(&write);
    if (c->honest)
        checker_disk(&c->checker, n->index, &view);
}

void cluster_disk(struct cluster *c, struct node *n, size_t writes)
{
    if (!n->core || n->disk.count == 0 || writes == 0)
        return;
    for (; writes > 0 && n->disk.count > 0; writes--)
        disk_write(c, n);
    cluster_step(c, n, &(struct paxos_event){.type = PAXOS_DURABLE, .ticket = n->written});
}

void disk_forget(struct node *n)
{
    for (size_t i = 0; i < n->disk.count; i++)
        paxos_write_clear(&n->disk.queue[i]);
    n->disk.count = 0;
}

/* As the store opens its log: entries below an installed snapshot are void, and if the tree is
 * beyond the log, the log begins at it. */
struct paxos_stored disk_open(struct node *n)
{
    struct disk *d = &n->disk;
    compact(d, n->tree.installed);
    compact(d, n->tree.applied > d->end ? n->tree.applied : 0);
    if (d->decided < n->tree.applied)
        d->decided = n->tree.applied;
    return (struct paxos_stored){.promise = d->promise,
                                 .acc_round = d->acc_round,
                                 .decided = d->decided,
                                 .compacted = d->base,
                                 .entry_count = d->end - d->base,
                                 .entries = d->entries,
                                 .membership = d->membership,
                                 .folder = d->folder};
}

bool disk_of_member(const struct disk *d)
{
    return d->membership.standing == PAXOS_MEMBER;
}

void disk_free(struct disk *d)
{
    disk_cut(d, 0);
    for (size_t i = 0; i < d->count; i++)
        paxos_write_clear(&d->queue[i]);
    free(d->entries);
    free(d->queue);
}
