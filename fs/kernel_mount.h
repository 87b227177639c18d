/* Private to the room: mounts and remounts by system calls (Linux 5.12), as root may. Thread: any.
 */
#ifndef QUORUMFS_FS_KERNEL_MOUNT_H
#define QUORUMFS_FS_KERNEL_MOUNT_H

#include "base/fault.h"
#include "config/config.h"

#include <stdbool.h>

/* Makes a mount of the opened /dev/fuse that is nowhere yet. Returns its descriptor, or a negative
 * errno: -EPERM and -ENOSYS if this process or this kernel cannot. */
int fs_kernel_mount_new(int device, const struct config *config, struct fault *fault);

/* Puts it at the path, where `covered` says that there is a dead mount; that one goes if the kernel
 * can put a mount beneath another. Returns 0 or a negative errno. */
int fs_kernel_mount_place(int mount, const char *path, bool covered, struct fault *fault);

/* Whether the kernel has to check permissions, for which it asks for the attributes of every
 * directory on a path each time. It need not if only root, who may do everything, can use the
 * mount: when root mounts without allow_other. */
bool fs_kernel_checks(const struct config *config);

/* The source of the mount in /proc/mounts, where mount(8) looks for the first column of fstab(5).
 */
const char *fs_mount_source(const struct config *config);

#endif
