#include "visited.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

struct visited {
    uint64_t slots;
    _Atomic uint64_t count;
    _Atomic uint64_t prints[]; /* open addressing; 0: free */
};

static size_t bytes_of(uint64_t slots)
{
    return sizeof(struct visited) + slots * sizeof(uint64_t);
}

struct visited *visited_new(uint64_t slots)
{
    assert((slots & (slots - 1)) == 0);
    struct visited *v = mmap(NULL, bytes_of(slots), PROT_READ | PROT_WRITE,
                             MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (v == MAP_FAILED) {
        perror("no memory for the states");
        exit(2);
    }
    v->slots = slots;
    return v;
}

void visited_free(struct visited *v)
{
    munmap(v, bytes_of(v->slots));
}

bool visited_add(struct visited *v, uint64_t fingerprint)
{
    uint64_t print = fingerprint ? fingerprint : 1;
    for (uint64_t at = print & (v->slots - 1);; at = (at + 1) & (v->slots - 1)) {
        uint64_t found = 0;
        if (atomic_compare_exchange_strong(&v->prints[at], &found, print))
            break;
        if (found == print)
            return false;
    }
    if (atomic_fetch_add(&v->count, 1) > v->slots / 8 * 7) {
        fprintf(stderr, "the table of states is full: choose a smaller scope\n");
        exit(2);
    }
    return true;
}

uint64_t visited_count(const struct visited *v)
{
    return atomic_load(&v->count);
}
