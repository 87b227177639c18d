/* What is on disk, and what is on its way there.
 *
 * Writes are made durable in the order of their tickets, so the disk passes through the states in
 * `queued`, oldest first. Each state's `accepted` counts how much of the log *as it is now* the
 * disk then holds: when the log is cut, it is lowered in all of them, so an entry that was replaced
 * never counts. */
#include "paxos/state.h"

#include <assert.h>
#include <stdlib.h>

void paxos_disk_start(struct paxos *p)
{
    p->disk.durable = (struct paxos_disk_state){p->promise, p->acc_round, p->log.end, 0};
    p->disk.last = p->disk.durable;
    p->disk.last_end = p->log.end;
}

/* The i-th oldest. */
static struct paxos_disk_state *queued(struct paxos_disk *d, size_t i)
{
    assert(i < d->count);
    return &d->queued[(d->head + i) % d->cap];
}

static void lower(uint64_t *index, uint64_t limit)
{
    if (*index > limit)
        *index = limit;
}

static void raise(uint64_t *index, uint64_t limit)
{
    if (*index < limit)
        *index = limit;
}

void paxos_disk_cut(struct paxos *p, uint64_t end)
{
    struct paxos_disk *d = &p->disk;
    lower(&d->durable.accepted, end);
    lower(&d->last.accepted, end);
    for (size_t i = 0; i < d->count; i++)
        lower(&queued(d, i)->accepted, end);
}

void paxos_disk_covered(struct paxos *p, uint64_t index)
{
    struct paxos_disk *d = &p->disk;
    raise(&d->durable.accepted, index);
    raise(&d->last.accepted, index);
    for (size_t i = 0; i < d->count; i++)
        raise(&queued(d, i)->accepted, index);
    d->compact_due = true;
}

static bool push(struct paxos_disk *d, struct paxos_disk_state state)
{
    if (d->count == d->cap) {
        size_t cap = d->cap ? 2 * d->cap : 16;
        struct paxos_disk_state *ring = malloc(cap * sizeof *ring);
        if (!ring)
            return false;
        for (size_t i = 0; i < d->count; i++)
            ring[i] = *queued(d, i);
        free(d->queued);
        d->queued = ring;
        d->head = 0;
        d->cap = cap;
    }
    d->count++;
    *queued(d, d->count - 1) = state;
    return true;
}

/* A change of the promise, the round, the log or the membership is written, and so is a snapshot.
 * `decided` and a trim are not worth a write of their own; they go with the next one. */
static bool needs_write(const struct paxos *p)
{
    const struct paxos_disk *d = &p->disk;
    return paxos_ballot_compare(p->promise, d->last.promise) != 0 ||
           paxos_ballot_compare(p->acc_round, d->last.acc_round) != 0 ||
           d->last.membership != p->membership_version || d->last.accepted != p->log.end ||
           d->last_end != p->log.end || d->compact_due;
}

void paxos_disk_write(struct paxos *p, struct paxos_write *write)
{
    struct paxos_disk *d = &p->disk;
    if (p->failed || !needs_write(p))
        return;
    uint64_t first = d->last.accepted;
    size_t count = (size_t)(p->log.end - first);
    assert(first >= p->log.base);
    assert(count <= UINT32_MAX);
    struct paxos_disk_state state = {p->promise, p->acc_round, p->log.end, p->membership_version};
    struct paxos_entry **entries = count ? malloc(count * sizeof *entries) : NULL;
    if ((count && !entries) || !push(d, state)) {
        free(entries);
        p->failed = true;
        return;
    }
    for (size_t i = 0; i < count; i++)
        entries[i] = paxos_entry_ref(paxos_log_at(&p->log, first + i));
    *write = (struct paxos_write){.ticket = ++d->ticket,
                                  .promise = p->promise,
                                  .acc_round = p->acc_round,
                                  .decided = p->decided,
                                  .compacted = p->log.base,
                                  .truncate = d->last_end > first,
                                  .first = first,
                                  .entry_count = (uint32_t)count,
                                  .entries = entries,
                                  .membership = p->membership};
    d->last = state;
    d->last_end = p->log.end;
    d->compact_due = false;
}

void paxos_disk_durable(struct paxos *p, uint64_t ticket)
{
    struct paxos_disk *d = &p->disk;
    assert(ticket <= d->ticket);
    while (d->count > 0 && d->ticket - d->count < ticket) {
        d->durable = *queued(d, 0);
        d->head = (d->head + 1) % d->cap;
        d->count--;
    }
}

bool paxos_promise_durable(const struct paxos *p)
{
    return paxos_ballot_compare(p->disk.durable.promise, p->promise) == 0;
}

bool paxos_membership_durable(const struct paxos *p)
{
    return p->disk.durable.membership == p->membership_version;
}

bool paxos_round_durable(const struct paxos *p)
{
    return paxos_ballot_compare(p->disk.durable.acc_round, p->promise) == 0;
}

uint64_t paxos_accepted_durable(const struct paxos *p)
{
    return paxos_round_durable(p) ? p->disk.durable.accepted : 0;
}
