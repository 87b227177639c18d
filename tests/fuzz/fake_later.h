/* The fake replica answers later in its own time, a timer of the loop. A fuzzer has no time. */
#ifndef QUORUMFS_TESTS_FUZZ_FAKE_LATER_H
#define QUORUMFS_TESTS_FUZZ_FAKE_LATER_H

#include "fake_replica.h"

/* Answers waiting calls now, unless the settings hold them. */
void fake_later(uv_loop_t *loop, struct replica *replica);

#endif
