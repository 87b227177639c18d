/* The FUSE mount: a door. Files are keys.
 *
 * The low-level API of libfuse on the loop: the kernel's requests are read when its descriptor is
 * ready and answered whenever the replica has the answer. Attribute and entry timeouts are 0, so
 * every system call asks, and every answer is linearizable. Thread: the loop's. */
#ifndef QUORUMFS_FS_FS_H
#define QUORUMFS_FS_FS_H

#include "base/fault.h"
#include "config/config.h"
#include "replica/replica.h"

#include <uv.h>

struct fs;

/* The process that repeats changes of other nodes for programs that watch (fs/echo.h). */
struct fs_helper {
    pid_t pid;
    int socket;
};
/* Forks it: before this process has threads, descriptors and memory that it should not have. It
 * ends with this process. Returns 0 or a negative errno with its text. */
int fs_helper_begin(struct fs_helper *helper, struct fault *fault);

/* Opens the door, and mounts at config->mount, which is made if missing; a dead mount of an earlier
 * process is replaced. If something is in the way, the door says why in the log and to the replica
 * (replica_mount_is), and tries again until it is mounted; but with config->in_background, where
 * the process is one with its mount, this returns -EPERM, -EACCES, -ENODEV (no /dev/fuse), -EBUSY,
 * -ENOTEMPTY, ... with a text that names the remedy. `config` must outlive the door. `unmounted` is
 * called once if another program unmounts; fs_stop is still needed then. `helper` may be NULL; it
 * is taken over if this succeeds.
 *
 * This process must never touch its own mount on the loop's thread, which could not answer. */
int fs_start(uv_loop_t *loop, struct replica *replica, const struct config *config,
             const struct fs_helper *helper, void (*unmounted)(void *arg), void *arg,
             struct fs **fs, struct fault *fault);

/* Takes no more requests. Once those in flight are answered it unmounts (lazily if files are still
 * open) and, when the loop has run, frees. The replica must outlive that. */
void fs_stop(struct fs *fs);

/* Unmounts at once and frees nothing: for a process that is about to exit. */
void fs_abandon(struct fs *fs);

/* Gives the mount that is at config->mount, of whichever process, the options of `config` for the
 * kernel, and no others: ro, noexec and the like. Returns 0 or a negative errno with its text. */
int fs_remount(const struct config *config, struct fault *fault);

#endif
