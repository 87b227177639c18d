/* Ballot leader election (paper, section 5). Nodes follow a leader as long as it reaches a quorum,
 * or a node that hears it does. A node that is unhappy, and hears that a whole quorum is, raises
 * its ballot; an isolated node therefore never does. */
#include "paxos/state.h"

#include <assert.h>

void paxos_election_start(struct paxos *p, uint32_t priority)
{
    p->election.mine = (struct paxos_ballot){0, priority, p->me};
    /* Every ballot of mine before the restart was at most the promise: it is not used twice. */
    p->election.leader = p->promise;
}

bool paxos_alive(const struct paxos *p, const struct paxos_peer *peer)
{
    return peer->heartbeat.tick != 0 &&
           p->ticks - peer->heartbeat.tick < PAXOS_ALIVE_TICKS + peer->heartbeat.slack;
}

/* Whether its last reply counts in the present round. */
static bool replied(const struct paxos *p, const struct paxos_peer *peer)
{
    return peer->heartbeat.counts_until != 0 && peer->heartbeat.counts_until >= p->election.round;
}

static uint32_t reply_count(const struct paxos *p)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < p->peer_count; i++)
        count += replied(p, &p->peers[i]);
    return count;
}

static void follow_highest(struct paxos *p)
{
    struct paxos_election *e = &p->election;
    for (uint32_t i = 0; i < p->peer_count; i++) {
        const struct paxos_peer *peer = &p->peers[i];
        bool candidate = replied(p, peer) && peer->heartbeat.ballot.n > 0;
        if (candidate && paxos_ballot_compare(peer->heartbeat.ballot, e->leader) > 0)
            e->leader = peer->heartbeat.ballot;
    }
}

/* As the leader: a quorum follows me, or a node is happy with a higher ballot. */
static bool happy_leading(const struct paxos *p)
{
    uint32_t followers = 1;
    for (uint32_t i = 0; i < p->peer_count; i++) {
        const struct paxos_peer *peer = &p->peers[i];
        if (!replied(p, peer))
            continue;
        bool higher = paxos_ballot_compare(peer->heartbeat.leader, p->election.mine) > 0;
        if (higher && peer->heartbeat.happy)
            return true;
        followers += !higher;
    }
    return followers >= (paxos_leads(p) ? p->quorums.write : p->quorums.read);
}

/* As a follower: the leader says itself that it is happy. */
static bool happy_following(const struct paxos *p)
{
    for (uint32_t i = 0; i < p->peer_count; i++) {
        const struct paxos_peer *peer = &p->peers[i];
        if (replied(p, peer) && peer->heartbeat.happy &&
            paxos_ballot_compare(peer->heartbeat.ballot, p->election.leader) == 0)
            return true;
    }
    return false;
}

static bool leading(const struct paxos *p)
{
    return paxos_ballot_compare(p->election.leader, p->election.mine) == 0;
}

static bool nobody_happy(const struct paxos *p)
{
    for (uint32_t i = 0; i < p->peer_count; i++)
        if (replied(p, &p->peers[i]) && p->peers[i].heartbeat.happy)
            return false;
    return !p->election.happy;
}

static struct paxos_ballot higher_of(struct paxos_ballot a, struct paxos_ballot b)
{
    return paxos_ballot_compare(a, b) > 0 ? a : b;
}

/* A ballot below one that a node may have promised is of no use. */
static struct paxos_ballot highest_heard(const struct paxos *p)
{
    struct paxos_ballot highest = higher_of(p->election.leader, p->leader.higher);
    for (uint32_t i = 0; i < p->peer_count; i++)
        if (replied(p, &p->peers[i]))
            highest = higher_of(p->peers[i].heartbeat.leader, highest);
    return highest;
}

/* The highest ballot that was heard of, if peers may have promised it and nothing comes of it: no
 * peer leads in it, and none is happy with it. Otherwise the zero ballot. */
static struct paxos_ballot stranding_ballot(const struct paxos *p)
{
    struct paxos_ballot highest = highest_heard(p);
    for (uint32_t i = 0; i < p->peer_count; i++) {
        const struct paxos_peer *peer = &p->peers[i];
        if (!replied(p, peer))
            continue;
        bool served =
            peer->heartbeat.happy && paxos_ballot_compare(peer->heartbeat.leader, highest) >= 0;
        bool there = paxos_ballot_compare(peer->heartbeat.ballot, highest) >= 0;
        if (served || there)
            return (struct paxos_ballot){0};
    }
    return highest;
}

static void raise_ballot(struct paxos *p, struct paxos_ballot above)
{
    struct paxos_election *e = &p->election;
    e->mine.n = above.n + 1;
    e->leader = e->mine;
    e->happy = true;
    e->stranded_ticks = 0;
}

/* A follower may be stranded on the promise of a candidate that died: it cannot follow me, and no
 * other node would ever unseat me (doc/protocol.md, "Known traps", trap 10). A leader that sees it
 * for some rounds raises its ballot above that promise; if it does not reach enough nodes, it turns
 * unhappy, and another one does. A rule of this implementation, not of the paper. */
static void judge_stranded(struct paxos *p)
{
    struct paxos_election *e = &p->election;
    struct paxos_ballot above = stranding_ballot(p);
    if (!leading(p) || p->role != PAXOS_LEADER || paxos_ballot_compare(above, e->mine) <= 0) {
        e->stranded_ticks = 0;
        return;
    }
    e->stranded_ticks++;
    if (e->stranded_ticks < PAXOS_STRANDED_TICKS)
        return;
    if (1 + reply_count(p) >= p->quorums.read)
        raise_ballot(p, above);
    else
        e->happy = false;
}

