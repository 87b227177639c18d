/* store/log.h without a database: a write becomes durable late, as a whole, after all earlier ones.
 * What a kill leaves may have any part of what was under way. */
#include "nodes.h"

#include "store/tree_records.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct log {
    struct node *node;
};

void disk_begin(struct node *n)
{
    uint32_t pids[NODES_MAX];
    for (uint32_t i = 0; i < n->world->options.nodes; i++)
        pids[i] = n->world->nodes[i].pid;
    n->disk.membership = paxos_membership_of(pids, n->world->options.nodes, PAXOS_MEMBER);
    n->disk.folder = n->pid;
}

/* ---- Entries ---- */

static void entries_put(struct disk *d, uint64_t index, struct paxos_entry *entry)
{
    if (index >= d->cap) {
        uint64_t cap = d->cap ? 2 * d->cap : 256;
        cap = index >= cap ? index + 1 : cap;
        d->entries = realloc(d->entries, cap * sizeof *d->entries);
        assert(d->entries);
        memset(d->entries + d->cap, 0, (cap - d->cap) * sizeof *d->entries);
        d->cap = cap;
    }
    if (d->entries[index])
        paxos_entry_unref(d->entries[index]);
    d->entries[index] = paxos_entry_ref(entry);
}

/* ---- Writes ---- */

static void write_apply(struct node *n, struct paxos_write *write)
{
    struct disk *d = &n->disk;
    world_check(n->world, write->truncate || d->end <= write->first,
                "node %u writes over entries of its log", n->pid);
    d->end = d->end > write->first ? write->first : d->end;
    d->base = write->compacted > d->base ? write->compacted : d->base;
    d->end = d->end < d->base ? d->base : d->end;
    world_check(n->world, d->end == write->first, "a gap in the log of node %u", n->pid);
    for (uint32_t i = 0; i < write->entry_count; i++)
        entries_put(d, d->end++, write->entries[i]);
    d->promise = write->promise;
    d->acc_round = write->acc_round;
    d->decided = write->decided;
    d->membership = write->membership;
    paxos_write_clear(write);
}

static void waiting_take(struct disk *d, struct paxos_write *write)
{
    *write = d->waiting[0].write;
    memmove(d->waiting, d->waiting + 1, --d->count * sizeof *d->waiting);
}

static void disk_written(struct world *w, struct node *n, void *arg)
{
    struct disk *d = &n->disk;
    uint64_t ticket = 0;
    while (d->count > 0 && d->waiting[0].at <= w->now && !n->full && d->stuck_until <= w->now) {
        struct paxos_write write;
        waiting_take(d, &write);
        ticket = write.ticket;
        write_apply(n, &write);
    }
    if (ticket > 0)
        n->log.durable(n->log.arg, ticket);
    if (d->count > 0 && !n->full) {
        uint64_t at = d->waiting[0].at > d->stuck_until ? d->waiting[0].at : d->stuck_until;
        world_at(w, n, at > w->now ? at - w->now : 1, disk_written, NULL);
    }
}

static void disk_told_full(struct world *w, struct node *n, void *arg)
{
    n->log.full(n->log.arg, n->full);
    disk_written(w, n, NULL);
}

void disk_full(struct node *n, bool full)
{
    if (n->full == full)
        return;
    world_note(n->world, "the disk of node %u %s", n->pid, full ? "is full" : "has room again");
    n->full = full;
    if (n->up)
        world_at(n->world, n, 1, disk_told_full, NULL);
}

void disk_crash(struct node *n)
{
    struct disk *d = &n->disk;
    uint64_t kept = n->full ? 0 : sim_below(&n->world->random, d->count + 1);
    while (d->count > 0) {
        struct paxos_write write;
        waiting_take(d, &write);
        if (kept > 0)
            write_apply(n, &write);
        else
            paxos_write_clear(&write);
        kept -= kept > 0;
    }
    d->stuck_until = 0;
}

