/* Proposals that wait for a leader. A proposal may be lost or doubled when the leader changes: its
 * proposer repeats it, and the state recognises the repetition. */
#include "paxos/state.h"

#include <stdlib.h>
#include <string.h>

/* A node leads, or tries to, in the ballot that I promised. */
static bool can_forward(struct paxos *p)
{
    bool following = p->phase == PAXOS_PHASE_ACCEPT || p->phase == PAXOS_PHASE_PREPARE;
    return p->role == PAXOS_FOLLOWER && following && paxos_peer(p, p->promise.pid);
}

/* Appended, if this node leads; otherwise kept for paxos_proposals_output. Proposals that can be
 * forwarded leave with the next output, so only those that wait for a leader are limited. */
void paxos_propose(struct paxos *p, struct paxos_entry *const *entries, uint32_t count)
{
    struct paxos_proposals *w = &p->proposals;
    if (paxos_leads(p)) {
        paxos_append(p, entries, count);
        return;
    }
    bool bounded = !can_forward(p);
    for (uint32_t i = 0; i < count; i++) {
        uint64_t cost = PAXOS_ENTRY_COST(entries[i]);
        if (bounded && w->bytes + cost > PAXOS_BUFFER_BYTES_MAX)
            return;
        if (!paxos_reserve(p, &w->entries, w->count, &w->cap))
            return;
        w->entries[w->count++] = paxos_entry_ref(entries[i]);
        w->bytes += cost;
    }
}

static void clear(struct paxos_proposals *w)
{
    for (size_t i = 0; i < w->count; i++)
        paxos_entry_unref(w->entries[i]);
    w->count = 0;
    w->bytes = 0;
}

/* One message: at least one entry, then as many as fit. It gets its own references. Returns the
 * index of the first proposal that is left. */
static size_t forward(struct paxos *p, size_t first)
{
    const struct paxos_proposals *w = &p->proposals;
    uint64_t bytes = PAXOS_ENTRY_COST(w->entries[first]);
    size_t end = first + 1;
    while (end < w->count && bytes + PAXOS_ENTRY_COST(w->entries[end]) <= PAXOS_MESSAGE_BYTES_MAX)
        bytes += PAXOS_ENTRY_COST(w->entries[end++]);
    struct paxos_entry **entries = malloc((end - first) * sizeof *entries);
    if (!entries) {
        p->failed = true;
        return w->count;
    }
    for (size_t i = first; i < end; i++)
        entries[i - first] = paxos_entry_ref(w->entries[i]);
    struct paxos_message *m = paxos_send(p, PAXOS_PROPOSAL_FORWARD, p->promise.pid);
    m->entries = entries;
    m->entry_count = (uint32_t)(end - first);
    return end;
}

/* To my log, or to the leader; while there is neither, they wait. */
void paxos_proposals_output(struct paxos *p)
{
    struct paxos_proposals *w = &p->proposals;
    if (w->count == 0)
        return;
    if (paxos_leads(p))
        paxos_append(p, w->entries, w->count);
    else if (can_forward(p))
        for (size_t i = 0; i < w->count;)
            i = forward(p, i);
    else
        return;
    clear(w);
}

void paxos_proposals_free(struct paxos *p)
{
    clear(&p->proposals);
    free(p->proposals.entries);
}
