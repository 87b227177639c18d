/* SQLite's way to the disk: a VFS that behaves on it as SQLite's own for Unix does on a file
 * system. It makes the same promises: powersafe overwrite and sectors of 4096 bytes are what that
 * one says by default; syncing a new journal or WAL for the first time syncs the folder as well
 * (and a failure of only that is ignored); making a database syncs nothing. */
#include "disk.h"

#include <assert.h>
#include <errno.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

struct vfs_file {
    sqlite3_file base;
    struct disk *disk;
    uint32_t file;
    bool sync_folder; /* with the next sync */
    int lock;         /* SQLITE_LOCK_... */
    unsigned shm_shared, shm_exclusive;
    bool shm;
    struct vfs_inode *inode;
    LIST_ENTRY(vfs_file) entry;
};

/* Shared by the connections to one file. */
struct vfs_inode {
    LIST_ENTRY(vfs_inode) entry;
    const struct disk *disk;
    uint32_t file;
    LIST_HEAD(, vfs_file) files;
    struct vfs_file *writer; /* RESERVED or more */
    void **shm;              /* pieces of shared memory */
    size_t shm_count, shm_cap;
};

static LIST_HEAD(, vfs_inode) inodes;
static int last_errno;
static uint64_t random_state = 1;

static int failed(int status, int code)
{
    last_errno = -status;
    return status == -ENOSPC ? SQLITE_FULL : code;
}

/* ---- Inodes ---- */

static struct vfs_inode *inode_of(const struct disk *disk, uint32_t file)
{
    struct vfs_inode *inode;
    LIST_FOREACH(inode, &inodes, entry)
    {
        if (inode->disk == disk && inode->file == file)
            return inode;
    }
    inode = must_alloc(sizeof *inode);
    inode->disk = disk;
    inode->file = file;
    LIST_INSERT_HEAD(&inodes, inode, entry);
    return inode;
}

static void forget_shm(struct vfs_inode *inode)
{
    for (size_t i = 0; i < inode->shm_count; i++)
        free(inode->shm[i]);
    free(inode->shm);
    inode->shm = NULL;
    inode->shm_count = inode->shm_cap = 0;
}

/* ---- Bytes ---- */

static int vfs_close(sqlite3_file *base)
{
    struct vfs_file *f = (struct vfs_file *)base;
    struct vfs_inode *inode = f->inode;
    if (inode->writer == f)
        inode->writer = NULL;
    LIST_REMOVE(f, entry);
    if (LIST_EMPTY(&inode->files)) {
        forget_shm(inode);
        LIST_REMOVE(inode, entry);
        free(inode);
    }
    return SQLITE_OK;
}

static int vfs_read(sqlite3_file *base, void *to, int len, sqlite3_int64 offset)
{
    struct vfs_file *f = (struct vfs_file *)base;
    int status = disk_read(f->disk, f->file, (uint64_t)offset, to, (size_t)len);
    if (status < 0)
        return failed(status, SQLITE_IOERR_READ);
    return status == len ? SQLITE_OK : SQLITE_IOERR_SHORT_READ;
}

static int vfs_write(sqlite3_file *base, const void *data, int len, sqlite3_int64 offset)
{
    struct vfs_file *f = (struct vfs_file *)base;
    int status = disk_write(f->disk, f->file, (uint64_t)offset, data, (size_t)len);
    return status < 0 ? failed(status, SQLITE_IOERR_WRITE) : SQLITE_OK;
}

static int vfs_truncate(sqlite3_file *base, sqlite3_int64 size)
{
    struct vfs_file *f = (struct vfs_file *)base;
    int status = disk_truncate(f->disk, f->file, (uint64_t)size);
    return status < 0 ? failed(status, SQLITE_IOERR_TRUNCATE) : SQLITE_OK;
}

static int vfs_sync(sqlite3_file *base, int flags)
{
    struct vfs_file *f = (struct vfs_file *)base;
    int status = disk_sync(f->disk, f->file);
    if (status < 0)
        return failed(status, SQLITE_IOERR_FSYNC);
    if (f->sync_folder)
        disk_sync_folder(f->disk);
    f->sync_folder = false;
    return SQLITE_OK;
}

static int vfs_file_size(sqlite3_file *base, sqlite3_int64 *size)
{
    struct vfs_file *f = (struct vfs_file *)base;
    *size = (sqlite3_int64)f->disk->files[f->file].now.size;
    return SQLITE_OK;
}

static int vfs_file_control(sqlite3_file *base, int op, void *arg)
{
    return SQLITE_NOTFOUND;
}

