/* The follower (paper, section 4.1): it promises, is brought in line, accepts in order, and after a
 * gap or a restart asks to be prepared again (section 4.1.3, recovery). The drawing in state.h
 * names the function of each step. */
#include "paxos/state.h"

#include <assert.h>

void paxos_prepare_req(struct paxos *p, uint32_t to)
{
    paxos_send(p, PAXOS_PREPARE_REQ, to)->n = p->promise;
}

void paxos_recover_from_any(struct paxos *p)
{
    p->phase = PAXOS_PHASE_RECOVER;
    for (uint32_t i = 0; i < p->peer_count; i++)
        paxos_prepare_req(p, p->peers[i].pid);
}

void paxos_leave_session(struct paxos *p)
{
    struct paxos_follower *f = &p->follower;
    f->session = (struct paxos_follower_session){0};
    f->promise_due = f->accepted_due = false;
    f->accepted_sent = 0;
    f->quiet_ticks = 0;
}

void paxos_recover(struct paxos *p)
{
    assert(p->role == PAXOS_FOLLOWER);
    p->phase = PAXOS_PHASE_RECOVER;
    paxos_leave_session(p);
    paxos_pull_clear(&p->pull);
    if (paxos_peer(p, p->promise.pid))
        paxos_prepare_req(p, p->promise.pid);
}

void paxos_on_prepare(struct paxos *p, const struct paxos_message *m)
{
    struct paxos_follower *f = &p->follower;
    int order = paxos_ballot_compare(m->n, p->promise);
    if (order < 0) {
        paxos_send(p, PAXOS_NOT_ACCEPTED, m->from)->n = p->promise;
        return;
    }
    /* If an old Prepare were answered again, a late AcceptSync that belongs to it would fit. */
    if (order == 0 && (p->role == PAXOS_LEADER || m->psid <= f->prepare.psid))
        return;
    if (order > 0)
        f->patience = PAXOS_RESEND_TICKS;
    p->promise = m->n;
    p->role = PAXOS_FOLLOWER;
    p->phase = PAXOS_PHASE_PREPARE;
    paxos_pull_clear(&p->pull);
    f->prepare = (struct paxos_follower_prepare){
        .psid = m->psid, .acc_round = m->acc_round, .decided = m->decided, .log_end = m->accepted};
    paxos_leave_session(p);
    f->promise_due = true;
}

/* With the suffix that the leader lacks, if this log is better than the leader's was
 * (doc/protocol.md, "Making a sync"). */
static void send_promise(struct paxos *p)
{
    struct paxos_follower *f = &p->follower;
    struct paxos_message *m = paxos_send(p, PAXOS_PROMISE, p->promise.pid);
    m->n = p->promise;
    m->acc_round = p->acc_round;
    m->decided = p->decided;
    m->accepted = p->log.end;
    m->psid = f->prepare.psid;
    m->standing = (uint8_t)p->membership.standing;
    paxos_tell_lives(p, m);
    m->lease = paxos_lease_left(p);
    f->promise_due = false;
    int round = paxos_ballot_compare(p->acc_round, f->prepare.acc_round);
    if (round < 0 || (round == 0 && p->log.end <= f->prepare.log_end))
        return;
    uint64_t from = round > 0 ? f->prepare.decided : f->prepare.log_end;
    /* A snapshot carried the leader further than my log goes, which is then of no use to it. */
    if (from > p->log.end)
        return;
    m->sync = from < p->log.base ? PAXOS_SYNC_SNAPSHOT : PAXOS_SYNC_SUFFIX;
    if (m->sync == PAXOS_SYNC_SNAPSHOT)
        m->first = p->log.base;
    else
        paxos_attach(p, m, from, p->log.end);
}

void paxos_on_accept_sync(struct paxos *p, const struct paxos_message *m)
{
    struct paxos_follower *f = &p->follower;
    if (p->phase != PAXOS_PHASE_PREPARE || m->psid != f->prepare.psid || f->session.number != 0)
        return;
    if (m->life != paxos_life(p) || m->standing != p->membership.standing)
        return; /* it is for this node as it was before its folder was emptied */
    bool suffix = m->sync == PAXOS_SYNC_SUFFIX && m->first >= p->decided &&
                  m->first <= p->log.end && m->first + m->entry_count <= m->accepted;
    bool snapshot = m->sync == PAXOS_SYNC_SNAPSHOT && m->first > p->decided;
    if (m->session == 0 || (!suffix && !snapshot)) {
        paxos_sync_is_unfit(p, m);
        paxos_recover(p);
        return;
    }
    paxos_sync_fits(p, m->from);
    f->session = (struct paxos_follower_session){
        .number = m->session, .counter = m->counter, .sync_decided = m->decided};
    f->quiet_ticks = 0;
    if (snapshot) {
        p->snapshot_needed = m->first;
        return;
    }
    paxos_pull_start(p, m, m->sync, m->accepted);
    if (paxos_pull_complete(&p->pull))
        paxos_sync_complete(p);
}

