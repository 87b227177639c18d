/* The leader's prepare phase (paper, section 4.1, "Prepare"): collect the promises of R nodes, take
 * over the best of their logs in one change, then lead. */
#include "paxos/state.h"

#include <assert.h>

void paxos_psid_start(struct paxos *p)
{
    p->psid = (uint64_t)paxos_life(p) << 32;
}

void paxos_elected(struct paxos *p, struct paxos_ballot ballot)
{
    assert(ballot.pid == p->me);
    if (paxos_ballot_compare(ballot, p->promise) <= 0)
        return;
    assert(paxos_is_member(p));
    p->promise = ballot;
    p->role = PAXOS_LEADER;
    p->leader = (struct paxos_leader){0};
    for (uint32_t i = 0; i < p->peer_count; i++) {
        p->peers[i].ballot = (struct paxos_peer_ballot){0};
    }
    paxos_leave_session(p);
    paxos_read_reset(p);
    paxos_lease_elected(p);
    paxos_prepare_all(p);
}

/* Called for a new ballot, and when the phase must start over in the same one: promises are then
 * asked for again, with new psids. */
void paxos_prepare_all(struct paxos *p)
{
    assert(p->role == PAXOS_LEADER);
    p->phase = PAXOS_PHASE_PREPARE;
    p->leader.best_pid = p->me;
    p->leader.best_acc_round = p->acc_round;
    p->leader.best_accepted = p->log.end;
    paxos_pull_clear(&p->pull);
    for (uint32_t i = 0; i < p->peer_count; i++) {
        p->peers[i].ballot.votes = false;
        paxos_prepare_peer(p, &p->peers[i]);
    }
}

/* With a new psid, an answer to an earlier Prepare has no effect any more. The peer's promise of
 * this ballot stays true, and still counts. */
void paxos_prepare_peer(struct paxos *p, struct paxos_peer *peer)
{
    peer->prepare = (struct paxos_peer_prepare){.psid = ++p->psid, .due = true};
    peer->promise = (struct paxos_peer_promise){0};
    peer->session = (struct paxos_peer_session){0};
}

/* The peer has promised a higher ballot, and says so. */
static void refused(struct paxos *p, struct paxos_peer *peer, struct paxos_ballot promise)
{
    peer->ballot.refused = true;
    peer->prepare.due = false;
    peer->session = (struct paxos_peer_session){0};
    if (paxos_ballot_compare(promise, p->leader.higher) > 0)
        p->leader.higher = promise;
}

void paxos_on_prepare_req(struct paxos *p, struct paxos_peer *peer, const struct paxos_message *m)
{
    if (p->role != PAXOS_LEADER)
        return;
    if (paxos_ballot_compare(m->n, p->promise) > 0) {
        refused(p, peer, m->n);
        return;
    }
    peer->ballot.refused = false;
    paxos_prepare_peer(p, peer);
}

void paxos_on_not_accepted(struct paxos *p, struct paxos_peer *peer, const struct paxos_message *m)
{
    if (p->role == PAXOS_LEADER && paxos_ballot_compare(m->n, p->promise) > 0)
        refused(p, peer, m->n);
}

/* The sync of a promise, or NONE if no honest peer makes it (doc/protocol.md, "Making a sync"): a
 * suffix begins exactly where my log stops being surely right, and a snapshot lies beyond that. */
static uint8_t believable_sync(const struct paxos *p, const struct paxos_message *m)
{
    bool newer = paxos_ballot_compare(m->acc_round, p->acc_round) > 0;
    uint64_t from = newer ? p->decided : p->log.end;
    if (m->sync == PAXOS_SYNC_SUFFIX && m->first == from &&
        m->first + m->entry_count <= m->accepted)
        return PAXOS_SYNC_SUFFIX;
    if (m->sync == PAXOS_SYNC_SNAPSHOT && m->first > from)
        return PAXOS_SYNC_SNAPSHOT;
    return PAXOS_SYNC_NONE;
}

/* The promise was given in an earlier life of the peer. */
static bool outlived(const struct paxos *p, const struct paxos_peer *peer)
{
    return peer->ballot.life < paxos_life_of(p, peer->pid);
}

/* A node that is joining has forgotten what it accepted, so its promise does not count (join.c).
 * The exception: if all others have promised, all that was chosen is in one of their logs. */
static uint32_t promise_count(const struct paxos *p)
{
    uint32_t promises = 1, joining = 0;
    for (uint32_t i = 0; i < p->peer_count; i++) {
        const struct paxos_peer *peer = &p->peers[i];
        if (!outlived(p, peer)) {
            promises += peer->ballot.votes;
            joining += peer->promise.given && peer->promise.standing == PAXOS_JOINING;
        }
    }
    bool everybody = promises + joining == p->quorums.nodes && joining < p->quorums.write;
    return everybody && promises < p->quorums.read ? p->quorums.read : promises;
}

/* The promise that has just come is the best, but needs a snapshot that perhaps no node in reach
 * has. If a quorum has promised without it, and the best log of those can be had, that one will do.
 */
static bool can_do_without(const struct paxos *p, uint8_t sync)
{
    return sync == PAXOS_SYNC_SNAPSHOT && p->pull.sync != PAXOS_SYNC_SNAPSHOT &&
           promise_count(p) > p->quorums.read;
}

