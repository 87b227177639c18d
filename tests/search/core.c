#include "core.h"

#include "paxos/state.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

_Static_assert(sizeof(struct paxos) == 5640, "core_copy and core_encode must know every field");

static void *copy_of(const void *data, size_t size)
{
    if (!data)
        return NULL;
    void *copy = malloc(size);
    assert(copy);
    return memcpy(copy, data, size);
}

static struct paxos_entry **copy_entries(struct paxos_entry **entries, size_t count, size_t cap)
{
    struct paxos_entry **copy = copy_of(entries, cap * sizeof *entries);
    for (size_t i = 0; i < count; i++)
        paxos_entry_ref(entries[i]);
    return copy;
}

/* Only what is in use: the slots of a core grow by hundreds. */
static struct paxos_log copy_log(const struct paxos_log *log)
{
    struct paxos_log copy = *log;
    size_t held = (size_t)(log->end - log->base);
    copy.head = 0;
    copy.cap = held;
    copy.slots = held ? copy_of(log->slots + log->head, held * sizeof *log->slots) : NULL;
    for (size_t i = 0; i < held; i++)
        paxos_entry_ref(copy.slots[i].entry);
    return copy;
}

static struct paxos_disk copy_disk(const struct paxos_disk *d)
{
    struct paxos_disk copy = *d;
    copy.head = 0;
    copy.cap = d->count;
    copy.queued = d->count ? malloc(d->count * sizeof *d->queued) : NULL;
    assert(copy.queued || d->count == 0);
    for (size_t i = 0; i < d->count; i++)
        copy.queued[i] = d->queued[(d->head + i) % d->cap];
    return copy;
}

struct paxos *core_copy(const struct paxos *p)
{
    assert(p->outbox_count == 0);
    struct paxos *c = copy_of(p, sizeof *p);
    c->outbox = NULL;
    c->outbox_cap = 0;
    c->log = copy_log(&p->log);
    c->disk = copy_disk(&p->disk);
    c->pull.entries = copy_entries(p->pull.entries, p->pull.count, p->pull.cap);
    c->proposals.entries = copy_entries(p->proposals.entries, p->proposals.count, p->proposals.cap);
    return c;
}

static void core_put_ballot(struct buffer *out, struct paxos_ballot b)
{
    buffer_append(out, &b, sizeof b); /* no padding */
}

static void put_entries(struct buffer *out, struct paxos_entry *const *entries, size_t count)
{
    buffer_put_u64(out, count);
    for (size_t i = 0; i < count; i++)
        buffer_append(out, entries[i]->bytes, sizeof(uint64_t));
}

static void put_log(struct buffer *out, const struct paxos_log *log)
{
    buffer_put_u64(out, log->base);
    buffer_put_u64(out, log->end);
    for (uint64_t i = log->base; i < log->end; i++)
        buffer_append(out, paxos_log_at(log, i)->bytes, sizeof(uint64_t));
}

_Static_assert(sizeof(struct paxos_disk_state) == 48, "no padding");

/* Tickets only count writes; how many are under way is what matters. */
static void core_put_disk(struct buffer *out, const struct paxos_disk *d)
{
    const uint64_t numbers[] = {d->count, d->last_end, d->compact_due};
    buffer_append(out, numbers, sizeof numbers);
    buffer_append(out, &d->durable, sizeof d->durable);
    buffer_append(out, &d->last, sizeof d->last);
    for (size_t i = 0; i < d->count; i++)
        buffer_append(out, &d->queued[(d->head + i) % d->cap], sizeof d->queued[0]);
}

static void put_pull(struct buffer *out, const struct paxos_pull *pull)
{
    buffer_put_u8(out, pull->sync);
    if (pull->sync == PAXOS_SYNC_NONE)
        return;
    const uint64_t numbers[] = {pull->from,       pull->psid,        pull->first,
                                pull->end,        pull->asked,       pull->answer_bytes,
                                pull->idle_ticks, pull->asked_ticks, pull->patience};
    buffer_append(out, numbers, sizeof numbers);
    put_entries(out, pull->entries, pull->count);
}

/* Without leases, `tell_at` and `waits_until`: they only matter where time goes by, which it does
 * not here. Without misfits: the checker sees that there are none that matter. */
