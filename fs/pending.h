/* Private to the room: with commit=close, writes of an open file that are not in the log yet.
 *
 * They are gathered in memory in the order in which this mount got them, through whichever handles.
 * Nobody sees them undecided: this mount has them decided, as one entry of the log, before it does
 * anything else with the file:
 *
 *   fsync(2), close(2), release, a stop of the node     open.c
 *   a read, or a question for the attributes            data.c, attr.c
 *   a change: of the size, a time, by fallocate(2),     attr.c, data.c, open.c
 *   open(O_TRUNC), a write that is not gathered
 *   a write that would exceed the limits below          data.c
 *
 * Thread: the loop's. */
#ifndef QUORUMFS_FS_PENDING_H
#define QUORUMFS_FS_PENDING_H

#include "command/command.h"

enum {
    FS_GATHERED_BYTES_MAX = 4 * 1024 * 1024, /* of one file: half of what a command can hold */
    FS_GATHERED_RUNS_MAX = 1024,             /* of one file: operations of the entry */
};

/* Bytes that follow each other in the file, gathered from one or more writes. */
struct fs_run {
    uint8_t type; /* OP_WRITE or OP_APPEND */
    uint32_t flags, outsider;
    uint64_t offset;
    size_t at, len; /* in `data` */
};

/* Zeroed, it has nothing pending. */
struct fs_pending {
    struct buffer data;
    struct buffer runs; /* struct fs_run */
};

static inline uint32_t fs_pending_runs(const struct fs_pending *p)
{
    return (uint32_t)(p->runs.len / sizeof(struct fs_run));
}

static inline bool fs_pending_any(const struct fs_pending *p)
{
    return p->runs.len > 0;
}

/* Whether writes are pending that another one of `more` bytes would take past the limits. */
bool fs_pending_full(const struct fs_pending *p, size_t more);
/* Gathers a write or an append, copying its bytes. Returns 0, or -ENOMEM after which nothing has
 * changed. */
int fs_pending_gather(struct fs_pending *p, const struct op *op);
/* Adds the pending operations on this inode to the command, then those of `ops`. Returns 0 or an
 * error of command_add. */
int fs_pending_command(const struct fs_pending *p, uint64_t ino, const struct op *ops,
                       uint32_t count, struct command *command);
void fs_pending_clear(struct fs_pending *p);

#endif
