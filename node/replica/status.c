#include "replica/status.h"

#include "replica/replica_internal.h"

#include <assert.h>
#include <cjson/cJSON.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* ---- Gathering ---- */

/* As the core sees the peer. Before there is a core, a peer is alive that says that it is new. */
static void describe_peer(const struct replica *r, const struct replica_member *member,
                          struct replica_status *s)
{
    uint32_t at = s->peer_count++;
    s->peers[at].pid = member->pid;
    s->peers[at].addr = member->addr;
    s->peers[at].linked = peer_linked(r->peer, member->pid);
    s->peers[at].encrypted = peer_is_encrypted(r->peer, member->pid);
    s->peers[at].other_peers = member->other_peers;
    s->peers[at].alive = !r->cluster.identity.cluster && founding_heard(member);
    for (uint32_t i = 0; i < s->paxos.peer_count; i++) {
        if (s->paxos.peers[i].pid != member->pid)
            continue;
        s->peers[at].alive = s->paxos.peers[i].alive;
        s->peers[at].standing = s->paxos.peers[i].standing;
        s->peers[at].accepted = s->paxos.peers[i].accepted;
    }
    s->peers[at].room = rooms_of(r, member->pid).room;
}

static void describe_peers(const struct replica *r, struct replica_status *s)
{
    for (uint32_t i = 0; i < r->cluster.count; i++) {
        if (r->cluster.members[i].pid != r->cluster.me)
            describe_peer(r, &r->cluster.members[i], s);
    }
}

void replica_status(struct replica *r, struct replica_status *s)
{
    enum why why = why_of(r);
    *s = (struct replica_status){.me = r->cluster.identity.node,
                                 .cluster = r->cluster.identity.cluster,
                                 .config = r->config};
    s->paxos = r->status;
    if (r->paxos)
        paxos_status(r->paxos, &s->paxos);
    s->paxos.has_quorum &= !r->digests.doubt && r->quorum.hearsay_beats == 0;
    s->applied = tree_applied(r->tree);
    s->digest = tree_history(r->tree);
    s->level = tree_cluster(r->tree)->level;
    s->serves = why == WHY_SERVES;
    describe_peers(r, s);
    why_describe(r, why, s);
    dates_status(r, s);
    s->mounted = r->mount.mounted;
    s->mount_why = r->mount.why;
    s->growth_refused = rooms_majority(r).room != ROOM_PLENTY;
    s->room = r->rooms.own.room;
    s->room_bytes = replica_room(r);
    if (s->room_bytes > r->rooms.here.total)
        s->room_bytes = r->rooms.here.total; /* some node has not said what it has */
    s->disk_free_bytes = r->rooms.here.free;
    s->reserve_bytes = r->rooms.here.reserve;
    pace_status(r, s);
    s->pending_writes = r->writes.count;
    s->pending_reads = r->reads.count;
    s->age_ms = r->reads.confirmed_ms ? replica_now_ms() - r->reads.confirmed_ms : UINT64_MAX;
    s->session_left_ms = replica_session_left_ms(r);
    s->fetching_snapshot = r->fetching.pid != 0;
    s->counts = r->counts;
    if (r->log)
        log_metrics(r->log, &s->log);
    peer_metrics(r->peer, &s->links);
    tree_counts(r->tree, &s->tree);
}

uint32_t replica_node(const struct replica *r)
{
    return r->cluster.identity.node;
}

void replica_locks_lost(struct replica *r, bool lost)
{
    r->mount.locks_lost = lost;
}

void replica_lock_awaited(struct replica *r, bool begins)
{
    assert(begins || r->mount.locks_awaited > 0);
    r->mount.locks_awaited += begins ? 1 : -1;
}

void replica_mount_is(struct replica *r, bool mounted, const char *why)
{
    r->mount.mounted = mounted;
    snprintf(r->mount.why, sizeof r->mount.why, "%s", why);
}

/* ---- As JSON ---- */

static const char *const role_names[] = {"follower", "leader"};
static const char *const phase_names[] = {"none", "prepare", "accept", "recover"};
static const char *const standing_names[] = {"member", "joining", "new"};

static const char *const room_names[ROOM_END] = {"plenty", "low", "full"};

static void add_number(cJSON *object, const char *name, uint64_t value)
{
    cJSON_AddNumberToObject(object, name, (double)value);
}

static void add_signed(cJSON *object, const char *name, int64_t value)
{
    cJSON_AddNumberToObject(object, name, (double)value);
}

