/* Fetching a snapshot of the tree from a peer, because the log does not reach back far enough.
 *
 * Pieces come in order, several on their way at a time: the peer sends a window of them beyond
 * those that were written here. If none comes for a while, the question is repeated, and the peer
 * sends the window again. If it stays silent, it is given up and the next peer is asked from the
 * start, because its snapshot is another one. */
#include "replica/replica_internal.h"

#include <assert.h>
#include <errno.h>

#include "base/trace.h"

static struct buffer *fetching_piece_at(struct snapshot_fetching *f, uint64_t piece)
{
    return &f->pieces[piece % SNAPSHOT_WINDOW];
}

/* Tells the peer how many pieces are written, which asks for those that follow. */
static void fetching_ask(struct replica *r)
{
    struct snapshot_fetching *f = &r->fetching;
    f->waits_since_ms = replica_now_ms();
    trace_debug("snapshot", "asks node %u for pieces from %lu", f->pid, (unsigned long)f->written);
    peer_send(r->peer, &(struct frame){.type = FRAME_SNAPSHOT_REQUEST,
                                       .to = f->pid,
                                       .id = f->id,
                                       .index = r->turn.snapshot_needed,
                                       .piece = f->written});
}

static void fetching_end(struct replica *r);

/* It can be tried again when there may be room. */
static void fetching_without_room(struct replica *r)
{
    trace_warn("snapshot", "no room for the tree of node %u: %s", r->fetching.pid,
               tree_fault(r->tree));
    fetching_end(r);
    r->fetching.later_ms = replica_now_ms() + SNAPSHOT_NO_ROOM_MS;
}

static void fetching_end(struct replica *r)
{
    struct snapshot_fetching *f = &r->fetching;
    assert(!f->writing && !f->installing);
    trace_debug("snapshot", "ends with %lu pieces written", (unsigned long)f->written);
    if (f->writer)
        tree_writer_abort(f->writer);
    for (size_t i = 0; i < SNAPSHOT_WINDOW; i++)
        buffer_free(&f->pieces[i]);
    *f = (struct snapshot_fetching){.id = f->id, .tried = f->tried};
}

/* The next linked peer after the one that was tried last. The leader has other work, and is asked
 * only after all others. */
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
    /* All others were tried: the leader, then the first again. */
    return leader != 0 && leader != last_tried ? leader : first;
}

/* Also after a refusal: housekeeping begins again, with the next peer. */
static void fetching_start(struct replica *r)
{
    uint32_t pid = choose_peer(r, r->fetching.tried);
    if (pid == 0)
        return;
    trace_info("snapshot", "fetching the tree at index %lu or later from node %u",
               (unsigned long)r->turn.snapshot_needed, pid);
    r->fetching.pid = r->fetching.tried = pid;
    replica_next_id(r, &r->fetching.id);
    fetching_ask(r);
}

/* ---- The pieces ---- */

static void fetching_installed(void *arg, int status)
{
    struct replica *r = arg;
    struct snapshot_fetching *f = &r->fetching;
    uint64_t index = tree_applied(r->tree); /* beyond f->index, if entries came after the rows */
    f->installing = false;
    f->writer = NULL;
    if (status == -EBADMSG) {
        trace_warn("snapshot", "the tree fetched from node %u is not sound", f->pid);
        fetching_end(r);
        return;
    }
    if (status == -ENOSPC && !tree_broken(r->tree)) {
        fetching_without_room(r);
        return;
    }
    if (status < 0) {
        replica_break(r, tree_fault(r->tree), status);
        return;
    }
    trace_info("snapshot", "the tree is at index %lu now", (unsigned long)index);
    places_remember_tree(&r->lost.places, r->folder); /* it is a new file */
    assert(index >= f->index);
    fetching_end(r);
    r->counts.snapshots_received++;
    r->checkpoint.durable = index;
    r->turn.decided = index > r->turn.decided ? index : r->turn.decided;
    digests_begin(r);
    r->turn.snapshot_needed = 0; /* unless the core asks for another one */
    replica_step(r, &(struct paxos_event){.type = PAXOS_SNAPSHOT_INSTALLED, .index = index});
    observers_replaced(r, index);
    mortals_replaced(r);
    emptied_end(&r->emptied);
    writes_recall(r);
}

static void fetching_install(struct replica *r)
{
    struct snapshot_fetching *f = &r->fetching;
    if (f->index <= tree_applied(r->tree)) {
        fetching_end(r);
        return;
    }
    f->installing = true;
    tree_writer_install(f->writer, r->loop, fetching_installed, r);
}

static void fetching_write_next(struct replica *r);

