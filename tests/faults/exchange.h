/* Three cores that talk: elections, proposals here and forwarded, a node that misses so much that
 * it needs a snapshot, one whose log must be cut and filled again piece by piece, trims, reads. A
 * core without memory must report that and nothing else; it is then started again from its disk. */
#ifndef QUORUMFS_TESTS_FAULTS_EXCHANGE_H
#define QUORUMFS_TESTS_FAULTS_EXCHANGE_H

#include <stdint.h>

struct exchange_counts {
    uint64_t messages, writes, snapshots, decided, reads, failures;
};

/* The whole exchange, with what alloc_fail was told. The test ends if it comes out wrong. */
struct exchange_counts exchange_run(void);

#endif
