/* A node whose folder is empty: it is new, or it has forgotten what it promised and accepted. If it
 * voted at once, a majority could miss what another majority had acknowledged.
 *
 *   fresh ---------let_in---------> joining ---paxos_join_complete---> member
 *     |     enough members answered           the whole log has come     ^
 *     +-------------------------------found------------------------------+
 *                        enough others are fresh as well
 *
 * Joining is the recovery of Viewstamped Replication Revisited (Liskov, Cowling 2012, section 4.3),
 * made sound as by Michael et al., "Recovering Shared Objects Without Stable Storage" (DISC 2017):
 * messages that a node sent before it forgot may still be under way when it is back. So it comes
 * back with a higher number, its life, and nodes that count its messages compare lives.
 *
 * A fresh node asks all others, twice. First it asks which of its lives they know. Then it takes a
 * higher one, and a member makes that durable before it answers with its promise. Once enough
 * members have answered, the node promises the highest of their promises (the floor) and asks to be
 * prepared. It does not count before it has adopted the whole log of a leader at or above the
 * floor.
 *
 * Why that is enough. "Enough" members share a node with every set of R - 1 others. Let b be a
 * ballot that R nodes promised, this one in an earlier life among them, and let X be the shared
 * node. Either X promised b before it answered here: then the floor is not below b, and the log
 * that is adopted begins with all that was chosen up to b; as the leader's whole log it also holds
 * all that the earlier life accepted in b itself. Or X promised b later: then its Promise reports
 * the new life, and the leader of b does not count what the earlier one promised. Two sets of
 * enough members share a node as well, so no life is given twice, and a node that forgets which
 * lives it was told of hears of them again when it joins. Lives also mark answers that a member
 * gave before it lost its own folder.
 *
 * A ballot that the earlier life raised, and that the floor does not cover, never had R promises:
 * only Prepares were sent in it. If it is raised again, their psids tell them apart.
 *
 * Founding. If more nodes are fresh than may lose their folders together, the cluster has no
 * history. They must have been fresh at one moment: a folder that was heard of in one round of
 * questions, and is still fresh in the next, was fresh at the end of the first. A founder keeps the
 * folders that it counted, and a node that is still in one of these is a founder as well. A folder
 * that was emptied since has another number, and its node joins. If any node says that it is a
 * member, nothing is founded, though a majority be fresh: more folders were lost than may be, and
 * the data that is left must not be passed over. Nor does a node found anything that heard of its
 * cluster from a member (told_by_member). */
#include "paxos/state.h"

#include <assert.h>

/* ---- Asking ---- */

/* Answers to earlier rounds count no more; each peer is asked again. */
static void next_round(struct paxos *p)
{
    p->join.round++;
    for (uint32_t i = 0; i < p->peer_count; i++)
        p->peers[i].join.ask_due = true;
}

/* The cluster begins here. Its caller has put down which folders were fresh at one moment. */
static void found(struct paxos *p)
{
    paxos_member(p, p->me)->folder = p->folder;
    paxos_set_standing(p, PAXOS_MEMBER);
}

/* Another founder has counted my folder. */
static void found_as(struct paxos *p, const struct paxos_message *m)
{
    for (uint32_t i = 0; i < p->peer_count; i++) {
        uint32_t pid = p->peers[i].pid;
        paxos_member(p, pid)->folder = paxos_told_folder(p, m, pid);
    }
    found(p);
}

/* With the floor as its promise. The floor covers every ballot of mine that had consequences, so
 * the election goes on from it as it does after a restart. */
static void let_in(struct paxos *p)
{
    for (uint32_t i = 0; i < p->peer_count; i++) {
        const struct paxos_peer *peer = &p->peers[i];
        bool answered = peer->join.round == p->join.round && peer->join.standing == PAXOS_MEMBER;
        if (answered && paxos_ballot_compare(peer->join.promise, p->promise) > 0)
            p->promise = peer->join.promise;
    }
    if (paxos_ballot_compare(p->promise, p->election.leader) > 0)
        p->election.leader = p->promise;
    paxos_set_standing(p, PAXOS_JOINING);
    paxos_psid_start(p);
    paxos_recover_from_any(p);
}

/* Whether the peer has answered in this round, with this standing, and in its latest life. */
static bool answered_as(const struct paxos *p, const struct paxos_peer *peer,
                        enum paxos_standing standing)
{
    return peer->join.round == p->join.round && peer->join.standing == standing &&
           peer->join.life >= paxos_life_of(p, peer->pid);
}

/* Enough members have answered: to the first question, so that a life can be chosen; or to the
 * second, so that they know it. False: not enough have. */
static bool judge_members(struct paxos *p)
{
    uint32_t members = 0, life = paxos_life(p);
    for (uint32_t i = 0; i < p->peer_count; i++)
        members += answered_as(p, &p->peers[i], PAXOS_MEMBER);
    if (members < paxos_quorum_to_join(p->quorums))
        return false;
    if (life > 0 && p->join.known_life == life) {
        let_in(p);
    } else {
        paxos_raise_life(p, p->me, p->join.known_life + 1);
        next_round(p);
    }
    return true;
}