static void add_peers(cJSON *root, const struct replica_status *s)
{
    cJSON *peers = cJSON_AddArrayToObject(root, "peers");
    for (uint32_t i = 0; i < s->peer_count; i++) {
        cJSON *peer = cJSON_CreateObject();
        add_number(peer, "node", s->peers[i].pid);
        cJSON_AddStringToObject(peer, "addr", s->peers[i].addr);
        cJSON_AddBoolToObject(peer, "linked", s->peers[i].linked);
        cJSON_AddBoolToObject(peer, "encrypted", s->peers[i].encrypted);
        cJSON_AddBoolToObject(peer, "alive", s->peers[i].alive);
        if (s->peers[i].clock_known)
            add_signed(peer, "clock_ahead_ms", s->peers[i].clock_ahead_ms);
        cJSON_AddStringToObject(peer, "room", room_names[s->peers[i].room]);
        if (s->paxos.role == PAXOS_LEADER)
            add_number(peer, "accepted", s->peers[i].accepted);
        cJSON_AddItemToArray(peers, peer);
    }
}

/* As text: JSON's numbers are not as exact. */
static void add_hexadecimal(cJSON *object, const char *name, uint64_t value)
{
    char text[17];
    snprintf(text, sizeof text, "%016" PRIx64, value);
    cJSON_AddStringToObject(object, name, text);
}

static void add_log(cJSON *root, const struct replica_status *s)
{
    cJSON *log = cJSON_AddObjectToObject(root, "log");
    add_number(log, "compacted", s->paxos.compacted);
    add_number(log, "applied", s->applied);
    add_hexadecimal(log, "digest", s->digest);
    add_number(log, "decided", s->paxos.decided);
    add_number(log, "durable", s->paxos.durable);
    add_number(log, "accepted", s->paxos.accepted);
    cJSON *tree = cJSON_AddObjectToObject(root, "tree");
    add_number(tree, "inodes", s->tree.inodes);
    add_number(tree, "bytes", s->tree.bytes);
    add_number(tree, "database_bytes", s->tree.file_bytes);
    add_number(tree, "snapshots_sent", s->counts.snapshots_sent);
    add_number(tree, "snapshots_received", s->counts.snapshots_received);
    cJSON_AddBoolToObject(tree, "fetching_snapshot", s->fetching_snapshot);
}

static void add_turns(cJSON *root, const struct replica_status *s)
{
    cJSON *turns = cJSON_AddObjectToObject(root, "turns");
    add_number(turns, "longest_ms", s->turn_ns_max / 1000000);
    add_number(turns, "longest_processor_ms", s->turn_processor_ns_max / 1000000);
}

static void add_mount(cJSON *root, const struct replica_status *s)
{
    if (!s->config->mount[0])
        return;
    cJSON *mount = cJSON_AddObjectToObject(root, "mount");
    cJSON_AddStringToObject(mount, "path", s->config->mount);
    cJSON_AddBoolToObject(mount, "mounted", s->mounted);
    cJSON_AddStringToObject(mount, "why", s->mount_why);
}

static void add_disk(cJSON *root, const struct replica_status *s)
{
    cJSON *disk = cJSON_AddObjectToObject(root, "disk");
    cJSON_AddStringToObject(disk, "room", room_names[s->room]);
    cJSON_AddBoolToObject(disk, "growth_refused", s->growth_refused);
    add_number(disk, "growth_bytes", s->room_bytes);
    add_number(disk, "free_bytes", s->disk_free_bytes);
    add_number(disk, "reserve_bytes", s->reserve_bytes);
}

static void add_remark(void *remarks, const char *text)
{
    cJSON_AddItemToArray(remarks, cJSON_CreateString(text));
}

