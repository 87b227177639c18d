/* Private to the room: looking the addresses of a host up, in a way that can be given up.
 *
 * getaddrinfo(3) cannot be cancelled, and takes a minute or so if the name servers are silent. So
 * each look-up has a thread of its own, which the end of the process does not wait for, and which
 * no other work waits for either. Thread: the loop's. */
#ifndef QUORUMFS_PEER_LOOKUP_H
#define QUORUMFS_PEER_LOOKUP_H

#include <netdb.h>
#include <uv.h>

enum { LOOKUPS_MAX = 32 }; /* threads at a time, those included that were given up */

struct lookup;

/* `found` is borrowed, and NULL if there is no address: `why` says why then. The look-up is over.
 */
typedef void lookup_cb(void *arg, const struct addrinfo *found, const char *why);

/* Calls back from the loop, unless it is given up before. NULL: no memory, or too many threads. */
struct lookup *lookup_start(uv_loop_t *loop, const char *host, lookup_cb *done, void *arg);
/* `done` will not be called; nothing waits for the thread. */
void lookup_give_up(struct lookup *lookup);

#endif
