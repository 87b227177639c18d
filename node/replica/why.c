/* Why this node does not serve, in one sentence: for the status, for /readyz, for refused requests
 * and for the log. There is one function that decides it (why_of), and one that says it
 * (why_describe).
 *
 * The last two reasons are found by their effects: a node asks for a read of its own every second
 * (reads_keep_fresh), and sees whether what was proposed is decided. So they also tell of what no
 * rule has foreseen. */
#include "replica/replica_internal.h"

#include "base/trace.h"
#include "paxos/quorum.h"

#include <stdio.h>
#include <string.h>

enum { WHY_WAITS_MS = 2000 }; /* what lasts longer is told to the log */

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
    case PAXOS_MEMBER:
    case PAXOS_STANDING_END:
        snprintf(s->why, sizeof s->why,
                 "no quorum: this node reaches %u of %u nodes, itself included, and needs %u",
                 members_reached(s) + 1, nodes, paxos_majority(nodes));
    }
    why_add_peers(s, "not reached: ", false);
    why_add_peers(s, "still joining: ", true);
}

/* ---- A quorum, and yet ---- */

static bool is_alive(const struct replica *r, uint32_t pid)
{
    for (uint32_t i = 0; i < r->status.peer_count; i++)
        if (r->status.peers[i].pid == pid)
            return r->status.peers[i].alive;
    return false;
}

static void describe_fetching(const struct replica *r, struct replica_status *s)
{
    char from[80] = ": no node is linked that could have it";
    if (r->fetching.pid)
        snprintf(from, sizeof from, ", from node %u", r->fetching.pid);
    else if (r->fetching.later_ms)
        snprintf(from, sizeof from, ", as soon as the disk has room for it");
    snprintf(s->why, sizeof s->why,
             "this node is behind what the logs of the others reach back to: it fetches the tree "
             "at entry %lu or later%s",
             (unsigned long)r->turn.snapshot_needed, from);
}

static void describe_leader(const struct replica *r, struct replica_status *s)
{
    if (r->turn.snapshot_needed)
        describe_fetching(r, s);
    else if (r->status.role == PAXOS_LEADER)
        snprintf(s->why, sizeof s->why,
                 "no node leads: this node is about to, and waits for the logs of the others");
    else if (is_alive(r, r->status.promise.pid))
        snprintf(s->why, sizeof s->why,
                 "this node follows node %u, which has not brought its log in line yet",
                 r->status.promise.pid);
    else
        snprintf(s->why, sizeof s->why, "no node leads: an election is under way");
}

static void describe_reads(const struct replica *r, struct replica_status *s)
{
    uint64_t applied = tree_applied(r->tree);
    if (r->fetching.installing)
        snprintf(s->why, sizeof s->why, "this node takes over the tree that it has fetched");
    else if (applied < r->turn.decided)
        snprintf(s->why, sizeof s->why,
                 "this node is behind: it has applied %lu of %lu entries that are decided%s",
                 (unsigned long)applied, (unsigned long)r->turn.decided,
                 tree_must_pause(r->tree) ? ", and waits until they are on its disk" : "");
    else if (r->status.durable < r->status.decided)
        snprintf(s->why, sizeof s->why,
                 "this node's disk is too slow: %lu of %lu entries are on it",
                 (unsigned long)r->status.durable, (unsigned long)r->status.decided);
    else if (r->status.role == PAXOS_LEADER)
        snprintf(s->why, sizeof s->why,
                 "this node leads, and the others do not confirm it: reads wait for them");
    else
        snprintf(s->why, sizeof s->why,
                 "node %u leads, and does not answer this node's questions: reads wait for it",
                 r->status.promise.pid);
}

static void describe_writes(const struct replica *r, struct replica_status *s)
{
    bool behind[PAXOS_NODES_MAX] = {0};
    snprintf(s->why, sizeof s->why,
             "what is written here is not on the disks of a majority: %lu entries wait",
             (unsigned long)(r->status.accepted - r->status.decided));
    for (uint32_t i = 0; i < s->peer_count && r->status.role == PAXOS_LEADER; i++)
        behind[i] = s->peers[i].accepted < r->status.accepted;
    why_add_those(s, "not there: ", behind);
}

/* ---- The one answer ---- */

/* So long may a read or a write take that is only slow. */
static uint64_t why_patience_ms(const struct replica *r)
{
    return r->config->request_timeout_ms + 2 * READ_CONFIRM_MS;
}

static bool reads_are_late(const struct replica *r, uint64_t now_ms)
{
    uint64_t since =
        r->why.able_ms > r->reads.confirmed_ms ? r->why.able_ms : r->reads.confirmed_ms;
    return r->why.able_ms != 0 && now_ms - since > why_patience_ms(r);
}

static bool writes_are_late(const struct replica *r, uint64_t now_ms)
{
    return r->status.accepted > r->status.decided && r->status.decided == r->why.decided &&
           r->why.decided_ms != 0 && now_ms - r->why.decided_ms > why_patience_ms(r);
}

