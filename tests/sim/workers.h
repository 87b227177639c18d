/* Histories on all processors. Which process runs which does not matter: a history depends on its
 * seed only, and so do the figures. */
#ifndef QUORUMFS_TESTS_SIM_WORKERS_H
#define QUORUMFS_TESTS_SIM_WORKERS_H

#include <stdbool.h>
#include <stdint.h>

/* Runs the histories first..last, or as many of them as `seconds` allow, and prints figures. With
 * `twice` each is run again, and must be the same. False: one has failed, and said so. */
bool workers_run(uint64_t first, uint64_t last, double seconds, bool twice);

#endif
