/* What must hold of each entry, when the first node applies it; and that all nodes agree. */
#ifndef QUORUMFS_TESTS_NODES_JUDGE_H
#define QUORUMFS_TESTS_NODES_JUDGE_H

#include "nodes.h"

struct judge *judge_new(struct world *w);
uint64_t judge_applied_now(const struct world *w);
uint64_t judge_path(struct bytes path); /* a hash */
/* This event has arrived: it must be the next one of the watcher's. */
void judge_event(struct world *w, struct watcher *r, const struct told *told);
/* It is told that everything up to the revision may be lost. */
void judge_lost(struct world *w, struct watcher *r, uint64_t revision);
/* The cluster is well, and has been for a while. */
bool judge_all_arrived(struct world *w);
/* What the programs of the node had is gone. */
bool judge_is_free(struct world *w, uint32_t pid);
/* For a failure. */
void judge_note_locks(struct world *w);
void judge_end(struct world *w);
uint32_t judge_elements(const struct world *w);
/* Files and leases that are left and have an end. */
uint64_t judge_mortals(struct world *w);

#endif
