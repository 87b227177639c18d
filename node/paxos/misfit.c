/* Peers whose logs cannot be what they say they are, or what this node says of its own.
 *
 * A node that acknowledged an entry has it until it promises a higher ballot, so what it says of
 * its log within one ballot only grows (doc/protocol.md, "Logs that do not fit"). If it shrinks,
 * the node has forgotten something: it runs on an old copy of its folder or on a disk that was set
 * back, and it must not be counted, as another majority may need what it forgot. The other signs
 * decide nothing: they are for people, who have to find out which of two nodes has lost data. */
#include "paxos/state.h"

bool paxos_forgot(const struct paxos *p, const struct paxos_peer *peer)
{
    return peer->misfit.forgot && paxos_life_of(p, peer->pid) <= peer->misfit.forgot_life;
}

/* It acknowledged more in this ballot. One that joins has said that it has forgotten, and one in
 * another life than then has joined meanwhile. */
static bool forgets(const struct paxos *p, const struct paxos_peer *peer,
                    const struct paxos_message *m)
{
    bool in_round = paxos_ballot_compare(m->acc_round, p->promise) == 0;
    bool same_life = paxos_told_life(p, m, peer->pid) == peer->ballot.life;
    return m->standing == PAXOS_MEMBER && same_life && peer->ballot.durable > 0 &&
           (!in_round || m->accepted < peer->ballot.durable);
}

static void note_forgot(struct paxos *p, struct paxos_peer *peer, const struct paxos_message *m)
{
    peer->misfit.forgot = true;
    peer->misfit.forgot_life = paxos_told_life(p, m, peer->pid);
    peer->misfit.forgot_from = peer->ballot.durable;
    peer->misfit.forgot_to = m->accepted;
    peer->ballot.votes = false;
    peer->ballot.durable = 0;
}

bool paxos_promise_fits(struct paxos *p, struct paxos_peer *peer, const struct paxos_message *m)
{
    bool preparing = p->phase == PAXOS_PHASE_PREPARE;
    int round = paxos_ballot_compare(m->acc_round, p->promise);
    if (paxos_forgot(p, peer))
        return false;
    if (forgets(p, peer, m)) {
        note_forgot(p, peer, m);
    } else if (round == 0 && preparing) {
        peer->misfit.led_before = p->promise;
        peer->misfit.led_to = m->accepted;
    } else if (m->decided <= m->accepted && round <= 0) {
        return true;
    }
    p->misfits++;
    return false;
}

void paxos_sync_is_unfit(struct paxos *p, const struct paxos_message *m)
{
    struct paxos_peer_misfit *misfit = &paxos_peer(p, m->from)->misfit;
    p->misfits++;
    misfit->unfit_syncs++;
    misfit->unfit_first = m->first;
}

void paxos_sync_fits(struct paxos *p, uint32_t pid)
{
    paxos_peer(p, pid)->misfit.unfit_syncs = 0;
}

/* ---- For the status ---- */

static bool led_before(const struct paxos *p, const struct paxos_peer *peer)
{
    return p->role == PAXOS_LEADER && peer->misfit.led_before.n > 0 &&
           paxos_ballot_compare(peer->misfit.led_before, p->promise) == 0;
}

/* It promised, and could not be brought in line (paxos_sync_peer). */
static bool beyond_mine(const struct paxos *p, const struct paxos_peer *peer)
{
    return paxos_leads(p) && peer->promise.given && !peer->session.begun && !peer->ballot.refused;
}

static bool follows(const struct paxos *p, const struct paxos_peer *peer)
{
    return p->role == PAXOS_FOLLOWER && p->promise.n > 0 && p->promise.pid == peer->pid;
}

/* The same, as such a peer sees it. */
static bool below_mine(const struct paxos *p, const struct paxos_peer *peer)
{
    return follows(p, peer) && p->phase == PAXOS_PHASE_PREPARE && p->follower.session.number == 0 &&
           p->decided > p->follower.prepare.log_end;
}

void paxos_misfit_status(const struct paxos *p, uint32_t i, struct paxos_status *status)
{
    const struct paxos_peer *peer = &p->peers[i];
    const struct paxos_peer_misfit *misfit = &peer->misfit;
    enum paxos_misfit kind = PAXOS_FITS;
    uint64_t theirs = 0, mine = 0;
    if (paxos_forgot(p, peer)) {
        kind = PAXOS_FORGOT, theirs = misfit->forgot_to, mine = misfit->forgot_from;
    } else if (led_before(p, peer)) {
        kind = PAXOS_LED_BEFORE, theirs = misfit->led_to, mine = p->log.end;
    } else if (beyond_mine(p, peer)) {
        kind = PAXOS_BEYOND_MINE, theirs = misfit->beyond, mine = misfit->beyond_end;
    } else if (below_mine(p, peer)) {
        kind = PAXOS_BELOW_MINE, theirs = p->follower.prepare.log_end, mine = p->decided;
    } else if (follows(p, peer) && misfit->unfit_syncs >= PAXOS_UNFIT_SYNCS) {
        kind = PAXOS_UNFIT, theirs = misfit->unfit_first, mine = p->log.end;
    }
    status->peers[i].misfit = kind;
    status->peers[i].theirs = theirs;
    status->peers[i].mine = mine;
}
