/* The log in memory: its entries [base, end), one slot each, in one array. */
#include "paxos/state.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static size_t held(const struct paxos_log *log)
{
    return (size_t)(log->end - log->base);
}

static struct paxos_slot *slot(const struct paxos_log *log, uint64_t index)
{
    assert(index >= log->base);
    assert(index < log->end);
    return &log->slots[log->head + (size_t)(index - log->base)];
}

void paxos_log_free(struct paxos_log *log)
{
    paxos_log_truncate(log, log->base);
    free(log->slots);
    *log = (struct paxos_log){0};
}

/* Makes room behind the last slot: by moving down when at least half is unused, otherwise by
 * growing. */
static bool make_room(struct paxos_log *log)
{
    if (log->head + held(log) < log->cap)
        return true;
    if (log->head > log->cap / 2) {
        memmove(log->slots, log->slots + log->head, held(log) * sizeof *log->slots);
        log->head = 0;
        return true;
    }
    size_t cap = log->cap ? 2 * log->cap : 256;
    struct paxos_slot *slots = realloc(log->slots, cap * sizeof *slots);
    if (!slots)
        return false;
    log->slots = slots;
    log->cap = cap;
    return true;
}

bool paxos_log_append(struct paxos_log *log, struct paxos_entry *entry)
{
    if (!make_room(log))
        return false;
    log->slots[log->head + held(log)] = (struct paxos_slot){paxos_entry_ref(entry), log->bytes_end};
    log->bytes_end += PAXOS_ENTRY_COST(entry);
    log->end++;
    return true;
}

void paxos_log_truncate(struct paxos_log *log, uint64_t end)
{
    assert(end >= log->base);
    while (log->end > end) {
        struct paxos_slot *last = slot(log, log->end - 1);
        log->bytes_end = last->bytes_before;
        paxos_entry_unref(last->entry);
        log->end--;
    }
}

void paxos_log_trim(struct paxos_log *log, uint64_t base)
{
    while (log->base < base && log->base < log->end) {
        paxos_entry_unref(slot(log, log->base)->entry);
        log->head++;
        log->base++;
    }
    if (log->base < base)
        log->base = log->end = base;
    if (log->base == log->end)
        log->head = 0;
}

struct paxos_entry *paxos_log_at(const struct paxos_log *log, uint64_t index)
{
    return slot(log, index)->entry;
}

uint64_t paxos_log_offset(const struct paxos_log *log, uint64_t index)
{
    assert(index <= log->end);
    return index < log->end ? slot(log, index)->bytes_before : log->bytes_end;
}

/* ---- The core's own ---- */

void paxos_append(struct paxos *p, struct paxos_entry *const *entries, size_t count)
{
    for (size_t i = 0; i < count && !p->failed; i++)
        p->failed = !paxos_log_append(&p->log, entries[i]);
}

void paxos_adopt(struct paxos *p, uint64_t first, struct paxos_entry *const *entries, size_t count)
{
    assert(first >= p->decided);
    assert(first <= p->log.end);
    paxos_log_truncate(&p->log, first);
    paxos_disk_cut(p, first);
    paxos_append(p, entries, count);
    if (paxos_ballot_compare(p->acc_round, p->promise) != 0)
        p->leader_changes++;
    p->acc_round = p->promise;
}

void paxos_decide_up_to(struct paxos *p, uint64_t decided)
{
    if (decided > p->log.end)
        decided = p->log.end;
    if (decided > p->decided)
        p->decided = decided;
}
