/* Commands of this node, from submit to their result.
 *
 *   submit ──> waiting for a leader ──propose──> proposed ──applied here──> done
 *                 │  no quorum for long: refused    │  leader changed, or no answer: proposed again
 *                 └─ deadline: refused              └─ deadline: outcome unknown
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
    TAILQ_INIT(&r->writes.by_age);
    for (size_t i = 0; i < WRITE_BUCKETS; i++)
        TAILQ_INIT(&r->writes.buckets[i]);
}

/* Answers the caller, and forgets the write. The callback may submit new ones. */
static void writes_finish(struct replica *r, struct pending_write *w, enum replica_outcome outcome,
                          const struct command_result *result)
{
    trace_write(r, w->sequence, replica_outcome_text(outcome));
    TAILQ_REMOVE(&r->writes.by_age, w, by_age);
    TAILQ_REMOVE(bucket_of(r, w->sequence), w, in_bucket);
    r->writes.count--;
    r->writes.bytes -= w->entry->len;
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

void writes_submit(struct replica *r, struct command *command, uint64_t deadline_ms,
                   replica_written_cb *done, void *arg)
{
    assert(command->count > 0);
    enum replica_outcome outcome = writes_refusal(r, command, deadline_ms);
    struct pending_write *w = outcome == REPLICA_DONE ? writes_make(r, command) : NULL;
    command_free(command);
    if (!w) {
        trace_debug("write", "refused: %s", replica_outcome_text(outcome));
        r->counts.refused++;
        done(arg, outcome == REPLICA_DONE ? REPLICA_BUSY : outcome, NULL);
        return;
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
    r->writes.unproposed = true;
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

static void proposal_add(struct replica *r, struct proposal *proposal, struct pending_write *w,
                         uint64_t now)
{
    trace_write(r, w->sequence, w->proposed ? "proposed again" : "proposed");
    w->repeat_step_ms = w->proposed ? w->repeat_step_ms * 2 : WRITE_REPEAT_MS;
    w->repeat_ms = now + w->repeat_step_ms;
    if (!w->proposed)
        command_date(w->entry->bytes, proposal->time); /* nobody else has it yet */
    w->proposed = true;
    proposal->entries[proposal->count++] = w->entry;
    if (proposal->count == sizeof proposal->entries / sizeof *proposal->entries)
        proposal_flush(r, proposal);
}

/* A leader without a quorum would keep them in its log: then nobody could say any more that nothing
 * has happened. */
static bool writes_can_be_proposed(const struct replica *r, uint64_t *time)
{
    return r->status.has_leader && r->status.has_quorum && dates_now(r, time);
}

bool writes_may_propose(const struct replica *r)
{
    uint64_t time;
    return r->writes.unproposed && writes_can_be_proposed(r, &time);
}

/* The oldest command that the present leader has not been told. Those that it has been told are the
 * older ones: a new leader is told all of them in their order. */
static struct pending_write *writes_first_untold(struct replica *r)
{
    struct pending_write *first = NULL, *w = TAILQ_LAST(&r->writes.by_age, pending_writes);
    while (w && !(w->proposed && paxos_ballot_compare(w->told, r->writes.proposed_to) == 0)) {
        first = w;
        w = TAILQ_PREV(w, pending_writes, by_age);
    }
    return first;
}

void writes_propose(struct replica *r)
{
    struct proposal proposal = {.count = 0};
    if (!writes_can_be_proposed(r, &proposal.time))
        return;
    /* Another leader may know nothing of what was forwarded to, or buffered by, the one before. */
    if (paxos_ballot_compare(r->status.promise, r->writes.proposed_to) != 0) {
        r->writes.proposed_to = r->status.promise;
        r->writes.unproposed = true;
    }
    if (!r->writes.unproposed)
        return;
    uint64_t now = replica_now_ms(), bytes = 0;
    struct pending_write *w = writes_first_untold(r);
    for (; w && bytes < PROPOSE_BYTES_MAX; w = TAILQ_NEXT(w, by_age)) {
        proposal_add(r, &proposal, w, now);
        w->told = r->writes.proposed_to;
        bytes += w->entry->len;
    }
    proposal_flush(r, &proposal);
    r->writes.unproposed = w;
}

static struct pending_write *writes_find(struct replica *r, uint64_t sequence)
{
    struct pending_write *w;
    TAILQ_FOREACH(w, bucket_of(r, sequence), in_bucket)
    if (w->sequence == sequence)
        return w;
    return NULL;
}

/* The log has a result for this stamp. If another command has used the stamp (a node that lies has
 * proposed it), the outcome of this one is unknown. */
static void writes_finish_applied(struct replica *r, struct pending_write *w,
                                  const struct command_result *result)
{
    struct command_view command;
    int status = command_read(bytes_of(w->entry->bytes, w->entry->len), &command);
    assert(status == 0);
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

void writes_expire(struct replica *r, uint64_t now_ms)
{
    struct pending_write *w, *next;
    for (w = TAILQ_FIRST(&r->writes.by_age); w; w = next) {
        next = TAILQ_NEXT(w, by_age);
        if (w->deadline_ms <= now_ms)
            writes_finish(r, w, w->proposed ? REPLICA_TIMEOUT : REPLICA_NO_QUORUM, NULL);
    }

    if (!r->status.has_leader)
        return;
    struct proposal proposal = {.count = 0};
    TAILQ_FOREACH(w, &r->writes.by_age, by_age)
    if (w->proposed && w->repeat_ms <= now_ms)
        proposal_add(r, &proposal, w, now_ms);
    proposal_flush(r, &proposal);
}

void writes_refuse_unproposed(struct replica *r, enum replica_outcome outcome)
{
    struct pending_write *w, *next;
    for (w = TAILQ_FIRST(&r->writes.by_age); w; w = next) {
        next = TAILQ_NEXT(w, by_age);
        if (!w->proposed)
            writes_finish(r, w, outcome, NULL);
    }
    r->writes.unproposed = false;
}
