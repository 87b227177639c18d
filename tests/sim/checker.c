/* "What must always hold", seen from outside: disks, messages, and what nodes say is decided.
 *
 * The reference is not what a leader says is decided but what is chosen: a prefix that W disks
 * accepted in one round. Whatever is decided must be chosen before, and what is chosen never
 * changes. */
#include "sim.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static bool same(struct paxos_ballot a, struct paxos_ballot b)
{
    return paxos_ballot_compare(a, b) == 0;
}

static uint32_t write_quorum(const struct sim_world *w)
{
    return w->options.write_quorum ? w->options.write_quorum : w->options.nodes / 2 + 1;
}

static struct sim_round *round_of(struct sim_checker *c, struct paxos_ballot ballot)
{
    for (size_t i = c->round_count; i > 0; i--)
        if (same(c->rounds[i - 1].ballot, ballot))
            return &c->rounds[i - 1];
    if (c->round_count == c->round_cap) {
        c->round_cap = c->round_cap ? 2 * c->round_cap : 16;
        c->rounds = realloc(c->rounds, c->round_cap * sizeof *c->rounds);
        assert(c->rounds);
    }
    struct sim_round *r = &c->rounds[c->round_count++];
    *r = (struct sim_round){.ballot = ballot};
    return r;
}

/* Equal rounds mean that one log is a prefix of the other. */
static void match_round(struct sim_world *w, struct sim_node *n, struct sim_round *r)
{
    const struct sim_log *log = &n->disk.log;
    if (r->id_count < log->end) {
        size_t count = 2 * log->end + 64;
        r->ids = realloc(r->ids, count * sizeof *r->ids);
        assert(r->ids);
        memset(r->ids + r->id_count, 0, (count - r->id_count) * sizeof *r->ids);
        r->id_count = count;
    }
    uint64_t first = log->base > n->tree.installed ? log->base : n->tree.installed;
    for (uint64_t i = first; i < log->end; i++) {
        uint64_t id = sim_entry_id(log->entries[i - log->base]);
        sim_check(w, r->ids[i] == 0 || r->ids[i] == id,
                  "two logs in round %llu of %u at index %llu: %llu and %llu",
                  (unsigned long long)r->ballot.n, r->ballot.pid, (unsigned long long)i,
                  (unsigned long long)r->ids[i], (unsigned long long)id);
        r->ids[i] = id;
    }
}

static uint64_t chosen_in(const struct sim_world *w, const struct sim_round *r)
{
    uint64_t sorted[SIM_NODES_MAX];
    uint32_t count = 0;
    for (uint32_t i = 0; i < w->options.nodes; i++) {
        uint32_t at = count++;
        for (; at > 0 && sorted[at - 1] < r->durable[i]; at--)
            sorted[at] = sorted[at - 1];
        sorted[at] = r->durable[i];
    }
    return sorted[write_quorum(w) - 1];
}

static void choose(struct sim_world *w, struct sim_round *r, uint64_t end)
{
    struct sim_checker *c = &w->checker;
    if (end > c->chosen_cap) {
        c->chosen_cap = 2 * end + 64;
        c->chosen = realloc(c->chosen, c->chosen_cap * sizeof *c->chosen);
        assert(c->chosen);
    }
    for (uint64_t i = r->chosen; i < end; i++) {
        uint64_t id = r->ids[i];
        if (i < c->chosen_count) {
            sim_check(w, id == 0 || c->chosen[i] == id,
                      "index %llu was chosen as %llu, now as %llu", (unsigned long long)i,
                      (unsigned long long)c->chosen[i], (unsigned long long)id);
        } else {
            sim_check(w, id != 0 && id < w->next_id, "index %llu is chosen, but nobody proposed it",
                      (unsigned long long)i);
            c->chosen[c->chosen_count++] = id;
        }
    }
    r->chosen = end;
}

static void check_claim(struct sim_world *w, struct sim_node *n)
{
    const struct sim_disk *d = &n->disk;
    uint64_t have = d->log.end > n->tree.durable ? d->log.end : n->tree.durable;
    if (n->claim_round.n == 0 || !same(d->promise, n->claim_round))
        return;
    sim_check(w, same(d->acc_round, n->claim_round) && have >= n->claim_accepted,
              "node %u acknowledged %llu and does not have it any more", n->pid,
              (unsigned long long)n->claim_accepted);
}

void sim_check_disk(struct sim_world *w, struct sim_node *n)
{
    const struct sim_disk *d = &n->disk;
    sim_check(w, paxos_ballot_compare(d->promise, n->max_promise) >= 0,
              "promise of node %u went back", n->pid);
    sim_check(w, paxos_ballot_compare(d->acc_round, d->promise) <= 0,
              "node %u accepted beyond its promise", n->pid);
    n->max_promise = d->promise;
    check_claim(w, n);
    /* What is there by a snapshot alone was not accepted in the round that stands beside it. */
    if (d->acc_round.n == 0 || d->log.end <= n->tree.installed)
        return;
    struct sim_round *r = round_of(&w->checker, d->acc_round);
    match_round(w, n, r);
    if (d->log.end > r->durable[n->index])
        r->durable[n->index] = d->log.end;
    uint64_t end = chosen_in(w, r);
    if (end > r->chosen)
        choose(w, r, end);
}

