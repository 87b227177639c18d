#include "replica/divergence.h"

#include "base/trace.h"
#include "paxos/quorum.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

void divergence_init(struct divergence *d, const uint32_t *pids, uint32_t count)
{
    assert(count < PAXOS_NODES_MAX);
    *d = (struct divergence){.peer_count = count};
    for (uint32_t i = 0; i < count; i++)
        d->peers[i].pid = pids[i];
}

static uint64_t *own_digest(struct divergence *d, uint64_t index)
{
    assert(index >= d->oldest && index <= d->newest);
    return &d->recent[index % DIVERGENCE_RECENT];
}

void divergence_begin(struct divergence *d, struct claim own)
{
    d->oldest = d->newest = own.index;
    *own_digest(d, own.index) = own.digest;
}

void divergence_applied(struct divergence *d, struct claim own)
{
    assert(own.index == d->newest + 1);
    d->newest = own.index;
    if (d->newest - d->oldest == DIVERGENCE_RECENT)
        d->oldest++;
    *own_digest(d, own.index) = own.digest;
}

/* ---- What the peers say ---- */

static void take_difference(struct divergence_peer *p, uint64_t own)
{
    p->differs = true;
    p->other = p->claim;
    p->own = own;
    trace_error("replica",
                "node %u differs from this node: after %" PRIu64
                " entries its digest is %016" PRIx64 ", here it is %016" PRIx64,
                p->pid, p->claim.index, p->claim.digest, own);
}

/* Compares a claim that waits, if this node has got there. A node that is equal after it differed
 * was emptied meanwhile. */
static void divergence_compare(struct divergence *d, struct divergence_peer *p)
{
    if (!p->waits || p->claim.index > d->newest)
        return;
    p->waits = false;
    if (p->claim.index < d->oldest)
        return;
    uint64_t own = *own_digest(d, p->claim.index);
    if (own == p->claim.digest) {
        p->differs = false;
        p->equal_at = p->claim.index > p->equal_at ? p->claim.index : p->equal_at;
    } else if (!p->differs) {
        take_difference(p, own);
    }
}

/* A claim that waits to be compared is not replaced by a newer one: those might come faster than
 * this node applies. A node that has applied less than when it differed, or than it claimed, was
 * emptied. */
void divergence_told(struct divergence *d, uint32_t pid, struct claim claim)
{
    for (uint32_t i = 0; i < d->peer_count; i++) {
        struct divergence_peer *p = &d->peers[i];
        if (p->pid != pid)
            continue;
        if (p->differs && claim.index < p->other.index)
            p->differs = false;
        if (p->waits && claim.index >= p->claim.index)
            return;
        p->claim = claim;
        p->waits = true;
        p->unreached_beats = 0;
        divergence_compare(d, p);
    }
}

/* ---- Judging ---- */

static uint32_t count_different(const struct divergence *d, uint64_t *first)
{
    uint32_t count = 0;
    *first = UINT64_MAX;
    for (uint32_t i = 0; i < d->peer_count; i++) {
        const struct divergence_peer *p = &d->peers[i];
        if (!p->differs)
            continue;
        count++;
        if (p->other.index < *first)
            *first = p->other.index;
    }
    return count;
}

/* The peers that were still equal at the index where the first of the others differed. */
static uint32_t count_equal(const struct divergence *d, uint64_t first)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < d->peer_count; i++)
        count += !d->peers[i].differs && d->peers[i].equal_at >= first;
    return count;
}

enum divergence_verdict divergence_judge(struct divergence *d)
{
    uint32_t nodes = d->peer_count + 1, majority = paxos_majority(nodes);
    uint64_t first;
    for (uint32_t i = 0; i < d->peer_count; i++)
        divergence_compare(d, &d->peers[i]);
    uint32_t different = count_different(d, &first);
    if (nodes - different < majority)
        return DIVERGENCE_WRONG;
    if (different == 0 || 1 + count_equal(d, first) >= majority) {
        d->beats_in_doubt = 0;
        return DIVERGENCE_NONE;
    }
    if (d->beats_in_doubt < DIVERGENCE_DOUBT_BEATS) {
        d->beats_in_doubt++;
        return DIVERGENCE_NONE;
    }
    return DIVERGENCE_DOUBT;
}

/* What is applied anywhere was decided, so it is soon decided here as well; unless the peer, or a
 * majority with this node, has lost something. */
void divergence_beat(struct divergence *d, bool caught_up)
{
    for (uint32_t i = 0; i < d->peer_count; i++) {
        struct divergence_peer *p = &d->peers[i];
        bool unreached = caught_up && p->waits && p->claim.index > d->newest;
        p->unreached_beats = unreached ? p->unreached_beats + 1 : 0;
    }
}

bool divergence_unreached(const struct divergence *d, uint32_t pid, uint64_t *index)
{
    for (uint32_t i = 0; i < d->peer_count; i++) {
        const struct divergence_peer *p = &d->peers[i];
        if (p->pid != pid || p->unreached_beats < DIVERGENCE_UNREACHED_BEATS)
            continue;
        *index = p->claim.index;
        return true;
    }
    return false;
}

void divergence_describe(const struct divergence *d, char text[FAULT_TEXT_MAX])
{
    const struct divergence_peer *shown = NULL;
    size_t len = 0;
    for (uint32_t i = 0; i < d->peer_count; i++) {
        if (!d->peers[i].differs)
            continue;
        len += (size_t)snprintf(text + len, FAULT_TEXT_MAX - len, "%s node %u",
                                shown ? "," : "this node has another tree than", d->peers[i].pid);
        shown = &d->peers[i];
    }
    assert(shown);
    snprintf(text + len, FAULT_TEXT_MAX - len,
             ": after %" PRIu64 " entries the digest is %016" PRIx64 " here and %016" PRIx64
             " at node %u",
             shown->other.index, shown->own, shown->other.digest, shown->pid);
}