static int vfs_sector_size(sqlite3_file *base)
{
    return 4096;
}

static int vfs_characteristics(sqlite3_file *base)
{
    return SQLITE_IOCAP_POWERSAFE_OVERWRITE;
}

/* ---- Locks ---- */

static bool shared_by_others(const struct vfs_file *f)
{
    const struct vfs_file *other;
    LIST_FOREACH(other, &f->inode->files, entry)
    {
        if (other != f && other->lock >= SQLITE_LOCK_SHARED)
            return true;
    }
    return false;
}

static int vfs_lock(sqlite3_file *base, int level)
{
    struct vfs_file *f = (struct vfs_file *)base;
    struct vfs_file *writer = f->inode->writer;
    if (f->lock >= level)
        return SQLITE_OK;
    if (level == SQLITE_LOCK_SHARED) {
        if (writer && writer->lock >= SQLITE_LOCK_PENDING)
            return SQLITE_BUSY;
    } else {
        if (writer && writer != f)
            return SQLITE_BUSY;
        f->inode->writer = f;
        if (level == SQLITE_LOCK_EXCLUSIVE && shared_by_others(f)) {
            f->lock = SQLITE_LOCK_PENDING;
            return SQLITE_BUSY;
        }
    }
    f->lock = level;
    return SQLITE_OK;
}

static int vfs_unlock(sqlite3_file *base, int level)
{
    struct vfs_file *f = (struct vfs_file *)base;
    if (f->inode->writer == f)
        f->inode->writer = NULL;
    f->lock = level;
    return SQLITE_OK;
}

static int vfs_check_reserved(sqlite3_file *base, int *reserved)
{
    *reserved = ((struct vfs_file *)base)->inode->writer ? 1 : 0;
    return SQLITE_OK;
}

/* ---- The index of the WAL. It is memory: nothing of it is left after a crash. ---- */

static int vfs_shm_map(sqlite3_file *base, int piece, int bytes, int extend, void volatile **memory)
{
    struct vfs_file *f = (struct vfs_file *)base;
    struct vfs_inode *inode = f->inode;
    int status = disk_map(f->disk, "-shm");
    *memory = NULL;
    if (status < 0)
        return failed(status, SQLITE_IOERR_SHMMAP);
    f->shm = true;
    while (extend && inode->shm_count <= (size_t)piece) {
        inode->shm = must_grow(inode->shm, inode->shm_count, &inode->shm_cap, sizeof *inode->shm);
        inode->shm[inode->shm_count++] = must_alloc((size_t)bytes);
    }
    if ((size_t)piece < inode->shm_count)
        *memory = inode->shm[piece];
    return SQLITE_OK;
}

static bool shm_held_by_others(const struct vfs_file *f, unsigned slots, bool also_shared)
{
    const struct vfs_file *other;
    LIST_FOREACH(other, &f->inode->files, entry)
    {
        unsigned held = other->shm_exclusive | (also_shared ? other->shm_shared : 0);
        if (other != f && (held & slots))
            return true;
    }
    return false;
}

static int vfs_shm_lock(sqlite3_file *base, int offset, int count, int flags)
{
    struct vfs_file *f = (struct vfs_file *)base;
    unsigned slots = ((1u << count) - 1) << offset;
    if (flags & SQLITE_SHM_UNLOCK) {
        f->shm_shared &= ~slots;
        f->shm_exclusive &= ~slots;
        return SQLITE_OK;
    }
    if (shm_held_by_others(f, slots, flags & SQLITE_SHM_EXCLUSIVE))
        return SQLITE_BUSY;
    if (flags & SQLITE_SHM_EXCLUSIVE)
        f->shm_exclusive |= slots;
    else
        f->shm_shared |= slots;
    return SQLITE_OK;
}

static void vfs_shm_barrier(sqlite3_file *base)
{
    /* Nothing: one thread. */
}

static int vfs_shm_unmap(sqlite3_file *base, int delete)
{
    struct vfs_file *f = (struct vfs_file *)base;
    f->shm = false;
    f->shm_shared = f->shm_exclusive = 0;
    const struct vfs_file *other;
    LIST_FOREACH(other, &f->inode->files, entry)
    {
        if (other->shm)
            return SQLITE_OK;
    }
    forget_shm(f->inode);
    return SQLITE_OK;
}

