/* Private to the room: what /proc knows of a process that uses the mount. Nothing here touches the
 * mount itself. */
#ifndef QUORUMFS_FS_PROCESS_H
#define QUORUMFS_FS_PROCESS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum { FS_SYSCALL_ARGUMENTS = 6 };

/* A system call that a thread waits in. Two that are equal are the same one, or were made at the
 * same place of the program with the same arguments. Without padding: to be compared as bytes. */
struct fs_syscall {
    long number;
    unsigned long arguments[FS_SYSCALL_ARGUMENTS];
    unsigned long stack, instruction;
};

/* Whether it walks to two places, as rename(2) does. */
bool fs_syscall_has_two_paths(const struct fs_syscall *call);
/* That of this thread (0: not known). Returns 0; -EAGAIN: it runs at this moment, as it does for a
 * little while after it has asked for something; another negative errno: it is in none, or that
 * cannot be seen, for want of rights or from this PID namespace. */
int fs_process_syscall(pid_t tid, struct fs_syscall *call);

enum { FS_DESCRIPTORS_MAX = 256 }; /* that are looked at */

/* Whether the process (a thread id; 0: not known) has a descriptor for writing to this inode of
 * this mount. False also where that cannot be seen: another mount namespace, another user, too many
 * descriptors. */
bool fs_process_writes(pid_t pid, int mount_id, uint64_t ino);

/* Whether the system call that the thread waits in is one that changes files, such as mkdir(2) or
 * open(2) for writing: the kernel looks names up for it in the same way as for stat(2). False where
 * that cannot be seen. */
bool fs_process_changes(pid_t tid);

#endif
