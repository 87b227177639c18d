/* The members of the cluster and their addresses: first as node.json says, then as other nodes say
 * when they connect, then as the log says (levels.c). */
#include "replica/replica_internal.h"

#include "base/trace.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

struct replica_member *members_find(struct replica *r, uint32_t pid)
{
    for (uint32_t i = 0; i < r->cluster.count; i++) {
        if (r->cluster.members[i].pid == pid)
            return &r->cluster.members[i];
    }
    return NULL;
}

/* By which address node.json reaches this peer, if that is not the peer's addr; or NULL. */
static const char *way_to(const struct replica *r, const char *addr)
{
    for (uint32_t i = 0; i < r->config->peer_count; i++) {
        const struct config_member *peer = &r->config->peers[i];
        if (strcmp(peer->addr, addr) == 0 && strcmp(peer->peer_addr, addr) != 0)
            return peer->peer_addr;
    }
    return NULL;
}

void members_name(const struct replica *r, struct replica_member *member, const char *addr,
                  const char *peer_addr)
{
    const char *way = way_to(r, addr);
    snprintf(member->addr, sizeof member->addr, "%s", addr);
    snprintf(member->peer_addr, sizeof member->peer_addr, "%s", way ? way : peer_addr);
}

void members_from_config(struct replica *r)
{
    uint64_t cluster;
    uint32_t me, pids[PAXOS_NODES_MAX - 1];
    config_cluster(r->config, &cluster, &me, pids);
    r->cluster.me = me;
    r->cluster.scope = (struct frame_scope){cluster, CONFIGURATION};
    r->cluster.count = r->config->peer_count + 1;
    for (uint32_t i = 0; i < r->cluster.count; i++)
        r->cluster.members[i].pid = i + 1;
    members_name(r, members_find(r, me), r->config->me.addr, r->config->me.peer_addr);
    for (uint32_t i = 0; i < r->config->peer_count; i++)
        members_name(r, members_find(r, pids[i]), r->config->peers[i].addr,
                     r->config->peers[i].peer_addr);
}

/* In the order of their ids, like all others. */
void members_from_greeting(struct replica *r, const struct peer_greeting *greeting)
{
    r->cluster.count = 0;
    for (uint32_t i = 0; i < greeting->count; i++) {
        const struct peer_member *from = &greeting->members[i];
        uint32_t at = r->cluster.count++;
        for (; at > 0 && r->cluster.members[at - 1].pid > from->pid; at--)
            r->cluster.members[at] = r->cluster.members[at - 1];
        r->cluster.members[at] = (struct replica_member){.pid = from->pid};
        members_name(r, &r->cluster.members[at], from->addr, from->peer_addr);
    }
}

void members_identity(const struct replica *r, struct peer_identity *identity)
{
    *identity = (struct peer_identity){.scope = r->cluster.scope, .me = r->cluster.me};
    if (!r->cluster.identity.cluster)
        identity->standing = PEER_NEW;
    else if (r->status.standing == PAXOS_FRESH && !r->cluster.identity.told)
        identity->standing = PEER_FOUNDING;
    else
        identity->standing = PEER_MEMBER;
    identity->start = starts_mine(r);
    for (uint32_t i = 0; i < r->cluster.count; i++) {
        const struct replica_member *member = &r->cluster.members[i];
        if (member->pid == r->cluster.me)
            continue;
        struct peer_member *other = &identity->members[identity->count++];
        other->pid = member->pid;
        other->fixed = way_to(r, member->addr);
        other->seen = starts_of(&r->starts.known, member->pid);
        memcpy(other->addr, member->addr, sizeof other->addr);
        memcpy(other->peer_addr, member->peer_addr, sizeof other->peer_addr);
    }
}

int members_tell(struct replica *r, struct fault *fault)
{
    struct peer_identity identity;
    members_identity(r, &identity);
    return peer_identify(r->peer, &identity, fault);
}

static bool members_are_named(const struct replica *r)
{
    for (uint32_t i = 0; i < r->cluster.count; i++) {
        if (!r->cluster.members[i].addr[0])
            return false;
    }
    return true;
}

/* The peers in node.json count only until the cluster is founded. */
void members_warn(struct replica *r)
{
    if (r->cluster.warned || !members_are_named(r))
        return;
    r->cluster.warned = true;
    for (uint32_t i = 0; i < r->config->peer_count; i++) {
        const char *addr = r->config->peers[i].addr;
        bool found = false;
        for (uint32_t j = 0; j < r->cluster.count; j++)
            found |= strcmp(addr, r->cluster.members[j].addr) == 0;
        if (!found)
            trace_warn("members",
                       "node.json names the peer %s, which is not among the members of the "
                       "cluster: it is not asked for anything",
                       addr);
    }
}

/* Whether this node is where no other one is. */
static int members_check(const struct replica *r, struct fault *fault)
{
    for (uint32_t i = 0; i < r->cluster.count; i++) {
        const struct replica_member *member = &r->cluster.members[i];
        if (member->pid != r->cluster.me && strcmp(member->addr, r->config->me.addr) == 0)
            return fault_set(fault, -EINVAL,
                             "addr: %s is the addr of node %u of the cluster, and the folder "
                             "belongs to node %u: give that node an addr of its own",
                             member->addr, member->pid, r->cluster.me);
    }
    return 0;
}

/* The ids of a cluster follow the order of its addresses when it is founded. So the others of that
 * order, in node.json or as a member has said, are the others of the log, wherever this node itself
 * has moved to.
 *
 * If they are more or fewer, nobody can say which is which before the log does, or they themselves
 * when they connect. Until then they have no name here, and their addresses are a guess: dialling a
 * wrong one does no harm, and without a cluster_secret a member is let in from these only. */
int members_begin(struct replica *r, const struct paxos_membership *membership, struct fault *fault)
{
    struct replica_member members[PAXOS_NODES_MAX];
    bool known = membership->count == r->cluster.count;
    uint32_t next = 0; /* of the others, as they are known so far */
    for (uint32_t i = 0; i < membership->count; i++) {
        uint32_t pid = membership->members[i].pid;
        members[i] = (struct replica_member){.pid = pid};
        if (pid == r->cluster.identity.node) {
            members_name(r, &members[i], r->config->me.addr, r->config->me.peer_addr);
            continue;
        }
        next += next < r->cluster.count && r->cluster.members[next].pid == r->cluster.me;
        const struct replica_member *other = &r->cluster.members[next++];
        if (next <= r->cluster.count)
            members_name(r, &members[i], known ? other->addr : "", other->peer_addr);
    }
    memcpy(r->cluster.members, members, sizeof members);
    r->cluster.count = membership->count;
    r->cluster.me = r->cluster.identity.node;
    levels_begin(r);
    members_warn(r);
    return members_check(r, fault);
}
