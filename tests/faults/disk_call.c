#include "disk_internal.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- Faults ---- */

static const char *name_of(const struct disk *disk, uint32_t file)
{
    for (size_t i = 0; i < DISK_NAMES_MAX; i++)
        if (disk->names[i].text[0] && disk->names[i].file == file)
            return disk->names[i].text;
    return "";
}

/* Whether this call fails: 0 or its negative errno. */
static int disk_fails(struct disk *disk, enum disk_call call, const char *name)
{
    struct disk_fault *fault = &disk->fault;
    if (disk->dead)
        return -EIO;
    if (fault->at == 0 || !(fault->calls & 1u << call))
        return 0;
    fault->seen++;
    if (fault->seen != fault->at && !(fault->hit && fault->stays))
        return 0;
    if (!fault->hit) {
        fault->hit = true;
        fault->hit_call = call;
        snprintf(fault->hit_name, sizeof fault->hit_name, "%s", name);
    }
    return -fault->error;
}

/* Shows the change to the watcher, applies it, and gives it up. */
static void carry_out(struct disk *disk, struct disk_change *change)
{
    if (disk->watch)
        disk->watch(disk->watch_arg, change);
    disk_apply(disk, change);
    disk_change_unref(change);
}

/* ---- Calls ---- */

int disk_lookup(const struct disk *disk, const char *name)
{
    struct disk_name *found = disk_find_name(((struct disk *)disk)->names, name);
    return found ? (int)found->file : -ENOENT;
}

static int make(struct disk *disk, const char *name)
{
    uint32_t file = (uint32_t)disk->file_count;
    carry_out(disk, disk_change_of_names(DISK_MAKE, file, name, ""));
    return (int)file;
}

int disk_open(struct disk *disk, const char *name, bool create)
{
    int file = disk_lookup(disk, name);
    bool making = file < 0 && create;
    int status = disk_fails(disk, making ? DISK_MAKE : DISK_OPEN, name);
    if (status < 0)
        return status;
    if (!disk->folder)
        return -ENOENT;
    return making ? make(disk, name) : file;
}

int disk_make_nameless(struct disk *disk)
{
    int status = disk_fails(disk, DISK_MAKE, "");
    return status < 0 ? status : make(disk, "");
}

int disk_read(struct disk *disk, uint32_t file, uint64_t offset, uint8_t *to, size_t len)
{
    int status = disk_fails(disk, DISK_READ, name_of(disk, file));
    return status < 0 ? status : (int)content_read(&disk->files[file].now, offset, to, len);
}

int disk_write(struct disk *disk, uint32_t file, uint64_t offset, const void *data, size_t len)
{
    int status = disk_fails(disk, DISK_WRITE, name_of(disk, file));
    if (status == -ENOSPC && len > DISK_SECTOR_BYTES)
        carry_out(disk, disk_change_new(DISK_WRITE, file, offset, data, DISK_SECTOR_BYTES));
    if (status < 0)
        return status;
    carry_out(disk, disk_change_new(DISK_WRITE, file, offset, data, len));
    return 0;
}

int disk_truncate(struct disk *disk, uint32_t file, uint64_t size)
{
    int status = disk_fails(disk, DISK_TRUNCATE, name_of(disk, file));
    if (status < 0)
        return status;
    if (disk->fault.gives && strcmp(name_of(disk, file), "reserve") == 0)
        disk->fault.at = 0;
    if (disk->files[file].now.size != size)
        carry_out(disk, disk_change_new(DISK_TRUNCATE, file, size, NULL, 0));
    return 0;
}

int disk_sync(struct disk *disk, uint32_t file)
{
    int status = disk_fails(disk, DISK_SYNC, name_of(disk, file));
    if (disk->dead)
        return status;
    carry_out(disk, disk_change_new(status < 0 ? DISK_FORGET : DISK_SYNC, file, 0, NULL, 0));
    return status;
}

int disk_evict(struct disk *disk, uint32_t file)
{
    int status = disk_fails(disk, DISK_EVICT, name_of(disk, file));
    if (status == 0)
        carry_out(disk, disk_change_new(DISK_EVICT, file, 0, NULL, 0));
    return status;
}

int disk_unlink(struct disk *disk, const char *name)
{
    int status = disk_fails(disk, DISK_UNLINK, name);
    int file = disk_lookup(disk, name);
    if (status < 0 || file < 0)
        return status < 0 ? status : file;
    carry_out(disk, disk_change_of_names(DISK_UNLINK, (uint32_t)file, name, ""));
    return 0;
}

int disk_rename(struct disk *disk, const char *from, const char *to)
{
    int status = disk_fails(disk, DISK_RENAME, from);
    int file = disk_lookup(disk, from);
    if (status < 0 || file < 0)
        return status < 0 ? status : file;
    carry_out(disk, disk_change_of_names(DISK_RENAME, (uint32_t)file, from, to));
    return 0;
}

static int call_folder(struct disk *disk, enum disk_call call, const char *name)
{
    int status = disk_fails(disk, call, name);
    if (status == 0)
        carry_out(disk, disk_change_new(call, 0, 0, NULL, 0));
    return status;
}

int disk_sync_folder(struct disk *disk)
{
    return call_folder(disk, DISK_SYNC_FOLDER, ".");
}

int disk_make_folder(struct disk *disk)
{
    return disk->folder ? -EEXIST : call_folder(disk, DISK_MAKE_FOLDER, ".");
}

int disk_sync_parent(struct disk *disk)
{
    return call_folder(disk, DISK_SYNC_PARENT, "..");
}

int disk_map(struct disk *disk, const char *name)
{
    return disk_fails(disk, DISK_MAP, name);
}

/* ---- Where programs find it ---- */

static struct disk *mounted[DISKS_MAX];

void disk_mount(unsigned number, struct disk *disk)
{
    assert(number < DISKS_MAX);
    mounted[number] = disk;
}

struct disk *disk_of(const char *path, const char **name)
{
    static const char root[] = "/disk/", folder[] = "/node";
    size_t len = strlen(root);
    if (!path || strncmp(path, root, len) != 0)
        return NULL;
    unsigned number = (unsigned)(path[len] - '0');
    assert(number < DISKS_MAX && mounted[number]);
    path += len + 1;
    assert(strncmp(path, folder, strlen(folder)) == 0);
    path += strlen(folder);
    *name = *path == '/' ? path + 1 : path;
    if (strcmp(*name, ".") == 0)
        *name = "";
    return mounted[number];
}
