#include "fs/bare.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/fs.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

enum { NAMES_SHOWN = 3, NAME_SHOWN_BYTES = 40 };

#define WRITE_MODES 0222u

/* ---- Opening ---- */

/* A copy of the parent's mount, without what is mounted on it, shows the folder beneath. */
static int open_beneath(const char *path)
{
    char parent[PATH_MAX];
    const char *name = strrchr(path, '/') + 1;
    snprintf(parent, sizeof parent, "%.*s", (int)(name - path), path);
    int tree = open_tree(AT_FDCWD, parent, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
    if (tree < 0)
        return -errno;
    int fd = openat(tree, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    int status = fd < 0 ? -errno : fd;
    close(tree);
    return status;
}

int fs_bare_open(struct fs_bare *bare, const char *path, bool covered)
{
    struct stat now;
    *bare = (struct fs_bare){.fd = -1};
    int fd = covered ? open_beneath(path) : open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return covered ? fd : -errno;
    if (fstat(fd, &now) < 0) {
        int status = -errno;
        close(fd);
        return status;
    }
    bare->fd = fd;
    bare->mode = now.st_mode & 07777;
    return 0;
}

void fs_bare_close(struct fs_bare *bare)
{
    if (bare->fd >= 0)
        close(bare->fd);
    bare->fd = -1;
}

/* ---- What lies there ---- */

struct lying {
    size_t count;
    char names[NAMES_SHOWN * (NAME_SHOWN_BYTES + 8)]; /* the first ones */
};

static void add_name(struct lying *lying, const char *name)
{
    size_t len = strlen(lying->names);
    if (lying->count++ < NAMES_SHOWN)
        snprintf(lying->names + len, sizeof lying->names - len, "%s%.*s", len > 0 ? ", " : "",
                 NAME_SHOWN_BYTES, name);
}

static int list_names(const struct fs_bare *bare, struct lying *lying)
{
    *lying = (struct lying){0};
    int fd = openat(bare->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *folder = fd < 0 ? NULL : fdopendir(fd);
    if (!folder) {
        int status = -errno;
        if (fd >= 0)
            close(fd);
        return status;
    }
    struct dirent *entry;
    while ((entry = readdir(folder)))
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            add_name(lying, entry->d_name);
    closedir(folder);
    return 0;
}

int fs_bare_check_empty(const struct fs_bare *bare, const char *path, struct fault *fault)
{
    struct lying lying;
    int status = list_names(bare, &lying);
    if (status < 0)
        return fault_set(fault, status, "%s: %s", path, strerror(-status));
    if (lying.count == 0)
        return 0;
    char more[40] = "";
    if (lying.count > NAMES_SHOWN)
        snprintf(more, sizeof more, " and %zu more", lying.count - NAMES_SHOWN);
    return fault_set(fault, -ENOTEMPTY,
                     "%.150s: the folder is not empty: %s%s: written while nothing was mounted "
                     "there, or before; on this machine only, not in the cluster. Move them away, "
                     "and copy to the mount, once it is there, what the cluster should have",
                     path, lying.names, more);
}

/* ---- The guard ---- */

static int read_flags(int fd, int *flags)
{
    return ioctl(fd, FS_IOC_GETFLAGS, flags) < 0 ? -errno : 0;
}

static bool set_immutable(int fd, bool immutable)
{
    int flags;
    if (read_flags(fd, &flags) < 0)
        return false;
    flags = immutable ? flags | FS_IMMUTABLE_FL : flags & ~FS_IMMUTABLE_FL;
    return ioctl(fd, FS_IOC_SETFLAGS, &flags) == 0;
}

static bool is_immutable(int fd)
{
    int flags;
    return read_flags(fd, &flags) == 0 && (flags & FS_IMMUTABLE_FL) != 0;
}

static bool is_read_only(int fd)
{
    struct statvfs now;
    return fstatvfs(fd, &now) == 0 && (now.f_flag & ST_RDONLY) != 0;
}

static bool set_mode(struct fs_bare *bare, mode_t mode)
{
    if (mode != bare->mode && fchmod(bare->fd, mode) < 0)
        return false;
    bare->mode = mode;
    return true;
}

static enum fs_guard guard(struct fs_bare *bare)
{
    bare->immutable = is_immutable(bare->fd) || set_immutable(bare->fd, true);
    if (bare->immutable || is_read_only(bare->fd))
        return FS_GUARD_FROM_ALL;
    if (!set_mode(bare, bare->mode & ~WRITE_MODES))
        return FS_GUARD_NONE;
    return geteuid() == 0 ? FS_GUARD_FROM_USERS : FS_GUARD_FROM_ALL;
}

int fs_bare_guard(struct fs_bare *bare, const char *path, struct fault *fault)
{
    mode_t mode = bare->mode;
    bool immutable = is_immutable(bare->fd);
    bare->guard = guard(bare);
    int status = fs_bare_check_empty(bare, path, fault);
    if (status == 0)
        return 0;
    if (bare->immutable && !immutable)
        set_immutable(bare->fd, false);
    set_mode(bare, mode);
    bare->guard = FS_GUARD_NONE;
    return status;
}

void fs_bare_let_owner_in(struct fs_bare *bare)
{
    if (!bare->immutable)
        set_mode(bare, bare->mode | S_IWUSR);
}

int fs_bare_shut_out(struct fs_bare *bare, const char *path, struct fault *fault)
{
    if (bare->guard != FS_GUARD_NONE && !bare->immutable)
        set_mode(bare, bare->mode & ~WRITE_MODES);
    return fs_bare_check_empty(bare, path, fault);
}

void fs_bare_replace(struct fs_bare *bare, struct fs_bare *other)
{
    set_mode(other, bare->mode);
    fs_bare_close(bare);
    bare->fd = other->fd;
}
