/* Serving a snapshot of the tree to a peer that is too far behind for the log.
 *
 * The peer says how many pieces it has, and is sent a window of those that follow, so that a long
 * way between the nodes does not slow it down. Lost pieces are asked for again, so the window is
 * kept, and the view of the tree stays open until the last row was read.
 *
 * Over a slow line that takes long, and the log goes on meanwhile. So the entries that were applied
 * since the snapshot began follow its rows, and those that were applied while these were sent,
 * until one piece has all that is left: if the line is faster than the writes, that ends, and then
 * the leader still has what comes next. The entries come from the file of the log, where they are
 * kept as long as they take no more than a share of the disk. */
#include "replica/replica_internal.h"

#include <assert.h>
#include <errno.h>

#include "base/trace.h"
#include "command/level.h"

void serving_begin(struct replica *r)
{
    for (uint32_t i = 0; i < PAXOS_NODES_MAX; i++)
        r->serving[i].replica = r;
}

static struct buffer *serving_piece_at(struct snapshot_serving *s, uint64_t piece)
{
    return &s->pieces[piece % SNAPSHOT_WINDOW];
}

/* What the log's file has to keep for all that are served. */
static void serving_keep_entries(struct replica *r)
{
    uint64_t lowest = UINT64_MAX;
    for (uint32_t i = 0; i < PAXOS_NODES_MAX; i++) {
        const struct snapshot_serving *s = &r->serving[i];
        if (s->pid != 0 && s->tail && !s->whole && s->entry < lowest)
            lowest = s->entry;
    }
    if (r->log)
        log_keep(r->log, lowest);
}

/* The transaction of a reader keeps the tree's WAL from being used again. */
static void serving_close_reader(struct snapshot_serving *s)
{
    if (s->reader)
        tree_reader_close(s->reader);
    s->reader = NULL;
}

static void serving_close(struct snapshot_serving *s)
{
    assert(!s->reading);
    trace_debug("snapshot", "served node %u, which has %lu pieces", s->pid,
                (unsigned long)s->received);
    serving_close_reader(s);
    for (size_t i = 0; i < SNAPSHOT_WINDOW; i++)
        buffer_free(&s->pieces[i]);
    bool tail = s->tail;
    *s = (struct snapshot_serving){.replica = s->replica};
    if (tail)
        serving_keep_entries(s->replica);
}

static void serving_refuse(struct replica *r, const struct frame *request)
{
    trace_debug("snapshot", "has none of index %lu or later for node %u",
                (unsigned long)request->index, request->from);
    peer_send(r->peer, &(struct frame){
                           .type = FRAME_SNAPSHOT_PIECE, .to = request->from, .id = request->id});
}

static void serving_send(struct snapshot_serving *s, uint64_t piece)
{
    const struct buffer *data = serving_piece_at(s, piece);
    trace_debug("snapshot", "piece %lu of index %lu goes to node %u", (unsigned long)piece,
                (unsigned long)s->index, s->pid);
    peer_send(s->replica->peer, &(struct frame){.type = FRAME_SNAPSHOT_PIECE,
                                                .to = s->pid,
                                                .id = s->id,
                                                .index = s->index,
                                                .piece = piece,
                                                .last = s->whole && piece + 1 == s->read,
                                                .data = bytes_of(data->data, data->len)});
}

static void serving_read_on(struct snapshot_serving *s);

/* The next piece has been read: its bytes are kept. */
static void serving_take(struct snapshot_serving *s, struct bytes bytes)
{
    struct buffer *data = serving_piece_at(s, s->read);
    data->len = 0;
    buffer_append(data, bytes.data, bytes.len);
}

/* ... and sent, as the last one if `whole`. */
static void serving_go_on(struct snapshot_serving *s, bool whole)
{
    if (serving_piece_at(s, s->read)->failed) {
        serving_close(s);
        return;
    }
    s->whole = whole;
    s->read++;
    serving_send(s, s->read - 1);
    serving_read_on(s);
}

static void serving_rows_read(void *arg, int status, struct bytes bytes, bool last)
{
    struct snapshot_serving *s = arg;
    s->reading = false;
    if (status == -EUCLEAN)
        replica_break(s->replica, tree_fault(s->replica->tree), status);
    if (status < 0)
        trace_warn("snapshot", "reading for node %u failed: %s", s->pid,
                   tree_fault(s->replica->tree));
    if (status < 0 || s->replica->end.stopping) {
        serving_close(s);
        return;
    }
    serving_take(s, bytes);
    if (last)
        serving_close_reader(s);
    serving_go_on(s, last && !s->tail);
}

/* Another tree took the place of the one that is served: entries that the log's file still has from
 * before may never have been decided. */
static bool serving_outlived(const struct snapshot_serving *s)
{
    return s->replica->counts.snapshots_received != s->installed;
}

static void serving_entries_read(struct log_read *read)
{
    struct snapshot_serving *s = read->done_arg;
    struct buffer *records = &read->records;
    uint64_t end = s->entry + read->count;
    s->reading = false;
    if (read->status < 0)
        trace_warn("snapshot", "reading the log for node %u failed: %s", s->pid,
                   uv_strerror(read->status));
    if (read->status < 0 || serving_outlived(s) || s->replica->end.stopping) {
        buffer_free(records);
        serving_close(s);
        return;
    }
    s->entry = end;
    serving_take(s, bytes_of(records->data, records->len));
    buffer_free(records);
    serving_keep_entries(s->replica);
    serving_go_on(s, end == read->end);
}