/* ---- log.h ---- */

/* As log_db_load: entries below a snapshot are void, and if the tree is beyond the log, the log
 * begins at it. */
int log_open(const struct folder *folder, const struct identity *identity,
             const struct paxos_membership *members, uint64_t applied, uint64_t snapshot,
             struct log **log, struct paxos_stored *stored, struct fault *fault)
{
    struct node *n = world->here;
    struct disk *d = &n->disk;
    uint64_t base = applied > d->end ? applied : snapshot;
    if (base > d->base)
        d->base = base;
    if (d->end < d->base)
        d->end = d->base;
    if (d->decided < applied)
        d->decided = applied;
    *stored = (struct paxos_stored){.promise = d->promise,
                                    .acc_round = d->acc_round,
                                    .decided = d->decided,
                                    .compacted = d->base,
                                    .entry_count = d->end - d->base,
                                    .membership = d->membership,
                                    .folder = d->folder};
    stored->entries = calloc(stored->entry_count + 1, sizeof *stored->entries);
    *log = calloc(1, sizeof **log);
    assert(stored->entries && *log);
    for (uint64_t i = 0; i < stored->entry_count; i++)
        stored->entries[i] = paxos_entry_ref(d->entries[d->base + i]);
    (*log)->node = n;
    return 0;
}

void log_stored_clear(struct paxos_stored *stored)
{
    for (uint64_t i = 0; i < stored->entry_count; i++)
        paxos_entry_unref(stored->entries[i]);
    free(stored->entries);
    *stored = (struct paxos_stored){0};
}

int log_next_incarnation(struct log *log, uint64_t *incarnation, struct fault *fault)
{
    *incarnation = log->node->disk.incarnation += LOG_INCARNATION_STEP;
    return 0;
}

int log_start(struct log *log, uv_loop_t *loop, const struct log_callbacks *callbacks)
{
    log->node->log = *callbacks;
    return 0;
}

int log_write(struct log *log, struct paxos_write *write)
{
    struct node *n = log->node;
    struct world *w = n->world;
    struct disk *d = &n->disk;
    if (d->count == d->max) {
        d->max = d->max ? 2 * d->max : 16;
        d->waiting = realloc(d->waiting, d->max * sizeof *d->waiting);
        assert(d->waiting);
    }
    uint64_t at = w->now + 1 + sim_below(&w->random, w->options.disk_max);
    if (d->count > 0 && at < d->waiting[d->count - 1].at)
        at = d->waiting[d->count - 1].at;
    d->waiting[d->count++] = (struct log_waiting){*write, at};
    *write = (struct paxos_write){0};
    world_at(w, n, at - w->now, disk_written, NULL);
    return 0;
}

/* Dead rows stay for good here. */
void log_keep(struct log *log, uint64_t index)
{
}

static void entries_read(struct world *w, struct node *n, void *arg)
{
    struct log_read *read = arg;
    const struct disk *d = &n->disk;
    read->status = read->end <= d->end ? 0 : -ENOENT;
    for (uint64_t i = read->first; i < read->end && read->status == 0; i++) {
        if (read->records.len >= read->bytes_max)
            break;
        if (!d->entries[i])
            read->status = -ENOENT;
        else
            record_put_entry(&read->records, bytes_of(d->entries[i]->bytes, d->entries[i]->len));
        read->count += read->status == 0;
    }
    if (read->status == 0 && read->first + read->count == read->end)
        record_put_last(&read->records, read->end);
    read->done(read);
}

void log_read(struct log *log, struct log_read *read)
{
    struct world *w = log->node->world;
    read->count = 0;
    world_at(w, log->node, 1 + sim_below(&w->random, w->options.disk_max), entries_read, read);
}

void log_metrics(struct log *log, struct log_metrics *metrics)
{
    *metrics = (struct log_metrics){0};
}

void log_close(struct log *log, void (*closed)(void *arg), void *arg)
{
    closed(arg);
}
