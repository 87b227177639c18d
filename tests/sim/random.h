/* Random numbers (splitmix64): the same from the same seed on every machine. */
#ifndef QUORUMFS_TESTS_SIM_RANDOM_H
#define QUORUMFS_TESTS_SIM_RANDOM_H

#include <stdbool.h>
#include <stdint.h>

struct sim_random {
    uint64_t state; /* begins as the seed */
};

static inline uint64_t sim_random(struct sim_random *r)
{
    uint64_t z = (r->state += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

/* 0..limit-1; 0 for a limit of 0. */
static inline uint64_t sim_below(struct sim_random *r, uint64_t limit)
{
    return limit ? sim_random(r) % limit : 0;
}

static inline bool sim_chance(struct sim_random *r, uint32_t permille)
{
    return sim_below(r, 1000) < permille;
}

#endif