static void serving_read_entries(struct snapshot_serving *s)
{
    struct replica *r = s->replica;
    s->entries = (struct log_read){.first = s->entry,
                                   .end = tree_applied(r->tree),
                                   .bytes_max = SNAPSHOT_PIECE_BYTES,
                                   .done = serving_entries_read,
                                   .done_arg = s};
    log_read(r->log, &s->entries);
}

/* Entries can be much larger than a piece of rows. */
static bool serving_window_is_full(struct snapshot_serving *s)
{
    size_t bytes = 0;
    for (uint64_t piece = s->received; piece < s->read; piece++)
        bytes += serving_piece_at(s, piece)->len;
    return s->read >= s->received + SNAPSHOT_WINDOW ||
           bytes >= (size_t)2 * SNAPSHOT_WINDOW * SNAPSHOT_PIECE_BYTES;
}

/* As far as the window goes. */
static void serving_read_on(struct snapshot_serving *s)
{
    if (s->reading || s->whole || serving_window_is_full(s))
        return;
    s->reading = true;
    if (!s->reader) {
        serving_read_entries(s);
        return;
    }
    int status =
        tree_reader_next(s->reader, s->replica->loop, SNAPSHOT_PIECE_BYTES, serving_rows_read, s);
    if (status < 0)
        serving_rows_read(s, status, (struct bytes){0}, false);
}

/* The peer's place in the table: the one it has, or a free one. */
static struct snapshot_serving *serving_of(struct replica *r, uint32_t pid)
{
    struct snapshot_serving *room = NULL;
    for (uint32_t i = 0; i < PAXOS_NODES_MAX; i++) {
        if (r->serving[i].pid == pid)
            return &r->serving[i];
        if (r->serving[i].pid == 0 && !room)
            room = &r->serving[i];
    }
    return room;
}

/* A format that every member reads. As long as the cluster's level is lower, the tree has nothing
 * that the older format lacks. */
static uint32_t format_for_all(const struct replica *r)
{
    uint32_t level = tree_cluster(r->tree)->level;
    if (level < 2)
        return RECORD_FORMAT_OLDEST;
    if (level < LEVEL_TOKENS)
        return level < LEVEL_LOCKS ? 4 : 5;
    return RECORD_FORMAT;
}

static void serving_open(struct replica *r, struct snapshot_serving *s, const struct frame *request)
{
    if (s->pid != 0)
        serving_close(s);
    uint64_t index = 0;
    uint32_t format = format_for_all(r);
    if (request->piece != 0 || tree_applied(r->tree) < request->index || r->fetching.installing ||
        tree_reader_open(r->tree, format, &s->reader, &index) < 0) {
        s->reader = NULL;
        serving_refuse(r, request);
        return;
    }
    trace_info("snapshot", "node %u fetches the tree at index %lu", request->from,
               (unsigned long)index);
    r->counts.snapshots_sent++;
    s->pid = request->from;
    s->id = request->id;
    s->index = index;
    s->tail = r->log && tree_cluster(r->tree)->level >= LEVEL_TAIL;
    s->entry = index;
    s->installed = r->counts.snapshots_received;
    s->used_ms = replica_now_ms();
    if (s->tail)
        serving_keep_entries(r);
    serving_read_on(s);
}

static void serving_send_again(struct snapshot_serving *s)
{
    for (uint64_t piece = s->received; piece < s->read; piece++)
        serving_send(s, piece);
}

/* The peer has all below `piece`. That it says so twice means that it misses what came after. */
static void serving_received(struct snapshot_serving *s, uint64_t piece)
{
    s->used_ms = replica_now_ms();
    if (piece == s->received)
        serving_send_again(s);
    s->received = piece;
    if (s->whole && s->received == s->read)
        serving_close(s);
    else
        serving_read_on(s);
}

void serving_request(struct replica *r, const struct frame *request)
{
    struct snapshot_serving *s = serving_of(r, request->from);
    if (!s)
        return;
    bool known = s->pid != 0 && s->id == request->id;
    if (!known && !s->reading) /* otherwise it asks again */
        serving_open(r, s, request);
    else if (known && request->piece > s->read)
        serving_refuse(r, request);
    else if (known && request->piece >= s->received)
        serving_received(s, request->piece);
}

/* The log's file may take a share of the disk, or as much as a leader keeps of it in memory. */
static bool serving_has_room(const struct replica *r)
{
    struct log_metrics log;
    if (!r->log || r->rooms.own.room != ROOM_PLENTY)
        return false;
    log_metrics(r->log, &log);
    uint64_t used = log.file_bytes - log.free_bytes;
    return used <= LOG_BYTES_MAX || used <= (r->rooms.here.free + used) / LOG_KEPT_SHARE;
}

void serving_housekeeping(struct replica *r, uint64_t now_ms)
{
    for (uint32_t i = 0; i < PAXOS_NODES_MAX; i++) {
        struct snapshot_serving *s = &r->serving[i];
        if (s->pid == 0 || s->reading)
            continue;
        bool idle = now_ms - s->used_ms > SNAPSHOT_IDLE_MS;
        if (!idle && s->tail && !s->whole && !serving_has_room(r)) {
            trace_warn("snapshot", "no room to keep the log for node %u", s->pid);
            idle = true;
        }
        if (idle)
            serving_close(s);
    }
}

bool serving_busy(const struct replica *r)
{
    for (uint32_t i = 0; i < PAXOS_NODES_MAX; i++)
        if (r->serving[i].reading)
            return true;
    return false;
}

void serving_stop(struct replica *r)
{
    for (uint32_t i = 0; i < PAXOS_NODES_MAX; i++)
        if (r->serving[i].pid != 0)
            serving_close(&r->serving[i]);
}
