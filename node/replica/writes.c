/* Commands of this node, from submit to their result.
 *
 *   submit ──> waiting for a leader ──propose──> proposed ──applied here──> done
 *              and for the window                   │
 *                 │  no quorum for long: refused    │  leader changed, or no answer: proposed again
 *                 └─ deadline: refused              └─ deadline: outcome unknown
 *
 * No more is on its way at a time than is decided within WRITE_SLOW_BEATS heartbeats, and no more
 * than WRITE_WINDOW_BYTES. The rest waits its turn here, where it costs nothing: what is on its way
 * is sent again when the leader changes, and holds up what the other nodes propose. On a busy
 * machine nothing would be decided any more before its deadline. So a deadline counts from when a
 * command's turn comes, as long as others of this node go on before it.
 *
 * A command is dated when it is proposed first: until a node has heard what time it is (dates.c),
 * it waits like for a leader. It keeps its stamp however often it is proposed, and nodes recognise
 * repetitions by it. `lowest` in the stamp tells them below which sequence results are no longer
 * awaited. */
#include "replica/replica_internal.h"

#include "base/trace.h"

#include <assert.h>
#include <stdlib.h>

#define trace_write(r, sequence, what)                                                             \
    trace_debug("write", STAMP_FORMAT " %s",                                                       \
                STAMP_VALUES((r)->cluster.me, replica_incarnation(r), (sequence)), (what))

static struct pending_writes *bucket_of(struct replica *r, uint64_t sequence)
{
    return &r->writes.buckets[sequence % WRITE_BUCKETS];
}

void writes_begin(struct replica *r)
{
    r->writes.next_sequence = 1;
    r->writes.window = WRITE_WINDOW_BYTES;
    TAILQ_INIT(&r->writes.by_age);
    for (size_t i = 0; i < WRITE_BUCKETS; i++)
        TAILQ_INIT(&r->writes.buckets[i]);
}

/* Answers the caller, and forgets the write. The callback may submit new ones. */
static void writes_finish(struct replica *r, struct pending_write *w, enum replica_outcome outcome,
                          const struct command_result *result)
{
    trace_write(r, w->sequence, replica_outcome_text(outcome));
    if (w == r->writes.next_new)
        r->writes.next_new = TAILQ_NEXT(w, by_age);
    TAILQ_REMOVE(&r->writes.by_age, w, by_age);
    TAILQ_REMOVE(bucket_of(r, w->sequence), w, in_bucket);
    r->writes.count--;
    r->writes.bytes -= w->entry->len;
    r->writes.proposed_bytes -= w->proposed ? w->entry->len : 0;
    r->writes.growth -= w->growth;
    if (outcome == REPLICA_TIMEOUT)
        r->counts.unknown++;
    else if (outcome != REPLICA_DONE)
        r->counts.refused++;
    w->done(w->arg, outcome, result);
    paxos_entry_unref(w->entry);
    free(w);
}

static struct pending_write *writes_make(struct replica *r, struct command *command)
{
    struct pending_write *w = calloc(1, sizeof *w);
    if (!w)
        return NULL;
    w->sequence = r->writes.next_sequence;
    w->growth = rooms_growth(command);
    const struct pending_write *oldest = TAILQ_FIRST(&r->writes.by_age);
    command_stamp(command, &(struct stamp){
                               .node = r->cluster.me,
                               .incarnation = replica_incarnation(r),
                               .sequence = w->sequence,
                               .lowest = oldest ? oldest->sequence : w->sequence,
                           });
    w->entry = paxos_entry_new(command->bytes.data, (uint32_t)command->bytes.len);
    if (!w->entry) {
        free(w);
        return NULL;
    }
    return w;
}

/* Why the command cannot be taken, before anything is done with it; REPLICA_DONE: it can. */
static enum replica_outcome writes_refusal(const struct replica *r, const struct command *command,
                                           uint64_t deadline_ms)
{
    if (r->end.stopping || r->end.broken)
        return REPLICA_STOPPING;
    bool too_late = deadline_ms <= replica_now_ms();
    if (!replica_has_quorum(r) && (too_late || !replica_pauses(r)))
        return REPLICA_NO_QUORUM;
    if (too_late)
        return REPLICA_TIMEOUT;
    const struct pending_write *oldest = TAILQ_FIRST(&r->writes.by_age);
    uint64_t span = oldest ? r->writes.next_sequence - oldest->sequence : 0;
    if (span >= REPLICA_PENDING_MAX ||
        r->writes.bytes + command->bytes.len > REPLICA_PENDING_BYTES_MAX)
        return REPLICA_BUSY;
    return rooms_refuse(r, command) ? REPLICA_FULL : REPLICA_DONE;
}