static void fetching_piece_written(void *arg, int status)
{
    struct replica *r = arg;
    struct snapshot_fetching *f = &r->fetching;
    f->writing = false;
    if (r->end.stopping || r->turn.snapshot_needed == 0 || f->given_up) {
        fetching_end(r); /* the log may have done it meanwhile */
    } else if (status == -EBADMSG) {
        trace_warn("snapshot", "a piece from node %u cannot be read", f->pid);
        fetching_end(r);
    } else if (status == -ENOSPC) {
        fetching_without_room(r);
    } else if (status < 0) {
        replica_break(r, tree_fault(r->tree), status);
    } else {
        f->written++;
        fetching_ask(r);
        if (f->written < f->arrived)
            fetching_write_next(r);
        else if (f->whole)
            fetching_install(r);
    }
}

static void fetching_write_next(struct replica *r)
{
    struct snapshot_fetching *f = &r->fetching;
    const struct buffer *data = fetching_piece_at(f, f->written);
    f->writing = true;
    int status = tree_writer_add(f->writer, r->loop, bytes_of(data->data, data->len),
                                 fetching_piece_written, r);
    if (status < 0)
        fetching_piece_written(r, status);
}

static void fetching_give_up(struct replica *r)
{
    r->fetching.given_up = true;
    if (!r->fetching.writing)
        fetching_end(r);
}

/* Any other piece comes twice, or after one that was lost. */
static bool is_next(const struct snapshot_fetching *f, const struct frame *frame)
{
    return frame->piece == f->arrived && f->arrived < f->written + SNAPSHOT_WINDOW && !f->whole;
}

static bool of_the_snapshot(const struct replica *r, const struct frame *frame)
{
    const struct snapshot_fetching *f = &r->fetching;
    if (f->arrived == 0)
        return frame->index != 0 && frame->index >= r->turn.snapshot_needed;
    return frame->index == f->index;
}

/* Returns false when there is no memory for it. */
static bool keep_piece(struct snapshot_fetching *f, const struct frame *frame)
{
    struct buffer *data = fetching_piece_at(f, f->arrived);
    data->len = 0;
    buffer_append(data, frame->data.data, frame->data.len);
    if (data->failed)
        return false;
    trace_debug("snapshot", "piece %lu of index %lu from node %u has %zu bytes%s",
                (unsigned long)frame->piece, (unsigned long)frame->index, f->pid, frame->data.len,
                frame->last ? ", the last one" : "");
    f->index = frame->index;
    f->whole = frame->last;
    f->arrived++;
    f->repeats = 0;
    f->waits_since_ms = replica_now_ms();
    return true;
}

void fetching_piece(struct replica *r, const struct frame *frame)
{
    struct snapshot_fetching *f = &r->fetching;
    if (f->pid != frame->from || f->id != frame->id || f->installing || f->given_up)
        return;
    if (!of_the_snapshot(r, frame) || r->turn.snapshot_needed == 0) {
        fetching_give_up(r);
        return;
    }
    if (!is_next(f, frame))
        return;
    int status = keep_piece(f, frame) ? 0 : -ENOMEM;
    if (status == 0 && !f->writer) {
        status = tree_writer_open(r->tree, f->index, &f->writer);
        f->writer = status == 0 ? f->writer : NULL;
    }
    if (status == -ENOSPC)
        fetching_without_room(r);
    else if (status < 0)
        replica_break(r, tree_fault(r->tree), status);
    else if (!f->writing)
        fetching_write_next(r);
}

/* ---- Patience ---- */

static void fetching_repeat(struct replica *r)
{
    struct snapshot_fetching *f = &r->fetching;
    bool hopeless = f->arrived == 0 && !peer_linked(r->peer, f->pid);
    if (hopeless || f->repeats == SNAPSHOT_REPEATS_MAX) {
        fetching_end(r);
        return;
    }
    f->repeats++;
    fetching_ask(r);
}

void fetching_housekeeping(struct replica *r, uint64_t now_ms)
{
    struct snapshot_fetching *f = &r->fetching;
    if (f->writing || f->installing)
        return;
    uint64_t patience_ms = (uint64_t)SNAPSHOT_PATIENCE_MS << f->repeats;
    if (r->turn.snapshot_needed == 0 && f->pid != 0)
        fetching_end(r);
    else if (r->turn.snapshot_needed != 0 && f->pid == 0 && now_ms >= f->later_ms)
        fetching_start(r);
    else if (f->pid != 0 && now_ms - f->waits_since_ms > patience_ms)
        fetching_repeat(r);
}

bool fetching_busy(const struct replica *r)
{
    return r->fetching.writing || r->fetching.installing;
}

void fetching_stop(struct replica *r)
{
    fetching_end(r);
}
