/* A suffix that is too long for one message: its receiver pulls it in pieces and changes its log
 * only when it has all of them, because that must be one change. A request is answered with a
 * window's worth of messages; both sides count the same bytes, so both know where the answer ends.
 */
#include "paxos/state.h"

#include <assert.h>
#include <stdlib.h>

void paxos_pull_clear(struct paxos_pull *pull)
{
    for (size_t i = 0; i < pull->count; i++)
        paxos_entry_unref(pull->entries[i]);
    free(pull->entries);
    *pull = (struct paxos_pull){0};
}

static void pull_take(struct paxos *p, const struct paxos_message *m)
{
    struct paxos_pull *pull = &p->pull;
    for (uint32_t i = 0; i < m->entry_count; i++) {
        if (!paxos_reserve(p, &pull->entries, pull->count, &pull->cap))
            return;
        pull->entries[pull->count++] = paxos_entry_ref(m->entries[i]);
        pull->answer_bytes += PAXOS_ENTRY_COST(m->entries[i]);
    }
}

/* `m` brings the first entries of a suffix that ends at `end`; or it names a snapshot. */
void paxos_pull_start(struct paxos *p, const struct paxos_message *m, uint8_t sync, uint64_t end)
{
    struct paxos_pull *pull = &p->pull;
    paxos_pull_clear(pull);
    pull->from = m->from;
    pull->sync = sync;
    pull->psid = m->psid;
    pull->first = m->first;
    pull->end = end;
    pull->patience = PAXOS_RESEND_TICKS;
    if (sync == PAXOS_SYNC_SUFFIX)
        pull_take(p, m);
}

bool paxos_pull_complete(const struct paxos_pull *pull)
{
    return pull->sync == PAXOS_SYNC_SUFFIX && pull->first + pull->count == pull->end;
}

void paxos_pull_ask(struct paxos *p)
{
    struct paxos_pull *pull = &p->pull;
    assert(pull->sync == PAXOS_SYNC_SUFFIX);
    if (pull->asked)
        return;
    struct paxos_message *m = paxos_send(p, PAXOS_SUFFIX_REQ, pull->from);
    m->n = p->promise;
    m->psid = pull->psid;
    m->first = pull->first + pull->count;
    pull->asked = true;
    pull->asked_ticks = pull->idle_ticks;
    pull->answer_bytes = 0;
}

/* The holder's side: pieces from where the request begins, a window's worth. */
static void pull_answer(struct paxos *p, const struct paxos_message *request, uint64_t end)
{
    uint64_t at = request->first;
    if (at >= end)
        return;
    uint64_t limit = paxos_log_offset(&p->log, at) + PAXOS_WINDOW_BYTES_MAX;
    while (at < end && paxos_log_offset(&p->log, at) < limit) {
        struct paxos_message *m = paxos_send(p, PAXOS_SUFFIX, request->from);
        m->n = p->promise;
        m->psid = request->psid;
        at = paxos_attach(p, m, at, end);
    }
}

/* An answer may only be slow, and asking twice makes it slower. So each request is repeated later
 * than the one before, until an answer begins. The time that took then says how long to wait for
 * the next one (paxos_on_suffix); a lost request says nothing about that. */
static void repeat(struct paxos_pull *pull)
{
    if (pull->idle_ticks - pull->asked_ticks < pull->patience)
        return;
    pull->asked = false;
    pull->patience *= 2;
}

/* The peer that holds the suffix may have died: it is given up if no piece comes, and a snapshot if
 * the peer does not answer heartbeats either. A follower waits longer for a suffix while its leader
 * lives; a candidate does not, because the log of another node may do. */
bool paxos_pull_tick(struct paxos *p)
{
    struct paxos_pull *pull = &p->pull;
    if (pull->sync == PAXOS_SYNC_NONE)
        return true;
    bool alive = paxos_alive(p, paxos_peer(p, pull->from));
    bool suffix = pull->sync == PAXOS_SYNC_SUFFIX && pull->asked;
    bool snapshot = pull->sync == PAXOS_SYNC_SNAPSHOT && !alive;
    if (!suffix && !snapshot)
        return true;
    pull->idle_ticks++;
    if (suffix)
        repeat(pull);
    bool patient = alive && p->role == PAXOS_FOLLOWER;
    return pull->idle_ticks < (patient ? PAXOS_PULL_SLOW_TICKS_MAX : PAXOS_PULL_TICKS_MAX);
}

void paxos_on_suffix_req(struct paxos *p, struct paxos_peer *peer, const struct paxos_message *m)
{
    if (paxos_ballot_compare(m->n, p->promise) != 0)
        return;
    bool leader = paxos_leads(p) && peer->session.synced && m->psid == peer->prepare.psid;
    bool follower = p->role == PAXOS_FOLLOWER && p->phase == PAXOS_PHASE_PREPARE &&
                    m->from == p->promise.pid && m->psid == p->follower.prepare.psid;
    if (!leader && !follower)
        return;
    if (m->first < p->log.base) {
        /* Trimmed meanwhile. A leader prepares the peer again; a follower's leader gives up by
         * itself. */
        if (leader && peer->ballot.durable < peer->session.pull_end)
            paxos_prepare_peer(p, peer);
        return;
    }
    pull_answer(p, m, leader ? peer->session.next : p->log.end);
}

void paxos_on_suffix(struct paxos *p, const struct paxos_message *m)
{
    struct paxos_pull *pull = &p->pull;
    if (pull->sync != PAXOS_SYNC_SUFFIX || paxos_ballot_compare(m->n, p->promise) != 0 ||
        m->from != pull->from || m->psid != pull->psid)
        return;
    uint32_t taken_ticks = pull->idle_ticks - pull->asked_ticks;
    pull->idle_ticks = pull->asked_ticks = 0; /* a piece that comes twice is a sign of life too */
    uint64_t next = pull->first + pull->count;
    if (m->first != next || next + m->entry_count > pull->end)
        return;
    if (pull->answer_bytes == 0)
        pull->patience = PAXOS_RESEND_TICKS + 2 * taken_ticks;
    pull_take(p, m);
    if (pull->answer_bytes >= PAXOS_WINDOW_BYTES_MAX)
        pull->asked = false;
    if (p->role == PAXOS_FOLLOWER && paxos_pull_complete(pull))
        paxos_sync_complete(p);
}