void replica_submit(struct replica *r, struct command *command, replica_written_cb *done, void *arg)
{
    replica_submit_by(r, command, replica_deadline_ms(r), done, arg);
}

void replica_submit_by(struct replica *r, struct command *command, uint64_t deadline_ms,
                       replica_written_cb *done, void *arg)
{
    if (held_must_wait(r, command))
        held_add(r, command, deadline_ms, done, arg);
    else
        held_pass(r, command, deadline_ms, done, arg);
}

/* NULL: it was refused, and the caller answered. */
static struct pending_write *writes_take(struct replica *r, struct command *command,
                                         uint64_t deadline_ms, replica_written_cb *done, void *arg)
{
    assert(command->count > 0);
    enum replica_outcome outcome = writes_refusal(r, command, deadline_ms);
    struct pending_write *w = outcome == REPLICA_DONE ? writes_make(r, command) : NULL;
    command_free(command);
    if (!w) {
        trace_debug("write", "refused: %s", replica_outcome_text(outcome));
        r->counts.refused++;
        done(arg, outcome == REPLICA_DONE ? REPLICA_BUSY : outcome, NULL);
        return NULL;
    }
    trace_write(r, w->sequence, "submitted");
    r->writes.next_sequence++;
    r->counts.writes++;
    w->done = done;
    w->arg = arg;
    w->deadline_ms = deadline_ms;
    TAILQ_INSERT_TAIL(&r->writes.by_age, w, by_age);
    TAILQ_INSERT_TAIL(bucket_of(r, w->sequence), w, in_bucket);
    r->writes.count++;
    r->writes.bytes += w->entry->len;
    r->writes.growth += w->growth;
    if (!r->writes.next_new)
        r->writes.next_new = w;
    return w;
}

void writes_submit(struct replica *r, struct command *command, uint64_t deadline_ms,
                   replica_written_cb *done, void *arg)
{
    writes_take(r, command, deadline_ms, done, arg);
}

void writes_submit_leading(struct replica *r, struct command *command, uint64_t deadline_ms,
                           replica_written_cb *done, void *arg)
{
    assert(r->status.role == PAXOS_LEADER);
    struct pending_write *w = writes_take(r, command, deadline_ms, done, arg);
    if (!w)
        return;
    w->leading = true;
    w->ballot = r->status.promise;
}

/* The ballot is another one: what was to be proposed under one alone is dropped. It may have been
 * proposed: then the log has it, or never will. */
static void writes_drop_leading(struct replica *r)
{
    struct pending_write *w, *next;
    for (w = TAILQ_FIRST(&r->writes.by_age); w; w = next) {
        next = TAILQ_NEXT(w, by_age);
        if (w->leading && paxos_ballot_compare(w->ballot, r->status.promise) != 0)
            writes_finish(r, w, w->proposed ? REPLICA_TIMEOUT : REPLICA_NO_QUORUM, NULL);
    }
}

/* Hands a run of entries to the core in one event. */
struct proposal {
    struct paxos_entry *entries[256];
    uint32_t count;
    uint64_t time; /* of what was never proposed before */
};

static void proposal_flush(struct replica *r, struct proposal *proposal)
{
    if (proposal->count > 0)
        replica_step(r, &(struct paxos_event){.type = PAXOS_PROPOSE,
                                              .entries = proposal->entries,
                                              .entry_count = proposal->count});
    proposal->count = 0;
}

/* The leader has it, or is going to: when it would be proposed again. */
static void proposal_follow(struct replica *r, struct pending_write *w, uint64_t now)
{
    w->repeat_step_ms = w->proposed ? w->repeat_step_ms * 2 : WRITE_REPEAT_MS;
    w->repeat_ms = now + w->repeat_step_ms;
    w->proposal = ++r->writes.proposals;
}

