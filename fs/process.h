/* What /proc knows of a process that uses the mount. Nothing here touches the mount itself. */
#ifndef QUORUMFS_FS_PROCESS_H
#define QUORUMFS_FS_PROCESS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum { FS_DESCRIPTORS_MAX = 256 }; /* that are looked at */

/* Whether the process (a thread id; 0: not known) has a descriptor for writing to this inode of
 * this mount. False also where that cannot be seen: another mount namespace, another user, too many
 * descriptors. */
bool fs_process_writes(pid_t pid, int mount_id, uint64_t ino);

/* Whether the system call that the thread waits in is one that changes files, such as mkdir(2) or
 * open(2) for writing: the kernel looks names up for it in the same way as for stat(2). False where
 * that cannot be seen. */
bool fs_process_changes(pid_t pid);

#endif