static cJSON *status_object(const struct replica *r, const struct replica_status *s)
{
    cJSON *root = cJSON_CreateObject();
    add_number(root, "node", s->me);
    cJSON_AddStringToObject(root, "addr", s->config->me.addr);
    add_hexadecimal(root, "cluster", s->cluster);
    cJSON_AddStringToObject(root, "version", QUORUMFS_VERSION);
    add_number(root, "level", s->level);
    cJSON_AddBoolToObject(root, "ready", s->serves);
    cJSON_AddBoolToObject(root, "quorum", s->paxos.has_quorum);
    cJSON_AddStringToObject(root, "why", s->why);
    settings_remarks(r, add_remark, cJSON_AddArrayToObject(root, "remarks"));
    cJSON_AddBoolToObject(root, "plain_peers", s->config->plain_peers);
    cJSON_AddStringToObject(root, "standing", standing_names[s->paxos.standing]);
    add_number(root, "life", s->paxos.life);
    cJSON_AddStringToObject(root, "role", role_names[s->paxos.role]);
    cJSON_AddStringToObject(root, "phase", phase_names[s->paxos.phase]);
    add_number(root, "leader", s->paxos.has_leader ? s->paxos.promise.pid : 0);
    add_number(root, "ballot", s->paxos.promise.n);
    add_number(root, "leader_changes", s->paxos.leader_changes);
    if (s->age_ms != UINT64_MAX)
        add_number(root, "confirmed_ms_ago", s->age_ms);
    if (s->time_known)
        add_signed(root, "clock_ahead_ms", s->clock_ahead_ms);
    add_number(root, "session_left_ms", s->session_left_ms);
    add_number(root, "waiting_writes", s->pending_writes);
    add_number(root, "waiting_reads", s->pending_reads);
    add_turns(root, s);
    add_mount(root, s);
    add_log(root, s);
    add_disk(root, s);
    add_peers(root, s);
    return root;
}

void status_json(struct replica *replica, struct buffer *out)
{
    struct replica_status s;
    replica_status(replica, &s);
    cJSON *root = status_object(replica, &s);
    char *text = cJSON_Print(root);
    if (text)
        buffer_printf(out, "%s\n", text);
    else
        out->failed = true;
    cJSON_free(text);
    cJSON_Delete(root);
}

/* ---- As metrics ---- */

static void metric(struct buffer *out, const char *type, const char *name, const char *help,
                   double value)
{
    buffer_printf(out, "# HELP quorumfs_%s %s\n# TYPE quorumfs_%s %s\nquorumfs_%s %.17g\n", name,
                  help, name, type, name, value);
}

static void counter(struct buffer *out, const char *name, const char *help, uint64_t value)
{
    metric(out, "counter", name, help, (double)value);
}

static void gauge(struct buffer *out, const char *name, const char *help, uint64_t value)
{
    metric(out, "gauge", name, help, (double)value);
}

static void consensus_metrics(struct buffer *out, const struct replica_status *s)
{
    gauge(out, "has_quorum", "1 if this node, or its leader, reaches a quorum.",
          s->paxos.has_quorum);
    gauge(out, "is_member", "1 if this node votes, 0 while its folder was empty and it joins.",
          s->paxos.standing == PAXOS_MEMBER);
    gauge(out, "is_leader", "1 if this node leads.", s->paxos.role == PAXOS_LEADER);
    gauge(out, "is_ready", "1 if this node serves requests.", s->serves);
    counter(out, "misfits_total", "Messages from peers whose logs cannot be right.",
            s->paxos.misfits);
    counter(out, "leader_changes_total", "Leaders seen since the start.", s->paxos.leader_changes);
    if (s->config->mount[0])
        gauge(out, "mounted", "1 if the mount of node.json is there.", s->mounted);
    gauge(out, "log_compacted", "Index where the log in memory begins.", s->paxos.compacted);
    gauge(out, "log_applied", "Entries applied to the tree.", s->applied);
    gauge(out, "log_digest",
          "Digest of the entries applied (its upper 53 bits): the same wherever log_applied is.",
          s->digest >> 11);
    gauge(out, "log_decided", "Entries decided.", s->paxos.decided);
    gauge(out, "log_accepted", "Entries accepted.", s->paxos.accepted);
    gauge(out, "log_memory_bytes", "Entries held in memory.", s->paxos.log_bytes);
    if (s->time_known)
        metric(out, "gauge", "clock_ahead_seconds",
               "This node's clock, compared with the time that changes are dated with.",
               (double)s->clock_ahead_ms / 1e3);
}

static void request_metrics(struct buffer *out, const struct replica_status *s)
{
    counter(out, "writes_total", "Commands submitted through this node.", s->counts.writes);
    counter(out, "reads_total", "Reads asked of this node.", s->counts.reads);
    counter(out, "reads_leased_total", "Reads that this node answered by a lease, asking nobody.",
            s->counts.reads_leased);
    counter(out, "refused_total", "Requests refused, with nothing done.", s->counts.refused);
    counter(out, "unknown_total", "Writes whose outcome stayed unknown.", s->counts.unknown);
    gauge(out, "waiting_writes", "Writes not answered yet.", s->pending_writes);
    gauge(out, "waiting_reads", "Reads not answered yet.", s->pending_reads);
    metric(out, "gauge", "turn_seconds_max", "The longest turn of the loop in the last 10 to 20 s.",
           (double)s->turn_ns_max / 1e9);
    metric(out, "gauge", "turn_processor_seconds_max",
           "Likewise, the time of a processor that one took.",
           (double)s->turn_processor_ns_max / 1e9);
}