static void put_peer(struct buffer *out, const struct paxos_peer *peer)
{
    const uint8_t flags[] = {peer->promise.given, peer->ballot.votes,  peer->ballot.refused,
                             peer->prepare.due,   peer->session.begun, peer->session.synced};
    const uint64_t numbers[] = {
        peer->promise.standing, peer->ballot.life,     peer->prepare.psid,   peer->prepare.ticks,
        peer->promise.decided,  peer->promise.log_end, peer->ballot.session, peer->session.counter,
        peer->session.pull_end, peer->ballot.durable,  peer->session.window, peer->session.next,
        peer->session.told,     peer->reads.wanted,    peer->reads.covered,  peer->reads.vouched,
        peer->reads.answered,   peer->reads.acked};
    buffer_append(out, flags, sizeof flags);
    buffer_append(out, numbers, sizeof numbers);
    core_put_ballot(out, peer->promise.acc_round);
}

_Static_assert(sizeof(struct paxos_membership) == 152, "no padding");

/* Without `completed_in`: only the status page asks for it. */
static void put_join(struct buffer *out, const struct paxos *p)
{
    buffer_append(out, &p->membership, sizeof p->membership);
    buffer_put_u64(out, p->membership_version);
    buffer_put_u64(out, p->folder);
    buffer_put_u64(out, p->join.round);
    buffer_put_u32(out, p->join.known_life);
    for (uint32_t i = 0; i < p->peer_count; i++) {
        const struct paxos_peer *peer = &p->peers[i];
        const uint64_t numbers[] = {
            peer->join.round,     peer->join.life,         peer->join.standing,
            peer->join.folder,    peer->join.folder_round, peer->question.folder,
            peer->question.round, peer->join.ask_due,      peer->question.reply_due};
        buffer_append(out, numbers, sizeof numbers);
        core_put_ballot(out, peer->join.promise);
    }
}

/* A leader's knowledge of its peers, which begins anew when a node is elected. */
static void put_leader(struct buffer *out, const struct paxos *p)
{
    const struct paxos_leader *l = &p->leader;
    buffer_put_u64(out, l->sync_end);
    buffer_put_u32(out, l->best_pid);
    core_put_ballot(out, l->best_acc_round);
    buffer_put_u64(out, l->best_accepted);
    core_put_ballot(out, l->higher);
    for (uint32_t i = 0; i < p->peer_count; i++)
        put_peer(out, &p->peers[i]);
}

static void put_follower(struct buffer *out, const struct paxos_follower *f)
{
    const uint8_t flags[] = {f->promise_due, f->accepted_due};
    const uint64_t numbers[] = {f->prepare.psid,   f->prepare.decided, f->prepare.log_end,
                                f->session.number, f->session.counter, f->session.sync_decided,
                                f->accepted_sent,  f->quiet_ticks,     f->session.gap_beats,
                                f->patience};
    buffer_append(out, flags, sizeof flags);
    buffer_append(out, numbers, sizeof numbers);
    core_put_ballot(out, f->prepare.acc_round);
}

static void put_reads(struct buffer *out, const struct paxos_reads *r)
{
    const uint64_t numbers[] = {r->asked,         r->ready,  r->index,       r->requested,
                                r->request_ticks, r->probe,  r->probe_index, r->probe_covers,
                                r->probe_ticks,   r->probing};
    buffer_append(out, numbers, sizeof numbers);
    core_put_ballot(out, r->requested_of);
}

/* There are no leases, and so no time: neither has any effect. */
void core_encode(const struct paxos *p, struct buffer *out)
{
    core_put_ballot(out, p->promise);
    core_put_ballot(out, p->acc_round);
    const uint64_t numbers[] = {p->decided, p->emitted, p->snapshot_needed,
                                p->psid,    p->role,    p->phase};
    buffer_append(out, numbers, sizeof numbers);
    put_join(out, p);
    put_log(out, &p->log);
    core_put_disk(out, &p->disk);
    put_pull(out, &p->pull);
    put_entries(out, p->proposals.entries, p->proposals.count);
    put_reads(out, &p->reads);
    core_put_ballot(out, p->election.mine);
    core_put_ballot(out, p->election.leader);
    if (p->role == PAXOS_LEADER)
        put_leader(out, p);
    put_follower(out, &p->follower);
}

void core_elect(struct paxos *p)
{
    p->election.mine.n = p->promise.n + 1;
    p->election.leader = p->election.mine;
    paxos_elected(p, p->election.mine);
}
