/* Messages in. A message that no node of this cluster can have sent is dropped; one that only a
 * leader sends must be of the ballot that this node promised. */
#include "paxos/state.h"

/* The zero ballot, or one of a member. */
static bool believable_ballot(struct paxos *p, struct paxos_ballot b)
{
    if (b.n == 0 && b.pid == 0)
        return b.priority == 0;
    return b.n < PAXOS_COUNT_MAX && (b.pid == p->me || paxos_peer(p, b.pid));
}

/* Every field is one that an honest node could have sent: later sums do not overflow, and nothing
 * is indexed out of bounds. */
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

/* Only the owner of the ballot sends these. */
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
    case PAXOS_HAND_OVER:
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
    case PAXOS_HAND_OVER:
        paxos_on_hand_over(p);
        break;
    }
}

/* Only the leader whose ballot I promised may change anything here (doc/protocol.md, "Whom a node
 * obeys"). A lower one is told of my promise; a higher one is asked to prepare me. */
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

void paxos_receive(struct paxos *p, const struct paxos_message *m)
{
    struct paxos_peer *peer = paxos_peer(p, m->from);
    if (!peer || !believable(p, m))
        return;
    if (is_leaders(m))
        check_leader(p, m);
    else
        receive_from_peer(p, peer, m);
}
