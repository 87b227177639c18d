/* The files of a snapshot that is received: how a new database takes the place of tree.db in one
 * step.
 *
 *   tree.db.incoming   being filled; without syncs, worthless after a crash; with a WAL while
 * entries are applied to it, which ends when it is closed tree.db.ready      complete, checked,
 * synced: from here on it is the tree
 *
 * Renaming the first to the second is the step (incoming_install). tree.db cannot simply be
 * replaced: its WAL would be taken for the new one's, and without its WAL the old tree is torn if a
 * checkpoint was half done. So the work after the step only removes files that are not needed any
 * more, and can be done again from any point (incoming_settle, also at the next start):
 *
 *   crash before the rename        the old tree with its WAL is whole; incoming is removed
 *   ... after it                   ready is found: the old WAL is removed, ready becomes tree.db
 *   ... after the WAL was removed  the same; the old tree.db may be torn, but nothing reads it
 *   ... after the second rename    the new tree, without a WAL, and nothing beside it
 *
 * The folder is synced between the steps, so that a power cut cannot change their order. */
#include "store/tree_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define READY_FILE TREE_FILE ".ready"

static int path_of(const struct folder *folder, const char *name, char path[PATH_MAX])
{
    int len = snprintf(path, PATH_MAX, "%s/%s", folder_path(folder), name);
    return len < PATH_MAX ? 0 : -ENAMETOOLONG;
}

/* Removes a file; it need not exist. */
static int remove_file(const struct folder *folder, const char *name)
{
    char path[PATH_MAX];
    int status = path_of(folder, name, path);
    if (status < 0)
        return status;
    return unlink(path) < 0 && errno != ENOENT ? -errno : 0;
}

/* Returns a descriptor. */
static int open_file(const struct folder *folder, const char *name)
{
    char path[PATH_MAX];
    int status = path_of(folder, name, path);
    if (status < 0)
        return status;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

static int sync_file(const struct folder *folder, const char *name)
{
    int fd = open_file(folder, name);
    if (fd < 0)
        return fd;
    int status = fsync(fd) < 0 ? -errno : 0;
    close(fd);
    return status;
}

/* Durable on return. */
static int rename_file(const struct folder *folder, const char *from, const char *to)
{
    char from_path[PATH_MAX], to_path[PATH_MAX];
    int status = path_of(folder, from, from_path);
    if (status == 0)
        status = path_of(folder, to, to_path);
    if (status == 0 && rename(from_path, to_path) < 0)
        status = -errno;
    return status < 0 ? status : sync_file(folder, ".");
}

/* 1 if the file exists, 0 if not, or an error. */
static int file_exists(const struct folder *folder, const char *name)
{
    char path[PATH_MAX];
    int status = path_of(folder, name, path);
    if (status < 0)
        return status;
    if (access(path, F_OK) == 0)
        return 1;
    return errno == ENOENT ? 0 : -errno;
}

int incoming_remove(const struct folder *folder)
{
    int status = remove_file(folder, INCOMING_FILE);
    if (status == 0)
        status = remove_file(folder, INCOMING_FILE "-wal");
    return status == 0 ? remove_file(folder, INCOMING_FILE "-shm") : status;
}

int incoming_open(const struct folder *folder)
{
    return open_file(folder, INCOMING_FILE);
}

int incoming_sync(const struct folder *folder)
{
    return sync_file(folder, INCOMING_FILE);
}

int incoming_install(const struct folder *folder)
{
    return rename_file(folder, INCOMING_FILE, READY_FILE);
}

/* Finishes an installation whose step was taken. */
static int settle_ready(const struct folder *folder)
{
    int status = file_exists(folder, READY_FILE);
    if (status <= 0)
        return status;
    status = remove_file(folder, TREE_FILE "-wal");
    if (status == 0)
        status = remove_file(folder, TREE_FILE "-shm");
    /* The old tree's, from when it began to use a WAL; deleting it may not have been durable. */
    if (status == 0)
        status = remove_file(folder, TREE_FILE "-journal");
    if (status == 0)
        status = sync_file(folder, ".");
    return status < 0 ? status : rename_file(folder, READY_FILE, TREE_FILE);
}

int incoming_settle(const struct folder *folder, struct fault *fault)
{
    int status = incoming_remove(folder);
    if (status == 0)
        status = settle_ready(folder);
    if (status < 0)
        return fault_set(fault, status, "%s: install a snapshot: %s", TREE_FILE, strerror(-status));
    return 0;
}
