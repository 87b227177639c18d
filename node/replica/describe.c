#include "replica/describe.h"

#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { BALLOT_TEXT_MAX = 48 };

/* ---- Messages ---- */

enum field {
    N = 1 << 0,
    ACC_ROUND = 1 << 1,
    SYNC = 1 << 2,
    FIRST = 1 << 3,
    ENTRIES = 1 << 4,
    ACCEPTED = 1 << 5,
    DECIDED = 1 << 6,
    READ = 1 << 7,
    LEASE = 1 << 8,
    ROUND = 1 << 9,
    LEADER = 1 << 10,
    STANDING = 1 << 11,
    LIFE = 1 << 12,
    COUNT = 1 << 13,
};

/* The fields to be shown; which ones a message has is in paxos.h. */
static const struct kind {
    const char *subject, *name;
    uint32_t fields;
} kinds[PAXOS_MESSAGE_TYPE_END] = {
    [PAXOS_PREPARE_REQ] = {"prepare", "PrepareReq", N},
    [PAXOS_PREPARE] = {"prepare", "Prepare", N | ACC_ROUND | ACCEPTED | DECIDED},
    [PAXOS_PROMISE] = {"prepare", "Promise",
                       N | ACC_ROUND | SYNC | ENTRIES | ACCEPTED | DECIDED | LEASE | STANDING},
    [PAXOS_SUFFIX_REQ] = {"sync", "SuffixReq", N | FIRST},
    [PAXOS_SUFFIX] = {"sync", "Suffix", N | ENTRIES},
    [PAXOS_ACCEPT_SYNC] = {"sync", "AcceptSync", N | SYNC | ENTRIES | ACCEPTED | DECIDED},
    [PAXOS_ACCEPT_DECIDE] = {"accept", "AcceptDecide", N | ENTRIES | DECIDED},
    [PAXOS_ACCEPTED] = {"accept", "Accepted", N | ACCEPTED | DECIDED},
    [PAXOS_DECIDE] = {"accept", "Decide", N | DECIDED},
    [PAXOS_NOT_ACCEPTED] = {"accept", "NotAccepted", N},
    [PAXOS_PROPOSAL_FORWARD] = {"propose", "ProposalForward", COUNT},
    [PAXOS_HEARTBEAT_REQUEST] = {"election", "HeartbeatRequest", ROUND},
    [PAXOS_HEARTBEAT_REPLY] = {"election", "HeartbeatReply", ROUND | N | LEADER | STANDING},
    [PAXOS_LEADER_BEAT] = {"election", "LeaderBeat", N | DECIDED},
    [PAXOS_READ_REQUEST] = {"read", "ReadRequest", N | READ | LEASE},
    [PAXOS_READ_PROBE] = {"read", "ReadProbe", N | READ | LEASE},
    [PAXOS_READ_ACK] = {"read", "ReadAck", N | READ | LEASE},
    [PAXOS_READ_INDEX] = {"read", "ReadIndex", N | READ | DECIDED | LEASE},
    [PAXOS_JOIN_REQUEST] = {"join", "JoinRequest", ROUND | LIFE},
    [PAXOS_JOIN_REPLY] = {"join", "JoinReply", ROUND | N | STANDING},
    [PAXOS_HAND_OVER] = {"election", "HandOver", N},
};

static const char *const syncs[] = {"nothing", "suffix", "snapshot"};
static const char *const standings[] = {"member", "joining", "fresh"};

static const struct kind *kind_of(const struct paxos_message *m)
{
    assert(m->type < PAXOS_MESSAGE_TYPE_END && kinds[m->type].name);
    return &kinds[m->type];
}

const char *describe_subject(const struct paxos_message *m)
{
    return kind_of(m)->subject;
}

static void ballot_text(struct paxos_ballot ballot, char text[BALLOT_TEXT_MAX])
{
    snprintf(text, BALLOT_TEXT_MAX, "%" PRIu64 ".%" PRIu32 ".%" PRIu32, ballot.n, ballot.priority,
             ballot.pid);
}

