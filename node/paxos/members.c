/* The members of the cluster, their lives, and how messages carry them.
 *
 * In memory and on disk a member is found by its pid. Messages carry lives and folders as arrays by
 * rank: the position of a member among the pids, which is the same at both ends because they have
 * the same configuration. Only this file knows that. */
#include "paxos/state.h"

#include <assert.h>

struct paxos_membership paxos_membership_of(const uint32_t *pids, uint32_t count,
                                            enum paxos_standing standing)
{
    struct paxos_membership membership = {.standing = standing, .count = count};
    assert(count >= 1 && count <= PAXOS_NODES_MAX);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t at = i;
        for (; at > 0 && membership.members[at - 1].pid > pids[i]; at--)
            membership.members[at] = membership.members[at - 1];
        membership.members[at] = (struct paxos_member){.pid = pids[i]};
    }
    paxos_membership_check(&membership);
    return membership;
}

void paxos_membership_check(const struct paxos_membership *membership)
{
    assert(membership->standing < PAXOS_STANDING_END);
    assert(membership->count >= 1 && membership->count <= PAXOS_NODES_MAX);
    for (uint32_t i = 0; i < membership->count; i++) {
        assert(membership->members[i].pid > (i > 0 ? membership->members[i - 1].pid : 0));
        assert(membership->members[i].life < PAXOS_LIFE_MAX);
    }
}

struct paxos_peer *paxos_peer(struct paxos *p, uint32_t pid)
{
    for (uint32_t i = 0; i < p->peer_count; i++)
        if (p->peers[i].pid == pid)
            return &p->peers[i];
    return NULL;
}

uint32_t paxos_rank(const struct paxos *p, uint32_t pid)
{
    uint32_t rank = 0;
    while (p->membership.members[rank].pid != pid) {
        rank++;
        assert(rank < p->membership.count);
    }
    return rank;
}

struct paxos_member *paxos_member(struct paxos *p, uint32_t pid)
{
    return &p->membership.members[paxos_rank(p, pid)];
}

bool paxos_is_member(const struct paxos *p)
{
    return p->membership.standing == PAXOS_MEMBER;
}

uint32_t paxos_life_of(const struct paxos *p, uint32_t pid)
{
    return p->membership.members[paxos_rank(p, pid)].life;
}

uint32_t paxos_life(const struct paxos *p)
{
    return paxos_life_of(p, p->me);
}

void paxos_set_standing(struct paxos *p, enum paxos_standing standing)
{
    p->membership.standing = standing;
    p->membership_version++;
}

bool paxos_raise_life(struct paxos *p, uint32_t pid, uint32_t life)
{
    struct paxos_member *member = paxos_member(p, pid);
    if (life <= member->life)
        return false;
    member->life = life;
    p->membership_version++;
    return true;
}

/* ---- In messages ---- */

void paxos_tell_lives(const struct paxos *p, struct paxos_message *m)
{
    for (uint32_t rank = 0; rank < p->membership.count; rank++)
        m->lives[rank] = p->membership.members[rank].life;
}

void paxos_tell_folders(const struct paxos *p, struct paxos_message *m)
{
    for (uint32_t rank = 0; rank < p->membership.count; rank++)
        m->folders[rank] = p->membership.members[rank].folder;
    m->folders[paxos_rank(p, p->me)] = p->folder;
}

uint32_t paxos_told_life(const struct paxos *p, const struct paxos_message *m, uint32_t pid)
{
    return m->lives[paxos_rank(p, pid)];
}

uint64_t paxos_told_folder(const struct paxos *p, const struct paxos_message *m, uint32_t pid)
{
    return m->folders[paxos_rank(p, pid)];
}

/* The best promise may prove to be one of an earlier life: its log is not there any more. */
void paxos_learn_life(struct paxos *p, uint32_t pid, uint32_t life)
{
    bool best_is_gone = paxos_raise_life(p, pid, life) && pid == p->leader.best_pid;
    if (best_is_gone && p->role == PAXOS_LEADER && p->phase == PAXOS_PHASE_PREPARE)
        paxos_prepare_all(p);
}

void paxos_learn_lives(struct paxos *p, const struct paxos_message *m)
{
    for (uint32_t i = 0; i < p->peer_count; i++) {
        uint32_t pid = p->peers[i].pid;
        paxos_learn_life(p, pid, paxos_told_life(p, m, pid));
    }
}
