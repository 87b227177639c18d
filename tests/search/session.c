/* The session of a node that has a lock, with the rules of replica/sessions.c: the node believes in
 * it since it asked for the last read that was confirmed, and a leader ends it after a silence.
 *
 * Time passes when a leader ends a session: all that the node asked for before the leader's silence
 * began is too old by then to be believed. An end, and what the node changes, are entries of the
 * log; the fence of a change looks whether an end lies before it. So what is left to be shown is
 * this: when an end is applied, on any node, the holder believes no longer, or has heard of it. */
#include "cluster_internal.h"

static bool is_end(const struct cluster *c, uint64_t id)
{
    return c->session.ends >> id & 1;
}

static bool holder_knows(const struct cluster *c)
{
    return c->nodes[HOLDER]->applied >= c->session.ended;
}

static void check_belief(struct cluster *c)
{
    const struct session *s = &c->session;
    const struct checker *checker = &c->history->checker;
    if (s->ended && s->confirmed > s->expired && !holder_knows(c))
        checker->fail(checker->arg, "a session has ended, and its node believes in it");
}

/* ---- The leader ---- */

static bool same_ballot(struct paxos_ballot a, struct paxos_ballot b)
{
    return paxos_ballot_compare(a, b) == 0;
}

/* It counts anew under each ballot. */
void session_follow_ballot(struct cluster *c, uint32_t i)
{
    struct paxos_status status;
    struct paxos_ballot *ballot = &c->session.leaders[i].ballot;
    if (!c->scope->session)
        return;
    paxos_status(c->nodes[i]->core, &status);
    bool leads = status.role == PAXOS_LEADER && status.phase == PAXOS_PHASE_ACCEPT;
    if (!leads) {
        *ballot = (struct paxos_ballot){0};
        c->session.leaders[i].since = c->session.leaders[i].ending = 0;
    } else if (!same_ballot(*ballot, status.promise)) {
        *ballot = status.promise;
        c->session.leaders[i].since = c->session.asked;
        c->session.leaders[i].ending = 0;
    }
}

bool session_can_end(const struct cluster *c, uint32_t i)
{
    bool over = c->session.ended && c->nodes[i]->applied >= c->session.ended;
    return i != HOLDER && c->session.leaders[i].ballot.pid != 0 && !over &&
           !c->session.leaders[i].ending;
}

void session_ends(struct cluster *c, uint32_t i, uint64_t id)
{
    struct session *s = &c->session;
    s->leaders[i].ending = 1;
    s->ends |= UINT64_C(1) << id;
    if (s->leaders[i].since > s->expired)
        s->expired = s->leaders[i].since;
}

bool session_hears(struct cluster *c, const struct paxos_message *m)
{
    if (!c->scope->session || m->from != HOLDER + 1)
        return true;
    uint32_t to = m->to - 1;
    c->session.leaders[to].since = c->session.asked;
    return m->type != PAXOS_READ_REQUEST || !c->session.leaders[to].ending;
}

/* ---- The log, and the node ---- */

void session_applied(struct cluster *c, uint32_t i, uint64_t index, uint64_t id)
{
    if (!c->scope->session || !is_end(c, id))
        return;
    c->session.leaders[i].ending = 0;
    if (!c->session.ended)
        c->session.ended = index + 1;
    if (i != HOLDER)
        check_belief(c);
}

void session_confirmed(struct cluster *c, uint64_t asked)
{
    if (asked > c->session.confirmed)
        c->session.confirmed = asked;
    check_belief(c);
}
