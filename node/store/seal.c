#include "store/seal.h"

#include "store/room.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <xxhash.h>

enum {
    HASHED_BYTES = SEAL_PAGE_BYTES - SEAL_BYTES,
    HEADER_BYTES = 100,   /* of the first page; SQLite reads them alone before anything else */
    HEADER_RESERVED = 20, /* where they say how many bytes at the end of each page are free */
};

/* So many pieces of the reserve are given for one write. One is larger than any: another program
 * may take it first, but if none helps, they are kept. */
enum { PIECES_MAX = 2 };

/* A database, its WAL or its journal; any other file is the default VFS's own. */
struct sealed_file {
    sqlite3_file base;
    bool foreign; /* there is no room for seals in it: a journal, or another program's */
    const char
        *reserved; /* the path beside which the reserve lies; NULL: it is not for this file */
    int64_t damaged_page; /* the last that was found; 0: none */
    sqlite3_file *real;   /* the default VFS's, right behind this */
};

static struct sealed_file *sealed_of(sqlite3_file *file)
{
    return (struct sealed_file *)file;
}

static sqlite3_file *real_of(sqlite3_file *file)
{
    return sealed_of(file)->real;
}

/* ---- Pages ---- */

/* The offset is the seed: a page that was written or read at a wrong place is damaged as well. */
static uint64_t seal_of(const uint8_t *page, sqlite3_int64 offset)
{
    return XXH3_64bits_withSeed(page, HASHED_BYTES, (XXH64_hash_t)offset);
}

static bool is_sealed(const uint8_t *page, sqlite3_int64 offset)
{
    uint64_t seal = seal_of(page, offset);
    return memcmp(page + HASHED_BYTES, &seal, SEAL_BYTES) == 0;
}

/* Whether another program made the database. Damage to the header is not looked for: it shows when
 * the page is read, and a torn header does no harm if the whole page is in the WAL. */
static bool is_foreign(const uint8_t *header)
{
    static const char magic[] = "SQLite format 3";
    return memcmp(header, magic, sizeof magic) == 0 && header[HEADER_RESERVED] != SEAL_BYTES;
}

static int sealed_read(sqlite3_file *file, void *to, int len, sqlite3_int64 offset)
{
    struct sealed_file *f = sealed_of(file);
    assert(len > 0 && offset >= 0);
    int code = f->real->pMethods->xRead(f->real, to, len, offset);
    if (code != SQLITE_OK || f->foreign)
        return code;
    if (offset + len <= HEADER_BYTES) {
        f->foreign = len == HEADER_BYTES && is_foreign(to);
        return SQLITE_OK;
    }
    if (len == SEAL_PAGE_BYTES && offset % SEAL_PAGE_BYTES == 0 && is_sealed(to, offset))
        return SQLITE_OK;
    f->damaged_page = offset / SEAL_PAGE_BYTES + 1;
    return SQLITE_IOERR_DATA;
}

/* ---- Room ---- */

/* Whether a piece of the reserve was given, so that what failed may be tried once more. */
static bool give_room(const struct sealed_file *f, int *pieces)
{
    return f->reserved && (*pieces)++ < PIECES_MAX && room_give(f->reserved);
}

/* To SQLite, a quota that is used up is any error. */
static int try_write(struct sealed_file *f, const void *data, int len, sqlite3_int64 offset)
{
    errno = 0;
    int code = f->real->pMethods->xWrite(f->real, data, len, offset);
    return code == SQLITE_IOERR_WRITE && errno == EDQUOT ? SQLITE_FULL : code;
}

static int write_with_room(struct sealed_file *f, const void *data, int len, sqlite3_int64 offset)
{
    int code, pieces = 0;
    do
        code = try_write(f, data, len, offset);
    while (code == SQLITE_FULL && give_room(f, &pieces));
    return code;
}

static int sealed_write(sqlite3_file *file, const void *data, int len, sqlite3_int64 offset)
{
    struct sealed_file *f = sealed_of(file);
    if (f->foreign)
        return write_with_room(f, data, len, offset);
    assert(len == SEAL_PAGE_BYTES);
    assert(offset % SEAL_PAGE_BYTES == 0);
    uint8_t page[SEAL_PAGE_BYTES];
    memcpy(page, data, HASHED_BYTES);
    uint64_t seal = seal_of(page, offset);
    memcpy(page + HASHED_BYTES, &seal, SEAL_BYTES);
    return write_with_room(f, page, len, offset);
}

