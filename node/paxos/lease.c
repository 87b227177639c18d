/* Leases: reads that a node answers alone (a rule of this implementation, not of the paper; after
 * Gray, Cheriton, "Leases", SOSP 1989).
 *
 * A confirmation of reads (read.c) may come with a lease. Its holder, a follower or the leader
 * itself, answers reads from what it knows to be decided, without asking, until the time of the
 * lease has passed since it ASKED for it. Two things could make such an answer stale. Neither
 * happens before the lease has run out:
 *
 *   The leader that granted it decides more. It decides only as far as the holder has accepted
 *   (paxos_lease_limit), and a holder that has accepted more than it knows to be decided asks. The
 *   holder had accepted all that was decided before the grant when the lease was granted.
 *
 *   A later leader decides more. More than N - R nodes, the leader among them, have vouched for the
 *   lease: they promised its ballot exactly, after it was asked for. So one of the R nodes that
 *   promise a later ballot has vouched. It says with its promise how much longer the lease may run,
 *   and the new leader decides nothing until then. Promises beyond those R add nothing. A holder
 *   vouches for its own lease by asking, and need not remember that: by promising it gives it up.
 *
 * Each clock counts from its own beginning, so only durations travel. The holder counts from before
 * all others do, and every other node counts an eighth longer for each message in between: that
 * makes up for clocks that differ in speed by 12 %.
 *
 * No lease is stored. A holder that restarts has none. A node that restarts may have vouched just
 * before, so it says with its promises that the longest possible lease may run from its start. It
 * does so in a new life (join.c) as well, and if it takes part in leases no longer. A node that
 * never took part vouches for nothing.
 *
 * A write has to wait for each holder. So leases follow reads, and a holder that delays writes gets
 * no new one for a while. */
#include "paxos/state.h"

#include <assert.h>

/* For a clock that may run 12 % faster. */
static uint64_t longer(uint64_t time)
{
    return time + time / 8 + 1;
}

static void raise_to(uint64_t *time, uint64_t at_least)
{
    if (*time < at_least)
        *time = at_least;
}

void paxos_lease_start(struct paxos *p, uint32_t time, bool before)
{
    assert(time <= PAXOS_LEASE_US_MAX);
    if (p->quorums.nodes == 1)
        return; /* the leader confirms its reads at once */
    p->lease.time = time;
    if (time > 0 || before)
        p->lease.vouched_until = p->now + longer(PAXOS_LEASE_US_MAX);
}

/* ---- Others' leases ---- */

uint32_t paxos_lease_vouch(struct paxos *p, uint32_t time)
{
    if (p->lease.time == 0 || time == 0)
        return 0;
    raise_to(&p->lease.vouched_until, p->now + longer(time));
    return time;
}

uint32_t paxos_lease_left(const struct paxos *p)
{
    uint64_t until = p->lease.vouched_until;
    return until > p->now ? (uint32_t)(until - p->now) : 0;
}

void paxos_lease_elected(struct paxos *p)
{
    p->lease.wait_until = p->lease.vouched_until;
    for (uint32_t i = 0; i < p->peer_count; i++) {
        struct paxos_peer_lease *lease = &p->peers[i].lease;
        *lease = (struct paxos_peer_lease){.late_until = lease->late_until};
    }
}

void paxos_lease_promised(struct paxos *p, const struct paxos_message *m)
{
    if (m->lease > 0)
        raise_to(&p->lease.wait_until, p->now + longer(m->lease));
}

/* ---- The leader grants, and waits ---- */

/* A decision has waited for this holder for too long. */
static bool waited_too_long(const struct paxos *p, const struct paxos_peer *peer)
{
    return peer->lease.held_since != 0 &&
           p->now - peer->lease.held_since >= PAXOS_LEASE_PATIENCE_US;
}

static bool is_late(const struct paxos *p, const struct paxos_peer *peer)
{
    return p->now < peer->lease.late_until || waited_too_long(p, peer);
}

uint32_t paxos_lease_grant(struct paxos *p, struct paxos_peer *peer)
{
    assert(paxos_leads(p));
    uint32_t time = peer->lease.wanted < p->lease.time ? peer->lease.wanted : p->lease.time;
    if (time == 0 || !peer->session.synced || peer->ballot.durable < p->decided || is_late(p, peer))
        return 0;
    raise_to(&peer->lease.until, p->now + longer(time));
    raise_to(&p->lease.vouched_until, peer->lease.until);
    return time;
}

/* Whether the peer's lease delays the decision up to `chosen`. Also notes since when it does, and
 * puts a holder off that did so for too long. */
static bool holds_up(struct paxos *p, struct paxos_peer *peer, uint64_t chosen)
{
    bool held = p->now < peer->lease.until && peer->ballot.durable < chosen;
    if (!held && waited_too_long(p, peer))
        peer->lease.late_until = p->now + PAXOS_LEASE_PENALTY_US;
    if (!held)
        peer->lease.held_since = 0;
    else if (peer->lease.held_since == 0)
        peer->lease.held_since = p->now;
    return held;
}

uint64_t paxos_lease_limit(struct paxos *p, uint64_t chosen)
{
    uint64_t limit = chosen;
    if (chosen > p->decided && p->now < p->lease.wait_until) {
        paxos_wake_at(p, p->lease.wait_until);
        limit = p->decided;
    }
    for (uint32_t i = 0; i < p->peer_count; i++) {
        struct paxos_peer *peer = &p->peers[i];
        if (!holds_up(p, peer, chosen))
            continue;
        paxos_wake_at(p, peer->lease.until);
        limit = peer->ballot.durable < limit ? peer->ballot.durable : limit;
    }
    return limit;
}

/* ---- The holder ---- */

/* If the same read is asked again, the answer may be to the first request: time counts from there.
 */
uint32_t paxos_lease_ask(struct paxos *p, uint64_t read)
{
    struct paxos_lease *l = &p->lease;
    if (l->asked_read != read) {
        l->asked_read = read;
        l->asked_at = p->now;
    }
    return l->wanted_read > p->reads.ready ? l->time : 0;
}

static void lease_take(struct paxos *p, uint64_t from, uint32_t time)
{
    p->lease.ballot = p->promise;
    p->lease.until = from + time;
}

void paxos_lease_take(struct paxos *p, const struct paxos_message *m)
{
    if (m->lease > 0 && m->read == p->lease.asked_read)
        lease_take(p, p->lease.asked_at, m->lease);
}

void paxos_lease_take_own(struct paxos *p)
{
    assert(paxos_leads(p));
    lease_take(p, p->lease.probed_at, p->lease.time);
}

/* A follower compares what it has on disk with what is decided: the leader counts no more than that
 * as accepted here. */
bool paxos_lease_holds(const struct paxos *p)
{
    const struct paxos_lease *l = &p->lease;
    if (p->now >= l->until || paxos_ballot_compare(l->ballot, p->promise) != 0)
        return false;
    if (paxos_leads(p))
        return true;
    return p->phase == PAXOS_PHASE_ACCEPT && paxos_round_durable(p) &&
           paxos_accepted_durable(p) <= p->decided;
}
