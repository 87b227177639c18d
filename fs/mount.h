/* Private to the room: makes the mountpoint ready. Called at start, before this process has mounted
 * anything there, and may block. */
#ifndef QUORUMFS_FS_MOUNT_H
#define QUORUMFS_FS_MOUNT_H

#include "base/fault.h"

#include <stdbool.h>

/* Makes the folder if it is missing and takes dead FUSE mounts away from it. Returns 0, -EBUSY (a
 * live mount is there), -ENOTEMPTY, -ENOTDIR, ... with the fault's text. */
int fs_mount_prepare(const char *path, struct fault *fault);

/* Returns 0 if this machine lets us mount, -ENODEV (no /dev/fuse) or -EPERM (allow_other is not
 * permitted) with the fault's text. */
int fs_mount_check(bool allow_other, struct fault *fault);

/* The id of the topmost mount at the path, as in /proc/PID/mountinfo, or a negative errno. */
int fs_mount_id(const char *path);

#endif