/* Of all promises the one with the highest round is kept, among equals the one with the longest
 * log; and its sync. */
static void keep_best(struct paxos *p, const struct paxos_message *m)
{
    struct paxos_leader *l = &p->leader;
    int round = paxos_ballot_compare(m->acc_round, l->best_acc_round);
    bool better = round > 0 || (round == 0 && m->accepted > l->best_accepted);
    uint8_t sync = believable_sync(p, m);
    if (m->from != l->best_pid && (!better || can_do_without(p, sync)))
        return;
    l->best_pid = m->from;
    l->best_acc_round = m->acc_round;
    l->best_accepted = m->accepted;
    paxos_pull_start(p, m, sync, m->accepted);
}

static void take_promise(struct paxos_peer *peer, const struct paxos_message *m, uint32_t life)
{
    peer->promise = (struct paxos_peer_promise){.given = true,
                                                .standing = m->standing,
                                                .acc_round = m->acc_round,
                                                .decided = m->decided,
                                                .log_end = m->accepted};
    peer->ballot.votes = m->standing == PAXOS_MEMBER;
    peer->ballot.life = life;
    if (m->standing == PAXOS_JOINING)
        peer->ballot.durable = 0; /* it has forgotten what it accepted in this ballot */
}

void paxos_on_promise(struct paxos *p, struct paxos_peer *peer, const struct paxos_message *m)
{
    bool mine = p->role == PAXOS_LEADER && paxos_ballot_compare(m->n, p->promise) == 0;
    /* A second Promise to the same Prepare would start another session, and a storm of them. */
    if (!mine || peer->promise.given)
        return;
    paxos_learn_lives(p, m); /* by which it may be prepared again */
    uint32_t life = paxos_told_life(p, m, peer->pid);
    if (m->psid != peer->prepare.psid || life < paxos_life_of(p, peer->pid))
        return; /* it answers an earlier Prepare, or was given in an earlier life */
    if (!paxos_promise_fits(p, peer, m))
        return;
    bool preparing = p->phase == PAXOS_PHASE_PREPARE;
    take_promise(peer, m, life);
    if (preparing)
        paxos_lease_promised(p, m);
    if (!preparing)
        paxos_sync_peer(p, peer);
    else if (peer->ballot.votes)
        keep_best(p, m);
}

/* The end of the phase: the log changes once, then each peer that promised is brought in line. The
 * decided index of a promise is not taken over: a snapshot may have carried a peer that is still in
 * an older round to what a later round decided, and my log need not have that. Accepted tells it
 * soon enough. */
static void begin_accept(struct paxos *p)
{
    struct paxos_leader *l = &p->leader;
    bool own = l->best_pid == p->me;
    paxos_adopt(p, own ? p->log.end : p->pull.first, p->pull.entries, own ? 0 : p->pull.count);
    if (p->failed)
        return;
    paxos_pull_clear(&p->pull);
    p->snapshot_needed = 0;
    p->phase = PAXOS_PHASE_ACCEPT;
    l->sync_end = p->log.end;
    for (uint32_t i = 0; i < p->peer_count; i++)
        if (p->peers[i].promise.given)
            paxos_sync_peer(p, &p->peers[i]);
}

void paxos_count_promises(struct paxos *p)
{
    if (p->role != PAXOS_LEADER || p->phase != PAXOS_PHASE_PREPARE || !paxos_promise_durable(p))
        return;
    if (promise_count(p) < p->quorums.read)
        return;
    if (p->leader.best_pid == p->me || paxos_pull_complete(&p->pull))
        begin_accept(p);
    else if (p->pull.sync == PAXOS_SYNC_SUFFIX)
        paxos_pull_ask(p);
    else if (p->pull.sync == PAXOS_SYNC_SNAPSHOT)
        p->snapshot_needed = p->pull.first;
}

static void send_prepare(struct paxos *p, struct paxos_peer *peer)
{
    struct paxos_message *m = paxos_send(p, PAXOS_PREPARE, peer->pid);
    m->n = p->promise;
    m->acc_round = p->acc_round;
    m->decided = p->decided;
    m->accepted = p->log.end;
    m->psid = peer->prepare.psid;
    peer->prepare.due = false;
    peer->prepare.ticks = 0;
}

/* Only a durable ballot is used, so that none is used again after a restart. */
void paxos_prepare_output(struct paxos *p)
{
    if (p->role != PAXOS_LEADER || !paxos_promise_durable(p))
        return;
    for (uint32_t i = 0; i < p->peer_count; i++)
        if (p->peers[i].prepare.due && !p->peers[i].ballot.refused)
            send_prepare(p, &p->peers[i]);
}

void paxos_leader_tick(struct paxos *p)
{
    if (p->role != PAXOS_LEADER)
        return;
    if (p->phase == PAXOS_PHASE_PREPARE && !paxos_pull_tick(p))
        paxos_prepare_all(p);
    for (uint32_t i = 0; i < p->peer_count; i++) {
        struct paxos_peer *peer = &p->peers[i];
        if (peer->session.begun)
            paxos_beat(p, peer);
        else if (!peer->promise.given && ++peer->prepare.ticks >= PAXOS_RESEND_TICKS)
            peer->prepare.due = true;
    }
}
