/* Private to the room: changes of a handle that are not in the log yet.
 *
 *   a truncation   open(O_TRUNC) was answered without asking the cluster
 *   writes         with commit=close: gathered in memory, in their order
 *
 * They can be seen only through this handle. They wait until one of these takes them along into its
 * log entry, in which they come first:
 *
 *   truncation alone  the first write, fallocate, new size or time: data.c, attr.c
 *   both              fsync(2), close(2), release, a stop of the node: open.c
 *   writes            the same as a truncation, a read through the handle, and a write that would
 *                     exceed the limits below
 *
 * Thread: the loop's. */
#ifndef QUORUMFS_FS_PENDING_H
#define QUORUMFS_FS_PENDING_H

#include "command/command.h"

enum {
    FS_GATHERED_BYTES_MAX = 4 * 1024 * 1024, /* of one handle: half of what a command can hold */
    FS_GATHERED_RUNS_MAX = 1024,             /* of one handle: operations of the entry */
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
    bool truncation;
    uint32_t truncation_flags; /* OP_KILL_PRIV or 0 */
    uint32_t truncation_outsider;
    struct buffer data;
    struct buffer runs; /* struct fs_run */
};

static inline uint32_t fs_pending_runs(const struct fs_pending *p)
{
    return (uint32_t)(p->runs.len / sizeof(struct fs_run));
}

static inline bool fs_pending_any(const struct fs_pending *p)
{
    return p->truncation || p->runs.len > 0;
}

/* Whether writes are pending that another one of `more` bytes would take past the limits. */
bool fs_pending_full(const struct fs_pending *p, size_t more);
/* Gathers a write or an append, copying its bytes. Returns 0, or -ENOMEM after which nothing has
 * changed. */
int fs_pending_gather(struct fs_pending *p, const struct op *op);
/* The size of the file as this handle sees it, if it is `size` for all others. */
uint64_t fs_pending_size(const struct fs_pending *p, uint64_t size);
/* Adds the pending operations on this inode to the command, then those of `ops`. Returns 0 or an
 * error of command_add. */
int fs_pending_command(const struct fs_pending *p, uint64_t ino, const struct op *ops,
                       uint32_t count, struct command *command);
void fs_pending_clear(struct fs_pending *p);

#endif
