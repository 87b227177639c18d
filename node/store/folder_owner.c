/* Whether a folder is this node's alone. The node is often root's: what others put into its folder
 * must not be read as its own, and a link there must not lead it elsewhere. */
#include "store/folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* How the names of the node's own files begin. */
static const char *const own_names[] = {"lock", "damaged", "leases", "starts",
                                        "room", "log.db",  "tree.db"};

static bool folder_is_own_name(const char *name)
{
    for (size_t i = 0; i < sizeof own_names / sizeof *own_names; i++)
        if (strncmp(name, own_names[i], strlen(own_names[i])) == 0)
            return true;
    return false;
}

static int folder_refuse_owner(const char *path, const char *name, uid_t uid, struct fault *fault)
{
    return fault_set(fault, -EPERM,
                     "%s%s%s belongs to user %u, and this node runs as user %u: run it as that "
                     "user, or chown the folder and all that is in it, if you know who made it",
                     path, *name ? "/" : "", name, (unsigned)uid, (unsigned)geteuid());
}

/* A file that others may read or write is closed to them: they may have been let in by a copy. */
static int folder_check_file(int folder, const char *path, const char *name, struct fault *fault)
{
    struct stat file;
    if (fstatat(folder, name, &file, AT_SYMLINK_NOFOLLOW) < 0)
        return errno == ENOENT ? 0
                               : fault_set(fault, -errno, "%s/%s: %s", path, name, strerror(errno));
    if (!S_ISREG(file.st_mode))
        return fault_set(fault, -EPERM,
                         "%s/%s is not a file but a link or something else, which this node never "
                         "makes: put the file itself there",
                         path, name);
    if (file.st_uid != geteuid())
        return folder_refuse_owner(path, name, file.st_uid, fault);
    if ((file.st_mode & 0077) && fchmodat(folder, name, file.st_mode & 0700, 0) < 0)
        return fault_set(fault, -errno, "chmod %s/%s: %s", path, name, strerror(errno));
    return 0;
}

static int folder_check_files(DIR *folder, const char *path, struct fault *fault)
{
    const struct dirent *entry;
    int status = 0;
    while (status == 0 && (entry = readdir(folder)))
        if (folder_is_own_name(entry->d_name))
            status = folder_check_file(dirfd(folder), path, entry->d_name, fault);
    return status;
}

/* Others may look for names in it, as the mountpoint may be there, but not make any. */
static int folder_check_itself(int fd, const char *path, struct fault *fault)
{
    struct stat folder;
    int status = fstat(fd, &folder) < 0 ? -errno : 0;
    if (status == 0 && folder.st_uid != geteuid())
        return folder_refuse_owner(path, "", folder.st_uid, fault);
    if (status == 0 && (folder.st_mode & 0022) && fchmod(fd, folder.st_mode & 0755) < 0)
        status = -errno;
    return status < 0 ? fault_set(fault, status, "folder %s: %s", path, strerror(-status)) : 0;
}

int folder_check_owner(const char *path, struct fault *fault)
{
    DIR *folder = opendir(path);
    if (!folder)
        return errno == ENOENT ? 0
                               : fault_set(fault, -errno, "folder %s: %s", path, strerror(errno));
    int status = folder_check_itself(dirfd(folder), path, fault);
    if (status == 0)
        status = folder_check_files(folder, path, fault);
    closedir(folder);
    return status;
}