static void proposal_add(struct replica *r, struct proposal *proposal, struct pending_write *w,
                         uint64_t now)
{
    trace_write(r, w->sequence, w->proposed ? "proposed again" : "proposed");
    proposal_follow(r, w, now);
    if (!w->proposed)
        command_date(w->entry->bytes, proposal->time); /* nobody else has it yet */
    w->proposed_ms = w->proposed ? w->proposed_ms : now;
    r->writes.proposed_bytes += w->proposed ? 0 : w->entry->len;
    w->proposed = true;
    proposal->entries[proposal->count++] = w->entry;
    if (proposal->count == sizeof proposal->entries / sizeof *proposal->entries)
        proposal_flush(r, proposal);
}

/* A leader without a quorum would keep them in its log: then nobody could say any more that nothing
 * has happened. */
static bool writes_can_be_proposed(const struct replica *r, uint64_t *time)
{
    if (sessions_rest(r))
        return false;
    return r->status.has_leader && r->status.has_quorum && dates_now(r, time);
}

static bool next_leader(const struct replica *r)
{
    return paxos_ballot_compare(r->status.promise, r->writes.proposed_to) != 0;
}

bool writes_go_on(const struct replica *r)
{
    uint64_t time;
    return r->writes.next_new && writes_can_be_proposed(r, &time);
}

static bool window_has_room(const struct replica *r, const struct pending_write *w)
{
    return r->writes.proposed_bytes == 0 ||
           r->writes.proposed_bytes + w->entry->len <= r->writes.window;
}

/* A write of its size more, or less, may be on its way: after a window's worth of slow ones, only
 * the least is. */
static void window_follow(struct replica *r, const struct pending_write *w, uint64_t now)
{
    uint64_t len = w->entry->len, *window = &r->writes.window;
    if (now - w->proposed_ms <= (uint64_t)WRITE_SLOW_BEATS * r->config->heartbeat_ms)
        *window = *window + len < WRITE_WINDOW_BYTES ? *window + len : WRITE_WINDOW_BYTES;
    else
        *window = *window > len + WRITE_WINDOW_BYTES_MIN ? *window - len : WRITE_WINDOW_BYTES_MIN;
}

bool writes_may_propose(const struct replica *r)
{
    return writes_go_on(r) && window_has_room(r, r->writes.next_new);
}

static struct pending_write *writes_find(struct replica *r, uint64_t sequence)
{
    struct pending_write *w;
    TAILQ_FOREACH(w, bucket_of(r, sequence), in_bucket)
    if (w->sequence == sequence)
        return w;
    return NULL;
}

/* Those that this node has in its log already need not be proposed to the leader whose log it is.
 * They are marked with the number of a proposal that is about to be made. */
static void writes_find_in_log(struct replica *r, uint64_t now)
{
    struct paxos_status core = {0};
    if (r->paxos)
        paxos_status(r->paxos, &core);
    if (paxos_ballot_compare(core.acc_round, r->status.promise) != 0)
        return;
    uint64_t first = tree_applied(r->tree);
    if (first < core.compacted)
        first = core.compacted;
    for (uint64_t index = first; index < core.accepted; index++) {
        const struct paxos_entry *entry = paxos_entry_at(r->paxos, index);
        struct command_view view;
        if (command_read(bytes_of(entry->bytes, entry->len), &view) < 0 ||
            view.stamp.node != r->cluster.me || view.stamp.incarnation != replica_incarnation(r))
            continue;
        struct pending_write *w = writes_find(r, view.stamp.sequence);
        if (w && w->proposed)
            proposal_follow(r, w, now);
    }
}

/* Another leader may know nothing of what was forwarded to, or buffered by, the one before. */
static void writes_propose_again(struct replica *r, struct proposal *proposal, uint64_t now)
{
    uint64_t before = r->writes.proposals;
    writes_find_in_log(r, now);
    struct pending_write *w = TAILQ_FIRST(&r->writes.by_age);
    for (; w != r->writes.next_new; w = TAILQ_NEXT(w, by_age))
        if (w->proposal <= before)
            proposal_add(r, proposal, w, now);
    r->writes.proposed_to = r->status.promise;
}

