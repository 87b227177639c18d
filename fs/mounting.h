/* Private to the room: when the mount comes and goes.
 *
 *     trying ---took---> mounted ---umount---> gone
 *       |  ^
 *       +--+ again after RETRY_MS_MIN, ... RETRY_MS_MAX
 *
 * The node does without its mount as long as something is in the way, and says so in its log and
 * its status. Only the first attempt is made on the loop, since a path may hang. An umount is an
 * order: the mount stays away until the node is started again.
 *
 * Thread: the loop's. */
#ifndef QUORUMFS_FS_MOUNTING_H
#define QUORUMFS_FS_MOUNTING_H

#include "base/fault.h"
#include "fs/mount.h"

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

struct fs;

struct fs_mounting {
    struct fs_mount mount;
    bool mounted;
    uv_timer_t timer; /* until the next attempt; in the background, after an umount */
    uint64_t wait_ms;
    uv_work_t work; /* an attempt */
    bool trying;    /* it is under way */
    int status;
    struct fault fault;
    char said[FAULT_TEXT_MAX]; /* why it is not mounted, as in the log */
    bool guard_said;
    uv_poll_t table; /* of mounts, which tells of changes; only if table_fd >= 0 */
    int table_fd;
    uint64_t unmounted_ms; /* when the mount was missed in the table; 0: it was not */
};

/* Mounts, or begins to try. Returns a negative errno, and has begun nothing, if the mount is not
 * there at once and the process is to be one with it (config->in_background). */
int fs_mounting_start(struct fs *fs, uv_loop_t *loop, struct fault *fault);

/* No more attempts. */
void fs_mounting_stop(struct fs *fs);

/* Unmounts. Not while `trying`. */
void fs_mounting_end(struct fs *fs);

/* Another program has unmounted it. */
void fs_mounting_lost(struct fs *fs);

#endif
