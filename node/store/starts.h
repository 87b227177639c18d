/* The last start (base/start.h) of each other node that this node has heard of.
 *
 * They are kept in the file `starts`, apart from the log: without it no data is lost, only the
 * guard against old copies of folders:
 *
 *   quorumfs starts 1
 *   NODE INCARNATION TOKEN        for each node, in decimal, then twice in hexadecimal
 *
 * Thread: any; it blocks. */
#ifndef QUORUMFS_STORE_STARTS_H
#define QUORUMFS_STORE_STARTS_H

#include "base/fault.h"
#include "base/start.h"
#include "paxos/paxos.h"
#include "store/folder.h"

struct starts {
    uint32_t count;
    struct {
        uint32_t node;
        struct start start;
    } of[PAXOS_NODES_MAX];
};

/* Zeros for a node that is not known. */
struct start starts_of(const struct starts *starts, uint32_t node);
/* There is room for as many nodes as a cluster has; beyond that the first is forgotten. */
void starts_set(struct starts *starts, uint32_t node, struct start start);

/* A missing file has none. 0, or a negative errno with the fault's text; -EUCLEAN: it cannot be
 * understood. In either case what could be read is there. */
int starts_read(const struct folder *folder, struct starts *starts, struct fault *fault);
/* Durable on return: whole or not at all. 0 or a negative errno, with the fault's text. */
int starts_write(const struct folder *folder, const struct starts *starts, struct fault *fault);

#endif
