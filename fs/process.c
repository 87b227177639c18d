#include "fs/process.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Reads one file of /proc/PID/fdinfo, see proc_pid_fdinfo(5). */
static bool descriptor_writes(int folder, const char *name, int mount_id, uint64_t ino)
{
    int fd = openat(folder, name, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    char text[1024];
    ssize_t len = read(fd, text, sizeof text - 1);
    close(fd);
    if (len <= 0)
        return false;
    text[len] = '\0';
    const char *at = strstr(text, "flags:");
    unsigned int flags;
    int its_mount;
    uint64_t its_ino;
    if (!at || sscanf(at, "flags: %o mnt_id: %d ino: %" SCNu64, &flags, &its_mount, &its_ino) != 3)
        return false;
    return its_ino == ino && its_mount == mount_id && (flags & O_ACCMODE) != O_RDONLY;
}

bool fs_process_writes(pid_t pid, int mount_id, uint64_t ino)
{
    if (pid == 0 || mount_id < 0)
        return false;
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/fdinfo", (int)pid);
    DIR *folder = opendir(path);
    if (!folder)
        return false;
    bool writes = false;
    struct dirent *entry;
    for (int i = 0; i < FS_DESCRIPTORS_MAX && !writes && (entry = readdir(folder)); i++)
        writes = descriptor_writes(dirfd(folder), entry->d_name, mount_id, ino);
    closedir(folder);
    return writes;
}

enum { ALWAYS = -1 };

/* System calls that take a path and change something. `flags` is the number of the argument that
 * has flags of open(2), which say whether it does; ALWAYS: there is none. */
static const struct change {
    long number;
    int flags;
} changes[] = {
    {SYS_openat, 2},         {SYS_mkdirat, ALWAYS},     {SYS_mknodat, ALWAYS},
    {SYS_symlinkat, ALWAYS}, {SYS_linkat, ALWAYS},      {SYS_unlinkat, ALWAYS},
    {SYS_renameat2, ALWAYS}, {SYS_truncate, ALWAYS},    {SYS_fchmodat, ALWAYS},
    {SYS_fchownat, ALWAYS},  {SYS_utimensat, ALWAYS},   {SYS_setxattr, ALWAYS},
    {SYS_lsetxattr, ALWAYS}, {SYS_removexattr, ALWAYS}, {SYS_lremovexattr, ALWAYS},
#ifdef SYS_renameat
    {SYS_renameat, ALWAYS},
#endif
#ifdef SYS_open /* and the others that only older architectures have */
    {SYS_open, 1},           {SYS_creat, ALWAYS},       {SYS_mkdir, ALWAYS},
    {SYS_mknod, ALWAYS},     {SYS_symlink, ALWAYS},     {SYS_link, ALWAYS},
    {SYS_unlink, ALWAYS},    {SYS_rmdir, ALWAYS},       {SYS_rename, ALWAYS},
    {SYS_chmod, ALWAYS},     {SYS_chown, ALWAYS},       {SYS_lchown, ALWAYS},
#endif
};

/* Reads /proc/PID/syscall, see proc_pid_syscall(5). */
int fs_process_syscall(pid_t tid, struct fs_syscall *call)
{
    unsigned long *arguments = call->arguments;
    char path[64], text[256];
    if (tid == 0)
        return -ESRCH;
    snprintf(path, sizeof path, "/proc/%d/syscall", (int)tid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    ssize_t len = read(fd, text, sizeof text - 1);
    close(fd);
    if (len <= 0)
        return -ESRCH;
    text[len] = '\0';
    if (strcmp(text, "running\n") == 0)
        return -EAGAIN;
    if (sscanf(text, "%ld %lx %lx %lx %lx %lx %lx %lx %lx", &call->number, &arguments[0],
               &arguments[1], &arguments[2], &arguments[3], &arguments[4], &arguments[5],
               &call->stack, &call->instruction) != 3 + FS_SYSCALL_ARGUMENTS)
        return -ESRCH;
    return 0;
}

bool fs_syscall_has_two_paths(const struct fs_syscall *call)
{
    switch (call->number) {
    case SYS_linkat:
    case SYS_renameat2:
#ifdef SYS_renameat
    case SYS_renameat:
#endif
#ifdef SYS_link
    case SYS_link:
    case SYS_rename:
#endif
        return true;
    default:
        return false;
    }
}

static bool is_change(const struct fs_syscall *call)
{
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        if (changes[i].number != call->number)
            continue;
        return changes[i].flags == ALWAYS ||
               (call->arguments[changes[i].flags] & (O_WRONLY | O_RDWR | O_CREAT | O_TRUNC)) != 0;
    }
    return false;
}

bool fs_process_changes(pid_t tid)
{
    struct fs_syscall call;
    return fs_process_syscall(tid, &call) == 0 && is_change(&call);
}
