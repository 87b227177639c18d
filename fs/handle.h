/* Private to the room: the open files of this mount by inode, each with its handles.
 *
 * A handle lives from the kernel's open (or opendir) to its release; fuse_file_info.fh is its
 * address. Thread: the loop's. */
#ifndef QUORUMFS_FS_HANDLE_H
#define QUORUMFS_FS_HANDLE_H

#include "fs/pending.h"

#include <sys/queue.h>
#include <sys/types.h>

struct fs_request;

enum { FS_FILES_BUCKETS = 1024 };

struct fs_handle {
    LIST_ENTRY(fs_handle) entry;
    struct fs_file *file;
    pid_t pid; /* the thread that opened it; 0: not known */
    struct fs_pending pending;
    bool under_way; /* pending changes are being decided; those in `waiting` come after them */
    STAILQ_HEAD(, fs_request) waiting;
    struct buffer content; /* of a made-up file, as it was at open */
    /* Of a directory: the entries given so far. Their positions are the stream's offsets. */
    struct buffer names;   /* one after the other */
    struct buffer entries; /* struct fs_entry, dir.c */
    bool at_end;
};

struct fs_file {
    LIST_ENTRY(fs_file) entry;
    LIST_HEAD(, fs_handle) handles; /* never empty */
    uint64_t ino;                   /* as the kernel knows it */
    bool held; /* the tree holds the removed inode for us, until we give it back at the last
                  release */
};

struct fs_files {
    LIST_HEAD(, fs_file) buckets[FS_FILES_BUCKETS];
    uint64_t count; /* files */
};

/* Returns NULL when out of memory. */
struct fs_handle *fs_handle_open(struct fs_files *files, uint64_t ino, pid_t pid);
/* Frees the handle, and the file with its last one: true. */
bool fs_handle_close(struct fs_files *files, struct fs_handle *handle);

/* Returns NULL if the inode is not open here. */
struct fs_file *fs_file_find(struct fs_files *files, uint64_t ino);

/* A handle of this process, or NULL. */
struct fs_handle *fs_handle_of(struct fs_files *files, uint64_t ino, pid_t pid);

/* A handle of this process with pending changes, or NULL. */
struct fs_handle *fs_handle_pending(struct fs_files *files, uint64_t ino, pid_t pid);

void fs_files_clear(struct fs_files *files);

#endif
