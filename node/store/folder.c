#include "store/folder.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/* How long the previous process may take to end, so that mount(8) right after umount(8) works. */
enum { LOCK_PATIENCE_MS = 2000, LOCK_TRY_MS = 20 };

struct folder {
    int lock; /* descriptor of the file `lock`, with the flock */
    char path[];
};

int folder_sync(const char *path)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int status = fd < 0 || fsync(fd) < 0 ? -errno : 0;
    if (fd >= 0)
        close(fd);
    return status;
}

/* A power cut must not take away a new folder with the promises in it. */
static int folder_sync_parent(const char *path, struct fault *fault)
{
    char parent[PATH_MAX];
    if (snprintf(parent, sizeof parent, "%s/..", path) >= (int)sizeof parent)
        return fault_set(fault, -ENAMETOOLONG, "folder %s: the path is too long", path);
    int status = folder_sync(parent);
    return status < 0 ? fault_set(fault, status, "sync %s: %s", parent, strerror(-status)) : 0;
}

int folder_file(const char *path, const char *name, char file[PATH_MAX], struct fault *fault)
{
    if (snprintf(file, PATH_MAX, "%s/%s", path, name) >= PATH_MAX)
        return fault_set(fault, -ENAMETOOLONG, "folder %s: the path is too long", path);
    return 0;
}

/* Makes the folder if it is missing, and syncs its parent unless an earlier start has: the file
 * `lock` is made only after that sync. An administrator may have made the folder in a directory
 * that this process cannot read: then the sync was not ours to do. */
static int folder_make(const char *path, struct fault *fault)
{
    bool made = mkdir(path, 0711) == 0;
    if (!made && errno != EEXIST)
        return fault_set(fault, -errno, "make folder %s: %s", path, strerror(errno));
    char lock[PATH_MAX];
    int status = folder_file(path, "lock", lock, fault);
    if (status < 0 || access(lock, F_OK) == 0)
        return status;
    status = folder_sync_parent(path, fault);
    return !made && status == -EACCES ? 0 : status;
}

/* Returns 0, -EWOULDBLOCK (another process holds it) or another negative errno. */
static int folder_wait_for_lock(int fd)
{
    assert(fd >= 0);
    for (int waited = 0;; waited += LOCK_TRY_MS) {
        if (flock(fd, LOCK_EX | LOCK_NB) == 0)
            return 0;
        if (errno != EWOULDBLOCK || waited >= LOCK_PATIENCE_MS)
            return -errno;
        usleep(LOCK_TRY_MS * 1000);
    }
}

/* Returns the descriptor that holds the lock, or a negative errno. */
static int folder_lock(const char *path, struct fault *fault)
{
    char lock[PATH_MAX];
    int status = folder_file(path, "lock", lock, fault);
    if (status < 0)
        return status;
    int fd = open(lock, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0)
        return fault_set(fault, -errno, "open %s: %s", lock, strerror(errno));
    status = folder_wait_for_lock(fd);
    if (status == 0)
        return fd;
    if (status == -EWOULDBLOCK)
        status = fault_set(fault, -EBUSY, "folder %s: another quorumfs is running on it", path);
    else
        fault_set(fault, status, "lock %s: %s", lock, strerror(-status));
    close(fd);
    return status;
}

/* Refuses a folder that folder_condemn has marked, with the text that it left. */
static int folder_check(const char *path, struct fault *fault)
{
    char damage[PATH_MAX], text[FAULT_TEXT_MAX] = "";
    int status = folder_file(path, "damaged", damage, fault);
    if (status < 0)
        return status;
    if (access(damage, F_OK) < 0)
        return errno == ENOENT ? 0 : fault_set(fault, -errno, "%s: %s", damage, strerror(errno));
    FILE *file = fopen(damage, "re");
    if (file) {
        if (!fgets(text, sizeof text, file))
            text[0] = '\0';
        text[strcspn(text, "\n")] = '\0';
        fclose(file);
    }
    return fault_set(fault, -EUCLEAN, "%s says: %s", damage, text);
}

void folder_condemn(const struct folder *folder, const char *text)
{
    char damage[PATH_MAX];
    struct fault fault;
    if (folder_file(folder->path, "damaged", damage, &fault) < 0)
        return;
    int fd = open(damage, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0)
        return;
    dprintf(fd, "%s\n", text);
    fsync(fd);
    close(fd);
    folder_sync(folder->path);
}

bool folder_has_leases(const struct folder *folder)
{
    char leases[PATH_MAX];
    struct fault fault;
    return folder_file(folder->path, "leases", leases, &fault) == 0 && access(leases, F_OK) == 0;
}

int folder_keep_leases(const struct folder *folder, struct fault *fault)
{
    char leases[PATH_MAX];
    int status = folder_file(folder->path, "leases", leases, fault);
    if (status < 0)
        return status;
    int fd = open(leases, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    status = fd < 0 ? -errno : 0;
    if (fd >= 0)
        close(fd);
    if (status == 0)
        status = folder_sync(folder->path);
    return status < 0 ? fault_set(fault, status, "make %s: %s", leases, strerror(-status)) : 0;
}

void folder_forget_leases(const struct folder *folder)
{
    char leases[PATH_MAX];
    struct fault fault;
    if (folder_file(folder->path, "leases", leases, &fault) == 0)
        unlink(leases);
}

int folder_open(const char *path, struct folder **folder, struct fault *fault)
{
    int status = folder_make(path, fault);
    if (status < 0)
        return status;
    struct folder *f = malloc(sizeof *f + strlen(path) + 1);
    if (!f)
        return fault_set(fault, -ENOMEM, "folder %s: out of memory", path);
    strcpy(f->path, path);
    f->lock = folder_lock(path, fault);
    if (f->lock < 0) {
        status = f->lock;
        free(f);
        return status;
    }
    status = folder_check(path, fault);
    if (status < 0) {
        folder_close(f);
        return status;
    }
    *folder = f;
    return 0;
}

const char *folder_path(const struct folder *folder)
{
    return folder->path;
}

void folder_close(struct folder *folder)
{
    assert(folder->lock >= 0);
    close(folder->lock);
    free(folder);
}
