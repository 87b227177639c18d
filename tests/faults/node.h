/* A node on a disk of these tests: log.db, tree.db and the core, joined as replica.c, checkpoint.c,
 * snapshot_*.c and the log's thread join them, but step by step and without threads, so that a test
 * decides what happens when.
 *
 *   receive ──> core ──> queued write ──store──> durable ──> core ──> said, decided ──apply──> tree
 *
 * An error of the disk breaks the node: `status` and `text` then say what, and every step does
 * nothing. Its process then ends (node_end), nothing is closed properly. */
#ifndef QUORUMFS_TESTS_FAULTS_NODE_H
#define QUORUMFS_TESTS_FAULTS_NODE_H

#include "disk.h"
#include "ledger.h"
#include "store/log_db.h"

enum { NODE_DISK = 0, NODE_WRITES_MAX = 64 };

struct node {
    struct disk *disk;
    struct ledger *ledger; /* its promises are entered here */
    /* Every message that it sends. */
    void (*said)(void *arg, const struct paxos_message *m);
    void *said_arg;

    int status; /* of the first error */
    char text[FAULT_TEXT_MAX];

    struct folder *folder;
    struct tree *tree;
    struct log_db log;
    bool log_open;
    struct paxos *core;
    struct paxos_write writes[NODE_WRITES_MAX]; /* for the log's thread */
    uint32_t write_count;
    uint64_t incarnation, decided, snapshot_needed;
    uint64_t durable_applied;

    struct tree_reader *reader; /* a snapshot that is served */
    bool reading;
    struct tree_writer *writer; /* a snapshot that is fetched, */
    uint64_t writer_index;
    size_t writer_piece; /* its next piece */
    bool writing, installing;
};

/* Starts on `disk`, checks what is found there against the ledger, and enters what it says there.
 * All zeros before, but for `said`. Returns the status. */
int node_start(struct node *node, struct disk *disk, struct ledger *ledger);
/* Stops properly: everything is closed. */
void node_stop(struct node *node);
/* The process is gone: what it has not written is lost. The disk is dead then. */
void node_end(struct node *node);

void node_receive(struct node *node, const struct paxos_message *m);
/* Sends and queues the output of the core. */
void node_turn(struct node *node);
/* The log's thread: everything queued in one transaction, reported, and a look at the WAL;
 * `checkpoint`: as if it had become long. */
void node_store(struct node *node, bool checkpoint);
void node_apply(struct node *node, uint64_t entries_max);
void node_commit(struct node *node);
/* The next ones queue work for the pool. Each does nothing when it is not its time. */
void node_checkpoint(struct node *node);
void node_serve(struct node *node); /* begins, goes on with, or ends a snapshot for a peer */
void node_fetch(struct node *node); /* the same with one from the cluster, as the core needs it */
/* Trims the log to `index`, or to what the tree has durably if that is less. */
void node_trim(struct node *node, uint64_t index);

#endif