/* No peer has ever said that it is a member, and peers that have not answered had time to. */
static bool may_found(const struct paxos *p)
{
    bool all = true;
    if (p->join.told_by_member)
        return false;
    for (uint32_t i = 0; i < p->peer_count; i++) {
        const struct paxos_peer *peer = &p->peers[i];
        if (peer->join.round != 0 && peer->join.standing == PAXOS_MEMBER)
            return false;
        all &= peer->join.round == p->join.round;
    }
    return all || p->ticks >= PAXOS_FOUND_TICKS;
}

/* It is fresh, and was so in the same folder when the last round ended. */
static bool fresh_since_before(const struct paxos *p, const struct paxos_peer *peer)
{
    return answered_as(p, peer, PAXOS_FRESH) && peer->join.folder_round != p->join.round;
}

/* Keeps the folders that count, and founds. */
static void found_with_fresh(struct paxos *p)
{
    for (uint32_t i = 0; i < p->peer_count; i++) {
        const struct paxos_peer *peer = &p->peers[i];
        paxos_member(p, peer->pid)->folder = fresh_since_before(p, peer) ? peer->join.folder : 0;
    }
    found(p);
}

/* Founds, or asks for one more round that may show that enough nodes were fresh together. */
static void judge_fresh(struct paxos *p)
{
    uint32_t fresh = 0, since_before = 0, needed = paxos_quorum_to_found(p->quorums);
    for (uint32_t i = 0; i < p->peer_count; i++) {
        fresh += answered_as(p, &p->peers[i], PAXOS_FRESH);
        since_before += fresh_since_before(p, &p->peers[i]);
    }
    if (since_before >= needed && may_found(p))
        found_with_fresh(p);
    else if (fresh >= needed && since_before < fresh)
        next_round(p);
}

void paxos_join_start(struct paxos *p)
{
    paxos_psid_start(p);
    if (p->membership.standing != PAXOS_FRESH)
        return;
    assert(p->folder != 0);
    p->join.known_life = paxos_life(p);
    next_round(p);
    judge_fresh(p);
}

/* A folder with another number was made since, and counts from this round on. */
static void remember_folder(struct paxos *p, struct paxos_peer *peer, uint64_t folder)
{
    if (folder == peer->join.folder)
        return;
    peer->join.folder = folder;
    peer->join.folder_round = p->join.round;
}

void paxos_on_join_reply(struct paxos *p, struct paxos_peer *peer, const struct paxos_message *m)
{
    bool mine = m->folder == p->folder && m->round == p->join.round;
    if (p->membership.standing != PAXOS_FRESH || !mine)
        return;
    remember_folder(p, peer, paxos_told_folder(p, m, peer->pid));
    peer->join.round = m->round;
    peer->join.standing = m->standing;
    peer->join.promise = m->n;
    peer->join.life = paxos_told_life(p, m, peer->pid);
    paxos_learn_lives(p, m);
    uint32_t life = paxos_told_life(p, m, p->me);
    if (life > p->join.known_life)
        p->join.known_life = life;
    if (m->standing == PAXOS_MEMBER && paxos_told_folder(p, m, p->me) == p->folder)
        found_as(p, m);
    else if (!judge_members(p))
        judge_fresh(p);
}

void paxos_join_tick(struct paxos *p)
{
    if (p->membership.standing == PAXOS_FRESH)
        for (uint32_t i = 0; i < p->peer_count; i++)
            p->peers[i].join.ask_due = true;
}

void paxos_join_complete(struct paxos *p)
{
    if (p->membership.standing != PAXOS_JOINING)
        return;
    paxos_set_standing(p, PAXOS_MEMBER);
    p->join.completed_in = p->membership_version;
}

/* ---- Answering ---- */

void paxos_on_join_request(struct paxos *p, struct paxos_peer *peer, const struct paxos_message *m)
{
    if (paxos_is_member(p))
        paxos_learn_life(p, peer->pid, m->life);
    peer->question.folder = m->folder;
    peer->question.round = m->round;
    peer->question.reply_due = true;
}

static void ask(struct paxos *p, struct paxos_peer *peer)
{
    struct paxos_message *m = paxos_send(p, PAXOS_JOIN_REQUEST, peer->pid);
    m->folder = p->folder;
    m->round = p->join.round;
    m->life = paxos_life(p);
    peer->join.ask_due = false;
}

static void reply(struct paxos *p, struct paxos_peer *peer)
{
    struct paxos_message *m = paxos_send(p, PAXOS_JOIN_REPLY, peer->pid);
    m->folder = peer->question.folder;
    m->round = peer->question.round;
    m->standing = (uint8_t)p->membership.standing;
    m->n = p->promise;
    paxos_tell_lives(p, m);
    paxos_tell_folders(p, m);
    peer->question.reply_due = false;
}

/* A life is durable at the node that takes it before it asks with it, as it must not be another one
 * after a restart; and at a member before it answers. */
void paxos_join_output(struct paxos *p)
{
    if (!paxos_membership_durable(p))
        return;
    for (uint32_t i = 0; i < p->peer_count; i++) {
        struct paxos_peer *peer = &p->peers[i];
        if (peer->join.ask_due && p->membership.standing == PAXOS_FRESH)
            ask(p, peer);
        if (peer->question.reply_due)
            reply(p, peer);
    }
}
