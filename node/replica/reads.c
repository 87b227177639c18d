/* Reads: a read waits for a read index, from the leader or by a lease of this node, and then for
 * the tree to reach it.
 *
 * All reads that arrive in one turn of the loop share one question. The callback runs when the tree
 * contains every write that had returned before the read arrived. */
#include "replica/replica_internal.h"

#include "base/trace.h"
#include "replica/watch.h"

#include <assert.h>
#include <stdlib.h>

void reads_begin(struct replica *r)
{
    TAILQ_INIT(&r->reads.by_age);
}

static struct replica_freshness freshness_of(const struct replica *r, bool stale)
{
    uint64_t age =
        r->reads.confirmed_ms == 0 ? UINT64_MAX : replica_now_ms() - r->reads.confirmed_ms;
    return (struct replica_freshness){.stale = stale, .age_ms = age};
}

/* Answers the caller, and forgets the read. The callback may begin new ones. */
static void reads_finish(struct replica *r, struct pending_read *read, enum replica_outcome outcome,
                         bool stale)
{
    trace_debug("read", "%lx%s after %lu ms: %s", (unsigned long)read->id, stale ? " (stale)" : "",
                (unsigned long)(replica_now_ms() - read->asked_ms), replica_outcome_text(outcome));
    TAILQ_REMOVE(&r->reads.by_age, read, by_age);
    r->reads.count--;
    if (outcome != REPLICA_DONE)
        r->counts.refused++;
    read->done(read->arg, outcome, freshness_of(r, stale));
    free(read);
}

static bool cache_is_fresh(const struct replica *r, enum replica_consistency consistency)
{
    if (consistency != REPLICA_DEFAULT && consistency != REPLICA_CACHED)
        return false;
    return r->config->cache_time_ms > 0 &&
           freshness_of(r, false).age_ms <= r->config->cache_time_ms;
}

static void reads_enqueue(struct replica *r, bool stale_will_do, uint64_t deadline_ms,
                          replica_read_cb *done, void *arg)
{
    struct pending_read *read = calloc(1, sizeof *read);
    if (!read) {
        done(arg, REPLICA_BUSY, freshness_of(r, true));
        return;
    }
    read->stale_will_do = stale_will_do;
    read->asked_ms = replica_now_ms();
    read->deadline_ms = deadline_ms;
    read->done = done;
    read->arg = arg;
    TAILQ_INSERT_TAIL(&r->reads.by_age, read, by_age);
    r->reads.count++;
    r->reads.unasked = true;
}

static void reads_refuse(struct replica *r, enum replica_outcome outcome, replica_read_cb *done,
                         void *arg)
{
    trace_debug("read", "refused: %s", replica_outcome_text(outcome));
    r->counts.refused++;
    done(arg, outcome, freshness_of(r, true));
}

void replica_read(struct replica *r, enum replica_consistency consistency, replica_read_cb *done,
                  void *arg)
{
    replica_read_by(r, consistency, replica_deadline_ms(r), done, arg);
}

void replica_read_by(struct replica *r, enum replica_consistency consistency, uint64_t deadline_ms,
                     replica_read_cb *done, void *arg)
{
    bool asked = consistency == REPLICA_CACHED ||
                 (consistency == REPLICA_DEFAULT && r->config->stale_on_quorum_loss);
    /* A node that is joining has no state that was ever current. */
    bool stale_will_do = asked && r->status.standing == PAXOS_MEMBER;
    bool too_late = deadline_ms <= replica_now_ms();
    bool lost = !replica_has_quorum(r) && !replica_pauses(r);
    r->counts.reads++;
    if (r->end.stopping || r->end.broken)
        reads_refuse(r, REPLICA_STOPPING, done, arg);
    else if (consistency == REPLICA_LOCAL)
        done(arg, REPLICA_DONE, freshness_of(r, true));
    else if (r->digests.doubt)
        reads_refuse(r, REPLICA_NO_QUORUM, done, arg);
    else if (cache_is_fresh(r, consistency))
        done(arg, REPLICA_DONE, freshness_of(r, false));
    else if ((lost || too_late) && stale_will_do)
        done(arg, REPLICA_DONE, freshness_of(r, true));
    else if (lost)
        reads_refuse(r, REPLICA_NO_QUORUM, done, arg);
    else if (too_late)
        reads_refuse(r, REPLICA_TIMEOUT, done, arg);
    else if (r->reads.count >= REPLICA_READS_MAX)
        reads_refuse(r, REPLICA_BUSY, done, arg);
    else
        reads_enqueue(r, stale_will_do, deadline_ms, done, arg);
}

/* The callback of reads that only keep `confirmed_ms` recent. */
static void nobody_asked(void *arg, enum replica_outcome outcome,
                         struct replica_freshness freshness)
{
}

