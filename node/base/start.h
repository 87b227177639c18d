/* Which start of its folder a node runs in.
 *
 * Each start has a number, the incarnation, that is higher than all before it, and a random token.
 * A node that comes with a lower number than it had, or with the same number and another token,
 * runs on an old copy of its folder: it has forgotten what it acknowledged since. Only the nodes
 * that have heard of the later start can know. */
#ifndef QUORUMFS_BASE_START_H
#define QUORUMFS_BASE_START_H

#include <stdint.h>

struct start {
    uint64_t incarnation; /* 0: not known */
    uint64_t token;
};

enum start_order {
    START_NEWER, /* or no other is known */
    START_SAME,
    START_OLDER,
};

/* How a start compares with the last one that is known of the same node. */
static inline enum start_order start_compare(struct start start, struct start known)
{
    if (start.incarnation != known.incarnation)
        return start.incarnation > known.incarnation ? START_NEWER : START_OLDER;
    return start.token == known.token ? START_SAME : START_OLDER;
}

#endif