/* At the end of a round: whom to follow, whether to be happy, and whether to raise the ballot. */
static void judge_round(struct paxos *p)
{
    struct paxos_election *e = &p->election;
    follow_highest(p);
    e->happy = leading(p) ? happy_leading(p) : happy_following(p);
    if (!paxos_is_member(p))
        return;
    if (nobody_happy(p) && 1 + reply_count(p) >= p->quorums.read)
        raise_ballot(p, highest_heard(p));
    else
        judge_stranded(p);
}

/* A snapshot may bring what was decided above my ballot and contradicts my log. In a new ballot it
 * cannot contradict it: the R nodes that promise that ballot from now on include one that accepted
 * what was decided. Called when a leader has installed a snapshot. */
void paxos_lead_again(struct paxos *p)
{
    assert(paxos_leads(p));
    if (leading(p)) {
        raise_ballot(p, p->promise);
        paxos_elected(p, p->election.mine);
    } else {
        p->role = PAXOS_FOLLOWER;
        paxos_recover(p);
    }
}

/* ---- Handing over: an election that need not wait until the leader is missed ---- */

/* The peer whose log lacks the least, among those that can be elected. NULL: none can. */
static const struct paxos_peer *successor(const struct paxos *p)
{
    const struct paxos_peer *best = NULL;
    for (uint32_t i = 0; i < p->peer_count; i++) {
        const struct paxos_peer *peer = &p->peers[i];
        bool fit = paxos_alive(p, peer) && peer->session.synced &&
                   peer->heartbeat.standing == PAXOS_MEMBER;
        if (fit && (!best || peer->ballot.durable > best->ballot.durable))
            best = peer;
    }
    return best;
}

/* The successor is only asked: until it has prepared me I lead, and if the message is lost it is
 * elected once I am missed. A rule of this implementation, not of the paper. */
void paxos_hand_over(struct paxos *p)
{
    const struct paxos_peer *peer = paxos_leads(p) ? successor(p) : NULL;
    if (peer)
        paxos_send(p, PAXOS_HAND_OVER, peer->pid)->n = p->promise;
}

/* From the leader whose ballot I promised. Any node may raise its ballot at any time; here it does
 * so without waiting for a round in which nobody is happy. */
void paxos_on_hand_over(struct paxos *p)
{
    if (!paxos_is_member(p) || p->phase != PAXOS_PHASE_ACCEPT)
        return;
    raise_ballot(p, higher_of(p->promise, highest_heard(p)));
    paxos_elected(p, p->election.mine);
}

/* In the round under way: a second reply in it is no news while the link lasts. */
void paxos_ask_heartbeat(struct paxos *p, uint32_t pid)
{
    paxos_send(p, PAXOS_HEARTBEAT_REQUEST, pid)->round = p->election.round;
}

void paxos_election_tick(struct paxos *p)
{
    struct paxos_election *e = &p->election;
    judge_round(p);
    e->round++;
    for (uint32_t i = 0; i < p->peer_count; i++)
        paxos_ask_heartbeat(p, p->peers[i].pid);
    if (paxos_ballot_compare(p->promise, e->leader) > 0) {
        assert(p->promise.pid != p->me);
        e->leader = p->promise;
        e->happy = true;
    }
    if (leading(p))
        paxos_elected(p, e->mine);
}

void paxos_on_heartbeat_request(struct paxos *p, const struct paxos_message *m)
{
    struct paxos_message *reply = paxos_send(p, PAXOS_HEARTBEAT_REPLY, m->from);
    reply->round = m->round;
    reply->n = p->election.mine;
    reply->leader = p->election.leader;
    reply->happy = p->election.happy;
    reply->standing = (uint8_t)p->membership.standing;
}

/* A node that does not vote does not count, except when every node is needed for a quorum: then a
 * leader has to be elected with it, so that it can catch up. */
static bool counts(const struct paxos *p, uint8_t standing)
{
    bool needed = standing == PAXOS_JOINING && p->quorums.read == p->quorums.nodes;
    return standing == PAXOS_MEMBER || needed;
}

/* A node that is busy answers late, now more and now less. It is given up as the leader only after
 * more rounds than it has lately taken: the next leader would be as busy, and each change of leader
 * sends much again. One that has always answered in time is given up after one round. */
static void note_lateness(struct paxos_peer_heartbeat *heartbeat, uint64_t late)
{
    if (late >= heartbeat->slack) {
        heartbeat->slack = (uint32_t)late;
        heartbeat->timely = 0;
    } else if (++heartbeat->timely == PAXOS_TIMELY_ROUNDS) {
        heartbeat->slack--;
        heartbeat->timely = 0;
    }
}

void paxos_on_heartbeat_reply(struct paxos *p, struct paxos_peer *peer,
                              const struct paxos_message *m)
{
    uint64_t round = p->election.round;
    bool again = peer->heartbeat.tick == 0 && m->round == peer->heartbeat.asked_in;
    /* A round trip may take longer than a round, but a reply that is older than the last one is no
     * news. A second reply to one round is, if the link was down in between. */
    bool news = (m->round > peer->heartbeat.asked_in || again) && m->round <= round;
    if (!news || round - m->round > PAXOS_LATE_ROUNDS || m->n.pid != peer->pid)
        return;
    peer->heartbeat.asked_in = m->round;
    peer->heartbeat.standing = m->standing;
    peer->heartbeat.tick = p->ticks;
    note_lateness(&peer->heartbeat, round - m->round);
    if (!counts(p, m->standing)) {
        peer->heartbeat.counts_until = 0;
        return;
    }
    peer->heartbeat.counts_until = round + peer->heartbeat.slack;
    peer->heartbeat.ballot = m->n;
    peer->heartbeat.leader = m->leader;
    peer->heartbeat.happy = m->happy;
}
