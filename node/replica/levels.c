/* The feature level of the cluster and the addresses of its members, which are in the log.
 *
 * Every node says in its handshake which levels it speaks (command/level.h). When all members are
 * linked to the leader and speak more than the cluster's level, the leader proposes the next one.
 * The first one of a new cluster also says whose the root of the tree is. From then on nothing less
 * is let in (peer_set_level). A command that needs more than the level is refused before it is
 * proposed, with the name of the member that holds it back.
 *
 * From level 2 on, a node whose address is not what the log says of it proposes that it is changed.
 * The others dial it there at once, as it says so when it connects; by the log those learn it that
 * it has not reached. */
#include "replica/replica_internal.h"

#include "base/trace.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { LEVELS_ROOT_MODE = 0755 }; /* of the root of a new tree */
enum { LEVELS_PAUSE_MS = 200, LEVELS_PAUSE_MS_MAX = 60 * 1000 };

static uint32_t level_of(const struct replica *r)
{
    return tree_cluster(r->tree)->level;
}

/* ---- Following the log ---- */

/* Whether the node is there, as `cluster` says. */
static bool places_node_at(const struct tree_cluster *cluster, uint32_t node, const char *addr,
                           const char *peer_addr)
{
    for (uint32_t i = 0; i < cluster->count; i++) {
        const struct tree_member *member = &cluster->members[i];
        if (member->node == node)
            return strcmp(member->addr, addr) == 0 && strcmp(member->peer_addr, peer_addr) == 0;
    }
    return false;
}

/* Takes the addresses that are new in the log, and no others: a member may have said a newer one
 * when it connected. This node's own are those of its configuration. */
static void take_addresses(struct replica *r)
{
    const struct tree_cluster *cluster = tree_cluster(r->tree);
    for (uint32_t i = 0; i < cluster->count; i++) {
        const struct tree_member *from = &cluster->members[i];
        struct replica_member *to = members_find(r, from->node);
        bool known = places_node_at(&r->levels.followed, from->node, from->addr, from->peer_addr);
        if (to && from->node != r->cluster.me && !known)
            members_name(r, to, from->addr, from->peer_addr);
    }
    r->levels.followed = *cluster;
}

void levels_begin(struct replica *r)
{
    r->levels.followed = (struct tree_cluster){0};
    take_addresses(r);
}

static void levels_follow(struct replica *r)
{
    struct fault fault;
    if (level_of(r) != r->levels.followed.level)
        trace_info("levels", "the cluster is at feature level %u", level_of(r));
    peer_set_level(r->peer, level_of(r));
    take_addresses(r);
    members_warn(r);
    int status = members_tell(r, &fault);
    if (status < 0)
        replica_break(r, fault.text, status);
}

/* ---- Proposing ---- */

/* Housekeeping proposes again what is still due, but not at once: what the log refuses, it refuses
 * again, and each time costs an entry. */
static void levels_pause(struct replica *r)
{
    struct replica_levels *levels = &r->levels;
    levels->pause_ms = levels->pause_ms == 0 ? LEVELS_PAUSE_MS : 2 * levels->pause_ms;
    if (levels->pause_ms > LEVELS_PAUSE_MS_MAX)
        levels->pause_ms = LEVELS_PAUSE_MS_MAX;
    levels->next_ms = replica_now_ms() + levels->pause_ms;
}

static void on_proposed(void *arg, enum replica_outcome outcome,
                        const struct command_result *result)
{
    struct replica *r = arg;
    r->levels.busy = false;
    if (outcome == REPLICA_DONE && result->status == 0) {
        r->levels.pause_ms = 0;
        return;
    }
    if (outcome == REPLICA_DONE)
        trace_warn("levels", "the log refuses what this node says of itself: %s",
                   strerror(-result->status));
    levels_pause(r);
}

static void levels_propose(struct replica *r, const struct op *op)
{
    struct command command = {0};
    if (command_add(&command, op) < 0) {
        command_free(&command);
        levels_pause(r);
        return;
    }
    r->levels.busy = true;
    writes_submit(r, &command, replica_deadline_ms(r), on_proposed, r);
}