/* All of the suffix is here: the log takes it in one change, and with it the round. */
void paxos_sync_complete(struct paxos *p)
{
    struct paxos_follower *f = &p->follower;
    const struct paxos_pull *pull = &p->pull;
    uint64_t first = pull->first;
    size_t have = 0;
    if (paxos_ballot_compare(p->acc_round, p->promise) == 0) {
        /* In one round logs are prefixes of one another. Nothing that may have been acknowledged is
         * cut, so a late AcceptSync of an earlier life does no harm. */
        have = (size_t)(p->log.end - first);
        have = have < pull->count ? have : pull->count;
        first = p->log.end;
    }
    if (p->failed)
        return;
    paxos_adopt(p, first, pull->entries + have, pull->count - have);
    paxos_pull_clear(&p->pull);
    paxos_decide_up_to(p, f->session.sync_decided);
    paxos_join_complete(p);
    p->phase = PAXOS_PHASE_ACCEPT;
    p->snapshot_needed = 0;
    f->accepted_due = true;
    f->patience = PAXOS_RESEND_TICKS;
}

/* The next message of the session, and no other. After a gap only a new sync helps. */
static bool in_order(struct paxos *p, const struct paxos_message *m)
{
    struct paxos_follower *f = &p->follower;
    if (p->phase != PAXOS_PHASE_ACCEPT)
        return false;
    if (m->session < f->session.number ||
        (m->session == f->session.number && m->counter <= f->session.counter))
        return false;
    if (m->session > f->session.number || m->counter > f->session.counter + 1) {
        paxos_recover(p);
        return false;
    }
    f->session.counter++;
    f->session.gap_beats = 0;
    return true;
}

void paxos_on_accept_decide(struct paxos *p, const struct paxos_message *m)
{
    if (!in_order(p, m))
        return;
    if (m->first != p->log.end) {
        paxos_recover(p);
        return;
    }
    paxos_append(p, m->entries, m->entry_count);
    paxos_decide_up_to(p, m->decided);
}

void paxos_on_decide(struct paxos *p, const struct paxos_message *m)
{
    if (in_order(p, m))
        paxos_decide_up_to(p, m->decided);
}

/* A beat says how much the leader has sent, and so shows a loss that no later message would
 * (doc/protocol.md, "Known traps", trap 7). A beat may overtake data: the gap counts when nothing
 * came between `patience` beats. */
void paxos_on_leader_beat(struct paxos *p, const struct paxos_message *m)
{
    struct paxos_follower *f = &p->follower;
    if (p->phase != PAXOS_PHASE_ACCEPT && p->phase != PAXOS_PHASE_PREPARE)
        return;
    bool behind = m->session > f->session.number ||
                  (m->session == f->session.number && m->counter > f->session.counter);
    if (behind && ++f->session.gap_beats >= f->patience) {
        f->patience = f->patience < PAXOS_RESEND_TICKS_MAX ? 2 * f->patience : f->patience;
        paxos_recover(p);
    } else if (p->phase == PAXOS_PHASE_ACCEPT) {
        paxos_decide_up_to(p, m->decided);
        f->accepted_due = true; /* the last one may have been lost */
    }
}

void paxos_follower_tick(struct paxos *p)
{
    struct paxos_follower *f = &p->follower;
    if (p->role != PAXOS_FOLLOWER)
        return;
    if (p->phase == PAXOS_PHASE_PREPARE && !paxos_pull_tick(p)) {
        paxos_recover(p);
        return;
    }
    if (++f->quiet_ticks < f->patience)
        return;
    f->quiet_ticks = 0;
    if (p->phase == PAXOS_PHASE_PREPARE && f->session.number == 0) {
        f->promise_due = true;
    } else if (p->phase == PAXOS_PHASE_RECOVER) {
        paxos_recover_from_any(p);
    }
}

/* When the round is on disk; then whenever more of the log is, and when the last Accepted may have
 * been lost. */
static void send_accepted(struct paxos *p)
{
    struct paxos_follower *f = &p->follower;
    uint64_t accepted = paxos_accepted_durable(p);
    if (!paxos_round_durable(p) || (accepted <= f->accepted_sent && !f->accepted_due))
        return;
    struct paxos_message *m = paxos_send(p, PAXOS_ACCEPTED, p->promise.pid);
    m->n = p->promise;
    m->accepted = accepted;
    m->decided = p->decided < accepted ? p->decided : accepted;
    f->accepted_sent = accepted;
    f->accepted_due = false;
}

void paxos_follower_output(struct paxos *p)
{
    if (p->role != PAXOS_FOLLOWER)
        return;
    if (p->phase == PAXOS_PHASE_PREPARE && p->pull.sync == PAXOS_SYNC_SUFFIX)
        paxos_pull_ask(p);
    if (p->follower.promise_due && paxos_promise_durable(p) && paxos_membership_durable(p))
        send_promise(p);
    if (p->phase == PAXOS_PHASE_ACCEPT)
        send_accepted(p);
}