/* ---- Everything else of a file is the default VFS's ---- */

static int sealed_close(sqlite3_file *file)
{
    return real_of(file)->pMethods->xClose(real_of(file));
}

static int sealed_truncate(sqlite3_file *file, sqlite3_int64 size)
{
    return real_of(file)->pMethods->xTruncate(real_of(file), size);
}

static int sealed_sync(sqlite3_file *file, int flags)
{
    return real_of(file)->pMethods->xSync(real_of(file), flags);
}

static int sealed_file_size(sqlite3_file *file, sqlite3_int64 *size)
{
    return real_of(file)->pMethods->xFileSize(real_of(file), size);
}

static int sealed_lock(sqlite3_file *file, int level)
{
    return real_of(file)->pMethods->xLock(real_of(file), level);
}

static int sealed_unlock(sqlite3_file *file, int level)
{
    return real_of(file)->pMethods->xUnlock(real_of(file), level);
}

static int sealed_check_reserved(sqlite3_file *file, int *reserved)
{
    return real_of(file)->pMethods->xCheckReservedLock(real_of(file), reserved);
}

static int sealed_file_control(sqlite3_file *file, int op, void *arg)
{
    return real_of(file)->pMethods->xFileControl(real_of(file), op, arg);
}

static int sealed_sector_size(sqlite3_file *file)
{
    return real_of(file)->pMethods->xSectorSize(real_of(file));
}

static int sealed_characteristics(sqlite3_file *file)
{
    return real_of(file)->pMethods->xDeviceCharacteristics(real_of(file));
}

static int sealed_shm_map(sqlite3_file *file, int piece, int bytes, int extend,
                          void volatile **memory)
{
    int code, pieces = 0;
    do
        code = real_of(file)->pMethods->xShmMap(real_of(file), piece, bytes, extend, memory);
    while (code == SQLITE_IOERR_SHMSIZE && give_room(sealed_of(file), &pieces));
    return code;
}

static int sealed_shm_lock(sqlite3_file *file, int offset, int count, int flags)
{
    return real_of(file)->pMethods->xShmLock(real_of(file), offset, count, flags);
}

static void sealed_shm_barrier(sqlite3_file *file)
{
    real_of(file)->pMethods->xShmBarrier(real_of(file));
}

static int sealed_shm_unmap(sqlite3_file *file, int delete)
{
    return real_of(file)->pMethods->xShmUnmap(real_of(file), delete);
}

/* Version 2, without memory mappings: what SQLite reads through those would not be checked. */
static const sqlite3_io_methods sealed_methods = {
    .iVersion = 2,
    .xClose = sealed_close,
    .xRead = sealed_read,
    .xWrite = sealed_write,
    .xTruncate = sealed_truncate,
    .xSync = sealed_sync,
    .xFileSize = sealed_file_size,
    .xLock = sealed_lock,
    .xUnlock = sealed_unlock,
    .xCheckReservedLock = sealed_check_reserved,
    .xFileControl = sealed_file_control,
    .xSectorSize = sealed_sector_size,
    .xDeviceCharacteristics = sealed_characteristics,
    .xShmMap = sealed_shm_map,
    .xShmLock = sealed_shm_lock,
    .xShmBarrier = sealed_shm_barrier,
    .xShmUnmap = sealed_shm_unmap,
};

/* ---- The VFS ---- */

static sqlite3_vfs *real_vfs(sqlite3_vfs *vfs)
{
    return vfs->pAppData;
}

/* A snapshot that is being received can wait. */
static bool may_use_reserve(const char *path)
{
    const char *name = strrchr(path, '/');
    return !strstr(name ? name : path, ".incoming");
}

