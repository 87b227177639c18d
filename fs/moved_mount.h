/* Private to the room: how a user who is not root mounts without opening the mountpoint to writers.
 *
 * fusermount3 mounts only where the user may write, and so may every program of that user until the
 * mount is there. So it mounts on a new folder beside the mountpoint, whose name no program knows,
 * and that folder, with its mount, is renamed to the mountpoint. rename(2) refuses folders that are
 * mountpoints in the mount namespace of the caller; a child in a namespace from before the mount
 * does not see it. Needs user namespaces (user_namespaces(7)). Thread: any, one call at a time. */
#ifndef QUORUMFS_FS_MOVED_MOUNT_H
#define QUORUMFS_FS_MOVED_MOUNT_H

#include "base/fault.h"
#include "fs/bare.h"

struct fuse_session;

/* Mounts on the new folder, which then takes the place of `path`, where nothing is mounted and
 * which belongs to this user; `bare` becomes that of the new folder, guarded as before. Returns 0;
 * -EPERM with the fault's text if fusermount3 refuses; -ENOSYS if this way is not open. */
int fs_moved_mount(struct fuse_session *session, const char *path, struct fs_bare *bare,
                   struct fault *fault);

#endif