/* The highest level that all members speak; 0: this node is not linked to all of them. */
static uint32_t level_of_all(const struct replica *r)
{
    uint32_t level = LEVEL_MAX;
    for (uint32_t i = 0; i < r->cluster.count; i++) {
        struct peer_levels levels;
        if (r->cluster.members[i].pid == r->cluster.me)
            continue;
        if (!peer_speaks(r->peer, r->cluster.members[i].pid, &levels))
            return 0;
        level = levels.max < level ? levels.max : level;
    }
    return level;
}

/* Whether the cluster was founded by this version or a later one, a moment ago: it has left the
 * first level never before. The ids of clusters of the first version follow from the addresses. */
static bool is_new(const struct replica *r)
{
    uint64_t former;
    uint32_t me, pids[PAXOS_NODES_MAX - 1];
    config_cluster(r->config, &former, &me, pids);
    return level_of(r) == LEVEL_MIN && r->cluster.identity.cluster != former;
}

/* The leader proposes it; in a new cluster the node with the lowest id, whose user gets the root.
 */
static void propose_level(struct replica *r)
{
    uint32_t all = level_of(r) < LEVEL_MAX ? level_of_all(r) : 0;
    bool founds = all >= LEVEL_RIGHTS && is_new(r);
    bool is_mine =
        founds ? r->cluster.members[0].pid == r->cluster.me : r->status.role == PAXOS_LEADER;
    struct op op = {.type = OP_LEVEL, .size = all};
    if (founds) {
        op.mode = LEVELS_ROOT_MODE;
        op.uid = geteuid();
        op.gid = getegid();
    }
    if (is_mine && all > level_of(r))
        levels_propose(r, &op);
}

bool levels_reach(const struct replica *r, uint32_t level)
{
    return level_of(r) >= level || level_of_all(r) >= level;
}

static bool is_where_the_log_says(const struct replica *r)
{
    const struct config_member *me = &r->config->me;
    return places_node_at(tree_cluster(r->tree), r->cluster.me, me->addr, me->peer_addr);
}

void levels_housekeeping(struct replica *r, uint64_t now_ms)
{
    if (tree_cluster(r->tree)->version != r->levels.followed.version)
        levels_follow(r);
    if (r->levels.busy || r->end.broken || !replica_has_quorum(r) || !r->status.has_leader ||
        now_ms < r->levels.next_ms)
        return;
    propose_level(r);
    if (!r->levels.busy && level_of(r) >= 2 && !is_where_the_log_says(r))
        levels_propose(r, &(struct op){.type = OP_MEMBER,
                                       .name = bytes_of_text(r->config->me.addr),
                                       .name2 = bytes_of_text(r->config->me.peer_addr)});
}

bool levels_rise(const struct replica *r)
{
    return replica_has_quorum(r) && level_of_all(r) > level_of(r);
}

bool levels_settled(const struct replica *r)
{
    if (!r->paxos || levels_rise(r))
        return false;
    return level_of(r) < 2 || is_where_the_log_says(r);
}

/* ---- Refusing ---- */

bool levels_allow(const struct replica *r, const struct command *command)
{
    return command->level <= level_of(r);
}

void replica_unsupported(const struct replica *r, char text[REPLICA_TEXT_MAX])
{
    for (uint32_t i = 0; i < r->cluster.count; i++) {
        const struct replica_member *member = &r->cluster.members[i];
        struct peer_levels levels;
        if (member->pid == r->cluster.me)
            continue;
        bool linked = peer_speaks(r->peer, member->pid, &levels);
        if (linked && levels.max > level_of(r))
            continue;
        snprintf(text, REPLICA_TEXT_MAX, "node %u (%s) %s", member->pid, member->addr,
                 linked ? "runs an earlier version of quorumfs: upgrade it"
                        : "is not reached: it may run an earlier version of quorumfs");
        return;
    }
    snprintf(text, REPLICA_TEXT_MAX, "the cluster is about to change to level %d", LEVEL_MAX);
}

/* An entry that this version cannot read would stop this node. A member that keeps to the level
 * proposes none. */
bool levels_readable(const struct paxos_message *m)
{
    for (uint32_t i = 0; i < m->entry_count; i++) {
        const struct paxos_entry *entry = m->entries[i];
        struct command_view view;
        int status = command_check(bytes_of(entry->bytes, entry->len), &view);
        if (status == 0 && !sessions_forwardable(&view))
            return false;
        if (status != -EPROTONOSUPPORT)
            continue;
        trace_warn("levels", "node %u proposes an entry of a later version of quorumfs: dropped",
                   m->from);
        return false;
    }
    return true;
}
