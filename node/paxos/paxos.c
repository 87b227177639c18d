/* Events in, output out, and what holds at every moment in between. */
#include "paxos/state.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

struct paxos_peer *paxos_peer(struct paxos *p, uint32_t pid)
{
    for (uint32_t i = 0; i < p->peer_count; i++)
        if (p->peers[i].pid == pid)
            return &p->peers[i];
    return NULL;
}

bool paxos_leads(const struct paxos *p)
{
    return p->role == PAXOS_LEADER && p->phase == PAXOS_PHASE_ACCEPT;
}

void paxos_append(struct paxos *p, struct paxos_entry *const *entries, size_t count)
{
    for (size_t i = 0; i < count && !p->failed; i++)
        p->failed = !paxos_log_append(&p->log, entries[i]);
}

void paxos_adopt(struct paxos *p, uint64_t first, struct paxos_entry *const *entries, size_t count)
{
    assert(first >= p->decided);
    assert(first <= p->log.end);
    paxos_log_truncate(&p->log, first);
    paxos_disk_cut(p, first);
    paxos_append(p, entries, count);
    if (paxos_ballot_compare(p->acc_round, p->promise) != 0)
        p->leader_changes++;
    p->acc_round = p->promise;
}

void paxos_decide_up_to(struct paxos *p, uint64_t decided)
{
    if (decided > p->log.end)
        decided = p->log.end;
    if (decided > p->decided)
        p->decided = decided;
}

/* "What must always hold", in one node. */
static void paxos_check(struct paxos *p)
{
    assert(paxos_ballot_compare(p->promise, p->seen.promise) >= 0);
    assert(paxos_is_member(p) || p->acc_round.n == 0);
    assert(paxos_is_member(p) || p->role == PAXOS_FOLLOWER);
    assert(paxos_ballot_compare(p->acc_round, p->seen.acc_round) >= 0);
    assert(p->decided >= p->seen.decided);
    assert(p->log.base >= p->seen.compacted);
    assert(paxos_ballot_compare(p->acc_round, p->promise) <= 0);
    assert(p->log.base <= p->decided);
    assert(p->decided <= p->log.end);
    assert(p->disk.durable.accepted <= p->log.end);
    assert(p->emitted <= p->decided);
    assert(p->emitted <= p->disk.durable.accepted);
    assert(p->log.base <= p->disk.durable.accepted);
    if (p->role == PAXOS_LEADER)
        assert(p->promise.pid == p->me);
    if (p->phase == PAXOS_PHASE_ACCEPT)
        assert(paxos_ballot_compare(p->acc_round, p->promise) == 0);
    p->seen.promise = p->promise;
    p->seen.acc_round = p->acc_round;
    p->seen.decided = p->decided;
    p->seen.compacted = p->log.base;
}

static void configure(struct paxos *p, const struct paxos_config *config)
{
    assert(config->me > 0);
    assert(config->count >= 1 && config->count <= PAXOS_NODES_MAX);
    p->me = config->me;
    for (uint32_t i = 0; i < config->count; i++)
        if (config->pids[i] != config->me)
            p->peers[p->peer_count++].pid = config->pids[i];
    assert(p->peer_count == config->count - 1);
    p->quorums = paxos_quorums_of(config->count, config->read_quorum, config->write_quorum);
    p->join.round = config->start;
    p->join.told_by_member = config->told_by_member;
}

/* The stored one counts; one that is not stored yet is made of the configuration. */
static void take_membership(struct paxos *p, const struct paxos_config *config,
                            const struct paxos_membership *stored)
{
    p->membership = *stored;
    if (stored->count == 0)
        p->membership =
            paxos_membership_of(config->pids, config->count, (enum paxos_standing)stored->standing);
    paxos_membership_check(&p->membership);
    assert(p->membership.count == config->count);
    for (uint32_t i = 0; i < config->count; i++)
        paxos_rank(p, config->pids[i]); /* asserts that it is a member */
}

struct paxos *paxos_new(const struct paxos_config *config, const struct paxos_stored *stored)
{
    struct paxos *p = calloc(1, sizeof *p);
    if (!p)
        return NULL;
    configure(p, config);
    p->promise = stored->promise;
    p->acc_round = stored->acc_round;
    p->log.base = p->log.end = stored->compacted;
    paxos_append(p, stored->entries, (size_t)stored->entry_count);
    p->decided = p->emitted = stored->decided;
    p->follower.patience = PAXOS_RESEND_TICKS;
    p->folder = stored->folder;
    take_membership(p, config, &stored->membership);
    paxos_disk_start(p);
    paxos_election_start(p, config->priority);
    p->now = config->now;
    p->tell_us = config->tell_us;
    paxos_lease_start(p, config->lease_us, config->leased_before);
    paxos_join_start(p);
    if (p->promise.n > 0 || p->membership.standing == PAXOS_JOINING)
        paxos_recover_from_any(p);
    if (p->failed) {
        paxos_free(p);
        return NULL;
    }
    paxos_check(p);
    return p;
}