static const sqlite3_io_methods methods = {
    .iVersion = 2,
    .xClose = vfs_close,
    .xRead = vfs_read,
    .xWrite = vfs_write,
    .xTruncate = vfs_truncate,
    .xSync = vfs_sync,
    .xFileSize = vfs_file_size,
    .xLock = vfs_lock,
    .xUnlock = vfs_unlock,
    .xCheckReservedLock = vfs_check_reserved,
    .xFileControl = vfs_file_control,
    .xSectorSize = vfs_sector_size,
    .xDeviceCharacteristics = vfs_characteristics,
    .xShmMap = vfs_shm_map,
    .xShmLock = vfs_shm_lock,
    .xShmBarrier = vfs_shm_barrier,
    .xShmUnmap = vfs_shm_unmap,
};

/* ---- Files by their paths ---- */

static struct disk *temporary_disk; /* of the last database that was opened */

static int vfs_open(sqlite3_vfs *vfs, sqlite3_filename path, sqlite3_file *base, int flags,
                    int *out_flags)
{
    struct vfs_file *f = (struct vfs_file *)base;
    const char *name = "";
    struct disk *disk = path ? disk_of(path, &name) : temporary_disk;
    memset(f, 0, sizeof *f);
    assert(disk);
    temporary_disk = disk;
    int file = path ? disk_open(disk, name, flags & SQLITE_OPEN_CREATE) : disk_make_nameless(disk);
    if (file < 0)
        return failed(file, SQLITE_CANTOPEN);
    f->base.pMethods = &methods;
    f->disk = disk;
    f->file = (uint32_t)file;
    f->sync_folder =
        flags & SQLITE_OPEN_CREATE && flags & (SQLITE_OPEN_MAIN_JOURNAL | SQLITE_OPEN_WAL);
    f->inode = inode_of(disk, f->file);
    LIST_INSERT_HEAD(&f->inode->files, f, entry);
    if (out_flags)
        *out_flags = flags;
    return SQLITE_OK;
}

static int vfs_delete(sqlite3_vfs *vfs, const char *path, int sync_folder)
{
    const char *name;
    struct disk *disk = disk_of(path, &name);
    int status = disk_unlink(disk, name);
    if (status == -ENOENT)
        return SQLITE_IOERR_DELETE_NOENT;
    if (status < 0)
        return failed(status, SQLITE_IOERR_DELETE);
    if (sync_folder && (status = disk_sync_folder(disk)) < 0)
        return failed(status, SQLITE_IOERR_DIR_FSYNC);
    return SQLITE_OK;
}

static int vfs_access(sqlite3_vfs *vfs, const char *path, int flags, int *there)
{
    const char *name;
    const struct disk *disk = disk_of(path, &name);
    int file = disk_lookup(disk, name);
    /* An empty journal counts as none, as on Unix. */
    *there = file >= 0 && (flags != SQLITE_ACCESS_EXISTS || disk->files[file].now.size > 0);
    return SQLITE_OK;
}

static int vfs_full_pathname(sqlite3_vfs *vfs, const char *path, int len, char *full)
{
    return snprintf(full, (size_t)len, "%s", path) < len ? SQLITE_OK : SQLITE_CANTOPEN;
}

static int vfs_randomness(sqlite3_vfs *vfs, int len, char *out)
{
    for (int i = 0; i < len; i++) {
        random_state = random_state * UINT64_C(6364136223846793005) + 1442695040888963407u;
        out[i] = (char)(random_state >> 56);
    }
    return len;
}

static int vfs_sleep(sqlite3_vfs *vfs, int microseconds)
{
    return microseconds;
}

static int vfs_current_time(sqlite3_vfs *vfs, double *days)
{
    *days = 2460000.5;
    return SQLITE_OK;
}

static int vfs_last_error(sqlite3_vfs *vfs, int len, char *text)
{
    return last_errno;
}

void disk_vfs_register(void)
{
    static sqlite3_vfs vfs = {
        .iVersion = 1,
        .szOsFile = sizeof(struct vfs_file),
        .mxPathname = 512,
        .zName = "disk",
        .xOpen = vfs_open,
        .xDelete = vfs_delete,
        .xAccess = vfs_access,
        .xFullPathname = vfs_full_pathname,
        .xRandomness = vfs_randomness,
        .xSleep = vfs_sleep,
        .xCurrentTime = vfs_current_time,
        .xGetLastError = vfs_last_error,
    };
    int code = sqlite3_vfs_register(&vfs, 1);
    assert(code == SQLITE_OK);
}

void disk_vfs_seed(uint64_t seed)
{
    random_state = seed;
    sqlite3_randomness(0, NULL);
}
