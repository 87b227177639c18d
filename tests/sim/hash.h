/* One number for many: equal streams of words give equal hashes, different ones hardly ever. */
#ifndef QUORUMFS_TESTS_SIM_HASH_H
#define QUORUMFS_TESTS_SIM_HASH_H

#include <stdint.h>

static inline uint64_t hash_add(uint64_t hash, uint64_t word)
{
    hash = (hash ^ word) * 0x9e3779b97f4a7c15u;
    return hash ^ (hash >> 32);
}

#endif