void paxos_free(struct paxos *p)
{
    if (!p)
        return;
    for (size_t i = 0; i < p->outbox_count; i++)
        paxos_message_clear(&p->outbox[i]);
    free(p->outbox);
    paxos_message_clear(&p->spare);
    paxos_pull_clear(&p->pull);
    paxos_proposals_free(p);
    paxos_log_free(&p->log);
    free(p->disk.queued);
    free(p);
}

static bool believable_ballot(struct paxos *p, struct paxos_ballot b)
{
    if (b.n == 0 && b.pid == 0)
        return b.priority == 0;
    return b.n < PAXOS_COUNT_MAX && (b.pid == p->me || paxos_peer(p, b.pid));
}

static bool believable(struct paxos *p, const struct paxos_message *m)
{
    const uint64_t counts[] = {m->decided, m->accepted, m->psid, m->session, m->counter, m->first};
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++)
        if (counts[i] >= PAXOS_COUNT_MAX)
            return false;
    for (uint32_t i = 0; i < PAXOS_NODES_MAX; i++)
        if (m->lives[i] >= PAXOS_LIFE_MAX)
            return false;
    return m->to == p->me && believable_ballot(p, m->n) && believable_ballot(p, m->acc_round) &&
           believable_ballot(p, m->leader) && m->life < PAXOS_LIFE_MAX &&
           m->standing < PAXOS_STANDING_END && m->lease <= PAXOS_LEASE_US_MAX / 8 * 9 + 1 &&
           (m->entry_count == 0 || m->entries);
}

/* What only the owner of the ballot may say. */
static bool is_leaders(const struct paxos_message *m)
{
    switch (m->type) {
    case PAXOS_PREPARE:
    case PAXOS_ACCEPT_SYNC:
    case PAXOS_ACCEPT_DECIDE:
    case PAXOS_DECIDE:
    case PAXOS_LEADER_BEAT:
    case PAXOS_READ_PROBE:
    case PAXOS_READ_INDEX:
        return true;
    default:
        return false;
    }
}

static void receive_from_leader(struct paxos *p, const struct paxos_message *m)
{
    switch (m->type) {
    case PAXOS_ACCEPT_SYNC:
        paxos_on_accept_sync(p, m);
        break;
    case PAXOS_ACCEPT_DECIDE:
        paxos_on_accept_decide(p, m);
        break;
    case PAXOS_DECIDE:
        paxos_on_decide(p, m);
        break;
    case PAXOS_LEADER_BEAT:
        paxos_on_leader_beat(p, m);
        break;
    case PAXOS_READ_PROBE:
        paxos_on_read_probe(p, m);
        break;
    case PAXOS_READ_INDEX:
        paxos_on_read_index(p, m);
        break;
    }
}

/* check(n): only the leader that I promised may change anything here. */
static void check_leader(struct paxos *p, const struct paxos_message *m)
{
    if (m->from != m->n.pid || m->n.n == 0 || p->membership.standing == PAXOS_FRESH)
        return;
    int order = paxos_ballot_compare(m->n, p->promise);
    if (order >= 0 && m->type == PAXOS_PREPARE)
        p->follower.heard_tick = p->ticks;
    if (m->type == PAXOS_PREPARE) {
        paxos_on_prepare(p, m);
    } else if (order < 0) {
        paxos_send(p, PAXOS_NOT_ACCEPTED, m->from)->n = p->promise;
    } else if (order > 0) {
        paxos_prepare_req(p, m->from);
    } else {
        p->follower.heard_tick = p->ticks;
        receive_from_leader(p, m);
    }
}

static void receive_from_peer(struct paxos *p, struct paxos_peer *peer,
                              const struct paxos_message *m)
{
    switch (m->type) {
    case PAXOS_PREPARE_REQ:
        paxos_on_prepare_req(p, peer, m);
        break;
    case PAXOS_PROMISE:
        paxos_on_promise(p, peer, m);
        break;
    case PAXOS_SUFFIX_REQ:
        paxos_on_suffix_req(p, peer, m);
        break;
    case PAXOS_SUFFIX:
        paxos_on_suffix(p, m);
        break;
    case PAXOS_ACCEPTED:
        paxos_on_accepted(p, peer, m);
        break;
    case PAXOS_NOT_ACCEPTED:
        paxos_on_not_accepted(p, peer, m);
        break;
    case PAXOS_PROPOSAL_FORWARD:
        paxos_propose(p, m->entries, m->entry_count);
        peer->waits_until = p->log.end;
        break;
    case PAXOS_HEARTBEAT_REQUEST:
        paxos_on_heartbeat_request(p, m);
        break;
    case PAXOS_HEARTBEAT_REPLY:
        paxos_on_heartbeat_reply(p, peer, m);
        break;
    case PAXOS_READ_REQUEST:
        paxos_on_read_request(p, peer, m);
        break;
    case PAXOS_READ_ACK:
        paxos_on_read_ack(p, peer, m);
        break;
    case PAXOS_JOIN_REQUEST:
        paxos_on_join_request(p, peer, m);
        break;
    case PAXOS_JOIN_REPLY:
        paxos_on_join_reply(p, peer, m);
        break;
    }
}

