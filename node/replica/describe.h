/* Private to the room: consensus in words, for the log of a node (QUORUMFS_LOG=debug) and for the
 * simulator, so that both say the same of the same things.
 *
 * The core has no log. Its lines are made outside of it: from each event that goes in, each output
 * that comes out, and what paxos_status says after it compared with what it said before. A line is
 * a subject, for grep, and a text:
 *
 *   election: raises its ballot to 7.0.2         7.0.2: n, priority and pid of a ballot
 *   accept: to 3: AcceptDecide 7.0.2 entries 120+2 decided 120
 *                                                120+2: the entries with the indices 120 and 121
 *   read: confirmed up to 10000000a at index 122 ids of reads are hexadecimal
 *
 * Heartbeats are left out: there are many, and changes of the status tell their news. So is an
 * Accepted that says the same as the one before it. No line shows what an entry holds. No I/O, no
 * clock. Thread: any. */
#ifndef QUORUMFS_REPLICA_DESCRIBE_H
#define QUORUMFS_REPLICA_DESCRIBE_H

#include "paxos/paxos.h"

enum { DESCRIBE_TEXT_MAX = 320 };

/* Subject and text are valid during the call. */
typedef void describe_line_cb(void *arg, const char *subject, const char *text);

struct describe_accepted {
    uint32_t pid; /* 0: none */
    struct paxos_ballot n;
    uint64_t accepted, decided;
};

struct describe {
    uint32_t me;
    describe_line_cb *line;
    void *arg;
    /* As of the last output. */
    struct paxos_status status;
    uint64_t reads_ready, snapshot_needed;
    bool waits; /* the leader has a majority for more than it may decide */
    struct describe_accepted accepted[PAXOS_NODES_MAX]; /* the last to, or from, each peer */
};

void describe_begin(struct describe *d, uint32_t me, const struct paxos_status *status,
                    describe_line_cb *line, void *arg);
/* Before paxos_step. */
void describe_event(struct describe *d, const struct paxos_event *event);
/* After paxos_output, while the output is whole; `status` is that of the core now. */
void describe_output(struct describe *d, const struct paxos_status *status,
                     const struct paxos_output *out);

/* The message without its ends, also of a heartbeat. */
void describe_message(const struct paxos_message *m, char text[DESCRIBE_TEXT_MAX]);
/* The subject of its lines. */
const char *describe_subject(const struct paxos_message *m);

#endif
