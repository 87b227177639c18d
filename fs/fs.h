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

/* Mounts at config->mount, which is made if missing; a dead mount of an earlier process is
 * replaced. `config` must outlive the mount. `unmounted` is called once if another program unmounts
 * it; fs_stop is still needed then. Returns 0, -EPERM, -EACCES, -ENODEV (no /dev/fuse), -EBUSY,
 * -ENOTEMPTY, ... with a text that names the remedy.
 *
 * This process must never touch its own mount on the loop's thread, which could not answer. */
int fs_start(uv_loop_t *loop, struct replica *replica, const struct config *config,
             void (*unmounted)(void *arg), void *arg, struct fs **fs, struct fault *fault);

/* Takes no more requests. Once those in flight are answered it unmounts (lazily if files are still
 * open) and, when the loop has run, frees. The replica must outlive that. */
void fs_stop(struct fs *fs);

/* Unmounts at once and frees nothing: for a process that is about to exit. */
void fs_abandon(struct fs *fs);

#endif
