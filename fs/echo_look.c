/* Finds out who watches: the descriptors of all processes, as in proc_pid_fdinfo(5). */
#include "fs/echo_helper.h"

#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>

enum { LINE_BYTES_MAX = 512, MINOR_BITS = 20 };

struct look {
    unsigned long device; /* as the kernel writes it here */
    void (*found)(void *arg, uint64_t ino);
    void *arg;
};

/* Calls `each` for every entry that is a number. */
static void each_number(int folder, const char *name,
                        void (*each)(const struct look *look, int folder, const char *name),
                        const struct look *look)
{
    int fd = openat(folder, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    if (!dir) {
        if (fd >= 0)
            close(fd);
        return;
    }
    const struct dirent *entry;
    while ((entry = readdir(dir)))
        if (isdigit((unsigned char)entry->d_name[0]))
            each(look, dirfd(dir), entry->d_name);
    closedir(dir);
}

static void read_watches(const struct look *look, FILE *info)
{
    char line[LINE_BYTES_MAX];
    while (fgets(line, sizeof line, info)) {
        uint64_t ino;
        unsigned long device;
        if (sscanf(line, "inotify wd:%*x ino:%" SCNx64 " sdev:%lx", &ino, &device) == 2 &&
            device == look->device)
            look->found(look->arg, ino);
    }
}

/* `folder` is /proc/PID/fd. */
static void look_at_descriptor(const struct look *look, int folder, const char *name)
{
    static const char inotify[] = "anon_inode:inotify";
    char target[sizeof inotify], path[sizeof "../fdinfo/" + 16];
    ssize_t len = readlinkat(folder, name, target, sizeof target);
    if (len != sizeof inotify - 1 || memcmp(target, inotify, sizeof inotify - 1) != 0)
        return;
    snprintf(path, sizeof path, "../fdinfo/%.15s", name);
    int fd = openat(folder, path, O_RDONLY | O_CLOEXEC);
    FILE *info = fd < 0 ? NULL : fdopen(fd, "r");
    if (info) {
        read_watches(look, info);
        fclose(info);
    } else if (fd >= 0) {
        close(fd);
    }
}

static void look_at_process(const struct look *look, int folder, const char *name)
{
    char path[32];
    snprintf(path, sizeof path, "%.20s/fd", name);
    each_number(folder, path, look_at_descriptor, look);
}

void fs_echo_look(dev_t device, void (*found)(void *arg, uint64_t ino), void *arg)
{
    unsigned long number = (unsigned long)major(device) << MINOR_BITS | minor(device);
    const struct look look = {number, found, arg};
    each_number(AT_FDCWD, "/proc", look_at_process, &look);
}
