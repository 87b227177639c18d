/* Snapshots of the tree between nodes: serving one to a peer that is too far behind for the log,
 * and fetching one from a peer.
 *
 * The receiver drives: it asks for piece after piece, each by number, so a lost piece is asked for
 * again. The sender keeps a consistent view of its tree open, and the last piece that it read. A
 * peer that stays silent is given up, and the next one is asked from the start, since its snapshot
 * is another one. */
#include "replica_internal.h"

#include <assert.h>
#include <errno.h>

#include "base/trace.h"

/* ---- Serving ---- */

static void serving_close(struct snapshot_serving *s)
{
    assert(!s->reading);
    if (s->reader)
        tree_reader_close(s->reader);
    buffer_free(&s->data);
    *s = (struct snapshot_serving){.replica = s->replica};
}

static void serving_send(struct snapshot_serving *s)
{
    assert(s->have);
    peer_send(s->replica->peer, &(struct frame){.type = FRAME_SNAPSHOT_PIECE,
                                                .to = s->pid,
                                                .id = s->id,
                                                .index = s->index,
                                                .piece = s->piece,
                                                .last = s->last,
                                                .data = bytes_of(s->data.data, s->data.len)});
}

static void refuse(struct replica *r, const struct frame *request)
{
    peer_send(r->peer, &(struct frame){
                           .type = FRAME_SNAPSHOT_PIECE, .to = request->from, .id = request->id});
}

static void serving_read_done(void *arg, int status, struct bytes piece, bool last)
{
    struct snapshot_serving *s = arg;
    s->reading = false;
    s->data.len = 0;
    if (status == 0)
        buffer_append(&s->data, piece.data, piece.len);
    if (status == -EUCLEAN)
        replica_break(s->replica, tree_fault(s->replica->tree), status);
    if (status < 0 || s->data.failed || s->replica->stopping) {
        if (status < 0)
            trace_warn("snapshot", "reading for node %u failed: %s", s->pid,
                       tree_fault(s->replica->tree));
        serving_close(s);
        return;
    }
    s->have = true;
    s->last = last;
    serving_send(s);
}

