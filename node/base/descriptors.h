/* How many descriptors the process has, and how many of them clients may use: however many connect,
 * the node needs some for the links to its peers and for its databases.
 *
 * Thread: descriptors_take at the start; otherwise any. */
#ifndef QUORUMFS_BASE_DESCRIPTORS_H
#define QUORUMFS_BASE_DESCRIPTORS_H

#include <stdint.h>

enum {
    DESCRIPTORS_MAX = 65536,
    DESCRIPTORS_KEPT = 64,       /* for the node: about 24 that are always open, four for each of
                                    eight peers, and those of snapshots and look-ups */
    DESCRIPTORS_CLIENTS_MIN = 4, /* however few there are */
};

/* Takes so many, or all that the system allows. Returns how many there are. */
uint32_t descriptors_take(uint32_t count);
/* How many connections of clients there may be. */
uint32_t descriptors_for_clients(void);

#endif
