#include "fs/process.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* One file of /proc/PID/fdinfo, see proc_pid_fdinfo(5). */
static bool descriptor_writes(int folder, const char *name, int mount_id, uint64_t ino)
{
    char text[1024];
    const char *at;
    ssize_t len;
    unsigned int flags;
    int its_mount;
    uint64_t its_ino;
    int fd = openat(folder, name, O_RDONLY | O_CLOEXEC);

    if (fd < 0)
        return false;
    len = read(fd, text, sizeof text - 1);
    close(fd);
    if (len <= 0)
        return false;
    text[len] = '\0';

    at = strstr(text, "flags:");
    if (!at || sscanf(at, "flags: %o mnt_id: %d ino: %" SCNu64, &flags, &its_mount, &its_ino) != 3)
        return false;
    return its_ino == ino && its_mount == mount_id && (flags & O_ACCMODE) != O_RDONLY;
}

bool fs_process_writes(pid_t pid, int mount_id, uint64_t ino)
{
    char path[64];
    struct dirent *entry;
    bool writes = false;
    DIR *folder;

    if (pid == 0 || mount_id < 0)
        return false;
    snprintf(path, sizeof path, "/proc/%d/fdinfo", (int)pid);
    folder = opendir(path);
    if (!folder)
        return false;
    for (int i = 0; i < FS_DESCRIPTORS_MAX && !writes && (entry = readdir(folder)) != NULL; i++)
        writes = descriptor_writes(dirfd(folder), entry->d_name, mount_id, ino);
    closedir(folder);
    return writes;
}
