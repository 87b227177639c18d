/* The invariants of the replica, which hold after every turn. state.h gives them with each group.
 *
 * The asserts stay on in a release: a node that finds itself wrong stops, and its disk is still
 * right. They look at the ends of the queues, and at nothing twice. */
#include "replica/replica_internal.h"

#include <assert.h>

static void check_cluster(const struct replica *r)
{
    const struct replica_cluster *c = &r->cluster;
    bool named = false;
    assert(c->count >= 1 && c->count <= PAXOS_NODES_MAX);
    for (uint32_t i = 0; i < c->count; i++) {
        assert(i == 0 || c->members[i].pid > c->members[i - 1].pid);
        named |= c->members[i].pid == c->me;
    }
    assert(named);
    assert(!r->paxos == !c->identity.cluster);
    if (!c->identity.cluster)
        return;
    assert(c->scope.cluster == c->identity.cluster);
    assert(c->me == c->identity.node);
}

/* The indices that the tree, the core and the log go by. */
static void check_indices(const struct replica *r)
{
    if (r->fetching.installing || !r->paxos)
        return;
    assert(tree_applied(r->tree) <= r->turn.decided);
    assert(r->checkpoint.durable <= tree_applied(r->tree));
}

static void check_writes(const struct replica *r)
{
    const struct replica_writes *w = &r->writes;
    const struct pending_write *oldest = TAILQ_FIRST(&w->by_age);
    const struct pending_write *youngest = TAILQ_LAST(&w->by_age, pending_writes);
    assert(w->window >= WRITE_WINDOW_BYTES_MIN && w->window <= WRITE_WINDOW_BYTES);
    assert((w->count == 0) == !oldest);
    assert((w->bytes == 0) == !oldest);
    if (!oldest)
        return;
    assert(youngest->sequence < w->next_sequence);
    assert(w->next_sequence - oldest->sequence <= REPLICA_PENDING_MAX);
    assert(w->count <= w->next_sequence - oldest->sequence);
    assert(!w->next_new == youngest->proposed);
    assert(w->proposed_bytes <= w->bytes && w->applied <= w->proposals);
}

static void check_held(const struct replica *r)
{
    const struct replica_held *held = &r->held;
    assert((held->count == 0) == TAILQ_EMPTY(&held->by_age));
    assert(held->count > 0 || held->bytes == 0);
    assert(held->count <= HELD_WRITES_MAX && held->bytes <= REPLICA_PENDING_BYTES_MAX);
    assert(r->quorum.beats_left <= QUORUM_PAUSE_BEATS);
    assert(r->quorum.hearsay_beats <= QUORUM_HEARSAY_BEATS);
    assert(!r->status.has_quorum || r->quorum.beats_left == QUORUM_PAUSE_BEATS);
}

static void check_reads(const struct replica *r)
{
    const struct replica_reads *reads = &r->reads;
    const struct pending_read *oldest = TAILQ_FIRST(&reads->by_age);
    const struct pending_read *youngest = TAILQ_LAST(&reads->by_age, pending_reads);
    assert((reads->count == 0) == !oldest);
    if (!oldest)
        return;
    assert(reads->unasked || youngest->id != 0);
    assert(oldest->id <= reads->last_id);
}

static void check_quorum(const struct replica *r)
{
    const struct replica_quorum *quorum = &r->quorum;
    assert(quorum->beats_left <= QUORUM_PAUSE_BEATS);
    assert(quorum->leaderless_beats <= QUORUM_LEADERLESS_BEATS);
    assert(quorum->leaderless_beats == 0 || (r->status.has_quorum && !r->status.has_leader));
}

static void check_fetching(const struct replica *r)
{
    const struct snapshot_fetching *f = &r->fetching;
    assert(f->written <= f->arrived);
    assert(f->arrived - f->written <= SNAPSHOT_WINDOW);
    assert(f->pid != 0 || (!f->writing && !f->installing && !f->writer));
}

static void check_serving(const struct snapshot_serving *s)
{
    assert(s->received <= s->read);
    assert(s->read - s->received <= SNAPSHOT_WINDOW);
    assert(s->pid != 0 || (!s->reading && !s->reader));
    assert(!s->whole || (!s->reading && !s->reader));
}

void replica_check(const struct replica *r)
{
    check_cluster(r);
    check_indices(r);
    check_writes(r);
    check_held(r);
    check_reads(r);
    check_quorum(r);
    check_fetching(r);
    for (uint32_t i = 0; i < PAXOS_NODES_MAX; i++)
        check_serving(&r->serving[i]);
}
