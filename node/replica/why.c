/* Why writes are refused here, in one sentence; and log lines about a node whose folder is new. */
#include "replica/replica_internal.h"

#include "base/trace.h"
#include "paxos/quorum.h"

#include <stdio.h>
#include <string.h>

enum { WAITS_MS = 2000 }; /* a node that joins for longer says what it waits for */

static void why_add(struct replica_status *s, const char *text)
{
    size_t at = strlen(s->why);
    snprintf(s->why + at, sizeof s->why - at, "%s", text);
}

static void why_add_name(struct replica_status *s, uint32_t peer)
{
    char number[24];
    snprintf(number, sizeof number, "node %u", s->peers[peer].pid);
    why_add(s, s->peers[peer].addr[0] ? s->peers[peer].addr : number);
}

/* "; TITLE: ADDR, ADDR" of the peers that answer and do not vote, or that do not answer. */
static void why_add_peers(struct replica_status *s, const char *title, bool alive)
{
    bool first = true;
    for (uint32_t i = 0; i < s->peer_count; i++) {
        bool votes = s->peers[i].alive && s->peers[i].standing == PAXOS_MEMBER;
        if (votes || s->peers[i].alive != alive)
            continue;
        why_add(s, first ? "; " : ", ");
        why_add(s, first ? title : "");
        why_add_name(s, i);
        first = false;
    }
}

static uint32_t members_reached(const struct replica_status *s)
{
    uint32_t members = 0;
    for (uint32_t i = 0; i < s->peer_count; i++)
        members += s->peers[i].alive && s->peers[i].standing == PAXOS_MEMBER;
    return members;
}

static void describe_fresh(const struct replica *r, struct replica_status *s)
{
    char founding[80] = "";
    if (members_reached(s) == 0 && !r->cluster.identity.told)
        snprintf(founding, sizeof founding,
                 ", or founds the cluster with %u of them if they are new as well",
                 s->paxos.fresh_needed);
    snprintf(
        s->why, sizeof s->why,
        "no quorum: this node's folder is new: it joins when it has heard from %u of the other "
        "nodes that have the data%s",
        s->paxos.members_needed, founding);
}

/* "; TITLE: ADDR, ADDR" of the peers of which this is said. */
static void why_add_those(struct replica_status *s, const char *title, const bool *those)
{
    bool first = true;
    for (uint32_t i = 0; i < s->peer_count; i++) {
        if (!those[i])
            continue;
        why_add(s, first ? "; " : ", ");
        why_add(s, first ? title : "");
        why_add_name(s, i);
        first = false;
    }
}

/* Peers that are alive as what they are not: their addresses or lists of peers are wrong. */
static void why_add_wrong(const struct replica *r, struct replica_status *s)
{
    bool own[PAXOS_NODES_MAX] = {0}, foreign[PAXOS_NODES_MAX] = {0}, other[PAXOS_NODES_MAX] = {0};
    for (uint32_t i = 0; i < s->peer_count; i++) {
        enum peer_address address = peer_address(r->peer, s->peers[i].pid);
        own[i] = address == PEER_ADDRESS_OWN;
        foreign[i] = address == PEER_ADDRESS_FOREIGN && !s->peers[i].alive;
        other[i] = s->peers[i].other_peers;
    }
    why_add_those(s, "this node itself: ", own);
    why_add_those(s, "answers, but none says that this is its addr: ", foreign);
    why_add_those(s, "has other peers than this node: ", other);
}

/* It does not know its cluster yet (founding.c). */
static void describe_unknown(const struct replica *r, struct replica_status *s)
{
    snprintf(
        s->why, sizeof s->why,
        "no quorum: this node's folder is new: it joins when a node that has the data answers, "
        "and founds a cluster when all %u others have answered that they are new as well",
        s->peer_count);
    why_add_wrong(r, s);
    why_add_peers(s, "not reached: ", false);
}

static void describe_standing(const struct replica *r, struct replica_status *s)
{
    uint32_t nodes = s->peer_count + 1;
    switch (s->paxos.standing) {
    case PAXOS_FRESH:
        describe_fresh(r, s);
        break;
    case PAXOS_JOINING:
        snprintf(s->why, sizeof s->why,
                 "no quorum: this node's folder is new: it has been let in, and waits for a leader "
                 "to bring it the data");
        break;
    default:
        snprintf(s->why, sizeof s->why,
                 "no quorum: this node reaches %u of %u nodes, itself included, and needs %u",
                 members_reached(s) + 1, nodes, paxos_majority(nodes));
    }
}

void why_refused(const struct replica *r, struct replica_status *s)
{
    if (r->end.stopping) {
        snprintf(s->why, sizeof s->why, "this node is stopping");
        return;
    }
    if (r->rooms.away) {
        rooms_describe(r, s->why);
        return;
    }
    if (r->digests.doubt) {
        digests_doubt(r, s->why);
        return;
    }
    if (!r->cluster.identity.cluster) {
        describe_unknown(r, s);
        return;
    }
    describe_standing(r, s);
    why_add_peers(s, "not reached: ", false);
    why_add_peers(s, "still joining: ", true);
}

/* ---- In the log ---- */

static void why_say_standing(const struct replica *r)
{
    switch (r->status.standing) {
    case PAXOS_FRESH:
        trace_info("join", "this node's folder is new: asking the others what that means");
        break;
    case PAXOS_JOINING:
        trace_info("join", "let in, in life %u: fetching the data", r->status.life);
        break;
    default:
        trace_info("join", "this node is a member now");
    }
}

void why_housekeeping(struct replica *r, uint64_t now_ms)
{
    if (r->why.standing != r->status.standing)
        why_say_standing(r);
    if (r->why.standing == PAXOS_MEMBER)
        r->why.joining_since_ms = now_ms;
    r->why.standing = r->status.standing;
    bool waits = r->status.standing != PAXOS_MEMBER && now_ms - r->why.joining_since_ms >= WAITS_MS;
    if (!waits || r->why.said)
        return;
    struct replica_status s;
    replica_status(r, &s);
    trace_warn("join", "%s", s.why);
    r->why.said = true;
}