__attribute__((format(printf, 2, 3))) static void text_add(char text[DESCRIBE_TEXT_MAX],
                                                           const char *format, ...)
{
    size_t len = strlen(text);
    va_list args;
    va_start(args, format);
    vsnprintf(text + len, DESCRIBE_TEXT_MAX - len, format, args);
    va_end(args);
}

static void text_add_ballot(char text[DESCRIBE_TEXT_MAX], const char *name, struct paxos_ballot b)
{
    char ballot[BALLOT_TEXT_MAX];
    ballot_text(b, ballot);
    text_add(text, "%s%s", name, ballot);
}

static void text_add_entries(char text[DESCRIBE_TEXT_MAX], uint64_t first, uint32_t count)
{
    text_add(text, " entries %" PRIu64 "+%" PRIu32, first, count);
}

void describe_message(const struct paxos_message *m, char text[DESCRIBE_TEXT_MAX])
{
    uint32_t fields = kind_of(m)->fields;
    snprintf(text, DESCRIBE_TEXT_MAX, "%s", kind_of(m)->name);
    if (fields & N)
        text_add_ballot(text, " ", m->n);
    if (fields & ROUND)
        text_add(text, " round %" PRIu64, m->round);
    if (fields & LEADER) {
        text_add_ballot(text, " follows ", m->leader);
        text_add(text, m->happy ? " happy" : " unhappy");
    }
    if (fields & ACC_ROUND)
        text_add_ballot(text, " accepted in ", m->acc_round);
    if (fields & SYNC)
        text_add(text, " sync %s", syncs[m->sync]);
    if (fields & FIRST)
        text_add(text, " from %" PRIu64, m->first);
    if (fields & ENTRIES)
        text_add_entries(text, m->first, m->entry_count);
    if (fields & COUNT)
        text_add(text, " count %" PRIu32, m->entry_count);
    if (fields & ACCEPTED)
        text_add(text, " accepted %" PRIu64, m->accepted);
    if (fields & READ)
        text_add(text, " read %" PRIx64, m->read);
    if (fields & DECIDED)
        text_add(text, " decided %" PRIu64, m->decided);
    if (fields & LIFE)
        text_add(text, " life %" PRIu32, m->life);
    if (fields & STANDING)
        text_add(text, " %s", standings[m->standing]);
    if (fields & LEASE && m->lease > 0)
        text_add(text, " lease %" PRIu32 " us", m->lease);
}

static bool is_heartbeat(const struct paxos_message *m)
{
    return m->type == PAXOS_HEARTBEAT_REQUEST || m->type == PAXOS_HEARTBEAT_REPLY ||
           m->type == PAXOS_LEADER_BEAT;
}

/* ---- Lines ---- */

__attribute__((format(printf, 3, 4))) static void line(struct describe *d, const char *subject,
                                                       const char *format, ...)
{
    char text[DESCRIBE_TEXT_MAX];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    d->line(d->arg, subject, text);
}

/* Followers answer each beat of their leader so, whether or not there is news. */
static bool is_repeated(struct describe *d, uint32_t pid, const struct paxos_message *m)
{
    if (m->type != PAXOS_ACCEPTED)
        return false;
    struct describe_accepted *last = d->accepted;
    while (last->pid != 0 && last->pid != pid)
        last++;
    assert(last < d->accepted + PAXOS_NODES_MAX);
    struct describe_accepted now = {pid, m->n, m->accepted, m->decided};
    bool repeated = paxos_ballot_compare(last->n, now.n) == 0 && last->accepted == now.accepted &&
                    last->decided == now.decided;
    *last = now;
    return repeated;
}

