#include "checker_internal.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

uint64_t checker_id(const struct paxos_entry *e)
{
    uint64_t id;
    assert(e->len >= sizeof id);
    memcpy(&id, e->bytes, sizeof id);
    return id;
}

_Noreturn static void fail(const struct checker *c, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void fail(const struct checker *c, const char *format, ...)
{
    char text[300];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    c->fail(c->arg, text);
    abort();
}

#define check(c, condition, ...)                                                                   \
    do {                                                                                           \
        if (!(condition))                                                                          \
            fail((c), __VA_ARGS__);                                                                \
    } while (0)

static int compare(struct paxos_ballot a, struct paxos_ballot b)
{
    return paxos_ballot_compare(a, b);
}

static uint64_t max(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

void checker_proposed(struct checker *c, uint64_t id)
{
    assert(id != 0);
    c->proposed = max(c->proposed, id);
}

/* ---- across nodes: logs ---- */

/* Equal acc_round means one log is a prefix of the other. Returns the round of this disk. */
static struct checker_round *match_round(struct checker *c, const struct checker_view *view,
                                         uint64_t first)
{
    struct checker_round *r = checker_round_of(c, view->acc_round);
    for (uint64_t i = first; i < view->end; i++) {
        uint64_t id = checker_id(view->entries[i - view->base]);
        uint64_t other = checker_ids_at(&r->log, i);
        check(c, other == 0 || other == id, "two logs in round %lu of %u at index %lu: %lu and %lu",
              r->ballot.n, r->ballot.pid, i, other, id);
        if (other == 0)
            checker_ids_set(&r->log, i, id);
    }
    return r;
}

static uint64_t chosen_in(const struct checker *c, const struct checker_round *r)
{
    uint64_t sorted[PAXOS_NODES_MAX];
    for (uint32_t i = 0; i < c->count; i++) {
        uint32_t at = i;
        for (; at > 0 && sorted[at - 1] < r->durable[i]; at--)
            sorted[at] = sorted[at - 1];
        sorted[at] = r->durable[i];
    }
    return sorted[c->write_quorum - 1];
}

/* Decided logs are prefixes of one another and only grow, because an index is chosen once. Every
 * decided entry was proposed. */
static void checker_choose(struct checker *c, struct checker_round *r, uint64_t end)
{
    for (uint64_t i = r->chosen; i < end; i++) {
        uint64_t id = checker_ids_at(&r->log, i), before = checker_ids_at(&c->chosen, i);
        if (before) {
            check(c, id == 0 || id == before, "index %lu was chosen as %lu, now as %lu", i, before,
                  id);
            continue;
        }
        check(c, id != 0 && id <= c->proposed, "index %lu is chosen, but was never proposed", i);
        checker_ids_set(&c->chosen, i, id);
    }
    r->chosen = end;
}

/* ---- in a node: its disk ---- */

static uint64_t durable_end(const struct checker_view *view)
{
    return max(view->end, view->installed);
}

/* An Accepted(n, i) once sent stays true on disk until promise > n. */
static void check_claim(struct checker *c, struct checker_node *n, const struct checker_view *view)
{
    if (n->claim_round.n == 0)
        return;
    if (compare(view->promise, n->claim_round) > 0) {
        n->claim_round = (struct paxos_ballot){0};
        n->claim_accepted = 0;
        return;
    }
    check(c,
          compare(view->acc_round, n->claim_round) == 0 && durable_end(view) >= n->claim_accepted,
          "node %u acknowledged %lu and does not have it any more", n->pid, n->claim_accepted);
}

/* Promise and acc_round never decrease, acc_round <= promise. compacted <= decided <= durable
 * accepted. A node's decided log only grows: truncation never goes below decided. */
static void check_view(struct checker *c, const struct checker_node *n,
                       const struct checker_view *view)
{
    check(c, compare(view->promise, n->promise) >= 0, "promise of node %u went back", n->pid);
    check(c, compare(view->acc_round, n->acc_round) >= 0, "accepted round of node %u went back",
          n->pid);
    check(c, compare(view->acc_round, view->promise) <= 0, "node %u accepted beyond its promise",
          n->pid);
    check(c, view->base <= durable_end(view), "node %u compacted what it does not have", n->pid);
    check(c, view->decided <= durable_end(view), "node %u stores %lu as decided and has %lu",
          n->pid, view->decided, durable_end(view));
    check(c, durable_end(view) >= n->decided, "node %u lost what it knew to be decided", n->pid);
}

static void check_decided_on_disk(struct checker *c, const struct checker_node *n,
                                  const struct checker_view *view, uint64_t first)
{
    uint64_t end = n->decided < view->end ? n->decided : view->end;
    for (uint64_t i = first; i < end; i++)
        check(c, checker_id(view->entries[i - view->base]) == checker_ids_at(&c->chosen, i),
              "node %u has overwritten index %lu, which it knew to be decided", n->pid, i);
}

void checker_disk(struct checker *c, uint32_t node, const struct checker_view *view)
{
    struct checker_node *n = &c->nodes[node];
    check_view(c, n, view);
    check_claim(c, n, view);
    uint64_t from = max(view->base, view->installed);
    uint64_t changed = max(from, view->changed);
    check_decided_on_disk(c, n, view, changed);
    bool other_round = compare(view->acc_round, n->acc_round) != 0;
    n->promise = view->promise;
    n->acc_round = view->acc_round;
    if (other_round)
        checker_forget_rounds(c);
    /* Entries that are there by a snapshot alone were not accepted in the round beside them. */
    if (view->acc_round.n == 0 || view->end <= view->installed)
        return;
    struct checker_round *r = match_round(c, view, other_round ? from : changed);
    r->durable[node] = max(r->durable[node], view->end);
    uint64_t end = chosen_in(c, r);
    if (end > r->chosen)
        checker_choose(c, r, end);
}

/* It must keep the promises of this life, but remembers none of an earlier one. A ballot that it
 * raised in an earlier life and that no other node knows may come again. */
void checker_lost(struct checker *c, uint32_t node)
{
    c->nodes[node] = (struct checker_node){.pid = c->nodes[node].pid};
}

/* Entries that a node considers decided after a crash are decided. */
void checker_start(struct checker *c, uint32_t node, const struct checker_view *view)
{
    struct checker_node *n = &c->nodes[node];
    check_view(c, n, view);
    check(c, view->decided <= c->chosen.count && view->decided <= view->end,
          "node %u starts with more than was chosen", n->pid);
    for (uint64_t i = view->base; i < view->decided; i++)
        check(c, checker_id(view->entries[i - view->base]) == c->chosen.at[i],
              "node %u starts without what was chosen at %lu", n->pid, i);
    n->decided = view->decided;
    n->reads_ready = 0;
    n->tries = (struct paxos_ballot){0};
    if (compare(n->used, n->used_before) > 0)
        n->used_before = n->used;
    n->used = (struct paxos_ballot){0};
}

/* ---- in a node: durable before it is sent ---- */

/* No Prepare(n) with an n used before the restart; nor does it lead in one. */
static void use_ballot(struct checker *c, struct checker_node *n, struct paxos_ballot ballot)
{
    check(c, ballot.pid == n->pid, "node %u uses a ballot of %u", n->pid, ballot.pid);
    check(c, compare(ballot, n->used_before) > 0, "node %u uses a ballot again", n->pid);
    check(c, compare(ballot, n->used) >= 0, "node %u goes back to an earlier ballot", n->pid);
    n->used = ballot;
}

static void check_prepare(struct checker *c, struct checker_node *n,
                          const struct checker_view *view, const struct paxos_message *m)
{
    check(c, view->member, "node %u leads and is no member", n->pid);
    check(c, compare(view->promise, m->n) == 0, "node %u prepares with a ballot not on disk",
          n->pid);
    use_ballot(c, n, m->n);
}

static void check_accepted(struct checker *c, struct checker_node *n,
                           const struct checker_view *view, const struct paxos_message *m)
{
    check(c, view->member, "node %u acknowledges a round and is no member", n->pid);
    check(c, compare(view->promise, m->n) == 0, "node %u acknowledges a round that is not on disk",
          n->pid);
    if (compare(n->claim_round, m->n) < 0) {
        n->claim_round = m->n;
        n->claim_accepted = 0;
    }
    if (compare(n->claim_round, m->n) == 0)
        n->claim_accepted = max(n->claim_accepted, m->accepted);
    check_claim(c, n, view);
}

/* The answer to a read round says that nothing higher was promised. A later promise does not
 * contradict it, since a promise is durable before it is sent. */
static void check_read_ack(struct checker *c, const struct checker_node *n,
                           const struct checker_view *view, const struct paxos_message *m)
{
    check(c, compare(view->promise, m->n) <= 0,
          "node %u acknowledges a read of a leader that it has left", n->pid);
}

/* Only a leader in accept gives out a read index. */
static void check_read_index(struct checker *c, const struct checker_node *n,
                             const struct paxos_message *m)
{
    check(c, compare(m->n, n->leads) == 0, "node %u answers a read and does not lead", n->pid);
}

/* One leader per ballot. */
static void check_owner(struct checker *c, const struct checker_node *n,
                        const struct paxos_message *m)
{
    check(c, m->n.pid == n->pid, "node %u speaks for the leader of another's ballot", n->pid);
}

void checker_message(struct checker *c, uint32_t node, const struct checker_view *view,
                     const struct paxos_message *m)
{
    struct checker_node *n = &c->nodes[node];
    switch (m->type) {
    case PAXOS_PREPARE:
        check_prepare(c, n, view, m);
        break;
    case PAXOS_PROMISE:
        check(c, compare(view->promise, m->n) == 0, "node %u sends a promise that is not on disk",
              n->pid);
        check(c, view->member || m->standing != PAXOS_MEMBER,
              "node %u promises as a member and is none", n->pid);
        break;
    case PAXOS_ACCEPTED:
        check_accepted(c, n, view, m);
        break;
    case PAXOS_ACCEPT_SYNC:
    case PAXOS_ACCEPT_DECIDE:
    case PAXOS_DECIDE:
    case PAXOS_LEADER_BEAT:
    case PAXOS_READ_PROBE:
        check_owner(c, n, m);
        break;
    case PAXOS_READ_ACK:
        check_read_ack(c, n, view, m);
        break;
    case PAXOS_READ_INDEX:
        check_owner(c, n, m);
        check_read_index(c, n, m);
        break;
    }
}

/* ---- what it hands out ---- */

/* Decided logs are prefixes of one another: all are prefixes of what is chosen. */
void checker_applied(struct checker *c, uint32_t node, uint64_t index, uint64_t id)
{
    uint32_t pid = c->nodes[node].pid;
    uint64_t chosen = checker_ids_at(&c->chosen, index);
    check(c, chosen != 0, "node %u decided index %lu, which is not chosen", pid, index);
    check(c, chosen == id, "node %u decided %lu at index %lu, chosen is %lu", pid, id, index,
          chosen);
}

static uint64_t chosen_below(const struct checker *c, struct paxos_ballot ballot)
{
    uint64_t chosen = c->chosen_floor;
    for (size_t i = 0; i < c->round_count && compare(c->rounds[i].ballot, ballot) < 0; i++)
        chosen = max(chosen, c->rounds[i].chosen);
    return chosen;
}

/* Entries chosen in earlier rounds are in the log with which a leader enters accept. */
static void check_new_leader(struct checker *c, struct checker_node *n, const struct paxos *core,
                             const struct paxos_status *status)
{
    use_ballot(c, n, status->promise);
    uint64_t chosen = chosen_below(c, status->promise);
    check(c, status->accepted >= chosen, "leader %u begins with %lu entries, %lu are chosen",
          n->pid, status->accepted, chosen);
    for (uint64_t i = status->compacted; i < chosen; i++)
        check(c, checker_id(paxos_entry_at(core, i)) == c->chosen.at[i],
              "leader %u begins without the chosen entry %lu", n->pid, i);
}

/* In leader cur == promise; in accept acc_round == promise; compacted <= decided. */
static void check_status(struct checker *c, const struct checker_node *n,
                         const struct paxos_status *s)
{
    check(c, s->role != PAXOS_LEADER || s->promise.pid == n->pid, "node %u leads for another",
          n->pid);
    check(c, s->phase != PAXOS_PHASE_ACCEPT || compare(s->acc_round, s->promise) == 0,
          "node %u accepts outside its round", n->pid);
    check(c, s->compacted <= s->decided && s->decided <= s->accepted,
          "node %u compacted %lu, decided %lu, accepted %lu", n->pid, s->compacted, s->decided,
          s->accepted);
    for (uint32_t i = 0; i < s->peer_count; i++)
        check(c, s->peers[i].misfit != PAXOS_FORGOT && s->peers[i].misfit != PAXOS_LED_BEFORE,
              "node %u takes node %u for one that has forgotten", n->pid, s->peers[i].pid);
}

/* A leader answers reads only in accept, and when it has decided all that it began with: that was
 * chosen below it at least. Before it tried to lead, it may have had its answers from another. */
static void check_reads(struct checker *c, struct checker_node *n, const struct paxos_status *s,
                        const struct paxos_output *out)
{
    bool news = out->reads_ready > n->reads_ready;
    bool led = s->role == PAXOS_LEADER && compare(n->tries, s->promise) == 0;
    if (news && led) {
        check(c, s->phase == PAXOS_PHASE_ACCEPT, "node %u answers a read before it may", n->pid);
        check(c, s->decided >= chosen_below(c, s->promise),
              "node %u answers a read before it has decided all it began with", n->pid);
    }
    n->reads_ready = out->reads_ready;
    n->tries = s->role == PAXOS_LEADER ? s->promise : (struct paxos_ballot){0};
}

void checker_output(struct checker *c, uint32_t node, const struct paxos *core,
                    const struct paxos_output *out)
{
    struct checker_node *n = &c->nodes[node];
    struct paxos_status status;
    paxos_status(core, &status);
    check_status(c, n, &status);
    check(c, out->decided >= n->decided, "decided went back at node %u", n->pid);
    n->decided = out->decided;
    c->emitted = max(c->emitted, out->decided);
    bool leads = status.role == PAXOS_LEADER && status.phase == PAXOS_PHASE_ACCEPT;
    if (leads && compare(n->leads, status.promise) != 0) {
        check_new_leader(c, n, core, &status);
        n->leads = status.promise;
        c->leaders++;
    }
    check_reads(c, n, &status, out);
}

uint64_t checker_read_begins(const struct checker *c)
{
    return c->emitted;
}

/* Linearizable: a read sees what had been decided anywhere when it began. */
void checker_read_answered(struct checker *c, uint32_t node, uint64_t least, uint64_t index)
{
    check(c, index >= least, "stale read at node %u: index %lu, but %lu was decided before",
          c->nodes[node].pid, index, least);
}