/* What a node holds for decided after a crash is. */
void sim_check_stored(struct sim_world *w, struct sim_node *n)
{
    const struct sim_log *log = &n->disk.log;
    const struct sim_checker *c = &w->checker;
    sim_check(w, n->disk.decided <= c->chosen_count && n->disk.decided <= log->end,
              "node %u starts with more than was chosen", n->pid);
    for (uint64_t i = log->base; i < n->disk.decided; i++)
        sim_check(w, sim_entry_id(log->entries[i - log->base]) == c->chosen[i],
                  "node %u starts with a log that contradicts its tree at %llu", n->pid,
                  (unsigned long long)i);
}

static void check_prepare(struct sim_world *w, struct sim_node *n, const struct paxos_message *m)
{
    sim_check(w, same(n->disk.promise, m->n), "node %u prepares with a ballot not on disk", n->pid);
    int order = paxos_ballot_compare(m->n, n->prepared);
    sim_check(w, order >= 0 && (order > 0 || n->prepared_life == n->life),
              "node %u uses a ballot again", n->pid);
    n->prepared = m->n;
    n->prepared_life = n->life;
}

static void check_accepted(struct sim_world *w, struct sim_node *n, const struct paxos_message *m)
{
    if (!same(n->claim_round, m->n)) {
        n->claim_round = m->n;
        n->claim_accepted = 0;
    }
    if (m->accepted > n->claim_accepted)
        n->claim_accepted = m->accepted;
    sim_check(w, paxos_ballot_compare(n->disk.promise, m->n) >= 0,
              "node %u acknowledges a round that is not on disk", n->pid);
    check_claim(w, n);
}

void sim_check_message(struct sim_world *w, struct sim_node *n, const struct paxos_message *m)
{
    if (m->type == PAXOS_PREPARE)
        check_prepare(w, n, m);
    else if (m->type == PAXOS_PROMISE)
        sim_check(w, same(n->disk.promise, m->n), "node %u promises what is not on disk", n->pid);
    else if (m->type == PAXOS_ACCEPTED)
        check_accepted(w, n, m);
}

void sim_check_applied(struct sim_world *w, struct sim_node *n, uint64_t index, uint64_t id)
{
    struct sim_checker *c = &w->checker;
    sim_check(w, index < c->chosen_count, "node %u decided index %llu, which is not chosen", n->pid,
              (unsigned long long)index);
    sim_check(w, c->chosen[index] == id, "node %u decided %llu at index %llu, chosen is %llu",
              n->pid, (unsigned long long)id, (unsigned long long)index,
              (unsigned long long)c->chosen[index]);
    if (index >= c->emitted)
        c->emitted = index + 1;
}

/* What was chosen in earlier rounds is in the log with which a leader begins. */
static void check_new_leader(struct sim_world *w, struct sim_node *n,
                             const struct paxos_status *status)
{
    const struct sim_checker *c = &w->checker;
    sim_check(w, status->promise.pid == n->pid, "two leaders in a ballot");
    uint64_t chosen = 0;
    for (size_t i = 0; i < c->round_count; i++)
        if (paxos_ballot_compare(c->rounds[i].ballot, status->promise) < 0 &&
            c->rounds[i].chosen > chosen)
            chosen = c->rounds[i].chosen;
    sim_check(w, status->accepted >= chosen, "leader %u begins with %llu entries, %llu are chosen",
              n->pid, (unsigned long long)status->accepted, (unsigned long long)chosen);
    for (uint64_t i = status->compacted; i < chosen; i++)
        sim_check(w, sim_entry_id(paxos_entry_at(n->core, i)) == c->chosen[i],
                  "leader %u begins without what is chosen at %llu", n->pid, (unsigned long long)i);
}

void sim_check_node(struct sim_world *w, struct sim_node *n)
{
    struct paxos_status status;
    paxos_status(n->core, &status);
    bool leads = status.role == PAXOS_LEADER && status.phase == PAXOS_PHASE_ACCEPT;
    if (!leads || same(n->entered, status.promise))
        return;
    n->entered = status.promise;
    w->checker.leaders++;
    sim_note(w, "leads", n->index, status.promise.n, status.decided, status.accepted);
    check_new_leader(w, n, &status);
}

/* After the faults have ended: everybody has everything, and nobody waits. */
void sim_check_converged(struct sim_world *w)
{
    for (uint32_t i = 0; i < w->options.nodes; i++) {
        struct sim_node *n = &w->nodes[i];
        sim_check(w, n->up, "node %u is down", n->pid);
        sim_check(w, n->waiting_count == 0, "%zu proposals of node %u were never applied",
                  n->waiting_count, n->pid);
        sim_check(w, n->read_count == 0, "%zu reads of node %u were never answered", n->read_count,
                  n->pid);
        sim_check(w, n->tree.applied == w->checker.emitted, "node %u applied %llu of %llu", n->pid,
                  (unsigned long long)n->tree.applied, (unsigned long long)w->checker.emitted);
        struct paxos_status status;
        paxos_status(n->core, &status);
        sim_check(w, status.has_quorum && status.has_leader && status.happy,
                  "node %u sees no leader or no quorum", n->pid);
    }
}

void sim_checker_free(struct sim_checker *c)
{
    for (size_t i = 0; i < c->round_count; i++)
        free(c->rounds[i].ids);
    free(c->rounds);
    free(c->chosen);
}
