/* Leases: reads that a node answers alone (a rule of this implementation, not of the paper; after
 * Gray, Cheriton, "Leases", SOSP 1989).
 *
 * A confirmation of reads (read.c) may come with a lease: until so long after it ASKED, its holder,
 * a follower or the leader itself, answers reads with what it knows to be decided, and asks nobody.
 * Two things could make such an answer stale. Neither happens before the lease has run out:
 *
 *   The leader that granted it decides more. It does so only up to what the holder has accepted
 *   (paxos_lease_limit), and a holder that has accepted what it does not know to be decided asks.
 *   What was decided before the grant the holder had accepted then.
 *
 *   A later leader decides more. More than N - R nodes, the leader among them, have vouched for the
 *   lease: after it was asked for they promised its ballot exactly. So one of the R that promise a
 *   later ballot has vouched. It says with its promise how much longer the lease may run, and until
 *   then the new leader decides nothing. Promises beyond those R add nothing. A holder vouches for
 *   its own lease by asking, and need not remember it: by promising it has given it up.
 *
 * Each clock counts from its own beginning, so only durations travel. The holder counts from before
 * everybody else, and everybody else an eighth longer for each message in between: that makes up
 * for clocks that differ in speed by 12 %.
 *
 * No lease is stored. A holder that restarts has none. Who vouched, restarts, and promises, says
 * that the longest lease that there can be may run from its start: it may have vouched just before.
 * That holds in a new life (join.c) as well, and for a node that takes part no longer. One that
 * never did vouches for nothing.
 *
 * A write has to wait for each holder. So leases follow reads, and who is late gets none. */
#include "paxos/state.h"

#include <assert.h>

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

/* Whether its lease stands in the way; and whether it did for too long. */
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

/* Asked again with the same read: the answer may be to the first question. */
uint32_t paxos_lease_ask(struct paxos *p, uint64_t read)
{
    struct paxos_lease *l = &p->lease;
    if (l->asked_read != read) {
        l->asked_read = read;
        l->asked_at = p->now;
    }
    return l->wanted_read > p->reads.ready ? l->time : 0;
}

static void take(struct paxos *p, uint64_t from, uint32_t time)
{
    p->lease.ballot = p->promise;
    p->lease.until = from + time;
}

void paxos_lease_take(struct paxos *p, const struct paxos_message *m)
{
    if (m->lease > 0 && m->read == p->lease.asked_read)
        take(p, p->lease.asked_at, m->lease);
}

void paxos_lease_take_own(struct paxos *p)
{
    assert(paxos_leads(p));
    take(p, p->lease.probed_at, p->lease.time);
}

/* A follower compares what it has on disk with what is decided: it has told the leader no more. */
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
