/* Private to the room: the bare folder, which is what a mountpoint is while nothing is mounted
 * there.
 *
 * A write into it succeeds, but its data stays on this machine and never reaches the cluster. So
 * the folder is guarded, from the first mount on and for as long as it exists:
 *
 *   immutable (FS_IMMUTABLE_FL, see chattr(1))  nobody can write, if root mounts and the file
 *                                               system has the flag
 *   without write permission (chmod a-w)        otherwise; root writes all the same
 *
 * Only an empty folder is guarded: another one may be anybody's, and whoever has to move files away
 * must be able to. Thread: any, one at a time. */
#ifndef QUORUMFS_FS_BARE_H
#define QUORUMFS_FS_BARE_H

#include "base/fault.h"

#include <stdbool.h>
#include <sys/types.h>

enum fs_guard {
    FS_GUARD_NONE,
    FS_GUARD_FROM_USERS, /* but not from root */
    FS_GUARD_FROM_ALL,
};

struct fs_bare {
    int fd; /* of the folder, whatever is mounted on it */
    enum fs_guard guard;
    bool immutable; /* by this call of fs_bare_guard, or by an earlier one */
    mode_t mode;    /* now */
};

/* Opens the folder, which must be at a canonical path. `covered`: something is mounted there, and
 * the folder beneath is meant. Returns 0 or a negative errno: -ENOTDIR, -EPERM (only root may look
 * beneath a mount), -ENOSYS, ... */
int fs_bare_open(struct fs_bare *bare, const char *path, bool covered);
void fs_bare_close(struct fs_bare *bare);

/* Returns 0, or -ENOTEMPTY with a text that names some of the files and the remedy. */
int fs_bare_check_empty(const struct fs_bare *bare, const char *path, struct fault *fault);

/* Guards an empty folder and sets `guard`. Returns 0, or -ENOTEMPTY, as above, if a file has got in
 * before: then the folder is as it was. */
int fs_bare_guard(struct fs_bare *bare, const char *path, struct fault *fault);

/* fusermount3 lets a user mount only where the user may write. So the owner may, from the first
 * call to the second, which returns -ENOTEMPTY, as above, if a file has got in between. */
void fs_bare_let_owner_in(struct fs_bare *bare);
int fs_bare_shut_out(struct fs_bare *bare, const char *path, struct fault *fault);

/* Another folder of this user has taken the place of this one: `bare` becomes `other`, guarded as
 * it was by its mode. */
void fs_bare_replace(struct fs_bare *bare, struct fs_bare *other);

#endif
