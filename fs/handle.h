/* Private to the room: the open files of this mount by inode, each with its handles.
 *
 * A handle lives from the kernel's open (or opendir) to its release; fuse_file_info.fh is its
 * address. With commit=close, a file also has the writes that are gathered on it (pending.h), and
 * stays until the last of them is decided. Thread: the loop's. */
#ifndef QUORUMFS_FS_HANDLE_H
#define QUORUMFS_FS_HANDLE_H

#include "fs/locks.h"
#include "fs/pending.h"

#include <sys/queue.h>

struct fs_request;

enum { FS_FILES_BUCKETS = 1024 };

struct fs_handle {
    LIST_ENTRY(fs_handle) entry;
    struct fs_file *file;
    bool emptied;        /* its open(2) has emptied the file; nothing was written through it yet */
    uint64_t last_taken; /* its last gathered write comes with this one of file->taken */
    bool binds;          /* its file is ephemeral, and goes with it (ephemeral.c) */
    bool lost;           /* it had a lock, or was bound to a session, which has ended: nothing is
                            changed by it */
    int error;           /* that lost gathered writes of it, to be told to its owner; 0: none */
    struct buffer content;    /* of a made-up file, as it was at open */
    struct fs_reader *reader; /* of one of `.quorumfs/watch/` (watch.h) */
    /* Of a directory: the entries given so far. Their positions are the stream's offsets. */
    struct buffer names;   /* one after the other */
    struct buffer entries; /* struct fs_entry, dir.c */
    bool at_end;
};

struct fs_file {
    LIST_ENTRY(fs_file) entry;
    LIST_HEAD(, fs_handle) handles; /* empty only while a change is under way */
    uint64_t ino;                   /* as the kernel knows it */
    bool held; /* the tree holds the removed inode for us, until we give it back at the last
                  release */
    struct fs_lock_list locks; /* what owners have of it (locks.h) */
    struct fs_pending pending;
    uint64_t taken; /* how often pending writes were taken to be decided */
    bool under_way; /* they are being decided; those in `waiting` come after them */
    bool in_turn;   /* change.c is looking at `waiting` */
    STAILQ_HEAD(, fs_request) waiting;
};

struct fs_files {
    LIST_HEAD(, fs_file) buckets[FS_FILES_BUCKETS];
    uint64_t count; /* files */
};

static inline struct fs_handle *fs_handle_of(const struct fuse_file_info *fi)
{
    return (struct fs_handle *)(uintptr_t)fi->fh;
}

/* Returns NULL when out of memory. */
struct fs_handle *fs_handle_open(struct fs_files *files, uint64_t ino);
void fs_handle_close(struct fs_handle *handle);
/* Frees a file that has no handles and no change under way. */
void fs_file_free(struct fs_files *files, struct fs_file *file);
static inline bool fs_file_is_over(const struct fs_file *file)
{
    return LIST_EMPTY(&file->handles) && !file->under_way && !file->in_turn;
}

/* Returns NULL if the inode is not open here. */
struct fs_file *fs_file_find(struct fs_files *files, uint64_t ino);

/* Whether an open(2) of this mount has emptied the file and nothing was written since. */
bool fs_file_is_emptied(const struct fs_file *file);

void fs_files_clear(struct fs_files *files);

#endif