static void serving_read(struct snapshot_serving *s, uint64_t piece)
{
    s->reading = true;
    s->have = false;
    s->piece = piece;
    int status =
        tree_reader_next(s->reader, s->replica->loop, SNAPSHOT_PIECE_BYTES, serving_read_done, s);
    if (status < 0)
        serving_read_done(s, status, (struct bytes){0}, false);
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

static void serving_open(struct replica *r, struct snapshot_serving *s, const struct frame *request)
{
    if (s->pid != 0)
        serving_close(s);
    uint64_t index = 0;
    if (tree_applied(r->tree) < request->index || r->fetching.installing ||
        tree_reader_open(r->tree, &s->reader, &index) < 0) {
        s->reader = NULL;
        refuse(r, request);
        return;
    }
    trace_info("snapshot", "node %u fetches the tree at index %lu", request->from,
               (unsigned long)index);
    r->snapshots_sent++;
    s->pid = request->from;
    s->id = request->id;
    s->index = index;
    s->used_ms = replica_now_ms();
    serving_read(s, 0);
}

static void serve(struct replica *r, const struct frame *request)
{
    struct snapshot_serving *s = serving_of(r, request->from);
    if (!s || s->reading)
        return; /* the answer is on its way */
    bool known = s->pid != 0 && s->id == request->id;
    if (request->piece == 0 && !known) {
        serving_open(r, s, request);
    } else if (!known) {
        refuse(r, request);
    } else if (request->piece == s->piece && s->have) {
        s->used_ms = replica_now_ms();
        serving_send(s);
    } else if (request->piece == s->piece + 1 && s->have && !s->last) {
        s->used_ms = replica_now_ms();
        serving_read(s, request->piece);
    } else {
        refuse(r, request);
    }
}

/* ---- Fetching ---- */

static void fetching_ask(struct replica *r)
{
    struct snapshot_fetching *f = &r->fetching;
    f->asked_ms = replica_now_ms();
    peer_send(r->peer, &(struct frame){.type = FRAME_SNAPSHOT_REQUEST,
                                       .to = f->pid,
                                       .id = f->id,
                                       .index = r->snapshot_needed,
                                       .piece = f->piece});
}

static void fetching_end(struct replica *r)
{
    struct snapshot_fetching *f = &r->fetching;
    assert(!f->writing && !f->installing);
    if (f->writer)
        tree_writer_abort(f->writer);
    buffer_free(&f->data);
    *f = (struct snapshot_fetching){.id = f->id, .tried = f->tried};
}

/* The next linked peer after the one that was tried last; the leader, who has other work, only if
 * there is nobody else. */
static uint32_t choose_peer(const struct replica *r, uint32_t last_tried)
{
    uint32_t after = 0, first = 0, leader = 0;
    for (uint32_t i = 0; i < r->status.peer_count; i++) {
        uint32_t pid = r->status.peers[i].pid;
        if (!peer_linked(r->peer, pid))
            continue;
        if (pid == r->status.leader.pid) {
            leader = pid;
            continue;
        }
        if (first == 0 || pid < first)
            first = pid;
        if (pid > last_tried && (after == 0 || pid < after))
            after = pid;
    }
    if (after != 0)
        return after;
    /* Everybody else was tried: the leader's turn, then round again. */
    return leader != 0 && leader != last_tried ? leader : first;
}

/* Also after a refusal: housekeeping begins again, with the next peer. */
static void fetching_start(struct replica *r)
{
    uint32_t pid = choose_peer(r, r->fetching.tried);
    if (pid == 0)
        return;
    trace_info("snapshot", "fetching the tree at index %lu or later from node %u",
               (unsigned long)r->snapshot_needed, pid);
    r->fetching.pid = r->fetching.tried = pid;
    replica_next_id(r, &r->fetching.id);
    fetching_ask(r);
}

static void fetching_repeat(struct replica *r)
{
    if (r->fetching.repeats++ < SNAPSHOT_REPEATS_MAX && peer_linked(r->peer, r->fetching.pid))
        fetching_ask(r);
    else
        fetching_end(r);
}

static void installed(void *arg, int status)
{
    struct replica *r = arg;
    struct snapshot_fetching *f = &r->fetching;
    uint64_t index = f->index;
    f->installing = false;
    f->writer = NULL;
    if (status == -EBADMSG) {
        trace_warn("snapshot", "the tree fetched from node %u is not sound", f->pid);
        fetching_end(r);
        return;
    }
    if (status < 0) {
        replica_break(r, tree_fault(r->tree), status);
        return;
    }
    trace_info("snapshot", "the tree is at index %lu now", (unsigned long)index);
    fetching_end(r);
    assert(tree_applied(r->tree) == index);
    r->snapshots_received++;
    r->durable_applied = index;
    r->decided = index > r->decided ? index : r->decided;
    digests_begin(r);
    replica_step(r, &(struct paxos_event){.type = PAXOS_SNAPSHOT_INSTALLED, .index = index});
    writes_recall(r);
}

static void piece_written(void *arg, int status)
{
    struct replica *r = arg;
    struct snapshot_fetching *f = &r->fetching;
    f->writing = false;
    if (r->stopping || r->snapshot_needed == 0) {
        fetching_end(r); /* the log did it meanwhile */
    } else if (status == -EBADMSG) {
        trace_warn("snapshot", "a piece from node %u cannot be read", f->pid);
        fetching_end(r);
    } else if (status < 0) {
        replica_break(r, tree_fault(r->tree), status);
    } else if (f->last && f->index <= tree_applied(r->tree)) {
        fetching_end(r);
    } else if (f->last) {
        f->installing = true;
        tree_writer_install(f->writer, r->loop, installed, r);
    } else {
        f->piece++;
        f->repeats = 0;
        fetching_ask(r);
    }
}

static void receive(struct replica *r, const struct frame *frame)
{
    struct snapshot_fetching *f = &r->fetching;
    bool wanted = f->pid == frame->from && f->id == frame->id && !f->writing && !f->installing;
    if (!wanted)
        return;
    bool fits = frame->piece == f->piece && frame->index != 0 &&
                (f->piece == 0 ? frame->index >= r->snapshot_needed : frame->index == f->index);
    if (!fits || r->snapshot_needed == 0) {
        fetching_end(r);
        return;
    }
    f->index = frame->index;
    if (!f->writer && tree_writer_open(r->tree, f->index, &f->writer) < 0) {
        f->writer = NULL;
        replica_break(r, tree_fault(r->tree), -EIO);
        return;
    }
    f->data.len = 0;
    buffer_append(&f->data, frame->data.data, frame->data.len);
    f->last = frame->last;
    f->writing = true;
    int status = f->data.failed
                     ? -ENOMEM
                     : tree_writer_add(f->writer, r->loop, bytes_of(f->data.data, f->data.len),
                                       piece_written, r);
    if (status < 0)
        piece_written(r, status);
}

/* ---- Both ---- */

void snapshot_frame(struct replica *r, const struct frame *frame)
{
    if (r->stopping || r->broken)
        return;
    if (frame->type == FRAME_SNAPSHOT_REQUEST)
        serve(r, frame);
    else
        receive(r, frame);
}

void snapshot_housekeeping(struct replica *r, uint64_t now_ms)
{
    for (uint32_t i = 0; i < PAXOS_NODES_MAX; i++) {
        struct snapshot_serving *s = &r->serving[i];
        if (s->pid != 0 && !s->reading && now_ms - s->used_ms > SNAPSHOT_IDLE_MS)
            serving_close(s);
    }
    struct snapshot_fetching *f = &r->fetching;
    if (f->writing || f->installing)
        return;
    if (r->snapshot_needed == 0 && f->pid != 0)
        fetching_end(r);
    else if (r->snapshot_needed != 0 && f->pid == 0)
        fetching_start(r);
    else if (f->pid != 0 && now_ms - f->asked_ms > SNAPSHOT_PATIENCE_MS)
        fetching_repeat(r);
}

bool snapshot_busy(const struct replica *r)
{
    for (uint32_t i = 0; i < PAXOS_NODES_MAX; i++)
        if (r->serving[i].reading)
            return true;
    return r->fetching.writing || r->fetching.installing;
}

void snapshot_stop(struct replica *r)
{
    assert(!snapshot_busy(r));
    for (uint32_t i = 0; i < PAXOS_NODES_MAX; i++)
        if (r->serving[i].pid != 0)
            serving_close(&r->serving[i]);
    fetching_end(r);
}
