/* Every interleaving of a small scope: depth first, each state once.
 *
 *   scopes.c    what is searched            cluster.c, begin.c   states
 *   search.c    the walk                    moves.c, possible.c  moves
 *   visited.c   the states that were seen   session.c            a lock's, and its end
 *   main.c      command line                core.c               copies of a core
 *
 * The cores, and the checker of the simulator, are the real ones. A failure prints the moves that
 * lead to it, and ends all. */
#ifndef QUORUMFS_TESTS_SEARCH_SEARCH_H
#define QUORUMFS_TESTS_SEARCH_SEARCH_H

#include "cluster.h"

/* The default run's; some of a few seconds; larger ones for a request. Each ended by a scope
 * without a name. */
extern const struct scope search_scopes[], search_small_scopes[], search_large_scopes[];

struct search_result {
    uint64_t states, moves;
    uint32_t depth;
};

/* Searches the scope with `processes` processes that share what they have seen. False: a check
 * failed, and the moves that lead there were printed. */
bool search(const struct scope *scope, uint32_t processes, struct search_result *result);

#endif