static void receive(struct paxos *p, const struct paxos_message *m)
{
    struct paxos_peer *peer = paxos_peer(p, m->from);
    if (!peer || !believable(p, m))
        return;
    if (is_leaders(m))
        check_leader(p, m);
    else
        receive_from_peer(p, peer, m);
}

static void tick(struct paxos *p)
{
    p->ticks++;
    paxos_election_tick(p);
    paxos_leader_tick(p);
    paxos_follower_tick(p);
    paxos_read_tick(p);
    paxos_join_tick(p);
}

/* A new connection may have lost what was under way: whoever leads there prepares me again. */
static void link_up(struct paxos *p, struct paxos_peer *peer)
{
    if (p->membership.standing == PAXOS_FRESH)
        peer->ask_due = true;
    else if (p->role == PAXOS_FOLLOWER && p->promise.pid == peer->pid)
        paxos_recover(p);
    else
        paxos_prepare_req(p, peer->pid);
}

static void trim(struct paxos *p, uint64_t index)
{
    assert(index <= p->emitted);
    paxos_log_trim(&p->log, index);
}

/* The tree is durable at `index`; what the log holds beyond it was accepted, perhaps acknowledged,
 * and stays. The sync that the snapshot interrupted starts again. */
static void snapshot_installed(struct paxos *p, uint64_t index)
{
    bool beyond = index > p->log.end, news = index > p->decided;
    if (index > p->emitted) {
        paxos_log_trim(&p->log, index);
        paxos_disk_covered(p, index);
        paxos_decide_up_to(p, index);
    }
    if (p->snapshot_needed <= p->decided)
        p->snapshot_needed = 0;
    if (p->role == PAXOS_LEADER && p->phase == PAXOS_PHASE_PREPARE)
        paxos_prepare_all(p);
    else if (paxos_leads(p) && news)
        paxos_lead_again(p);
    bool synced = p->phase == PAXOS_PHASE_ACCEPT && !beyond;
    if (p->role == PAXOS_FOLLOWER && p->phase != PAXOS_PHASE_NONE && !synced)
        paxos_recover(p);
}

int paxos_step(struct paxos *p, const struct paxos_event *event)
{
    struct paxos_peer *peer = paxos_peer(p, event->pid);
    if (event->now > p->now)
        p->now = event->now;
    switch (event->type) {
    case PAXOS_TICK:
        tick(p);
        break;
    case PAXOS_TIME:
        break;
    case PAXOS_RECEIVE:
        receive(p, event->message);
        break;
    case PAXOS_PROPOSE:
        paxos_propose(p, event->entries, event->entry_count);
        break;
    case PAXOS_DURABLE:
        paxos_disk_durable(p, event->ticket);
        break;
    case PAXOS_READ:
        paxos_read(p, event->read, event->lease);
        break;
    case PAXOS_LINK_UP:
        if (peer)
            link_up(p, peer);
        break;
    case PAXOS_LINK_DOWN:
        if (peer)
            peer->alive_tick = 0;
        break;
    case PAXOS_TRIM:
        trim(p, event->index);
        break;
    case PAXOS_SNAPSHOT_INSTALLED:
        snapshot_installed(p, event->index);
        break;
    }
    if (p->failed)
        return -ENOMEM;
    paxos_check(p);
    return 0;
}

static uint64_t emit_decided(struct paxos *p)
{
    uint64_t durable = p->disk.durable.accepted;
    uint64_t decided = p->decided < durable ? p->decided : durable;
    assert(decided >= p->emitted);
    p->emitted = decided;
    return decided;
}

void paxos_wake_at(struct paxos *p, uint64_t time)
{
    if (p->wake_at == 0 || time < p->wake_at)
        p->wake_at = time;
}

int paxos_output(struct paxos *p, struct paxos_output *out)
{
    *out = (struct paxos_output){0};
    p->wake_at = 0;
    paxos_count_promises(p);
    paxos_proposals_output(p);
    paxos_decide(p);
    paxos_ship(p);
    paxos_prepare_output(p);
    paxos_follower_output(p);
    paxos_read_output(p);
    paxos_join_output(p);
    paxos_disk_write(p, &out->write);
    if (p->failed) {
        paxos_write_clear(&out->write);
        return -ENOMEM;
    }
    out->messages = p->outbox;
    out->message_count = p->outbox_count;
    p->outbox = NULL;
    p->outbox_count = p->outbox_cap = 0;
    out->decided = emit_decided(p);
    out->reads_ready = p->reads.ready;
    out->reads_index = p->reads.index;
    out->reads_confirmed = p->reads.confirmed;
    out->wake_at = p->wake_at;
    out->snapshot_needed = p->snapshot_needed;
    paxos_check(p);
    return 0;
}

struct paxos_entry *paxos_entry_at(const struct paxos *p, uint64_t index)
{
    return paxos_log_at(&p->log, index);
}