static int vfs_open(sqlite3_vfs *vfs, sqlite3_filename path, sqlite3_file *file, int flags,
                    int *out_flags)
{
    struct sealed_file *f = sealed_of(file);
    if (!(flags & (SQLITE_OPEN_MAIN_DB | SQLITE_OPEN_WAL | SQLITE_OPEN_MAIN_JOURNAL)))
        return real_vfs(vfs)->xOpen(real_vfs(vfs), path, file, flags, out_flags);
    *f = (struct sealed_file){.real = (sqlite3_file *)(f + 1),
                              .foreign = !(flags & SQLITE_OPEN_MAIN_DB),
                              .reserved = may_use_reserve(path) ? path : NULL};
    int code, pieces = 0;
    do {
        errno = 0;
        code = real_vfs(vfs)->xOpen(real_vfs(vfs), path, f->real, flags, out_flags);
    } while (code == SQLITE_CANTOPEN && (errno == ENOSPC || errno == EDQUOT) &&
             give_room(f, &pieces));
    if (f->real->pMethods)
        f->base.pMethods = &sealed_methods;
    return code;
}

static int vfs_delete(sqlite3_vfs *vfs, const char *path, int sync_folder)
{
    return real_vfs(vfs)->xDelete(real_vfs(vfs), path, sync_folder);
}

static int vfs_access(sqlite3_vfs *vfs, const char *path, int flags, int *there)
{
    return real_vfs(vfs)->xAccess(real_vfs(vfs), path, flags, there);
}

static int vfs_full_pathname(sqlite3_vfs *vfs, const char *path, int len, char *full)
{
    return real_vfs(vfs)->xFullPathname(real_vfs(vfs), path, len, full);
}

static int vfs_randomness(sqlite3_vfs *vfs, int len, char *out)
{
    return real_vfs(vfs)->xRandomness(real_vfs(vfs), len, out);
}

static int vfs_sleep(sqlite3_vfs *vfs, int microseconds)
{
    return real_vfs(vfs)->xSleep(real_vfs(vfs), microseconds);
}

static int vfs_current_time(sqlite3_vfs *vfs, double *days)
{
    return real_vfs(vfs)->xCurrentTime(real_vfs(vfs), days);
}

static int vfs_last_error(sqlite3_vfs *vfs, int len, char *text)
{
    return real_vfs(vfs)->xGetLastError(real_vfs(vfs), len, text);
}

static sqlite3_vfs sealed_vfs = {
    .iVersion = 1,
    .zName = "sealed",
    .xOpen = vfs_open,
    .xDelete = vfs_delete,
    .xAccess = vfs_access,
    .xFullPathname = vfs_full_pathname,
    .xRandomness = vfs_randomness,
    .xSleep = vfs_sleep,
    .xCurrentTime = vfs_current_time,
    .xGetLastError = vfs_last_error,
};

/* Once in the process, and before it uses SQLite for anything else. */
static void register_vfs(void)
{
    /* SQLite need not count the memory it has, which takes a mutex with each allocation. It can
     * only be told before it is first used. */
    sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
    sqlite3_vfs *real = sqlite3_vfs_find(NULL);
    if (!real)
        return;
    sealed_vfs.szOsFile = (int)sizeof(struct sealed_file) + real->szOsFile;
    sealed_vfs.mxPathname = real->mxPathname;
    sealed_vfs.pAppData = real;
    sqlite3_vfs_register(&sealed_vfs, 0);
}

const char *seal_vfs(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, register_vfs);
    return sealed_vfs.zName;
}

void seal_make_room(sqlite3 *db)
{
    int bytes = SEAL_BYTES;
    sqlite3_file_control(db, "main", SQLITE_FCNTL_RESERVE_BYTES, &bytes);
}

/* NULL: the file is not one that this layer opened. */
static const struct sealed_file *sealed_file_of(sqlite3 *db)
{
    sqlite3_file *file = NULL;
    sqlite3_file_control(db, "main", SQLITE_FCNTL_FILE_POINTER, &file);
    return file && file->pMethods == &sealed_methods ? sealed_of(file) : NULL;
}

int64_t seal_damaged_page(sqlite3 *db)
{
    const struct sealed_file *f = sealed_file_of(db);
    return f ? f->damaged_page : 0;
}

bool seal_is_kept(sqlite3 *db)
{
    const struct sealed_file *f = sealed_file_of(db);
    return f && !f->foreign;
}
