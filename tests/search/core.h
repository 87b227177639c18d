/* For branching, which a core does not offer by itself: copies, and a canonical text of its state.
 *
 * White box: a new field of struct paxos must be known here, and a static assertion on its size
 * reminds of that. */
#ifndef QUORUMFS_TESTS_SEARCH_CORE_H
#define QUORUMFS_TESTS_SEARCH_CORE_H

#include "base/buffer.h"
#include "paxos/paxos.h"

/* A core between two events: nothing is in its outbox. The copy shares the entries. */
struct paxos *core_copy(const struct paxos *p);

/* Appends everything on which the future of the core depends, in one order. Left out: fields that
 * only measure time (no heartbeat is ever delivered here), and byte offsets (windows never close).
 */
void core_encode(const struct paxos *p, struct buffer *out);

/* The node considers itself elected, in a ballot above all it knows. The search lets any node do
 * so at any moment: safety must not depend on what the election chooses. */
void core_elect(struct paxos *p);

#endif
