/* Private to the room: the process that makes system calls at the mount for echo.h. It has one
 * thread, no descriptor but its end of the connection, and ends with the node.
 *
 * It is forked before the node has threads, memory and a mount. Its calls wait for the node, so
 * they must come from another process: one of the node's own that waits in the kernel would keep
 * /dev/fuse open when the node is killed, and all who wait for the mount with it. */
#ifndef QUORUMFS_FS_ECHO_HELPER_H
#define QUORUMFS_FS_ECHO_HELPER_H

#include <stdint.h>
#include <sys/types.h>

/* ---- In the helper ---- */

/* The helper's process runs this until the node is gone. */
_Noreturn void fs_echo_help(int node);

/* echo_look.c: calls `found` for each inode of a file system that is watched by inotify(7), as far
 * as this process may see, in no order and perhaps several times. `device` is as in st_dev. */
void fs_echo_look(dev_t device, void (*found)(void *arg, uint64_t ino), void *arg);

#endif
