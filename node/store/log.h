/* The replicated log on disk (log.db, synchronous=FULL), written by a thread of its own.
 *
 * Group commit: the thread takes every write that waits, makes them durable in one transaction, and
 * reports the last ticket; writes that arrive meanwhile are the next transaction. Nothing waits for
 * a timer.
 *
 * After an I/O error, nothing more is written and `failed` is called once. The node must stop, as
 * it cannot go on from memory alone; the database can be opened again. On a full disk (even the
 * reserve is used up), the thread waits for room: what it has not reported is not on disk.
 *
 * Thread: every function and callback is the loop's, except where said. */
#ifndef QUORUMFS_STORE_LOG_H
#define QUORUMFS_STORE_LOG_H

#include "base/buffer.h"
#include "base/fault.h"
#include "paxos/paxos.h"
#include "store/folder.h"

#include <sys/queue.h>
#include <uv.h>

struct log;

struct log_callbacks {
    void (*durable)(void *arg, uint64_t ticket); /* this write and all earlier ones are on disk */
    void (*failed)(void *arg, int status, const char *text); /* -ENOSPC: closed while it waited */
    void (*full)(void *arg, bool full); /* it begins or ends to wait for room */
    void *arg;
};

/* Opens or makes log.db.
 *
 * `members` are the nodes that a new folder begins with, as PAXOS_FRESH; a folder of a former
 * format does not name its members and gets these, by their pids. In any other folder the stored
 * members count. `applied` is how far the tree has applied the log: if that is beyond the end of
 * the stored log (a snapshot was installed just before a crash), the log is first cut to it,
 * durably. `snapshot` is the index of the last snapshot that took the tree's place: entries below
 * it are void as well, as they may never have been decided. `*stored` is what was found, with
 * decided = max(stored, applied); the caller frees it with log_stored_clear.
 *
 * Returns 0, -EINVAL (another cluster, another node, an unknown format, a log that is missing
 * although the tree holds something, or whose WAL is, a tree that is older than where the log
 * begins), -EBUSY
 * (another program has log.db open), -EUCLEAN (damaged), -EIO, -ENOSPC, -ENOMEM. */
int log_open(const struct folder *folder, const struct identity *identity,
             const struct paxos_membership *members, uint64_t applied, uint64_t snapshot,
             struct log **log, struct paxos_stored *stored, struct fault *fault);
void log_stored_clear(struct paxos_stored *stored);

/* The distance of two incarnations: up to so many numbers can be counted from one of them on. */
#define LOG_INCARNATION_STEP (UINT64_C(1) << 32)

/* Gives a number higher than any that it gave before for this folder; durable on return. It belongs
 * in the exactly-once stamps of this start, together with the node's life, as a folder that was
 * emptied counts from the beginning again. Call it before log_start. */
int log_next_incarnation(struct log *log, uint64_t *incarnation, struct fault *fault);

/* Starts the thread. Returns 0 or a negative errno (-EAGAIN, ...); after an error, only log_close
 * may be called. */
int log_start(struct log *log, uv_loop_t *loop, const struct log_callbacks *callbacks);

/* Queues a write; takes over its references and zeroes it. Never blocks. Returns 0 or -ENOMEM. */
int log_write(struct log *log, struct paxos_write *write);

/* Entries from this index on stay in the file for log_read, although they become void; UINT64_MAX:
 * none of them. What is deleted already does not come back. It is forgotten with the process. */
void log_keep(struct log *log, uint64_t index);

/* Entries of the file, read on the storage thread as records of a snapshot (tree_records.h): from
 * `first` up to `end`, until they have `bytes_max`; if `end` is reached, the record that says so is
 * the last one. The caller owns it, and must not touch it
 * before `done`. */
struct log_read {
    STAILQ_ENTRY(log_read) next;
    uint64_t first, end; /* first <= end; those below `end` have been applied */
    size_t bytes_max;
    void (*done)(struct log_read *read);
    void *done_arg;
    int status; /* 0, -ENOENT (not all of them are there), -ENOMEM, -ECANCELED (the thread ends), or
                   an error of the database, which the next write may meet as well */
    uint32_t count;
    struct buffer records; /* are appended; the caller frees them */
};
/* `done` is called later, on the loop, in any case. */
void log_read(struct log *log, struct log_read *read);

struct log_metrics {
    uint64_t commits, entries, bytes; /* since the start; commits that only delete count too */
    uint64_t commit_ns_total, commit_ns_max;
    uint64_t file_bytes; /* log.db and its WAL */
    uint64_t free_bytes; /* of log.db: pages that hold nothing, and are used first */
};
void log_metrics(struct log *log, struct log_metrics *metrics);

/* Finishes and reports the writes that are queued (unless one failed), ends the thread, frees the
 * log and calls `closed` on the loop, or from within the call if log_start was never called. */
void log_close(struct log *log, void (*closed)(void *arg), void *arg);

#endif
