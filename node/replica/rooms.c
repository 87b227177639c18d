/* Whether the disks of the nodes have room.
 *
 * Every node looks at its own disk and tells the others. A command that grows the store is refused,
 * long before a disk is full, unless a majority of the nodes that are alive has room for it and for
 * all that may be under way. What does not grow (deleting) goes on, within the reserves if need be.
 *
 * A node whose own disk is full behind others that go on follows as long as it can, and then stays
 * away: it hears and says nothing of consensus, as if its links were cut, and catches up when there
 * is room. Its disk is not asked for more than it has, so it never has to break. */
#include "replica/replica_internal.h"

#include "base/trace.h"
#include "command/level.h"
#include "paxos/quorum.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    ROOMS_LOOK_MS = 200, /* when there is plenty; otherwise with each housekeeping */
    ROOMS_TELL_MS = 1000,
    ROOMS_KEPT_SHARE = 8,       /* of the file system, between the next two, stays free */
    ROOMS_NEAR_KEPT = 4,        /* so many times as much */
    ROOMS_UNAPPLIED_MAX = 4096, /* entries that are looked at */
    ROOMS_OP_BYTES = 8192,      /* an operation may take so many bytes beside its own, */
    ROOMS_BYTE_BYTES = 2,       /* and each byte of the entry so many: in the log and in the tree */
};
#define ROOMS_KEPT_BYTES_MIN (UINT64_C(32) << 20)
#define ROOMS_KEPT_BYTES_MAX (UINT64_C(256) << 20)

static const struct room_report roomy = {ROOM_PLENTY, UINT64_MAX};

static uint64_t at_least_zero(uint64_t a, uint64_t b)
{
    return a > b ? a - b : 0;
}

