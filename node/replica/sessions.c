/* Sessions of nodes (store/tree_locks.c): how long a node is taken for alive.
 *
 * A node believes in its session for seven eighths of `session_time` since it ASKED for the last
 * read that a leader has confirmed. A leader ends the session of a node when it has heard nothing
 * from it for all of `session_time`, counted from its election at the earliest. Messages of
 * consensus count: a node that takes no part in it, as its disk is full, believes no longer, so it
 * must not keep others from what it has either. So the node has stopped believing before its
 * session can end:
 *
 *   The leader that confirmed the read has heard the node after it asked.
 *   A later leader was elected after that confirmation, for which a majority had to follow the
 *   earlier one, so it counts from a later time still.
 *   The eighth makes up for clocks that differ in speed.
 *
 * Three rules close the gaps. While the end of a session is being decided, the leader answers no
 * read of that node: otherwise the node could begin to believe anew just before its end. An end is
 * proposed by a leader alone and under one ballot only: it is never proposed again to a later
 * leader, which may have heard the node. And no leader takes it from another node, except from the
 * node itself, which may give up its own.
 *
 * Nothing is written to stay alive: reads confirm themselves (reads_keep_fresh). The silence of
 * nodes is counted in steps of housekeeping, so a leader that was itself stopped for a while takes
 * nobody for dead because of that. */
#include "replica/replica_internal.h"

#include "base/trace.h"

enum { STEP_US_MAX = 4 * HOUSEKEEPING_MS * 1000 };

static struct replica_silence *silence_of(struct replica *r, uint32_t pid)
{
    for (uint32_t i = 0; i < r->cluster.count; i++)
        if (r->cluster.members[i].pid == pid)
            return &r->sessions.of_members[i];
    return NULL;
}

void sessions_heard(struct replica *r, uint32_t pid)
{
    struct replica_silence *silence = silence_of(r, pid);
    if (silence)
        silence->us = 0;
}

bool sessions_answer(struct replica *r, uint32_t pid)
{
    const struct replica_silence *silence = silence_of(r, pid);
    return !silence || !silence->ending;
}

/* ---- The node ---- */

void sessions_confirmed(struct replica *r, uint64_t asked_us)
{
    if (r->sessions.confirmed_us < asked_us)
        r->sessions.confirmed_us = asked_us;
}

/* The first command of a start ends the session of the start before. What programs were told to
 * do under its locks may still be about to be ended (NODE_GONE_MS in node/verbs/lock.c). */
bool sessions_rest(const struct replica *r)
{
    bool locks = r->tree && tree_cluster(r->tree)->level >= LEVEL_LOCKS;
    return locks && replica_now_ms() < r->leases.started_ms + SESSION_REST_MS;
}

uint64_t replica_session_left_ms(const struct replica *r)
{
    uint64_t since_us = replica_now_us() - r->sessions.confirmed_us;
    uint64_t for_us = (uint64_t)r->config->session_time_ms * 1000 / 8 * 7;
    return r->sessions.confirmed_us != 0 && since_us < for_us ? (for_us - since_us) / 1000 : 0;
}

/* ---- The leader ---- */

static void on_ended(void *arg, enum replica_outcome outcome, const struct command_result *result)
{
    struct replica_silence *silence = arg;
    silence->proposed = false;
    if (outcome != REPLICA_TIMEOUT) /* then it may still be decided */
        silence->ending = false;
}

static void session_end(struct replica *r, struct replica_silence *silence, uint32_t pid,
                        uint64_t number)
{
    struct command command = {0};
    const struct op op = {.type = OP_END_SESSION, .size = pid, .revision = number};
    if (command_add(&command, &op) < 0) {
        command_free(&command);
        return;
    }
    if (!silence->ending)
        trace_info("sessions", "node %u was not heard for %lu ms: its session ends", pid,
                   (unsigned long)(silence->us / 1000));
    silence->ending = silence->proposed = true;
    writes_submit_leading(r, &command, replica_deadline_ms(r), on_ended, silence);
}

static uint64_t session_us_of(const struct replica *r, const struct replica_member *member)
{
    uint32_t ms = member->settings.session_ms;
    return (uint64_t)(ms > 0 ? ms : r->config->session_time_ms) * 1000;
}

/* Counts anew under each ballot. What was proposed under an earlier one is dropped by then
 * (writes_propose). */
static bool sessions_follow_ballot(struct replica *r)
{
    struct replica_sessions *s = &r->sessions;
    bool leads = r->status.role == PAXOS_LEADER && r->status.phase == PAXOS_PHASE_ACCEPT;
    bool same = leads && s->leads && paxos_ballot_compare(s->ballot, r->status.promise) == 0;
    for (uint32_t i = 0; i < r->cluster.count && !same; i++) {
        s->of_members[i].us = 0;
        s->of_members[i].ending = false;
    }
    s->leads = leads;
    s->ballot = r->status.promise;
    return same;
}

void sessions_housekeeping(struct replica *r)
{
    struct replica_sessions *s = &r->sessions;
    uint64_t now_us = replica_now_us();
    uint64_t step_us = now_us - s->looked_us < STEP_US_MAX ? now_us - s->looked_us : STEP_US_MAX;
    s->looked_us = now_us;
    if (!sessions_follow_ballot(r) || !replica_has_quorum(r))
        return;
    for (uint32_t i = 0; i < r->cluster.count; i++) {
        const struct replica_member *member = &r->cluster.members[i];
        struct replica_silence *silence = &s->of_members[i];
        if (member->pid == r->cluster.me)
            continue;
        silence->us += step_us;
        if (silence->proposed || (silence->us < session_us_of(r, member) && !silence->ending))
            continue;
        uint64_t number = tree_lock_session(r->tree, member->pid);
        if (number != 0)
            session_end(r, silence, member->pid, number);
        else
            silence->ending = false;
    }
}

/* ---- What other nodes propose ---- */

bool sessions_forwardable(const struct command_view *command)
{
    struct command_view view = *command;
    struct op op;
    while (view.count-- > 0 && command_next(&view, &op) == 0) {
        if (op.type == OP_END_SESSION && op.size != view.stamp.node)
            return false;
    }
    return true;
}
