/* The states that were seen, by fingerprint, shared by all processes of a search.
 *
 * A fingerprint has 64 bits: among 10 million states, two that differ have the same one with a
 * probability of about 3 in a million, and then one of them is not looked at. */
#ifndef QUORUMFS_TESTS_SEARCH_VISITED_H
#define QUORUMFS_TESTS_SEARCH_VISITED_H

#include <stdbool.h>
#include <stdint.h>

struct visited;

/* Before fork. `slots`: a power of two; the table takes 8 bytes for each as they are used. */
struct visited *visited_new(uint64_t slots);
void visited_free(struct visited *v);
/* False: it was there. Ends the process when the table is nearly full. */
bool visited_add(struct visited *v, uint64_t fingerprint);
uint64_t visited_count(const struct visited *v);

#endif
