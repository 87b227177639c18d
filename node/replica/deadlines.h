/* Private to the room: many deadlines, of which the first is at hand. Each belongs to a key, which
 * is not 0, and is found by it.
 *
 * A heap of places in `items`, and a table of chains by key. The cost of each call grows with the
 * logarithm of the number of deadlines. Thread: the loop's. */
#ifndef QUORUMFS_REPLICA_DEADLINES_H
#define QUORUMFS_REPLICA_DEADLINES_H

#include <stdbool.h>
#include <stdint.h>

struct deadline {
    uint64_t key;
    uint64_t revision; /* the caller's */
    uint64_t due_ms;
    uint32_t at;   /* in the heap */
    uint32_t next; /* in its chain; of one that is not in use, the next such one */
};

/* A zeroed one is empty. */
struct deadlines {
    struct deadline *items; /* room for `max`, as the two that follow */
    uint32_t *heap;         /* the first `count` are in use */
    uint32_t *chains;
    uint32_t count, max;
    uint32_t unused; /* the first one */
};

/* Adds it, or moves the one that the key has. 0 or -ENOMEM. */
int deadlines_put(struct deadlines *d, uint64_t key, uint64_t revision, uint64_t due_ms);
/* NULL: the key has none. Valid until the next change, like that of deadlines_first. */
const struct deadline *deadlines_find(const struct deadlines *d, uint64_t key);
/* The earliest; NULL: there is none. */
const struct deadline *deadlines_first(const struct deadlines *d);
/* Nothing happens if it has none. */
void deadlines_remove(struct deadlines *d, uint64_t key);
void deadlines_free(struct deadlines *d); /* it is empty then */

#endif
