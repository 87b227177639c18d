/* Private to the room: looks up in /proc what a process that uses the mount is doing. Nothing here
 * touches the mount itself. */
#ifndef QUORUMFS_FS_PROCESS_H
#define QUORUMFS_FS_PROCESS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum { FS_SYSCALL_ARGUMENTS = 6 };

/* A system call in which a thread waits. Two equal ones are the same call, or calls from the same
 * place of the program with the same arguments. There is no padding, so they can be compared as
 * bytes. */
struct fs_syscall {
    long number;
    unsigned long arguments[FS_SYSCALL_ARGUMENTS];
    unsigned long stack, instruction;
};

/* Whether the call has two paths, as rename(2) does. */
bool fs_syscall_has_two_paths(const struct fs_syscall *call);
/* Finds the call of this thread (0: not known). Returns 0; -EAGAIN if the thread is running, as it
 * is for a moment after it has sent a request; another negative errno if it is in no call, or that
 * cannot be seen because of rights or PID namespaces. */
int fs_process_syscall(pid_t tid, struct fs_syscall *call);

enum { FS_DESCRIPTORS_MAX = 256 }; /* of a process; the others are not looked at */

/* Whether the process (a thread id; 0: not known) has a descriptor for writing to this inode of
 * this mount. Also false if that cannot be seen: another mount namespace, another user, too many
 * descriptors. */
bool fs_process_writes(pid_t pid, int mount_id, uint64_t ino);

/* Whether the thread waits in a system call that changes files, such as mkdir(2) or open(2) for
 * writing: the kernel looks names up for it in the same way as for stat(2). Also false if that
 * cannot be seen. */
bool fs_process_changes(pid_t tid);

#endif
