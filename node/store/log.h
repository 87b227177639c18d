/* The replicated log on disk (log.db, synchronous=FULL), written by a thread of its own.
 *
 * Group commit: the thread takes every write that waits, makes them durable in one transaction, and
 * reports the last ticket; what arrives meanwhile is the next transaction. Nobody waits for a
 * timer.
 *
 * An I/O error or a full disk cannot be survived in memory: nothing more is written, `failed` is
 * called once, and the node must stop. The database stays one that opens again.
 *
 * Thread: every function and callback is the loop's, except where said. */
#ifndef QUORUMFS_STORE_LOG_H
#define QUORUMFS_STORE_LOG_H

#include "base/fault.h"
#include "paxos/paxos.h"
#include "store/folder.h"

#include <uv.h>

struct log;

struct log_callbacks {
    void (*durable)(void *arg, uint64_t ticket); /* this write and all earlier ones are on disk */
    void (*failed)(void *arg, int status, const char *text);
    void *arg;
};

/* Opens or makes log.db. `members` are the nodes that a new folder begins with, PAXOS_FRESH; a
 * folder of a former format, which does not name them, gets them as well, by their pids. Otherwise
 * the stored ones count. `applied` is what the tree holds: where it is beyond the stored log (a
 * snapshot was installed just before a crash) the log is cut to it, durably, before anything is
 * returned. `snapshot` is the index of the last one that the tree was taken from: the entries below
 * it are void as well, they may never have been decided. `*stored` is what was found, decided =
 * max(stored, applied); given back with log_stored_clear. Returns 0, -EINVAL (another cluster,
 * another node, an unknown format, a log that is missing although the tree holds something, a tree
 * that is older than where the log begins), -EBUSY (another program has log.db open), -EUCLEAN
 * (damaged), -EIO, -ENOSPC, -ENOMEM. */
int log_open(const struct folder *folder, const struct identity *identity,
             const struct paxos_membership *members, uint64_t applied, uint64_t snapshot,
             struct log **log, struct paxos_stored *stored, struct fault *fault);
void log_stored_clear(struct paxos_stored *stored);

/* What is counted from an incarnation on, up to so many, does not reach the next one. */
#define LOG_INCARNATION_STEP (UINT64_C(1) << 32)

/* A number higher than any this returned before for this folder; durable on return. For the
 * exactly-once stamps of this start, together with the node's life: a folder that was emptied
 * begins to count again. Call it before log_start. */
int log_next_incarnation(struct log *log, uint64_t *incarnation, struct fault *fault);

/* Starts the thread. Returns 0, or a negative errno (-EAGAIN, ...): then only log_close is left. */
int log_start(struct log *log, uv_loop_t *loop, const struct log_callbacks *callbacks);

/* Queues a write; takes over its references and zeroes it. Never blocks. Returns 0 or -ENOMEM. */
int log_write(struct log *log, struct paxos_write *write);

struct log_metrics {
    uint64_t commits, entries, bytes; /* since the start; commits that only tidy up count too */
    uint64_t commit_ns_total, commit_ns_max;
    uint64_t file_bytes; /* log.db and its WAL */
};
void log_metrics(struct log *log, struct log_metrics *metrics);

/* Finishes and reports what is queued (unless it failed), ends the thread, frees the log, calls
 * `closed` on the loop; from within the call if log_start was never called. */
void log_close(struct log *log, void (*closed)(void *arg), void *arg);

#endif
