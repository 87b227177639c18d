/* The leader's accept phase (paper, section 4.1, "Accept"): bring every promised peer in line with
 * one AcceptSync, stream entries to it, count what is durable where, decide. */
#include "paxos/state.h"

#include <assert.h>

bool paxos_leads(const struct paxos *p)
{
    return p->role == PAXOS_LEADER && p->phase == PAXOS_PHASE_ACCEPT;
}

/* How much of a peer's log is surely a prefix of mine (doc/protocol.md, "Making a sync"): all of it
 * if it is of my round; as far as the log that I took over if it is of that log's round; otherwise
 * only what the peer knows to be decided. */
static uint64_t valid_prefix(const struct paxos *p, const struct paxos_peer *peer)
{
    const struct paxos_leader *l = &p->leader;
    uint64_t valid = peer->promise.decided;
    if (paxos_ballot_compare(peer->promise.acc_round, p->promise) == 0)
        valid = peer->promise.log_end;
    else if (paxos_ballot_compare(peer->promise.acc_round, l->best_acc_round) == 0)
        valid = peer->promise.log_end < l->best_accepted ? peer->promise.log_end : l->best_accepted;
    /* A snapshot may have carried a peer further than its round goes. */
    return valid > peer->promise.decided ? valid : peer->promise.decided;
}

/* Everything in a session is numbered, so that the peer notices a gap, and tells what is decided.
 */
static struct paxos_message *send_in_session(struct paxos *p, struct paxos_peer *peer,
                                             enum paxos_message_type type)
{
    struct paxos_message *m = paxos_send(p, type, peer->pid);
    m->n = p->promise;
    m->session = peer->ballot.session;
    m->counter = ++peer->session.counter;
    m->decided = p->decided;
    peer->session.told = p->decided;
    peer->session.tell_at = 0;
    return m;
}

/* A peer must not accept in my round before it has everything with which the round began: a later
 * leader would prefer its shorter log to a longer one of an earlier round, and lose entries that
 * were chosen there. So it pulls at least that much; entries of this round may come one by one. A
 * peer that is joining pulls all of them, because it may have accepted any in its earlier life. */
static uint64_t least_sync(const struct paxos *p, const struct paxos_peer *peer)
{
    if (peer->promise.standing == PAXOS_JOINING)
        return p->log.end;
    bool in_round = paxos_ballot_compare(peer->promise.acc_round, p->promise) == 0;
    return in_round ? 0 : p->leader.sync_end;
}

void paxos_sync_peer(struct paxos *p, struct paxos_peer *peer)
{
    assert(paxos_leads(p));
    assert(peer->promise.given);
    assert(!peer->session.begun);
    uint64_t valid = valid_prefix(p, peer);
    if (valid > p->log.end) {
        peer->misfit.beyond = valid;
        peer->misfit.beyond_end = p->log.end;
        return; /* a higher ballot decided that, and will depose me; unless I have lost data */
    }
    peer->ballot.session++;
    peer->session.begun = true;
    struct paxos_message *m = send_in_session(p, peer, PAXOS_ACCEPT_SYNC);
    m->psid = peer->prepare.psid;
    m->standing = peer->promise.standing;
    m->life = peer->ballot.life;
    if (valid < p->log.base) {
        m->sync = PAXOS_SYNC_SNAPSHOT;
        m->first = p->log.base;
        return;
    }
    m->sync = PAXOS_SYNC_SUFFIX;
    uint64_t end = paxos_attach(p, m, valid, p->log.end);
    uint64_t least = least_sync(p, peer);
    if (end < least)
        end = peer->session.pull_end = least;
    m->accepted = end;
    peer->session.synced = true;
    peer->session.window = valid;
    peer->session.window_offset = paxos_log_offset(&p->log, valid);
    peer->session.next = end;
}

void paxos_beat(struct paxos *p, const struct paxos_peer *peer)
{
    assert(paxos_leads(p));
    struct paxos_message *m = paxos_send(p, PAXOS_LEADER_BEAT, peer->pid);
    m->n = p->promise;
    m->session = peer->ballot.session;
    m->counter = peer->session.counter;
    m->decided = p->decided;
}

