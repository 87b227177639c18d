#include "replica/clocks.h"

#include "paxos/quorum.h"

#include <assert.h>

static int64_t ns_of(uint64_t us)
{
    return (int64_t)(us < CLOCK_NS_MAX / 1000 ? us * 1000 : CLOCK_NS_MAX);
}

static uint64_t bounded(uint64_t wall_ns)
{
    return wall_ns < CLOCK_NS_MAX ? wall_ns : CLOCK_NS_MAX;
}

static uint64_t distance(int64_t a, int64_t b)
{
    return a > b ? (uint64_t)a - (uint64_t)b : (uint64_t)b - (uint64_t)a;
}

void clocks_init(struct clocks *clocks, const uint32_t *others, uint32_t count)
{
    assert(count < PAXOS_NODES_MAX);
    *clocks = (struct clocks){.count = count};
    for (uint32_t i = 0; i < count; i++)
        clocks->members[i].pid = others[i];
}

static struct member_clock *member_of(struct clocks *clocks, uint32_t pid)
{
    for (uint32_t i = 0; i < clocks->count; i++) {
        if (clocks->members[i].pid == pid)
            return &clocks->members[i];
    }
    return NULL;
}

/* An answer that took long says little. So the best one is kept, until it is too old to be better
 * than the new one, or the new one cannot be true beside it: then the clock was set. */
void clocks_told(struct clocks *clocks, uint32_t pid, uint64_t asked_us, uint64_t now_us,
                 uint64_t wall_ns)
{
    struct member_clock *member = member_of(clocks, pid);
    if (!member || asked_us > now_us || now_us - asked_us > CLOCK_ANSWER_MS * 1000)
        return;
    uint64_t half_us = (now_us - asked_us) / 2;
    struct member_clock told = {.pid = pid,
                                .heard = true,
                                .ahead_ns = (int64_t)bounded(wall_ns) - ns_of(asked_us + half_us),
                                .margin_ns = (uint64_t)ns_of(half_us + 1),
                                .heard_us = now_us};
    uint64_t margin_ns =
        member->margin_ns + (uint64_t)ns_of(now_us - member->heard_us) / CLOCK_DRIFT;
    bool was_set = distance(told.ahead_ns, member->ahead_ns) > told.margin_ns + margin_ns;
    if (!member->heard || was_set || told.margin_ns <= margin_ns)
        *member = told;
}

/* How far the clocks that were heard are ahead of the steady one, from the earliest to the latest;
 * this node's own is among them. Returns how many. */
static uint32_t sorted(const struct clocks *clocks, struct clock_reading now,
                       int64_t ahead_ns[PAXOS_NODES_MAX])
{
    uint32_t count = 1;
    ahead_ns[0] = (int64_t)bounded(now.wall_ns) - ns_of(now.steady_us);
    for (uint32_t i = 0; i < clocks->count; i++) {
        if (!clocks->members[i].heard)
            continue;
        uint32_t at = count++;
        for (; at > 0 && ahead_ns[at - 1] > clocks->members[i].ahead_ns; at--)
            ahead_ns[at] = ahead_ns[at - 1];
        ahead_ns[at] = clocks->members[i].ahead_ns;
    }
    return count;
}

/* Returns false if no majority was heard. */
static bool median(const struct clocks *clocks, struct clock_reading now, uint64_t last_ns,
                   int64_t *ahead_ns)
{
    int64_t all[PAXOS_NODES_MAX];
    uint32_t count = sorted(clocks, now, all);
    int64_t last = (int64_t)bounded(last_ns) - ns_of(now.steady_us);
    int64_t slack = ns_of(CLOCK_SLACK_MS * 1000);
    int64_t earlier = all[(count - 1) / 2], later = all[count / 2];
    *ahead_ns = earlier < last - slack && later >= last - slack ? later : earlier;
    return count >= paxos_majority(clocks->count + 1);
}

bool clocks_time(const struct clocks *clocks, struct clock_reading now, uint64_t last_ns,
                 uint64_t *time_ns)
{
    int64_t ahead_ns;
    bool known = median(clocks, now, last_ns, &ahead_ns);
    *time_ns = (uint64_t)(ns_of(now.steady_us) + ahead_ns);
    return known;
}

/* How many of the members' clocks are near this one, without this node's own. */
static uint32_t agreeing(const struct clocks *clocks, int64_t ahead_ns, uint64_t agree_ms)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < clocks->count; i++) {
        const struct member_clock *member = &clocks->members[i];
        uint64_t near_ns = agree_ms * 1000000 + member->margin_ns;
        count += member->heard && distance(member->ahead_ns, ahead_ns) <= near_ns;
    }
    return count;
}

enum clock_verdict clocks_judge(const struct clocks *clocks, struct clock_reading now,
                                uint64_t last_ns, uint64_t agree_ms)
{
    uint32_t majority = paxos_majority(clocks->count + 1);
    int64_t own_ns = (int64_t)bounded(now.wall_ns) - ns_of(now.steady_us), common_ns;
    if (!median(clocks, now, last_ns, &common_ns))
        return CLOCK_UNHEARD;
    if (agreeing(clocks, own_ns, agree_ms) + 1 >= majority)
        return CLOCK_RIGHT;
    return agreeing(clocks, common_ns, agree_ms) >= majority ? CLOCK_WRONG : CLOCK_UNSURE;
}

bool clocks_all_heard(const struct clocks *clocks)
{
    for (uint32_t i = 0; i < clocks->count; i++) {
        if (!clocks->members[i].heard)
            return false;
    }
    return true;
}

bool clocks_of(const struct clocks *clocks, uint32_t pid, struct clock_reading now,
               uint64_t *wall_ns)
{
    const struct member_clock *member = member_of((struct clocks *)clocks, pid);
    if (!member || !member->heard)
        return false;
    *wall_ns = (uint64_t)(ns_of(now.steady_us) + member->ahead_ns);
    return true;
}