static void writes_propose_new(struct replica *r, struct proposal *proposal, uint64_t now)
{
    struct pending_write *w;
    while ((w = r->writes.next_new) && window_has_room(r, w)) {
        if (w->sequence < r->writes.in_line_below && w->deadline_ms < replica_deadline_ms(r))
            w->deadline_ms = replica_deadline_ms(r);
        r->writes.next_new = TAILQ_NEXT(w, by_age);
        proposal_add(r, proposal, w, now);
    }
    if (w)
        r->writes.in_line_below = r->writes.next_sequence;
}

void writes_propose(struct replica *r)
{
    struct proposal proposal = {.count = 0};
    bool again = next_leader(r);
    if ((!again && !r->writes.next_new) || !writes_can_be_proposed(r, &proposal.time))
        return;
    uint64_t now = replica_now_ms();
    if (again) {
        writes_drop_leading(r);
        writes_propose_again(r, &proposal, now);
    }
    writes_propose_new(r, &proposal, now);
    proposal_flush(r, &proposal);
}

/* The log has a result for this stamp. If another command has used the stamp (a node that lies has
 * proposed it), the outcome of this one is unknown. */
static void writes_finish_applied(struct replica *r, struct pending_write *w,
                                  const struct command_result *result)
{
    struct command_view command;
    int status = command_read(bytes_of(w->entry->bytes, w->entry->len), &command);
    assert(status == 0);
    r->writes.progress_ms = replica_now_ms();
    if (w->proposed)
        window_follow(r, w, r->writes.progress_ms);
    if (w->proposal > r->writes.applied)
        r->writes.applied = w->proposal;
    if (result->status != 0 || result->count == command.count)
        writes_finish(r, w, REPLICA_DONE, result);
    else
        writes_finish(r, w, REPLICA_TIMEOUT, NULL);
}

void writes_complete(struct replica *r, uint64_t sequence, const struct command_result *result)
{
    struct pending_write *w = writes_find(r, sequence);
    if (w) /* otherwise it was given up at its deadline */
        writes_finish_applied(r, w, result);
}

void writes_recall(struct replica *r)
{
    struct pending_write *w, *next;
    for (w = TAILQ_FIRST(&r->writes.by_age); w; w = next) {
        next = TAILQ_NEXT(w, by_age);
        struct command_result result = {0};
        if (tree_recall(r->tree, r->cluster.me, replica_incarnation(r), w->sequence, &result) == 0)
            writes_finish_applied(r, w, &result);
        command_result_free(&result);
    }
}

/* It waits for others of this node, and these go on. */
static bool waits_in_line(const struct replica *r, const struct pending_write *w, uint64_t now_ms)
{
    return w->sequence < r->writes.in_line_below && !w->proposed &&
           now_ms < r->writes.progress_ms + r->config->request_timeout_ms;
}

/* Proposals reach the leader in order, so one that others have overtaken may be lost. If none of
 * them comes through, all may be. Otherwise they are only slow, and more of them would not help. */
static bool may_be_lost(const struct replica *r, const struct pending_write *w, uint64_t now_ms)
{
    return w->proposal < r->writes.applied || now_ms >= r->writes.progress_ms + WRITE_REPEAT_MS;
}

void writes_expire(struct replica *r, uint64_t now_ms)
{
    struct pending_write *w, *next;
    for (w = TAILQ_FIRST(&r->writes.by_age); w; w = next) {
        next = TAILQ_NEXT(w, by_age);
        if (w->deadline_ms <= now_ms && !waits_in_line(r, w, now_ms))
            writes_finish(r, w, w->proposed ? REPLICA_TIMEOUT : REPLICA_NO_QUORUM, NULL);
    }

    /* The next leader is told of what it lacks by writes_propose. */
    if (!r->status.has_leader || next_leader(r))
        return;
    struct proposal proposal = {.count = 0};
    TAILQ_FOREACH(w, &r->writes.by_age, by_age)
    if (w->proposed && w->repeat_ms <= now_ms && may_be_lost(r, w, now_ms))
        proposal_add(r, &proposal, w, now_ms);
    proposal_flush(r, &proposal);
}

void writes_refuse_unproposed(struct replica *r, enum replica_outcome outcome)
{
    struct pending_write *w, *next;
    for (w = r->writes.next_new; w; w = next) {
        next = TAILQ_NEXT(w, by_age);
        writes_finish(r, w, outcome, NULL);
    }
}
