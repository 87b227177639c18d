/* A node's log on disk: a write becomes durable late, as a whole, and after all earlier ones. */
#include "sim.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

void sim_storage_operation(struct sim_world *w, struct sim_node *n)
{
    if (n->fuse > 1 && --n->fuse == 1)
        w->fuse_blown = true;
}

struct checker_view sim_view(const struct sim_node *n, uint64_t changed)
{
    const struct sim_disk *d = &n->disk;
    return (struct checker_view){.promise = d->promise,
                                 .acc_round = d->acc_round,
                                 .decided = d->decided,
                                 .base = d->log.base,
                                 .end = d->log.end,
                                 .entries = d->log.entries,
                                 .member = sim_is_member(n),
                                 .changed = changed,
                                 .installed = n->tree.installed};
}

/* ---- the log ---- */

static void log_cut(struct sim_log *log, uint64_t end)
{
    while (log->end > end && log->end > log->base)
        paxos_entry_unref(log->entries[--log->end - log->base]);
}

static void log_compact(struct sim_log *log, uint64_t base)
{
    if (base <= log->base)
        return;
    uint64_t gone = base < log->end ? base - log->base : log->end - log->base;
    for (uint64_t i = 0; i < gone; i++)
        paxos_entry_unref(log->entries[i]);
    if (log->end > base)
        memmove(log->entries, log->entries + gone, (log->end - base) * sizeof *log->entries);
    log->base = base;
    if (log->end < base)
        log->end = base;
}

static void log_append(struct sim_log *log, struct paxos_entry *e)
{
    if (log->end - log->base == log->cap) {
        log->cap = log->cap ? 2 * log->cap : 64;
        log->entries = realloc(log->entries, log->cap * sizeof *log->entries);
        assert(log->entries);
    }
    log->entries[log->end++ - log->base] = paxos_entry_ref(e);
}

/* ---- writes ---- */

void sim_disk_write(struct sim_world *w, struct sim_node *n, struct paxos_write *write)
{
    struct sim_disk *d = &n->disk;
    if (d->count == d->cap) {
        d->cap = d->cap ? 2 * d->cap : 16;
        d->queue = realloc(d->queue, d->cap * sizeof *d->queue);
        assert(d->queue);
    }
    uint64_t at = w->now + 1 + sim_below(&w->random, w->options.disk_delay_max + n->slow);
    at = at > d->stuck_until ? at : d->stuck_until;
    d->last_at = at > d->last_at ? at : d->last_at;
    sim_note(w, SIM_WRITES, n->index, write->ticket, write->first, write->entry_count);
    sim_schedule(
        w, d->last_at - w->now,
        (struct sim_event){
            .type = SIM_WRITTEN, .node = n->index, .life = n->life, .number = write->ticket});
    d->queue[d->count++] = *write;
    *write = (struct paxos_write){0};
    sim_storage_operation(w, n);
}

void sim_disk_written(struct sim_world *w, struct sim_node *n)
{
    struct sim_disk *d = &n->disk;
    struct paxos_write write = d->queue[0];
    memmove(d->queue, d->queue + 1, --d->count * sizeof *d->queue);
    sim_check(w, write.truncate || d->log.end <= write.first, "write over entries of node %u",
              n->pid);
    log_cut(&d->log, write.first);
    log_compact(&d->log, write.compacted);
    sim_check(w, d->log.end == write.first, "gap in the log of node %u", n->pid);
    for (uint32_t i = 0; i < write.entry_count; i++)
        log_append(&d->log, write.entries[i]);
    d->promise = write.promise;
    d->acc_round = write.acc_round;
    d->decided = write.decided;
    d->membership = write.membership;
    struct checker_view view = sim_view(n, write.first);
    paxos_write_clear(&write);
    checker_disk(&w->checker, n->index, &view);
    sim_storage_operation(w, n);
}

/* ---- crash and restart ---- */

void sim_disk_crash(struct sim_world *w, struct sim_node *n, size_t kept)
{
    struct sim_disk *d = &n->disk;
    assert(kept <= d->count);
    for (; kept > 0; kept--)
        sim_disk_written(w, n);
    for (size_t i = 0; i < d->count; i++)
        paxos_write_clear(&d->queue[i]);
    d->count = 0;
    d->last_at = d->stuck_until = 0;
}

/* Entries below an installed snapshot are void, and if the tree is beyond the log, the log begins
 * at it.
 */
struct paxos_stored sim_disk_open(struct sim_node *n)
{
    struct sim_disk *d = &n->disk;
    uint64_t applied = n->tree.now.applied;
    log_compact(&d->log, n->tree.installed);
    log_compact(&d->log, applied > d->log.end ? applied : 0);
    if (d->decided < applied)
        d->decided = applied;
    return (struct paxos_stored){.promise = d->promise,
                                 .acc_round = d->acc_round,
                                 .decided = d->decided,
                                 .compacted = d->log.base,
                                 .entry_count = d->log.end - d->log.base,
                                 .entries = d->log.entries,
                                 .membership = d->membership,
                                 .folder = d->folder};
}

void sim_disk_lost(struct sim_world *w, struct sim_node *n)
{
    assert(n->disk.count == 0);
    sim_disk_free(&n->disk);
    n->disk =
        (struct sim_disk){.membership.standing = PAXOS_FRESH, .folder = sim_random(&w->random) | 1};
}

void sim_disk_free(struct sim_disk *d)
{
    log_cut(&d->log, 0);
    free(d->log.entries);
    for (size_t i = 0; i < d->count; i++)
        paxos_write_clear(&d->queue[i]);
    free(d->queue);
}