static void line_of_message(struct describe *d, const char *way, uint32_t pid,
                            const struct paxos_message *m)
{
    char text[DESCRIBE_TEXT_MAX];
    if (is_heartbeat(m) || is_repeated(d, pid, m))
        return;
    describe_message(m, text);
    line(d, describe_subject(m), "%s %" PRIu32 ": %s", way, pid, text);
}

static void line_of_ballot(struct describe *d, const char *subject, const char *what,
                           struct paxos_ballot ballot)
{
    char text[BALLOT_TEXT_MAX];
    ballot_text(ballot, text);
    line(d, subject, "%s %s", what, text);
}

void describe_begin(struct describe *d, uint32_t me, const struct paxos_status *status,
                    describe_line_cb *line_cb, void *arg)
{
    *d = (struct describe){.me = me, .line = line_cb, .arg = arg, .status = *status};
}

void describe_event(struct describe *d, const struct paxos_event *event)
{
    switch (event->type) {
    case PAXOS_TICK:
    case PAXOS_TIME:
        break;
    case PAXOS_RECEIVE:
        line_of_message(d, "from", event->message->from, event->message);
        break;
    case PAXOS_PROPOSE:
        line(d, "propose", "count %" PRIu32, event->entry_count);
        break;
    case PAXOS_DURABLE:
        line(d, "disk", "write %" PRIu64 " is durable", event->ticket);
        break;
    case PAXOS_READ:
        line(d, "read", "asks up to %" PRIx64 "%s", event->read,
             event->lease ? ", a lease is welcome" : "");
        break;
    case PAXOS_LINK_UP:
        line(d, "link", "to %" PRIu32 " is up", event->pid);
        break;
    case PAXOS_LINK_DOWN:
        line(d, "link", "to %" PRIu32 " is down", event->pid);
        break;
    case PAXOS_TRIM:
        line(d, "log", "may be trimmed below %" PRIu64, event->index);
        break;
    case PAXOS_SNAPSHOT_INSTALLED:
        line(d, "snapshot", "installed at index %" PRIu64, event->index);
        break;
    case PAXOS_STOPPING:
        line(d, "election", "is about to stop");
        break;
    }
}

/* ---- What has changed ---- */

static bool equal(struct paxos_ballot a, struct paxos_ballot b)
{
    return paxos_ballot_compare(a, b) == 0;
}

static void election_changes(struct describe *d, const struct paxos_status *was,
                             const struct paxos_status *is)
{
    if (!equal(was->leader, is->leader))
        line_of_ballot(d, "election", is->leader.pid == d->me ? "raises its ballot to" : "follows",
                       is->leader);
    if (was->happy != is->happy)
        line_of_ballot(d, "election", is->happy ? "is happy with" : "is unhappy with", is->leader);
    for (uint32_t i = 0; i < is->peer_count; i++) {
        uint32_t pid = is->peers[i].pid;
        if (was->peers[i].alive != is->peers[i].alive)
            line(d, "election", "node %" PRIu32 " %s heartbeats", pid,
                 is->peers[i].alive ? "answers" : "no longer answers");
        if (was->peers[i].standing != is->peers[i].standing)
            line(d, "join", "node %" PRIu32 " is %s", pid, standings[is->peers[i].standing]);
    }
    if (was->has_quorum != is->has_quorum)
        line(d, "election", is->has_quorum ? "there is a quorum" : "there is no quorum");
    if (was->has_leader != is->has_leader)
        line(d, "election", is->has_leader ? "there is a leader" : "there is no leader");
}

static void phase_changes(struct describe *d, const struct paxos_status *was,
                          const struct paxos_status *is)
{
    static const char *const roles[] = {"follower", "leader"};
    static const char *const phases[] = {"none", "prepare", "accept", "recover"};
    char ballot[BALLOT_TEXT_MAX];
    if (!equal(was->promise, is->promise))
        line_of_ballot(d, "prepare", "promises", is->promise);
    if (!equal(was->acc_round, is->acc_round))
        line_of_ballot(d, "accept", "accepts in", is->acc_round);
    ballot_text(is->promise, ballot);
    if (was->role != is->role || was->phase != is->phase)
        line(d, "phase", "%s of %s, %s", roles[is->role], ballot, phases[is->phase]);
    if (was->standing != is->standing || was->life != is->life)
        line(d, "join", "is %s in life %" PRIu32, standings[is->standing], is->life);
}

