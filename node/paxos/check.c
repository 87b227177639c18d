/* The invariants of one node, after every step and every output (doc/protocol.md, "What always
 * holds"), and those that state.h and peer.h give with each group. The simulator checks what must
 * hold between nodes (tests/sim/checker.c).
 *
 * The asserts stay on in a release: a node that finds itself wrong stops, and its disk is still
 * right. They look at each peer once, at no entry of the log. */
#include "paxos/state.h"

#include <assert.h>

static bool below(struct paxos_ballot a, struct paxos_ballot b)
{
    return paxos_ballot_compare(a, b) < 0;
}

static bool same(struct paxos_ballot a, struct paxos_ballot b)
{
    return paxos_ballot_compare(a, b) == 0;
}

/* Promises, rounds, and what is decided or compacted only rise. */
static void check_rising(struct paxos *p)
{
    assert(!below(p->promise, p->seen.promise));
    assert(!below(p->acc_round, p->seen.acc_round));
    assert(p->decided >= p->seen.decided);
    assert(p->log.base >= p->seen.compacted);
    p->seen.promise = p->promise;
    p->seen.acc_round = p->acc_round;
    p->seen.decided = p->decided;
    p->seen.compacted = p->log.base;
}

/* compacted <= decided <= end; what is handed out is decided and durable. */
static void check_log(const struct paxos *p)
{
    const struct paxos_disk *d = &p->disk;
    assert(!below(p->promise, p->acc_round));
    assert(p->log.base <= p->decided);
    assert(p->decided <= p->log.end);
    assert(p->log.base <= d->durable.accepted);
    assert(d->durable.accepted <= d->last.accepted);
    assert(d->last.accepted <= p->log.end);
    assert(!below(d->last.promise, d->durable.promise));
    assert(!below(p->promise, d->last.promise));
    assert(d->durable.membership <= p->membership_version);
    assert(p->join.completed_in <= p->membership_version);
    assert(d->count <= d->ticket);
    assert(p->emitted <= p->decided);
    assert(p->emitted <= d->durable.accepted);
}

/* A node that does not vote has accepted nothing, leads nowhere, and if its folder is new follows
 * nobody. */
static void check_standing(const struct paxos *p)
{
    if (paxos_is_member(p))
        return;
    assert(p->acc_round.n == 0);
    assert(p->role == PAXOS_FOLLOWER);
    if (p->membership.standing == PAXOS_FRESH)
        assert(p->phase == PAXOS_PHASE_NONE || p->phase == PAXOS_PHASE_RECOVER);
}

static void check_pull(const struct paxos *p)
{
    const struct paxos_pull *pull = &p->pull;
    assert(pull->count <= pull->cap);
    if (pull->sync == PAXOS_SYNC_NONE) {
        assert(pull->count == 0);
        return;
    }
    assert(p->phase == PAXOS_PHASE_PREPARE);
    assert(pull->from != p->me);
    if (pull->sync == PAXOS_SYNC_SUFFIX)
        assert(pull->first + pull->count <= pull->end);
}

static void check_reads(const struct paxos *p)
{
    const struct paxos_reads *r = &p->reads;
    assert(r->ready <= r->asked);
    assert(r->confirmed <= r->ready);
    assert(r->requested <= r->asked);
    assert(r->probe_covers <= r->asked);
}

static void check_follower(const struct paxos *p)
{
    const struct paxos_follower *f = &p->follower;
    if (p->role != PAXOS_FOLLOWER)
        return;
    if (f->promise_due) /* repeated, perhaps, while the AcceptSync came */
        assert(p->phase == PAXOS_PHASE_PREPARE || p->phase == PAXOS_PHASE_ACCEPT);
    if (p->phase != PAXOS_PHASE_ACCEPT)
        return;
    assert(same(p->acc_round, p->promise));
    assert(p->promise.pid != p->me);
    assert(f->session.number > 0);
    assert(f->accepted_sent <= paxos_accepted_durable(p));
}

static void check_heartbeat(const struct paxos *p, const struct paxos_peer *peer)
{
    const struct paxos_peer_heartbeat *h = &peer->heartbeat;
    assert(h->asked_in <= p->election.round);
    assert(h->counts_until == 0 || h->counts_until >= h->asked_in);
    assert(h->tick <= p->ticks);
    assert(h->slack <= PAXOS_LATE_ROUNDS && h->timely < PAXOS_TIMELY_ROUNDS);
    assert(peer->join.folder_round <= p->join.round);
}

static void check_session(const struct paxos *p, const struct paxos_peer *peer)
{
    const struct paxos_peer_session *s = &peer->session;
    assert(s->begun || !s->synced);
    if (s->begun) {
        assert(paxos_leads(p));
        assert(peer->promise.given);
        assert(peer->ballot.session > 0);
        assert(s->counter > 0);
        assert(s->told <= p->decided);
    }
    if (s->synced) {
        assert(s->window <= s->next);
        assert(s->next <= p->log.end);
        assert(s->pull_end <= s->next);
    }
}

/* In the eyes of its leader. */
static void check_led(const struct paxos *p, const struct paxos_peer *peer)
{
    assert(peer->prepare.psid > 0);
    assert(peer->prepare.psid <= p->psid);
    if (peer->promise.given) {
        assert(peer->promise.decided <= peer->promise.log_end);
        assert(!below(p->promise, peer->promise.acc_round));
    }
    assert(peer->ballot.durable <= p->log.end);
    assert(paxos_leads(p) || peer->ballot.durable == 0);
    assert(peer->reads.covered <= peer->reads.wanted);
    assert(peer->reads.vouched <= peer->reads.wanted);
    assert(peer->reads.answered <= peer->reads.wanted);
    assert(peer->reads.acked <= p->reads.probe);
    assert(peer->lease.acked <= peer->reads.acked);
    assert(peer->lease.until <= p->lease.vouched_until);
    assert(peer->lease.held_since <= p->now);
    check_session(p, peer);
}

static void check_leading(const struct paxos *p)
{
    if (p->role != PAXOS_LEADER)
        return;
    assert(p->phase == PAXOS_PHASE_PREPARE || p->phase == PAXOS_PHASE_ACCEPT);
    assert(p->promise.pid == p->me);
    assert(p->leader.higher.n == 0 || below(p->promise, p->leader.higher));
    if (p->phase == PAXOS_PHASE_ACCEPT) {
        assert(same(p->acc_round, p->promise));
        assert(p->leader.sync_end <= p->log.end);
    } else {
        assert(below(p->acc_round, p->promise));
        assert((p->leader.best_pid == p->me) == (p->pull.from == 0));
    }
    for (uint32_t i = 0; i < p->peer_count; i++)
        check_led(p, &p->peers[i]);
}

void paxos_check(struct paxos *p)
{
    check_rising(p);
    check_log(p);
    check_standing(p);
    check_pull(p);
    check_reads(p);
    check_follower(p);
    check_leading(p);
    for (uint32_t i = 0; i < p->peer_count; i++)
        check_heartbeat(p, &p->peers[i]);
}