static void store_metrics(struct buffer *out, const struct replica_status *s)
{
    counter(out, "log_commits_total", "Synced transactions of the log.", s->log.commits);
    counter(out, "log_entries_total", "Entries written to the log.", s->log.entries);
    counter(out, "log_bytes_total", "Bytes of these entries.", s->log.bytes);
    metric(out, "counter", "log_commit_seconds_total", "Time spent in these transactions.",
           (double)s->log.commit_ns_total / 1e9);
    metric(out, "gauge", "log_commit_seconds_max", "The slowest of them.",
           (double)s->log.commit_ns_max / 1e9);
    gauge(out, "log_file_bytes", "log.db with its write-ahead log.", s->log.file_bytes);
    gauge(out, "tree_inodes", "Files, directories and others.", s->tree.inodes);
    gauge(out, "tree_mortals", "Files that have a ttl or go with a lease.", s->tree.mortals);
    gauge(out, "tree_leases", "Leases.", s->tree.leases);
    gauge(out, "tree_bytes", "Bytes of contents.", s->tree.bytes);
    gauge(out, "tree_file_bytes", "tree.db with its write-ahead log.", s->tree.file_bytes);
    gauge(out, "tree_free_bytes", "Of tree.db: pages that are used before it grows.",
          s->tree.free_bytes);
    gauge(out, "disk_room", "Of this node's disk: 0 plenty, 1 low, 2 full.", s->room);
    gauge(out, "disk_free_bytes", "What the file system of the folder has left.",
          s->disk_free_bytes);
    gauge(out, "disk_reserve_bytes", "What the reserve has, for a disk that is full.",
          s->reserve_bytes);
    gauge(out, "growth_refused", "1 if writes that need room are refused: disks are nearly full.",
          s->growth_refused);
    gauge(out, "growth_bytes", "By so many bytes the store may grow.", s->room_bytes);
    counter(out, "snapshots_sent_total", "Snapshots that peers fetched here.",
            s->counts.snapshots_sent);
    counter(out, "snapshots_received_total", "Snapshots installed here.",
            s->counts.snapshots_received);
}

static void link_metrics(struct buffer *out, const struct replica_status *s)
{
    counter(out, "frames_sent_total", "Frames sent to peers.", s->links.frames_sent);
    counter(out, "frames_received_total", "Frames received from peers.", s->links.frames_received);
    counter(out, "frames_dropped_total", "Frames dropped: no link, or its queue was full.",
            s->links.frames_dropped);
    counter(out, "frames_relayed_total", "Frames passed on for two other nodes.",
            s->links.frames_relayed);
    counter(out, "link_sent_bytes_total", "Bytes sent to peers.", s->links.bytes_sent);
    counter(out, "link_received_bytes_total", "Bytes received from peers.",
            s->links.bytes_received);
    gauge(out, "link_queued_bytes", "Bytes waiting for peers.", s->links.queued_bytes);
    for (uint32_t i = 0; i < s->peer_count; i++) {
        if (i == 0)
            buffer_printf(out, "# HELP quorumfs_peer_linked 1 if links in both directions stand.\n"
                               "# TYPE quorumfs_peer_linked gauge\n");
        buffer_printf(out, "quorumfs_peer_linked{node=\"%u\",addr=\"%s\"} %d\n", s->peers[i].pid,
                      s->peers[i].addr, s->peers[i].linked);
    }
}

void status_metrics(struct replica *replica, struct buffer *out)
{
    struct replica_status s;
    replica_status(replica, &s);
    consensus_metrics(out, &s);
    request_metrics(out, &s);
    store_metrics(out, &s);
    link_metrics(out, &s);
}

void status_why(struct replica *replica, struct buffer *out)
{
    struct replica_status s;
    replica_status(replica, &s);
    if (s.why[0])
        buffer_printf(out, "%s\n", s.why);
}

void status_session(struct replica *replica, struct buffer *out)
{
    buffer_printf(out, "%" PRIu64 "\n", replica_session_left_ms(replica));
}
