/* The surroundings of a replica: a clock, links and a log made here, and two honest cores as
 * peers. The replica itself, its consensus and its tree are the real ones. */
#ifndef QUORUMFS_TESTS_FUZZ_HOST_H
#define QUORUMFS_TESTS_FUZZ_HOST_H

#include "cluster.h"

#include "replica/replica_internal.h"

enum { HOST_PID = CLUSTER_NODES, HOST_PEERS = CLUSTER_NODES - 1 }; /* theirs are 1 and 2 */

struct host {
    uv_loop_t loop;
    bool loop_begun;
    struct config config;
    struct cluster cluster; /* the replica stands in the place of the last node */
    struct replica *replica;
    struct peer_callbacks links;
    bool linked[CLUSTER_NODES + 1]; /* by pid */
    struct log_callbacks log;
    uint64_t ticket; /* of the last write */
    uint64_t now_ms;
    struct frame request; /* the last one for a snapshot */
    bool stopped;
};

extern struct host host;

/* A new folder, a new cluster. A node that stops by itself ends the process. */
void host_start(void);
void host_stop(void); /* gracefully; everything was answered then */

void host_turn(void); /* of the loop */
void host_pass_time(uint64_t ms);
void host_heartbeat(void); /* of all nodes */
void host_disks(void);     /* writes under way become durable, at all nodes */
void host_settle(uint32_t rounds);
/* From a peer; frames that routing would not let through are dropped. */
void host_frame(struct frame *frame);

#endif