/* Without what is only known by its effects. */
static enum why why_known(const struct replica *r)
{
    uint64_t time_ns;
    if (r->end.stopping || r->end.broken)
        return WHY_STOPPING;
    if (r->rooms.away)
        return WHY_AWAY;
    if (r->digests.doubt)
        return WHY_DOUBT;
    if (!r->cluster.identity.cluster)
        return WHY_UNKNOWN;
    if (r->status.standing != PAXOS_MEMBER)
        return WHY_NEW;
    if (!r->status.has_quorum)
        return WHY_QUORUM;
    if (!r->status.has_leader)
        return WHY_LEADER;
    if (!dates_now(r, &time_ns))
        return WHY_CLOCKS;
    return levels_settled(r) ? WHY_SERVES : WHY_SETTLING;
}

enum why why_of(const struct replica *r)
{
    uint64_t now_ms = replica_now_ms();
    enum why why = why_known(r);
    if (why != WHY_SERVES)
        return why;
    return reads_are_late(r, now_ms)    ? WHY_READS
           : writes_are_late(r, now_ms) ? WHY_WRITES
                                        : WHY_SERVES;
}

/* What is wrong although this node serves. */
static void describe_serving(const struct replica *r, struct replica_status *s)
{
    replica_no_room(r, s->why);
    if (!s->why[0])
        misfits_describe(r, s->why);
    if (!s->why[0])
        dates_describe(r, s->why);
    if (!s->why[0] && r->mount.locks_lost)
        snprintf(
            s->why, sizeof s->why,
            "this node was not heard for longer than session_time, and locks of programs at its "
            "mount are lost: their changes fail with EIO, as do those of processes in other PID "
            "namespaces, until these programs have closed the files that were locked");
}

static void why_add_misfits(const struct replica *r, struct replica_status *s)
{
    char text[REPLICA_TEXT_MAX];
    misfits_describe(r, text);
    why_add(s, text[0] ? "; " : "");
    why_add(s, text);
}

void why_describe(const struct replica *r, enum why why, struct replica_status *s)
{
    switch (why) {
    case WHY_SERVES:
        describe_serving(r, s);
        return;
    case WHY_STOPPING:
        snprintf(s->why, sizeof s->why, "this node is stopping");
        return;
    case WHY_AWAY:
        replica_no_room(r, s->why);
        return;
    case WHY_DOUBT:
        digests_doubt(r, s->why);
        return;
    case WHY_UNKNOWN:
        describe_unknown(r, s);
        return;
    case WHY_NEW:
    case WHY_QUORUM:
        describe_standing(r, s);
        break;
    case WHY_LEADER:
        describe_leader(r, s);
        break;
    case WHY_CLOCKS:
        snprintf(s->why, sizeof s->why, "%s", CLOCKS_UNHEARD);
        return;
    case WHY_SETTLING:
        snprintf(s->why, sizeof s->why,
                 "the nodes are agreeing on a feature level, or on where this node is");
        return;
    case WHY_READS:
        describe_reads(r, s);
        break;
    case WHY_WRITES:
        describe_writes(r, s);
        break;
    }
    why_add_misfits(r, s);
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

/* Others tell the log of these. */
static bool is_told_elsewhere(enum why why)
{
    return why == WHY_STOPPING || why == WHY_AWAY || why == WHY_DOUBT || why == WHY_CLOCKS;
}

static void why_say(struct replica *r)
{
    struct replica_status s;
    enum why before = r->why.said;
    r->why.said = r->why.now;
    if (r->why.now == WHY_SERVES) {
        if (!is_told_elsewhere(before))
            trace_warn("serve", "requests are served again");
        return;
    }
    if (is_told_elsewhere(r->why.now))
        return;
    replica_status(r, &s);
    bool joins = r->why.now == WHY_NEW || r->why.now == WHY_UNKNOWN;
    trace_warn(joins ? "join" : "serve", "%s", s.why);
}

/* What why_of needs to know of the past. */
static void why_follow(struct replica *r, uint64_t now_ms)
{
    if (why_known(r) != WHY_SERVES)
        r->why.able_ms = now_ms;
    bool waits = r->status.accepted > r->status.decided && r->status.has_leader;
    if (!waits || r->status.decided != r->why.decided)
        r->why.decided_ms = now_ms;
    r->why.decided = r->status.decided;
}

void why_housekeeping(struct replica *r, uint64_t now_ms)
{
    if (r->why.standing != r->status.standing)
        why_say_standing(r);
    r->why.standing = r->status.standing;
    why_follow(r, now_ms);
    enum why why = why_of(r);
    if (why != r->why.now)
        r->why.since_ms = now_ms;
    r->why.now = why;
    bool lasts = why == WHY_SERVES || now_ms - r->why.since_ms >= WHY_WAITS_MS;
    if (why != r->why.said && lasts)
        why_say(r);
}