/* The callback of reads_hasten. */
static void hastened(void *arg, enum replica_outcome outcome, struct replica_freshness freshness)
{
    struct replica *r = arg;
    r->reads.hastening = false;
}

/* A leader tells its followers of what is decided when something else goes there, or after TELL_US;
 * at once only if a read waits for it. A node with watches reads whenever entries have come that
 * may be decided by now: when it has them, and when they are durable here. */
void reads_hasten(struct replica *r)
{
    uint64_t log = r->status.accepted + r->status.durable;
    if (replica_watch_count(r) == 0 || r->status.role == PAXOS_LEADER || !r->status.has_quorum ||
        r->status.accepted == tree_applied(r->tree) || log == r->reads.hastened ||
        r->reads.hastening || r->end.stopping)
        return;
    r->reads.hastening = true;
    r->reads.hastened = log;
    reads_enqueue(r, false, replica_deadline_ms(r), hastened, r);
}

/* Without a quorum the answer would be late; and a node that is not a member must not ask. */
bool reads_may_ask(const struct replica *r)
{
    return r->reads.unasked && r->status.has_quorum;
}

/* One question for all reads of this turn. It asks for a lease if a caller reads here, because more
 * reads are likely to follow; this node's own reads are no reason. */
void reads_ask(struct replica *r)
{
    bool lease = false;
    if (!reads_may_ask(r))
        return;
    r->reads.unasked = false;
    uint64_t id = replica_next_id(r, &r->reads.last_id);
    struct pending_read *read = TAILQ_LAST(&r->reads.by_age, pending_reads);
    uint64_t now_us = replica_now_us();
    for (; read && read->id == 0; read = TAILQ_PREV(read, pending_reads, by_age)) {
        read->id = id;
        read->asked_us = now_us;
        lease |= read->done != nobody_asked && read->done != hastened;
    }
    replica_step(r, &(struct paxos_event){.type = PAXOS_READ, .read = id, .lease = lease});
}

void reads_confirm(struct replica *r, const struct paxos_output *out)
{
    struct pending_read *read;
    TAILQ_FOREACH(read, &r->reads.by_age, by_age)
    {
        if (read->id == 0 || read->id > out->reads_ready)
            break;
        if (!read->confirmed) {
            read->confirmed = true;
            read->index = out->reads_index;
            read->leased = read->id > out->reads_confirmed;
            r->counts.reads_leased += read->leased;
        }
    }
}

/* The read that can be answered, if there is one. */
static struct pending_read *reads_first_ready(const struct replica *r)
{
    struct pending_read *read = TAILQ_FIRST(&r->reads.by_age);
    return read && read->confirmed && read->index <= tree_applied(r->tree) ? read : NULL;
}

bool reads_answer(struct replica *r)
{
    struct pending_read *read = reads_first_ready(r);
    if (!read)
        return false;
    uint64_t enough = uv_hrtime() + (uint64_t)ANSWER_MS_MAX * 1000000;
    int status = tree_read_begin(r->tree);
    for (; read && uv_hrtime() < enough; read = reads_first_ready(r)) {
        assert(read->asked_ms >= r->reads.confirmed_ms);
        r->reads.confirmed_ms = read->asked_ms;
        if (!read->leased)
            sessions_confirmed(r, read->asked_us);
        reads_finish(r, read, REPLICA_DONE, false);
    }
    if (status == 0)
        status = tree_read_end(r->tree);
    if (status < 0)
        replica_break(r, tree_fault(r->tree), status);
    return read;
}

void reads_without_quorum(struct replica *r)
{
    struct pending_read *read, *next;
    for (read = TAILQ_FIRST(&r->reads.by_age); read; read = next) {
        next = TAILQ_NEXT(read, by_age);
        if (!read->confirmed)
            reads_finish(r, read, read->stale_will_do ? REPLICA_DONE : REPLICA_NO_QUORUM, true);
    }
}

void reads_expire(struct replica *r, uint64_t now_ms)
{
    struct pending_read *read, *next;
    for (read = TAILQ_FIRST(&r->reads.by_age); read; read = next) {
        next = TAILQ_NEXT(read, by_age);
        if (read->deadline_ms <= now_ms)
            reads_finish(r, read, read->stale_will_do ? REPLICA_DONE : REPLICA_TIMEOUT, true);
    }
}

/* Also what a short session lives on. */
void reads_keep_fresh(struct replica *r, uint64_t now_ms)
{
    uint64_t every_ms = r->config->session_time_ms / 8;
    if (every_ms > READ_CONFIRM_MS)
        every_ms = READ_CONFIRM_MS;
    if (r->status.has_quorum && r->reads.count == 0 && now_ms - r->reads.confirmed_ms >= every_ms)
        reads_enqueue(r, false, replica_deadline_ms(r), nobody_asked, NULL);
}
