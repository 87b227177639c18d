/* The replica's turn. Events reach the core as they come; once the loop has nothing else to do, and
 * before it sleeps, one turn takes what they brought about:
 *
 *   propose, ask ──> core ──> write to the log ──> send ──> apply what is decided ──> answer
 *
 * So all that arrived in one wake-up is one message to each peer and one write. */
#include "replica/replica_internal.h"

#include "base/trace.h"

#include <assert.h>
#include <string.h>

/* Answers bring new requests: let the loop look at its descriptors in between. */
enum { TURN_ROUNDS_MAX = 8 };

static void send_messages(struct replica *r, const struct paxos_output *out)
{
    for (size_t i = 0; i < out->message_count && !r->rooms.away; i++) {
        struct frame frame = {.type = FRAME_PAXOS, .to = out->messages[i].to};
        frame.paxos = out->messages[i];
        peer_send(r->peer, &frame);
    }
}

static void on_wake(uv_timer_t *timer)
{
    replica_step(timer->data, &(struct paxos_event){.type = PAXOS_TIME});
}

/* A timer that ends less than a millisecond early does no harm: the core asks for it again. */
static void wake_up(struct replica *r, uint64_t at_us)
{
    if (at_us == 0)
        return;
    uint64_t now = replica_now_us();
    uv_timer_start(&r->turn.wake, on_wake, at_us > now ? (at_us - now) / 1000 + 1 : 0, 0);
}

static void trace_output(struct replica *r, const struct paxos_output *out)
{
    struct paxos_status now;
    paxos_status(r->paxos, &now);
    describe_output(&r->describe, &now, out);
}

static void take_output(struct replica *r)
{
    struct paxos_output out = {0};
    int status = paxos_output(r->paxos, &out);
    if (status == 0 && trace_is_on(TRACE_DEBUG))
        trace_output(r, &out);
    if (status == 0 && out.write.ticket != 0)
        status = log_write(r->log, &out.write);
    if (status < 0) {
        paxos_output_clear(&out);
        replica_break(r, "consensus", status);
        return;
    }
    send_messages(r, &out);
    assert(out.decided >= r->turn.decided);
    r->turn.decided = out.decided;
    r->turn.snapshot_needed = out.snapshot_needed;
    reads_confirm(r, &out);
    wake_up(r, out.wake_at);
    paxos_output_clear(&out);
}

/* The links tell it when they dial: a new node believes a member that the cluster has a past
 * (founding.c). */
static void turn_tell_standing(struct replica *r)
{
    struct fault fault;
    int status = members_tell(r, &fault);
    if (status < 0)
        replica_break(r, fault.text, status);
}

static void follow_status(struct replica *r)
{
    bool had_quorum = r->status.has_quorum;
    enum paxos_standing had_standing = r->status.standing;
    quorum_follow(r);
    if (had_standing != r->status.standing)
        turn_tell_standing(r);
    if (had_quorum != r->status.has_quorum)
        trace_info("replica", r->status.has_quorum ? "there is a quorum" : "no quorum");
    quorum_refuse(r);
}

static void trace_applied(const struct stamp *s, uint64_t index, int status, bool repeated)
{
    trace_debug("write", STAMP_FORMAT " applied at index %lu: %s%s",
                STAMP_VALUES(s->node, s->incarnation, s->sequence), (unsigned long)index,
                status < 0 ? strerror(-status) : "ok", repeated ? ", known before" : "");
}

static void apply_next(struct replica *r)
{
    uint64_t index = tree_applied(r->tree);
    struct paxos_entry *entry = paxos_entry_at(r->paxos, index);
    struct bytes bytes = bytes_of(entry->bytes, entry->len);
    struct command_view view;
    bool readable = command_read(bytes, &view) == 0;
    bool mine = readable && view.stamp.node == r->cluster.me &&
                view.stamp.incarnation == replica_incarnation(r);
    struct command_result result = {0};
    bool repeated = false;
    int status = tree_apply(r->tree, bytes, mine, &result, &repeated);
    if (status < 0) {
        replica_break(r, tree_fault(r->tree), status);
    } else {
        assert(tree_applied(r->tree) == index + 1);
        if (readable)
            trace_applied(&view.stamp, index, result.status, repeated);
        digests_applied(r);
        observers_applied(r);
        emptied_applied(&r->emptied);
        mortals_applied(r);
        if (mine)
            writes_complete(r, view.stamp.sequence, &result);
    }
    command_result_free(&result);
}

void turn_commit(struct replica *r)
{
    int status = r->end.broken ? 0 : tree_commit(r->tree);
    r->turn.committed_ms = replica_now_ms();
    trace_debug("tree", "committed at index %lu", (unsigned long)tree_applied(r->tree));
    if (status < 0)
        replica_break(r, tree_fault(r->tree), status);
}

static bool wants_commit(const struct replica *r)
{
    return !r->end.broken && tree_wants_commit(r->tree);
}

static bool may_apply(const struct replica *r)
{
    return !r->end.broken && !r->fetching.installing && tree_applied(r->tree) < r->turn.decided &&
           !tree_must_pause(r->tree) && !r->rooms.away;
}

/* Large entries make large commits: the next round commits. Returns whether more could be done at
 * once. */
static bool turn_apply(struct replica *r)
{
    uint64_t enough = uv_hrtime() + (uint64_t)APPLY_MS_MAX * 1000000;
    if (may_apply(r))
        rooms_before_apply(r);
    while ((wants_commit(r) || may_apply(r)) && uv_hrtime() < enough) {
        if (wants_commit(r))
            turn_commit(r);
        else
            apply_next(r);
    }
    if (tree_must_pause(r->tree))
        checkpoint_when_due(r, replica_now_ms());
    return wants_commit(r) || may_apply(r);
}

/* Returns whether there is more to do at once. */
static bool turn_round(struct replica *r)
{
    writes_propose(r);
    reads_ask(r);
    if (!r->end.broken)
        take_output(r);
    if (r->end.broken)
        return false;
    follow_status(r);
    bool more = turn_apply(r);
    if (r->end.broken)
        return false;
    more |= reads_answer(r);
    reads_hasten(r);
    return more || reads_may_ask(r) || writes_may_propose(r);
}

static void turn(uv_prepare_t *handle)
{
    struct replica *r = handle->data;
    bool more = !r->end.broken && r->paxos;
    uint64_t enough = uv_hrtime() + (uint64_t)TURN_MS_MAX * 1000000;
    for (int round = 0; more && round < TURN_ROUNDS_MAX && uv_hrtime() < enough; round++)
        more = turn_round(r);
    if (!more)
        uv_idle_stop(&r->turn.idle);
    if (!r->end.broken)
        replica_check(r);
}

static void turn_keep_awake(uv_idle_t *handle)
{
    /* Nothing to do: while an idle handle is active, the loop does not sleep. */
}

static void turn_soon(uv_prepare_t *handle)
{
    struct replica *r = handle->data;
    uv_idle_start(&r->turn.idle, turn_keep_awake);
    turn(handle);
}

void turn_start(struct replica *r)
{
    uv_prepare_init(r->loop, &r->turn.prepare);
    uv_idle_init(r->loop, &r->turn.idle);
    uv_timer_init(r->loop, &r->turn.wake);
    r->turn.prepare.data = r->turn.idle.data = r->turn.wake.data = r;
    uv_prepare_start(&r->turn.prepare, turn_soon);
}

void turn_stop(struct replica *r)
{
    uv_prepare_stop(&r->turn.prepare);
    uv_idle_stop(&r->turn.idle);
    uv_timer_stop(&r->turn.wake);
}
