#include "fs/mount.h"

#include "base/trace.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { DEAD_MOUNTS_MAX = 16 }; /* on one path */

#define FUSE_CONF "/etc/fuse.conf"

int fs_mount_check(bool allow_other, struct fault *fault)
{
    if (access("/dev/fuse", F_OK) != 0)
        return fault_set(fault, -ENODEV,
                         "/dev/fuse is missing: load the module (modprobe fuse) and install fuse3");
    if (!allow_other || geteuid() == 0)
        return 0;
    bool permitted = false;
    FILE *conf = fopen(FUSE_CONF, "re");
    if (conf) {
        char line[256];
        while (fgets(line, sizeof line, conf))
            if (strncmp(line, "user_allow_other", strlen("user_allow_other")) == 0)
                permitted = true;
        fclose(conf);
    }
    if (!permitted)
        return fault_set(fault, -EPERM,
                         "allow_other is only permitted to root: add the line user_allow_other "
                         "to " FUSE_CONF);
    return 0;
}

/* Decodes in place: mountinfo writes blanks and the like as a backslash and three octal digits. */
static void unescape(char *text)
{
    char *out = text;
    for (char *in = text; *in; out++) {
        if (in[0] == '\\' && in[1] && in[2] && in[3]) {
            *out = (char)((in[1] - '0') << 6 | (in[2] - '0') << 3 | (in[3] - '0'));
            in += 4;
        } else {
            *out = *in++;
        }
    }
    *out = '\0';
}

int fs_mount_id(const char *path)
{
    FILE *info = fopen("/proc/self/mountinfo", "re");
    char *line = NULL;
    size_t cap = 0;
    int found = -ENOENT;
    if (!info)
        return -errno;
    while (getline(&line, &cap, info) > 0) {
        int id;
        char point[PATH_MAX + 1];
        if (sscanf(line, "%d %*d %*s %*s %4096s", &id, point) != 2)
            continue;
        unescape(point);
        if (strcmp(point, path) == 0)
            found = id; /* the last line is the topmost mount */
    }
    free(line);
    fclose(info);
    return found;
}

/* As umount -l does. Without root only fusermount3, which is setuid, may unmount. */
static int detach(const char *path)
{
    char *const argv[] = {"fusermount3", "-u", "-q", "-z", "--", (char *)path, NULL};
    if (umount2(path, MNT_DETACH) == 0)
        return 0;
    if (geteuid() == 0)
        return -errno;
    pid_t pid;
    int ended;
    if (posix_spawnp(&pid, argv[0], NULL, NULL, argv, environ) != 0 || waitpid(pid, &ended, 0) < 0)
        return -errno;
    return WIFEXITED(ended) && WEXITSTATUS(ended) == 0 ? 0 : -EPERM;
}

/* A mount whose process has died answers with ENOTCONN. */
static int take_away_dead(const char *path, struct stat *stat_now, struct fault *fault)
{
    for (int i = 0; i < DEAD_MOUNTS_MAX; i++) {
        if (stat(path, stat_now) == 0)
            return 0;
        if (errno != ENOTCONN)
            return fault_set(fault, -errno, "%s: %s", path, strerror(errno));
        trace_warn("fs", "%s: replacing the dead mount of an earlier process", path);
        int status = detach(path);
        if (status < 0)
            return fault_set(fault, status,
                             "%s: a dead mount cannot be taken away (%s): run umount -l", path,
                             strerror(-status));
    }
    return fault_set(fault, -EBUSY,
                     "%s: more than %d dead mounts lie on each other: run umount -l for each", path,
                     DEAD_MOUNTS_MAX);
}

static int check_empty(const char *path, struct fault *fault)
{
    DIR *dir = opendir(path);
    if (!dir)
        return fault_set(fault, -errno, "%s: %s", path, strerror(errno));
    bool empty = true;
    struct dirent *entry;
    while (empty && (entry = readdir(dir)))
        empty = strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0;
    closedir(dir);
    if (!empty)
        return fault_set(fault, -ENOTEMPTY,
                         "%s: the folder is not empty; mount on an empty or a new one", path);
    return 0;
}

int fs_mount_prepare(const char *path, struct fault *fault)
{
    if (mkdir(path, 0755) != 0 && errno != EEXIST && errno != ENOTCONN)
        return fault_set(fault, -errno, "%s: %s", path, strerror(errno));
    struct stat now;
    int status = take_away_dead(path, &now, fault);
    if (status < 0)
        return status;
    if (!S_ISDIR(now.st_mode))
        return fault_set(fault, -ENOTDIR, "%s: this is not a folder: choose another mountpoint",
                         path);
    char real[PATH_MAX];
    if (!realpath(path, real))
        return fault_set(fault, -errno, "%s: %s", path, strerror(errno));
    if (fs_mount_id(real) >= 0)
        return fault_set(fault, -EBUSY, "%s: something is mounted there: unmount it first", path);
    return check_empty(path, fault);
}
