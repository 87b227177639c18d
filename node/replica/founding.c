/* Which cluster this node belongs to, and as whom.
 *
 * The id of a cluster and those of its nodes are made once, when it is founded, and stored in every
 * folder; addresses may change afterwards. A node whose folder is new knows neither. It calls the
 * nodes that it is configured with, and listens to what they say of themselves:
 *
 *   new ---- a member names its addr among those of its cluster ----> it is that node
 *    |                                                                    ^
 *    +------ a node of feature level 1 answers: ids follow from addrs ----+
 *    |
 *    +------ all configured nodes are new, and its addr is the lowest ----> it founds the cluster,
 *                                                                          and tells the others
 *
 * All of them: a node that is silent may have the data of a cluster. A person who knows better says
 * --found. So a cluster is founded by one node, and no two nodes found different ones.
 *
 * Whether the node may then take part at once is the core's business (paxos/join.c). It must not
 * believe that nobody took part before if a member has told it of the cluster: this is stored as
 * well (struct identity). */
#include "replica/replica_internal.h"

#include "base/trace.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { FOUNDING_HEARD_MS = 3 * PEER_BACKOFF_MS_MAX }; /* a new node calls at least so often */

/* ---- Beginning ---- */

/* A folder of a former version has the ids that follow from the addresses. So these must be the
 * same as before at its first start with this version. */
static int check_former(const struct replica *r, const struct identity *stored, struct fault *fault)
{
    if (stored->cluster != r->cluster.scope.cluster)
        return fault_set(fault, -EINVAL,
                         "log.db: the folder belongs to another cluster: give the same addr and "
                         "peers as at its first start, or empty the folder to join as a new node");
    if (stored->node != r->cluster.me)
        return fault_set(fault, -EINVAL,
                         "log.db: the folder belongs to node %u of the cluster, not to node %u: "
                         "start it with that node's addr, or empty the folder to join as a new "
                         "node",
                         stored->node, r->cluster.me);
    return 0;
}

int founding_begin(struct replica *r, struct fault *fault)
{
    int format;
    members_from_config(r);
    int status = identity_read(r->folder, &r->cluster.identity, &format, fault);
    if (status < 0 || !r->cluster.identity.cluster)
        return status;
    if (format < 4)
        return check_former(r, &r->cluster.identity, fault);
    r->cluster.scope.cluster = r->cluster.identity.cluster;
    return 0;
}

/* ---- Learning it ---- */

/* The node knows who it is: starts consensus, and tells the links. */
static int founding_become(struct replica *r, const struct identity *identity, struct fault *fault)
{
    r->cluster.identity = *identity;
    r->cluster.scope.cluster = identity->cluster;
    r->cluster.me = identity->node;
    r->cluster.warned = false;
    trace_info("founding", "this is node %u of the cluster %016" PRIx64, identity->node,
               identity->cluster);
    int status = replica_begin(r, fault);
    return status < 0 ? status : members_tell(r, fault);
}

/* The nodes get ids from 1, in the order of their addresses. */
static int founding_found(struct replica *r, struct fault *fault)
{
    struct identity identity = {.node = r->cluster.me};
    while (identity.cluster == 0) {
        int status = uv_random(NULL, NULL, &identity.cluster, sizeof identity.cluster, 0, NULL);
        if (status < 0)
            return fault_set(fault, status, "found a cluster: no random number: %s",
                             uv_strerror(status));
    }
    trace_info("founding", "founding a cluster of %u nodes", r->cluster.count);
    return founding_become(r, &identity, fault);
}

bool founding_heard(const struct replica_member *member)
{
    return member->new_ms != 0 && replica_now_ms() - member->new_ms < FOUNDING_HEARD_MS;
}

/* Whether all have said lately that they are new, and this node's address is the lowest. */
static bool founding_may(const struct replica *r)
{
    if (r->config->found)
        return true;
    for (uint32_t i = 0; i < r->cluster.count; i++) {
        const struct replica_member *member = &r->cluster.members[i];
        if (member->pid != r->cluster.me && !founding_heard(member))
            return false;
    }
    return r->cluster.me == 1;
}

int founding_try(struct replica *r, struct fault *fault)
{
    return !r->cluster.identity.cluster && founding_may(r) ? founding_found(r, fault) : 0;
}

static int founding_hear_new(struct replica *r, const struct peer_greeting *greeting,
                             struct fault *fault)
{
    bool same_peers = greeting->scope.cluster == r->cluster.scope.cluster;
    for (uint32_t i = 0; i < r->cluster.count; i++) {
        struct replica_member *member = &r->cluster.members[i];
        if (strcmp(member->addr, greeting->dialler.addr) != 0)
            continue;
        if (!same_peers && !member->other_peers)
            trace_warn("founding",
                       "%s has another list of peers than this node: it must be the "
                       "same at all nodes to found a cluster",
                       member->addr);
        member->new_ms = same_peers ? replica_now_ms() : 0;
        member->other_peers = !same_peers;
    }
    return founding_try(r, fault);
}

/* From a node of feature level 1: the ids of its cluster follow from the addresses, as those do
 * that stand in for them here. It does not say whether the cluster has a past; the core asks it. */
static int founding_hear_former(struct replica *r, const struct peer_greeting *greeting,
                                struct fault *fault)
{
    bool same = greeting->scope.cluster == r->cluster.scope.cluster &&
                greeting->scope.configuration == r->cluster.scope.configuration &&
                greeting->to == r->cluster.me;
    if (same)
        return founding_become(
            r, &(struct identity){.cluster = r->cluster.scope.cluster, .node = r->cluster.me},
            fault);
    if (!r->cluster.warned)
        trace_warn("founding",
                   "node %u, of an earlier version, has another list of peers than this node",
                   greeting->dialler.pid);
    r->cluster.warned = true; /* it calls every two seconds */
    return 0;
}

static int founding_hear_member(struct replica *r, const struct peer_greeting *greeting,
                                struct fault *fault)
{
    bool named = false;
    for (uint32_t i = 0; i < greeting->count; i++)
        named |= greeting->members[i].pid == greeting->to &&
                 strcmp(greeting->members[i].addr, r->config->me.addr) == 0;
    if (!named) {
        if (greeting->count > 0 && !r->cluster.warned)
            trace_warn("founding", "the cluster of %s does not have %s among its members",
                       greeting->dialler.addr, r->config->me.addr);
        r->cluster.warned |= greeting->count > 0;
        return 0;
    }
    members_from_greeting(r, greeting);
    struct identity identity = {.cluster = greeting->scope.cluster,
                                .node = greeting->to,
                                .told = greeting->standing == PEER_MEMBER};
    return founding_become(r, &identity, fault);
}

static int founding_hear(struct replica *r, const struct peer_greeting *greeting,
                         struct fault *fault)
{
    switch (greeting->standing) {
    case PEER_NEW:
        return founding_hear_new(r, greeting, fault);
    case PEER_FORMER:
        return founding_hear_former(r, greeting, fault);
    case PEER_FOUNDING:
    case PEER_MEMBER:
        break;
    }
    return founding_hear_member(r, greeting, fault);
}

void founding_greeted(void *arg, const struct peer_greeting *greeting)
{
    struct replica *r = arg;
    struct fault fault;
    if (r->cluster.identity.cluster || r->end.stopping || r->end.broken)
        return;
    int status = founding_hear(r, greeting, &fault);
    if (status < 0)
        replica_break(r, fault.text, status);
}
