/* Private to the room: makes the mountpoint ready before mounting. Called at start, where blocking
 * is fine; nothing is mounted there by this process yet. */
#ifndef QUORUMFS_FS_MOUNT_H
#define QUORUMFS_FS_MOUNT_H

#include "base/fault.h"

#include <stdbool.h>

/* Makes the folder if it is missing and takes away dead FUSE mounts that lie on it. Returns 0,
 * -EBUSY (something live is mounted there), -ENOTEMPTY, -ENOTDIR, ... with the fault's text. */
int fs_mount_prepare(const char *path, struct fault *fault);

/* Whether this machine lets us mount: -ENODEV (no /dev/fuse), -EPERM (allow_other is not
 * permitted). */
int fs_mount_check(bool allow_other, struct fault *fault);

/* The id of the mount that lies on top at the path, as in /proc/PID/mountinfo, or -ENOENT. */
int fs_mount_id(const char *path);

#endif
