/* The calls of the C library that the store makes by itself, without SQLite. The linker puts these
 * in their place (--wrap, see meson.build); calls that are not about a disk of these tests go on
 * to the library. With 64-bit offsets, which meson asks for, open is called open64, and so on.
 */
#include "disk.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { DESCRIPTORS = 16, FIRST_DESCRIPTOR = 1 << 20 }; /* beyond what the kernel gives */

static struct descriptor {
    struct disk *disk; /* NULL: not open */
    const char *name;  /* "", "..", or NULL for a file */
    uint32_t file;
} descriptors[DESCRIPTORS];

static int result(int status)
{
    if (status >= 0)
        return status;
    errno = -status;
    return -1;
}

static struct descriptor *descriptor_of(int fd)
{
    return fd >= FIRST_DESCRIPTOR ? &descriptors[fd - FIRST_DESCRIPTOR] : NULL;
}

static int descriptor_new(struct descriptor d)
{
    for (int i = 0; i < DESCRIPTORS; i++) {
        if (!descriptors[i].disk) {
            descriptors[i] = d;
            return FIRST_DESCRIPTOR + i;
        }
    }
    return -EMFILE;
}

static int open_on_disk(struct disk *disk, const char *name, bool create)
{
    if (strcmp(name, "") == 0)
        return descriptor_new((struct descriptor){disk, "", 0});
    if (strcmp(name, "..") == 0)
        return descriptor_new((struct descriptor){disk, "..", 0});
    int file = disk_open(disk, name, create);
    return file < 0 ? file : descriptor_new((struct descriptor){disk, NULL, (uint32_t)file});
}

int __real_open64(const char *path, int flags, mode_t mode);
int __wrap_open64(const char *path, int flags, ...);
int __wrap_open64(const char *path, int flags, ...)
{
    const char *name;
    struct disk *disk = disk_of(path, &name);
    mode_t mode = 0;
    va_list rest;
    if (flags & O_CREAT) {
        va_start(rest, flags);
        mode = va_arg(rest, mode_t);
        va_end(rest);
    }
    return disk ? result(open_on_disk(disk, name, flags & O_CREAT))
                : __real_open64(path, flags, mode);
}

int __real_close(int fd);
int __wrap_close(int fd);
int __wrap_close(int fd)
{
    struct descriptor *d = descriptor_of(fd);
    if (!d)
        return __real_close(fd);
    *d = (struct descriptor){0};
    return 0;
}

static int sync_descriptor(const struct descriptor *d)
{
    if (!d->name)
        return disk_sync(d->disk, d->file);
    return d->name[0] ? disk_sync_parent(d->disk) : disk_sync_folder(d->disk);
}

int __real_fsync(int fd);
int __wrap_fsync(int fd);
int __wrap_fsync(int fd)
{
    const struct descriptor *d = descriptor_of(fd);
    return d ? result(sync_descriptor(d)) : __real_fsync(fd);
}

int __real_ftruncate64(int fd, off_t size);
int __wrap_ftruncate64(int fd, off_t size);
int __wrap_ftruncate64(int fd, off_t size)
{
    const struct descriptor *d = descriptor_of(fd);
    return d ? result(disk_truncate(d->disk, d->file, (uint64_t)size))
             : __real_ftruncate64(fd, size);
}

int __real_fstat64(int fd, struct stat *st);
int __wrap_fstat64(int fd, struct stat *st);
int __wrap_fstat64(int fd, struct stat *st)
{
    const struct descriptor *d = descriptor_of(fd);
    if (!d)
        return __real_fstat64(fd, st);
    *st = (struct stat){.st_size = (off_t)d->disk->files[d->file].now.size};
    return 0;
}

int __real_posix_fadvise64(int fd, off_t offset, off_t len, int advice);
int __wrap_posix_fadvise64(int fd, off_t offset, off_t len, int advice);
int __wrap_posix_fadvise64(int fd, off_t offset, off_t len, int advice)
{
    const struct descriptor *d = descriptor_of(fd);
    return d ? -disk_evict(d->disk, d->file) : __real_posix_fadvise64(fd, offset, len, advice);
}

int __real_flock(int fd, int operation);
int __wrap_flock(int fd, int operation);
int __wrap_flock(int fd, int operation)
{
    return descriptor_of(fd) ? 0 : __real_flock(fd, operation);
}

int __real_mkdir(const char *path, mode_t mode);
int __wrap_mkdir(const char *path, mode_t mode);
int __wrap_mkdir(const char *path, mode_t mode)
{
    const char *name;
    struct disk *disk = disk_of(path, &name);
    return disk ? result(disk_make_folder(disk)) : __real_mkdir(path, mode);
}

int __real_mknod(const char *path, mode_t mode, dev_t device);
int __wrap_mknod(const char *path, mode_t mode, dev_t device);
int __wrap_mknod(const char *path, mode_t mode, dev_t device)
{
    const char *name;
    struct disk *disk = disk_of(path, &name);
    if (!disk)
        return __real_mknod(path, mode, device);
    if (disk_lookup(disk, name) >= 0)
        return result(-EEXIST);
    return disk_open(disk, name, true) < 0 ? result(-EIO) : 0;
}

int __real_unlink(const char *path);
int __wrap_unlink(const char *path);
int __wrap_unlink(const char *path)
{
    const char *name;
    struct disk *disk = disk_of(path, &name);
    return disk ? result(disk_unlink(disk, name)) : __real_unlink(path);
}

int __real_rename(const char *from, const char *to);
int __wrap_rename(const char *from, const char *to);
int __wrap_rename(const char *from, const char *to)
{
    const char *name;
    struct disk *disk = disk_of(from, &name);
    if (!disk)
        return __real_rename(from, to);
    const char *to_name;
    disk_of(to, &to_name);
    return result(disk_rename(disk, name, to_name));
}

int __real_access(const char *path, int mode);
int __wrap_access(const char *path, int mode);
int __wrap_access(const char *path, int mode)
{
    const char *name;
    struct disk *disk = disk_of(path, &name);
    if (!disk)
        return __real_access(path, mode);
    return disk_lookup(disk, name) < 0 ? result(-ENOENT) : 0;
}

int __real_stat64(const char *path, struct stat *st);
int __wrap_stat64(const char *path, struct stat *st);
int __wrap_stat64(const char *path, struct stat *st)
{
    const char *name;
    struct disk *disk = disk_of(path, &name);
    int file = disk ? disk_lookup(disk, name) : 0;
    if (!disk)
        return __real_stat64(path, st);
    if (file < 0)
        return result(file);
    *st = (struct stat){.st_size = (off_t)disk->files[file].now.size};
    return 0;
}
