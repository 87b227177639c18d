/* Private to the room: the mounts of this process's namespace at one path. Thread: any. */
#ifndef QUORUMFS_FS_MOUNT_TABLE_H
#define QUORUMFS_FS_MOUNT_TABLE_H

#include <stdbool.h>
#include <sys/types.h>

#define FS_MOUNT_TABLE "/proc/self/mountinfo"

struct fs_mounts_at {
    int count;    /* how many lie on each other */
    int top;      /* the id of the uppermost, as in FS_MOUNT_TABLE; -1: there is none */
    dev_t device; /* its file system's */
};

/* `path` is canonical. Returns 0 or a negative errno. */
int fs_mounts_at(const char *path, struct fs_mounts_at *at);

/* Whether this file system is mounted anywhere in the namespace. True if the table cannot be read.
 */
bool fs_is_in_mount_table(dev_t device);

/* Whether anything is mounted on a folder or file of this file system, or at the same place over
 * it; also if that cannot be told. */
bool fs_has_mounts_inside(dev_t device);

#endif
