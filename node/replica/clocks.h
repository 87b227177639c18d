/* Private to the room: the cluster's time, from the wall clocks of its members.
 *
 * Each node asks the others what their wall clocks show, and notes by how much they are ahead of
 * its own steady clock, which nobody sets. So it knows at any moment what each of them shows, also
 * of a member that has gone since. Of those that it has heard, a majority of the members at least,
 * the median counts: one clock that is wrong, or that jumps, moves it no further than to the next
 * one. A node's own clock is one among them.
 *
 * If there are two in the middle, as in a cluster of two nodes, the earlier one counts: what is
 * dated too late does harm for longer. But if the tree's last change is later than that, and the
 * later clock has come that far, the later one counts. So time goes on as before, whichever of the
 * two is set wrong; but if they differ, nobody can say for certain which is right.
 *
 * No I/O, no clock. Thread: none of its own. */
#ifndef QUORUMFS_REPLICA_CLOCKS_H
#define QUORUMFS_REPLICA_CLOCKS_H

#include "paxos/paxos.h"

enum {
    CLOCK_OFF_MS = 1000,     /* clocks that differ by more do not agree; half of it, once they do
                                not */
    CLOCK_DRIFT = 2000,      /* steady clocks differ by one part in so many */
    CLOCK_ANSWER_MS = 10000, /* an answer that comes later says too little */
    CLOCK_SLACK_MS = 20000,  /* the last change may be so much later than a clock that is right */
};
#define CLOCK_NS_MAX (UINT64_C(1) << 62) /* the year 2116 */

/* This node's two clocks, read at one moment. */
struct clock_reading {
    uint64_t steady_us; /* since the machine's start */
    uint64_t wall_ns;   /* since 1970 */
};

/* Another member's wall clock. */
struct member_clock {
    uint32_t pid;
    bool heard;
    int64_t ahead_ns;   /* of this node's steady clock */
    uint64_t margin_ns; /* it may be so much more or less */
    uint64_t heard_us;  /* when */
};

struct clocks {
    uint32_t count; /* the other members */
    struct member_clock members[PAXOS_NODES_MAX];
};

enum clock_verdict {
    CLOCK_RIGHT,   /* a majority of the members' clocks agrees with this node's */
    CLOCK_WRONG,   /* a majority agrees on another time */
    CLOCK_UNSURE,  /* no majority agrees on any */
    CLOCK_UNHEARD, /* of a majority */
};

void clocks_init(struct clocks *clocks, const uint32_t *others, uint32_t count);

/* The member's wall clock showed `wall_ns` between the two moments of the steady clock. */
void clocks_told(struct clocks *clocks, uint32_t pid, uint64_t asked_us, uint64_t now_us,
                 uint64_t wall_ns);

/* The cluster's time at this moment; `last_ns` is that of the tree's last change. Returns false if
 * it is not known: no majority was heard. */
bool clocks_time(const struct clocks *clocks, struct clock_reading now, uint64_t last_ns,
                 uint64_t *time_ns);

/* What is to be said of this node's clock. `agree_ms`: clocks that differ by no more agree. */
enum clock_verdict clocks_judge(const struct clocks *clocks, struct clock_reading now,
                                uint64_t last_ns, uint64_t agree_ms);

/* What the member's wall clock shows at this moment. Returns false if it was never heard. */
bool clocks_of(const struct clocks *clocks, uint32_t pid, struct clock_reading now,
               uint64_t *wall_ns);

bool clocks_all_heard(const struct clocks *clocks);

#endif
