/* Private to the room: who may keep setuid and setgid bits, as in chown(2) and write(2).
 *
 * A change by a caller without CAP_FSETID takes them from the file: setuid always, setgid if the
 * group may execute the file or the caller is outside of its group. So does chown(2) by anybody,
 * but with CAP_FSETID setgid without group execution stays. The tree does it in the entry of the
 * change, by the mode that the file has then; what the caller may do is known here only.
 *
 * Thread: the loop's. */
#ifndef QUORUMFS_FS_RIGHTS_H
#define QUORUMFS_FS_RIGHTS_H

#include "fs/session.h"

/* Both fill in OP_KILL_PRIV and `outsider`, for `ino` of the operation. They look at the request
 * that is being taken in, so they must be called before any other one is. */
void fs_rights_write(fuse_req_t req, struct op *op); /* also for truncate(2), fallocate(2) */
void fs_rights_chown(fuse_req_t req, struct op *op);

#endif