static void log_changes(struct describe *d, const struct paxos_status *was,
                        const struct paxos_status *is)
{
    if (was->accepted != is->accepted)
        line(d, "log", "accepted %" PRIu64 ", before %" PRIu64, is->accepted, was->accepted);
    if (was->decided != is->decided)
        line(d, "log", "decided %" PRIu64 ", before %" PRIu64, is->decided, was->decided);
    if (was->compacted != is->compacted)
        line(d, "log", "begins at %" PRIu64, is->compacted);
}

/* The entries below it are durable at a majority, as far as the leader has heard. */
static uint64_t majority_accepted(const struct paxos_status *s)
{
    uint64_t best = 0;
    for (uint32_t i = 0; i <= s->peer_count; i++) {
        uint64_t candidate = i < s->peer_count ? s->peers[i].accepted : s->durable;
        uint32_t nodes = s->durable >= candidate;
        for (uint32_t j = 0; j < s->peer_count; j++)
            nodes += s->peers[j].accepted >= candidate;
        if (nodes > (s->peer_count + 1) / 2 && candidate > best)
            best = candidate;
    }
    return best;
}

static void lease_changes(struct describe *d, const struct paxos_status *is,
                          const struct paxos_output *out)
{
    bool leads = is->role == PAXOS_LEADER && is->phase == PAXOS_PHASE_ACCEPT;
    uint64_t chosen = majority_accepted(is);
    bool waits = leads && out->wake_at != 0 && chosen > is->decided;
    if (waits && !d->waits)
        line(d, "lease", "a majority has accepted %" PRIu64 ", to decide waits for leases", chosen);
    d->waits = waits;
}

static void read_changes(struct describe *d, const struct paxos_status *is,
                         const struct paxos_output *out)
{
    if (out->reads_ready == d->reads_ready)
        return;
    const char *by = out->reads_ready > out->reads_confirmed ? "by a lease of this node"
                     : is->role == PAXOS_LEADER              ? "by this leader's followers"
                                                             : "by the leader";
    line(d, "read", "confirmed up to %" PRIx64 " at index %" PRIu64 ", %s", out->reads_ready,
         out->reads_index, by);
    d->reads_ready = out->reads_ready;
}

static void line_of_write(struct describe *d, const struct paxos_write *w)
{
    char text[DESCRIBE_TEXT_MAX] = "";
    text_add(text, "write %" PRIu64 ":", w->ticket);
    text_add_entries(text, w->first, w->entry_count);
    text_add_ballot(text, " promise ", w->promise);
    text_add_ballot(text, " accepted in ", w->acc_round);
    text_add(text, " decided %" PRIu64 "%s", w->decided, w->truncate ? ", the rest goes" : "");
    line(d, "disk", "%s", text);
}

void describe_output(struct describe *d, const struct paxos_status *status,
                     const struct paxos_output *out)
{
    election_changes(d, &d->status, status);
    phase_changes(d, &d->status, status);
    log_changes(d, &d->status, status);
    d->status = *status;
    lease_changes(d, status, out);
    read_changes(d, status, out);
    if (out->snapshot_needed != d->snapshot_needed && out->snapshot_needed != 0)
        line(d, "snapshot", "needs one of index %" PRIu64 " or later", out->snapshot_needed);
    d->snapshot_needed = out->snapshot_needed;
    if (out->write.ticket != 0)
        line_of_write(d, &out->write);
    for (size_t i = 0; i < out->message_count; i++)
        line_of_message(d, "to", out->messages[i].to, &out->messages[i]);
}