void paxos_on_accepted(struct paxos *p, struct paxos_peer *peer, const struct paxos_message *m)
{
    if (!paxos_leads(p) || paxos_ballot_compare(m->n, p->promise) != 0)
        return;
    if (m->accepted > p->log.end || m->decided > m->accepted || paxos_forgot(p, peer))
        return;
    /* Only members accept. A node that was joining says so with its next heartbeat reply as well,
     * but until then this node would have no quorum that its peer has already. */
    if (peer->session.synced)
        peer->heartbeat.standing = PAXOS_MEMBER;
    if (m->accepted > peer->ballot.durable)
        peer->ballot.durable = m->accepted;
    uint64_t seen =
        peer->ballot.durable < peer->session.next ? peer->ballot.durable : peer->session.next;
    if (seen <= peer->session.window)
        return;
    peer->session.window = seen;
    if (seen >= p->log.base)
        peer->session.window_offset = paxos_log_offset(&p->log, seen);
}

/* The log is chosen up to the W-th largest index that is durable in this ballot, and decided as
 * soon as no lease stands in the way. My own disk counts like any other, so paxos_output asks this
 * every time, and not only when an Accepted has come. */
void paxos_decide(struct paxos *p)
{
    if (!paxos_leads(p))
        return;
    uint64_t largest[PAXOS_NODES_MAX];
    uint32_t count = 0;
    for (uint32_t i = 0; i <= p->peer_count; i++) {
        uint64_t acc = i < p->peer_count ? p->peers[i].ballot.durable : paxos_accepted_durable(p);
        uint32_t at = count++;
        for (; at > 0 && largest[at - 1] < acc; at--)
            largest[at] = largest[at - 1];
        largest[at] = acc;
    }
    assert(count == p->quorums.nodes);
    uint64_t chosen = largest[p->quorums.write - 1];
    assert(chosen <= p->log.end);
    paxos_decide_up_to(p, paxos_lease_limit(p, chosen));
}

static bool window_open(const struct paxos *p, const struct paxos_peer *peer)
{
    return peer->session.next == peer->session.window ||
           paxos_log_offset(&p->log, peer->session.next) - peer->session.window_offset <
               PAXOS_WINDOW_BYTES_MAX;
}

/* The peer hears what is decided with the next entries. A Decide of its own goes to a peer that
 * waits for it (with a lease, any of its reads may wait), and to others if no entries came for
 * tell_us: sent at once, Decides would be half of all messages. */
static void tell_decided(struct paxos *p, struct paxos_peer *peer)
{
    if (peer->session.told >= p->decided)
        return;
    bool waits = peer->session.told < peer->waits_until || p->now < peer->lease.until;
    if (peer->session.tell_at == 0)
        peer->session.tell_at = p->now + p->tell_us;
    if (waits || p->now >= peer->session.tell_at)
        send_in_session(p, peer, PAXOS_DECIDE);
    else
        paxos_wake_at(p, peer->session.tell_at);
}

/* As many entries as the window lets through, and then the decided index. */
static void ship_to(struct paxos *p, struct paxos_peer *peer)
{
    if (!peer->session.synced || peer->ballot.durable < peer->session.pull_end)
        return;
    if (peer->session.next < p->log.base) {
        /* Trimmed under a slow peer: it needs a snapshot, and so a new session. */
        paxos_prepare_peer(p, peer);
        return;
    }
    while (peer->session.next < p->log.end && window_open(p, peer)) {
        struct paxos_message *m = send_in_session(p, peer, PAXOS_ACCEPT_DECIDE);
        peer->session.next = paxos_attach(p, m, peer->session.next, p->log.end);
    }
    tell_decided(p, peer);
}

void paxos_ship(struct paxos *p)
{
    if (!paxos_leads(p))
        return;
    for (uint32_t i = 0; i < p->peer_count; i++)
        ship_to(p, &p->peers[i]);
}
