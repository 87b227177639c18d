/* Shared by checker.c (what must hold) and checker_history.c (what it remembers). */
#ifndef QUORUMFS_TESTS_SIM_CHECKER_INTERNAL_H
#define QUORUMFS_TESTS_SIM_CHECKER_INTERNAL_H

#include "checker.h"

uint64_t checker_ids_at(const struct checker_ids *ids, uint64_t index); /* beyond: 0 */
void checker_ids_set(struct checker_ids *ids, uint64_t index, uint64_t id);

/* Made where it is not there; valid until the next call. */
struct checker_round *checker_round_of(struct checker *c, struct paxos_ballot ballot);
void checker_forget_rounds(struct checker *c);

#endif
