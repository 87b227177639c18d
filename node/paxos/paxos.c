/* The start of a core, events in, output out. */
#include "paxos/state.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

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

/* The stored membership counts; if none is stored yet, it is made of the configuration. */
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

static void tick(struct paxos *p)
{
    p->ticks++;
    paxos_election_tick(p);
    paxos_leader_tick(p);
    paxos_follower_tick(p);
    paxos_read_tick(p);
    paxos_join_tick(p);
}

/* Messages may have been lost with the connection before. If the peer leads, it shall prepare me
 * again. That it is alive is known after a round trip, and not only after the next heartbeat. */
static void link_up(struct paxos *p, struct paxos_peer *peer)
{
    paxos_ask_heartbeat(p, peer->pid);
    if (p->membership.standing == PAXOS_FRESH)
        peer->join.ask_due = true;
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

/* The tree is durable at `index`. Entries of the log beyond it were accepted, perhaps acknowledged,
 * and stay. The sync that the snapshot interrupted starts again. */
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
        paxos_receive(p, event->message);
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
            peer->heartbeat.tick = 0;
        break;
    case PAXOS_TRIM:
        trim(p, event->index);
        break;
    case PAXOS_SNAPSHOT_INSTALLED:
        snapshot_installed(p, event->index);
        break;
    case PAXOS_STOPPING:
        paxos_hand_over(p);
        break;
    }
    return p->failed ? -ENOMEM : 0;
}

/* The decided index as the replica may apply it: no further than this disk is. */
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

/* The order matters: promises are counted before proposals are appended, which are shipped before
 * they are written, so that the disk of this node and those of the others work at the same time. */
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
