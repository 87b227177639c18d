/* For the replica and the status page. */
#include "paxos/state.h"

/* It is there and votes, as far as this node knows. */
static bool voter(const struct paxos *p, const struct paxos_peer *peer)
{
    return paxos_alive(p, peer) && peer->heartbeat.standing == PAXOS_MEMBER &&
           !paxos_forgot(p, peer);
}

/* This node reaches enough members; or a peer does that follows the same leader and is happy. A
 * node that has just become a member has no quorum before that is on its disk: then its Accepted
 * leaves as well, by which its leader knows it. */
static bool has_quorum(const struct paxos *p)
{
    if (!paxos_is_member(p) || p->disk.durable.membership < p->join.completed_in)
        return false;
    uint32_t alive = 1;
    for (uint32_t i = 0; i < p->peer_count; i++) {
        const struct paxos_peer *peer = &p->peers[i];
        if (!voter(p, peer))
            continue;
        alive++;
        if (peer->heartbeat.happy && p->election.leader.n > 0 &&
            paxos_ballot_compare(peer->heartbeat.leader, p->election.leader) == 0 &&
            p->election.leader.pid != p->me)
            return true;
    }
    return alive >= (paxos_leads(p) ? p->quorums.write : paxos_quorum_to_work(p->quorums));
}

/* So many members have answered it lately, whatever others say. */
static bool reaches_quorum(const struct paxos *p)
{
    uint32_t alive = 1;
    for (uint32_t i = 0; i < p->peer_count; i++)
        alive += voter(p, &p->peers[i]);
    return alive >= (paxos_leads(p) ? p->quorums.write : paxos_quorum_to_work(p->quorums));
}

/* A leader in accept: this node, or one that was heard of lately. */
static bool has_leader(const struct paxos *p)
{
    if (p->phase != PAXOS_PHASE_ACCEPT)
        return false;
    if (p->role == PAXOS_LEADER || p->ticks - p->follower.heard_tick < PAXOS_ALIVE_TICKS)
        return true;
    for (uint32_t i = 0; i < p->peer_count; i++)
        if (p->peers[i].pid == p->promise.pid)
            return paxos_alive(p, &p->peers[i]);
    return false;
}

void paxos_status(const struct paxos *p, struct paxos_status *status)
{
    *status = (struct paxos_status){.role = p->role,
                                    .phase = p->phase,
                                    .promise = p->promise,
                                    .acc_round = p->acc_round,
                                    .leader = p->election.leader,
                                    .compacted = p->log.base,
                                    .decided = p->decided,
                                    .accepted = p->log.end,
                                    .durable = p->disk.durable.accepted,
                                    .log_bytes =
                                        p->log.bytes_end - paxos_log_offset(&p->log, p->log.base),
                                    .happy = p->election.happy,
                                    .has_quorum = has_quorum(p),
                                    .reaches_quorum = reaches_quorum(p),
                                    .has_leader = has_leader(p),
                                    .leader_changes = p->leader_changes,
                                    .standing = (enum paxos_standing)p->membership.standing,
                                    .life = paxos_life(p),
                                    .members_needed = paxos_quorum_to_join(p->quorums),
                                    .fresh_needed = paxos_quorum_to_found(p->quorums),
                                    .peer_count = p->peer_count,
                                    .misfits = p->misfits};
    for (uint32_t i = 0; i < p->peer_count; i++) {
        const struct paxos_peer *peer = &p->peers[i];
        status->peers[i].pid = peer->pid;
        status->peers[i].alive = paxos_alive(p, peer);
        status->peers[i].standing = (enum paxos_standing)peer->heartbeat.standing;
        status->peers[i].accepted = paxos_leads(p) ? peer->ballot.durable : 0;
        paxos_misfit_status(p, i, status);
    }
}
