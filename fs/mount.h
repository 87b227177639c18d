/* Private to the room: puts the mount at its mountpoint, and takes it away.
 *
 * A dead mount of an earlier process is replaced so that nothing but a mount is ever at the path:
 * the new one goes beneath the dead one (Linux 6.5), or else over it. Calls may block. None of them
 * sends a request to this process's own mount. Thread: any, one call at a time. */
#ifndef QUORUMFS_FS_MOUNT_H
#define QUORUMFS_FS_MOUNT_H

#include "base/fault.h"
#include "config/config.h"
#include "fs/bare.h"

#include <limits.h>
#include <stdbool.h>

struct fuse_session;

struct fs_mount {
    char path[PATH_MAX]; /* canonical, as /proc shows it */
    int id;              /* as in /proc/PID/mountinfo; -1: not known */
    dev_t device;        /* of what is mounted */
    enum fs_guard guard; /* of the folder beneath; FROM_ALL also as long as that has files */
};

/* Mounts at config->mount, makes the folder if it is missing, and guards it (fs/bare.h). Returns 0
 * or a negative errno with a text that names the remedy: -ENODEV (no /dev/fuse), -EPERM, -EBUSY (a
 * live mount is there), -ENOTEMPTY, -ENOTDIR, ... May be called again after a failure. */
int fs_mount(struct fuse_session *session, const struct config *config, struct fs_mount *mount,
             struct fault *fault);

/* Unmounts, lazily if files are still open. */
void fs_unmount(struct fuse_session *session, const struct fs_mount *mount);

/* Whether it is still mounted, here or elsewhere, for this process; other mount namespaces may have
 * copies. */
bool fs_is_mounted(const struct fs_mount *mount);

/* For moved_mount.c. Mounts with fusermount3: returns 0, or -EPERM with the fault's text. */
int fs_libfuse_mount(struct fuse_session *session, const char *path, struct fault *fault);
/* Unmounts the uppermost mount at the path, as umount -l does. Returns 0 or a negative errno. */
int fs_detach(const char *path);

#endif
