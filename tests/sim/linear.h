/* Is a history of operations linearizable? Judged only by the clients' view: the times of their
 * questions and answers, and the answers themselves.
 *
 * Searching for an order is not needed, because every result names the revision at which it took
 * effect (a change: its own; a read: how far the state that answered had got) and the value it
 * found: so the order is given, and only has to be checked. Operations without an answer may have
 * taken effect, once, or not at all; they did if a client saw their value. */
#ifndef QUORUMFS_TESTS_SIM_LINEAR_H
#define QUORUMFS_TESTS_SIM_LINEAR_H

#include "machine.h"

struct linear_operation {
    struct machine_operation asked; /* value of a change: 1 + its place in the history */
    uint64_t invoked, returned;     /* moments, all different; returned 0: no answer (yet) */
    struct machine_result result;
};

/* `history` is in the order of invocation. NULL: it is linearizable. Otherwise what is wrong with
 * it, valid until the next call. */
const char *linear_fault(const struct linear_operation *history, size_t count);

#endif
