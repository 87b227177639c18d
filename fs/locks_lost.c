/* Whose changes are refused because a lock is lost (locks.h). */
#include "fs/lock_wait.h"
#include "fs/mount_table.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PATH_TEXT_MAX = 96, LINE_MAX_BYTES = 4096 };

/* A descriptor, by /proc/PID/fdinfo. */
struct descriptor {
    uint64_t ino;
    int mount;
};

static bool descriptor_read(const char *path, struct descriptor *d)
{
    char line[128];
    FILE *file = fopen(path, "re");
    *d = (struct descriptor){.mount = -1};
    while (file && fgets(line, sizeof line, file)) {
        if (strncmp(line, "ino:", 4) == 0)
            d->ino = strtoull(line + 4, NULL, 10);
        else if (strncmp(line, "mnt_id:", 7) == 0)
            d->mount = atoi(line + 7);
    }
    if (file)
        fclose(file);
    return file;
}

/* The device of a mount, as MAJOR:MINOR, as the process sees it; empty if it does not. */
static void device_of(const char *process, int mount, char device[32])
{
    char path[PATH_TEXT_MAX], line[LINE_MAX_BYTES];
    snprintf(path, sizeof path, "/proc/%s/mountinfo", process);
    FILE *file = fopen(path, "re");
    device[0] = '\0';
    while (file && fgets(line, sizeof line, file)) {
        int id;
        char found[32];
        if (sscanf(line, "%d %*d %31s", &id, found) == 2 && id == mount)
            strcpy(device, found);
    }
    if (file)
        fclose(file);
}

static bool has_lost_handle(const struct fs_file *file)
{
    const struct fs_handle *handle;
    LIST_FOREACH(handle, &file->handles, entry)
    {
        if (handle->lost)
            return true;
    }
    return false;
}

static bool is_lost_here(struct fs *fs, const char *process, const struct descriptor *d)
{
    const struct fs_file *file = fs_file_find(&fs->files, d->ino);
    char its[32], ours[32];
    if (!file || !has_lost_handle(file))
        return false;
    device_of(process, d->mount, its);
    device_of("self", fs->mounting.mount.id, ours);
    return !ours[0] || strcmp(its, ours) == 0;
}

/* Whether the process has the file of a lost lock open. If that cannot be told, it counts as if it
 * had. */
static bool is_concerned(struct fs *fs, pid_t pid)
{
    char process[24], path[PATH_TEXT_MAX];
    snprintf(process, sizeof process, "%d", (int)pid);
    snprintf(path, sizeof path, "/proc/%s/fdinfo", process);
    DIR *all = pid > 0 ? opendir(path) : NULL;
    const struct dirent *entry;
    bool concerned = !all;
    while (!concerned && (entry = readdir(all))) {
        struct descriptor d;
        if (entry->d_name[0] == '.')
            continue;
        snprintf(path, sizeof path, "/proc/%s/fdinfo/%.16s", process, entry->d_name);
        concerned = descriptor_read(path, &d) && is_lost_here(fs, process, &d);
    }
    if (all)
        closedir(all);
    return concerned;
}

bool fs_locks_forbid(const struct fs_request *r)
{
    if (r->fs->locks.lost == 0)
        return false;
    if (r->file && has_lost_handle(r->file)) /* gathered writes may be through that handle */
        return true;
    if (r->is_lock)
        return false;
    if (r->handle && r->handle->lost)
        return true;
    const struct fs_file *file = fs_file_find(&r->fs->files, r->ino);
    if (r->is_page)
        return file && has_lost_handle(file);
    return is_concerned(r->fs, fuse_req_ctx(r->req)->pid);
}

uint64_t fs_locks_fence(const struct fs_request *r)
{
    return r->is_lock && !r->file ? 0 : r->fs->locks.session;
}
