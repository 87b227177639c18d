/* What time it is in the cluster, and what is wrong with this node's clock.
 *
 * A command is dated by the node that proposes it, with the time that most members' clocks show
 * (clocks.h). So a node whose clock is off dates nothing with it, and the entry alone says the time
 * to every node that applies it. The nodes ask each other for their clocks all the time, from level
 * 3 on or when all of them speak it; before, each believes its own. */
#include "replica/replica_internal.h"

#include "base/trace.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    DATES_ASK_MS = 1000,      /* between two questions for a clock ... */
    DATES_ASK_SOON_MS = 50,   /* ... as long as it is not known what time it is */
    DATES_ASKED_MS = 5000,    /* who asked so lately, of the last entries, knows the level */
    DATES_PATIENCE_MS = 2000, /* clocks that differ wait so long for those of the other members, and
                                 so long has a clock to be off until it is said */
};

static struct clock_reading reading(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (struct clock_reading){
        .steady_us = replica_now_us(),
        .wall_ns = now.tv_sec < 0 ? 0 : (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec};
}

/* Whether the members' clocks are asked for. A node that has not applied the last entries yet may
 * hear from the others that they are. */
static bool dates_are_common(const struct replica *r)
{
    bool asked = r->dates.asked_ms != 0 && replica_now_ms() - r->dates.asked_ms < DATES_ASKED_MS;
    return asked || levels_reach(r, LEVEL_TIMES);
}

static enum clock_verdict verdict_of(const struct replica *r, struct clock_reading now)
{
    bool off = r->dates.said == CLOCK_WRONG || r->dates.said == CLOCK_UNSURE;
    return clocks_judge(&r->dates.clocks, now, tree_time(r->tree),
                        off ? CLOCK_OFF_MS / 2 : CLOCK_OFF_MS);
}

/* After a start, two clocks that differ may be the first that are heard. The others tell which of
 * them is right. */
static bool dates_wait(const struct replica *r, struct clock_reading now)
{
    bool patient = replica_now_ms() - r->dates.known_ms < DATES_PATIENCE_MS;
    return patient && !clocks_all_heard(&r->dates.clocks) && verdict_of(r, now) != CLOCK_RIGHT;
}

bool dates_now(const struct replica *r, uint64_t *time_ns)
{
    struct clock_reading now = reading();
    *time_ns = now.wall_ns;
    if (!dates_are_common(r))
        return true;
    return clocks_time(&r->dates.clocks, now, tree_time(r->tree), time_ns) && !dates_wait(r, now);
}

uint64_t replica_time(const struct replica *r)
{
    uint64_t time_ns;
    return dates_now(r, &time_ns) ? time_ns : reading().wall_ns;
}

/* ---- Asking ---- */

void dates_ask(struct replica *r)
{
    if (!r->paxos || !dates_are_common(r))
        return;
    r->dates.ask_ms = replica_now_ms() + (r->dates.known_ms ? DATES_ASK_MS : DATES_ASK_SOON_MS);
    for (uint32_t i = 0; i < r->dates.clocks.count; i++)
        peer_send(r->peer, &(struct frame){.type = FRAME_CLOCK_REQUEST,
                                           .to = r->dates.clocks.members[i].pid,
                                           .id = replica_now_us()});
}

void dates_answer(struct replica *r, const struct frame *request)
{
    r->dates.asked_ms = replica_now_ms();
    peer_send(r->peer, &(struct frame){.type = FRAME_CLOCK,
                                       .to = request->from,
                                       .id = request->id,
                                       .time = reading().wall_ns});
}

void dates_told(struct replica *r, const struct frame *frame)
{
    struct clock_reading now = reading();
    clocks_told(&r->dates.clocks, frame->from, frame->id, now.steady_us, frame->time);
    if (r->dates.known_ms == 0 && verdict_of(r, now) != CLOCK_UNHEARD)
        r->dates.known_ms = replica_now_ms();
}

/* ---- Saying ---- */

static int64_t ms_between(uint64_t later_ns, uint64_t earlier_ns)
{
    return ((int64_t)later_ns - (int64_t)earlier_ns) / 1000000;
}

void dates_status(const struct replica *r, struct replica_status *s)
{
    struct clock_reading now = reading();
    uint64_t time_ns, wall_ns;
    s->time_known = dates_are_common(r) && dates_now(r, &time_ns);
    if (!s->time_known)
        return;
    s->clock_ahead_ms = ms_between(now.wall_ns, time_ns);
    for (uint32_t i = 0; i < s->peer_count; i++) {
        s->peers[i].clock_known = clocks_of(&r->dates.clocks, s->peers[i].pid, now, &wall_ns);
        if (s->peers[i].clock_known)
            s->peers[i].clock_ahead_ms = ms_between(wall_ns, time_ns);
    }
}

/* "12 s ahead", "3652 days behind". */
static void describe_ahead(int64_t ahead_ms, char text[64])
{
    static const struct {
        const char *name;
        uint64_t ms;
    } units[] = {{"days", 86400000}, {"hours", 3600000}, {"minutes", 60000}, {"s", 1000}};
    uint64_t ms = (uint64_t)llabs(ahead_ms);
    size_t i = 0;
    while (i < 3 && ms < 2 * units[i].ms)
        i++;
    snprintf(text, 64, "%.*f %s %s", i == 3 ? 1 : 0, (double)ms / (double)units[i].ms,
             units[i].name, ahead_ms < 0 ? "behind" : "ahead");
}

/* With the clock of each node that was heard. */
static void describe_all(const struct replica *r, int64_t own_ahead_ms, uint64_t time_ns,
                         struct clock_reading now, char text[REPLICA_TEXT_MAX])
{
    char ahead[64];
    describe_ahead(own_ahead_ms, ahead);
    int at = snprintf(text, REPLICA_TEXT_MAX,
                      "the clocks of the nodes differ, and no majority agrees: set them right; "
                      "compared with the time that changes are dated with, this node's is %s",
                      ahead);
    for (uint32_t i = 0; i < r->dates.clocks.count && at < REPLICA_TEXT_MAX; i++) {
        uint32_t pid = r->dates.clocks.members[i].pid;
        uint64_t wall_ns;
        if (!clocks_of(&r->dates.clocks, pid, now, &wall_ns))
            continue;
        describe_ahead(ms_between(wall_ns, time_ns), ahead);
        at += snprintf(text + at, (size_t)(REPLICA_TEXT_MAX - at), ", that of node %u %s", pid,
                       ahead);
    }
}

void dates_describe(const struct replica *r, char text[REPLICA_TEXT_MAX])
{
    struct clock_reading now = reading();
    uint64_t time_ns;
    char ahead[64];
    bool known = dates_now(r, &time_ns);
    int64_t ahead_ms = ms_between(now.wall_ns, time_ns);
    text[0] = '\0';
    if (r->dates.said == CLOCK_UNHEARD)
        snprintf(text, REPLICA_TEXT_MAX, "%s", CLOCKS_UNHEARD);
    else if (known && r->dates.said == CLOCK_UNSURE)
        describe_all(r, ahead_ms, time_ns, now, text);
    if (!known || r->dates.said != CLOCK_WRONG)
        return;
    describe_ahead(ahead_ms, ahead);
    snprintf(text, REPLICA_TEXT_MAX,
             "this node's clock is %s of the clocks of most nodes: set it right (changes are dated "
             "by the others meanwhile)",
             ahead);
}

static void say(const struct replica *r)
{
    char text[REPLICA_TEXT_MAX];
    dates_describe(r, text);
    trace_warn("clock", "%s", text[0] ? text : "this node's clock agrees with most others again");
}

/* Without a quorum it is no news that a majority is not heard. */
void dates_housekeeping(struct replica *r, uint64_t now_ms)
{
    if (!r->paxos || !dates_are_common(r)) {
        r->dates.ask_ms = 0;
        return;
    }
    if (now_ms >= r->dates.ask_ms)
        dates_ask(r);
    enum clock_verdict verdict = verdict_of(r, reading());
    if (verdict != r->dates.verdict)
        r->dates.verdict_ms = now_ms;
    r->dates.verdict = verdict;
    if (verdict == r->dates.said || now_ms - r->dates.verdict_ms < DATES_PATIENCE_MS ||
        (verdict == CLOCK_UNHEARD && !replica_has_quorum(r)))
        return;
    r->dates.said = verdict;
    say(r);
}