static uint64_t smaller_of(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* ---- This node's disk ---- */

/* Covers what may come before all nodes know that there is no room: what grows beside the tree (the
 * log, both WALs), and what is decided between two looks. */
static uint64_t rooms_kept(const struct room *here)
{
    uint64_t kept = smaller_of(here->total / ROOMS_KEPT_SHARE, ROOMS_KEPT_BYTES_MAX);
    return kept > ROOMS_KEPT_BYTES_MIN ? kept : ROOMS_KEPT_BYTES_MIN;
}

/* The bytes that decided entries will add to the tree. */
static uint64_t rooms_unapplied(const struct replica *r)
{
    uint64_t bytes = 0, applied = tree_applied(r->tree);
    if (!r->paxos || r->fetching.installing || r->turn.decided <= applied)
        return 0;
    if (r->turn.decided - applied > ROOMS_UNAPPLIED_MAX)
        return r->status.log_bytes;
    for (uint64_t i = applied; i < r->turn.decided; i++)
        bytes += paxos_entry_at(r->paxos, i)->len;
    return bytes;
}

/* By how much the store may grow. Free pages of tree.db are room: what was deleted can be written
 * again, although the file has not become shorter. But the log and the WALs need some of the disk's
 * as well, unless they have it already. */
static uint64_t rooms_growth_left(const struct replica *r, const struct tree_counts *tree)
{
    struct log_metrics log = {0};
    if (r->log)
        log_metrics(r->log, &log);
    const struct room *here = &r->rooms.here;
    uint64_t kept = rooms_kept(here);
    uint64_t owed = tree->owed_bytes + ROOMS_BYTE_BYTES * rooms_unapplied(r);
    uint64_t free = at_least_zero(here->free, owed);
    uint64_t for_tree = at_least_zero(free + tree->free_bytes, kept);
    uint64_t for_work = at_least_zero(free + log.free_bytes + tree->wal_bytes, kept / 2);
    return smaller_of(for_tree, for_work);
}

/* What was low has to become some more than just enough again. */
static struct room_report rooms_judge(const struct replica *r, const struct tree_counts *tree)
{
    const struct replica_rooms *rooms = &r->rooms;
    uint64_t enough = rooms->own.room == ROOM_PLENTY ? 0 : rooms_kept(&rooms->here) / 8;
    if (rooms->log_full || room_available(&rooms->here) < rooms->here.whole / 2)
        return (struct room_report){ROOM_FULL, 0};
    uint64_t left = room_is_whole(&rooms->here) ? rooms_growth_left(r, tree) : 0;
    return left > enough ? (struct room_report){ROOM_PLENTY, left}
                         : (struct room_report){ROOM_LOW, 0};
}

/* It comes back when the reserve is whole: then there is room for more than a moment. */
static bool rooms_stays_away(const struct replica_rooms *rooms)
{
    uint64_t whole = rooms->here.whole;
    if (rooms->log_full)
        return true;
    if (!rooms->away)
        return room_available(&rooms->here) < whole / 4;
    return !room_is_whole(&rooms->here) || room_available(&rooms->here) < whole;
}

static void rooms_look(struct replica *r, uint64_t now_ms)
{
    struct replica_rooms *rooms = &r->rooms;
    struct tree_counts tree;
    rooms->looked_ms = now_ms;
    room_look(&rooms->here, r->folder);
    if (tree_counts(r->tree, &tree) < 0)
        return;
    rooms->own = rooms_judge(r, &tree);
    rooms->near = rooms->here.free < ROOMS_NEAR_KEPT * rooms_kept(&rooms->here);
    tree_tighten(r->tree, rooms->near || rooms->own.room != ROOM_PLENTY, rooms->here.free);
    bool away = rooms_stays_away(rooms);
    if (away && !rooms->away)
        trace_error("room",
                    "the disk of this node is full: it takes no part until there is room in %s",
                    r->config->dir);
    else if (rooms->away && !away)
        trace_info("room", "the disk of this node has room again: it takes part");
    rooms->away = away;
}

void rooms_before_apply(struct replica *r)
{
    if (r->rooms.near)
        rooms_look(r, replica_now_ms());
}

void rooms_begin(struct replica *r)
{
    room_open(&r->rooms.here, r->folder);
    if (r->rooms.here.impossible)
        trace_warn("room", "no reserve for a full disk can be kept in %s", r->config->dir);
    else if (r->rooms.here.hollow)
        trace_warn("room",
                   "the file system of %s does not set room aside: the reserve may not help when "
                   "the disk is full",
                   r->config->dir);
}

void rooms_end(struct replica *r)
{
    room_close(&r->rooms.here);
}

/* ---- The others' ---- */

struct room_report rooms_of(const struct replica *r, uint32_t pid)
{
    for (uint32_t i = 0; i < r->rooms.peer_count; i++)
        if (r->rooms.peers[i].pid == pid)
            return r->rooms.peers[i].report;
    return roomy; /* it has not said, or is of an earlier version */
}

void rooms_frame(struct replica *r, const struct frame *frame)
{
    uint32_t i = 0;
    while (i < r->rooms.peer_count && r->rooms.peers[i].pid != frame->from)
        i++;
    if (i == PAXOS_NODES_MAX)
        return;
    r->rooms.peer_count = i < r->rooms.peer_count ? r->rooms.peer_count : i + 1;
    r->rooms.peers[i].pid = frame->from;
    r->rooms.peers[i].report = (struct room_report){frame->room, frame->room_bytes};
}

void rooms_greet(struct replica *r, uint32_t pid)
{
    if (tree_cluster(r->tree)->level >= LEVEL_ROOM)
        peer_send(r->peer, &(struct frame){.type = FRAME_ROOM,
                                           .to = pid,
                                           .room = r->rooms.own.room,
                                           .room_bytes = r->rooms.own.bytes});
}

static void rooms_tell(struct replica *r, uint64_t now_ms)
{
    r->rooms.told_ms = now_ms;
    for (uint32_t i = 0; i < r->cluster.count; i++)
        if (r->cluster.members[i].pid != r->cluster.me)
            rooms_greet(r, r->cluster.members[i].pid);
}

/* The one with the most room first. */
static int rooms_compare(const void *left, const void *right)
{
    const struct room_report *a = left, *b = right;
    if (a->room != b->room)
        return a->room < b->room ? -1 : 1;
    return a->bytes > b->bytes ? -1 : a->bytes < b->bytes;
}

struct room_report rooms_majority(const struct replica *r)
{
    struct room_report alive[PAXOS_NODES_MAX] = {r->rooms.own};
    uint32_t count = 1;
    if (r->rooms.away)
        return (struct room_report){ROOM_FULL, 0};
    for (uint32_t i = 0; i < r->status.peer_count; i++)
        if (r->status.peers[i].alive && r->status.peers[i].standing == PAXOS_MEMBER)
            alive[count++] = rooms_of(r, r->status.peers[i].pid);
    uint32_t majority = paxos_majority(r->status.peer_count + 1);
    if (count < majority)
        return roomy; /* what this node sees says nothing; without a quorum, nothing is written */
    qsort(alive, count, sizeof *alive, rooms_compare);
    return alive[majority - 1];
}

/* ---- Refusing ---- */

uint64_t rooms_growth(const struct command *command)
{
    if (!command->grows)
        return 0;
    return ROOMS_BYTE_BYTES * (uint64_t)command->bytes.len +
           (uint64_t)ROOMS_OP_BYTES * command->count;
}

/* Each node may take an equal share of it before it hears how much is left. */
uint64_t replica_room(const struct replica *r)
{
    return rooms_majority(r).bytes / (r->cluster.count > 0 ? r->cluster.count : 1);
}

bool rooms_refuse(const struct replica *r, const struct command *command)
{
    struct room_report majority = rooms_majority(r);
    if (majority.room == ROOM_FULL)
        return true;
    if (!command->grows)
        return false;
    return majority.room != ROOM_PLENTY ||
           r->writes.growth + rooms_growth(command) > replica_room(r);
}

/* ---- Saying so ---- */

/* ", ADDR, ADDR" of the nodes without plenty of room. */
static void rooms_name(const struct replica *r, char *text, size_t size)
{
    for (uint32_t i = 0; i < r->cluster.count; i++) {
        const struct replica_member *member = &r->cluster.members[i];
        bool me = member->pid == r->cluster.me;
        struct room_report report = me ? r->rooms.own : rooms_of(r, member->pid);
        size_t at = strlen(text);
        if (report.room != ROOM_PLENTY)
            snprintf(text + at, size - at, "%s%s", at > 0 ? ", " : "", member->addr);
    }
}

void replica_no_room(const struct replica *r, char text[REPLICA_TEXT_MAX])
{
    const struct replica_rooms *rooms = &r->rooms;
    uint64_t left_kb = room_available(&rooms->here) / 1024;
    char names[REPLICA_TEXT_MAX / 2] = "";
    enum frame_room majority = rooms_majority(r).room;
    rooms_name(r, names, sizeof names);
    text[0] = '\0';
    if (rooms->away)
        snprintf(text, REPLICA_TEXT_MAX,
                 "this node's disk is full: it takes no part until there is room in %s",
                 r->config->dir);
    else if (majority == ROOM_FULL)
        snprintf(text, REPLICA_TEXT_MAX, "no room: the disks are full, make room there: %s", names);
    else if (majority == ROOM_LOW)
        snprintf(
            text, REPLICA_TEXT_MAX,
            "no room: the disks are nearly full, so only what needs no room is written: delete "
            "something, or make room at: %s",
            names);
    else if (rooms->own.room != ROOM_PLENTY)
        snprintf(text, REPLICA_TEXT_MAX,
                 "this node's disk is nearly full (%" PRIu64
                 " KiB left): the others go on, and it follows as long as it can",
                 left_kb);
}

/* Once for each change. */
static void rooms_say(struct replica *r)
{
    enum frame_room majority = rooms_majority(r).room, own = r->rooms.own.room;
    if (majority == r->rooms.said_majority && own == r->rooms.said_own)
        return;
    char text[REPLICA_TEXT_MAX];
    replica_no_room(r, text);
    r->rooms.said_majority = majority;
    r->rooms.said_own = own;
    if (text[0])
        trace_warn("room", "%s", text);
    else
        trace_info("room", "there is room for all writes again");
}

void rooms_housekeeping(struct replica *r, uint64_t now_ms)
{
    struct replica_rooms *rooms = &r->rooms;
    if (r->end.broken)
        return;
    if (rooms->own.room == ROOM_PLENTY && !rooms->log_full &&
        now_ms - rooms->looked_ms < ROOMS_LOOK_MS)
        return;
    struct room_report before = rooms->own;
    rooms_look(r, now_ms);
    bool news = before.room != rooms->own.room || rooms->own.bytes < before.bytes;
    if (!r->end.stopping && (news || now_ms - rooms->told_ms >= ROOMS_TELL_MS))
        rooms_tell(r, now_ms);
    rooms_say(r);
}
