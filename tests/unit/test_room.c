/* The reserve: a full disk gives it up piece by piece, and it comes back when there is room. The
 * disk is full where a file, or all that is written, has so many bytes. */
#include "scratch.h"

#include "store/room.h"
#include "store/sql.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cmocka.h>

#define MB (UINT64_C(1) << 20)

/* ---- The disk ---- */

static char dir[SCRATCH_BYTES];
static uint64_t disk_total, disk_free;
static int allocate_error;       /* of posix_fallocate; 0: it works */
static off_t reserve_limit = -1; /* databases can be written if the reserve is not longer */
static int full_errno = ENOSPC;

static off_t reserve_bytes(void)
{
    char path[PATH_MAX];
    struct stat file;
    snprintf(path, sizeof path, "%s/reserve", dir);
    return stat(path, &file) == 0 ? file.st_size : -1;
}

/* These take the place of libc's. */
int statvfs64(const char *path, struct statvfs64 *disk);
int statvfs64(const char *path, struct statvfs64 *disk)
{
    memset(disk, 0, sizeof *disk);
    disk->f_frsize = 4096;
    disk->f_blocks = disk_total / 4096;
    disk->f_bavail = disk_free / 4096;
    return 0;
}

int posix_fallocate64(int fd, off64_t offset, off64_t len);
int posix_fallocate64(int fd, off64_t offset, off64_t len)
{
    return allocate_error ? allocate_error : (int)syscall(SYS_fallocate, fd, 0, offset, len);
}

static ssize_t limited_pwrite(int fd, const void *data, size_t len, off_t offset)
{
    if (reserve_limit < 0 || reserve_bytes() <= reserve_limit)
        return pwrite(fd, data, len, offset);
    errno = full_errno;
    return -1;
}

/* ---- Fixture ---- */

static struct folder *folder;
static struct room room;

static int begin(void **state)
{
    struct fault fault;
    scratch_folder(dir);
    disk_total = disk_free = 1024 * MB;
    allocate_error = 0;
    reserve_limit = -1;
    full_errno = ENOSPC;
    assert_int_equal(folder_open(dir, &folder, &fault), 0);
    room_open(&room, folder);
    return 0;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    return remove(path);
}

static int end(void **state)
{
    reserve_limit = -1;
    room_close(&room);
    folder_close(folder);
    return nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static bool give(void)
{
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/log.db", dir);
    return room_give(path);
}

/* ---- Tests ---- */

static void the_reserve_fits_the_disk(void **state)
{
    assert_int_equal(room.reserve, ROOM_RESERVE_BYTES_MAX);
    assert_int_equal(reserve_bytes(), ROOM_RESERVE_BYTES_MAX);
    assert_true(room_is_whole(&room));
    assert_int_equal(room_available(&room), 1024 * MB + ROOM_RESERVE_BYTES_MAX);
    disk_total = 256 * MB;
    room_look(&room, folder);
    assert_int_equal(room.whole, 32 * MB);
    disk_total = 10 * MB;
    room_look(&room, folder);
    assert_int_equal(room.whole, ROOM_RESERVE_BYTES_MIN);
}

static void pieces_are_given_until_none_is_left(void **state)
{
    int pieces = 0;
    disk_free = 0;
    while (give())
        pieces++;
    assert_int_equal(pieces, ROOM_RESERVE_BYTES_MAX / ROOM_PIECE_BYTES);
    assert_int_equal(reserve_bytes(), 0);
    room_look(&room, folder);
    assert_int_equal(room_available(&room), 0);
}

/* After a piece was given, the disk's numbers are not believed: there may be a quota. */
static void what_was_given_comes_back_when_there_is_room(void **state)
{
    assert_true(give());
    disk_free = room.whole / 2; /* the piece would fit, but hardly anything else */
    room_look(&room, folder);
    assert_false(room_is_whole(&room));
    assert_int_equal(room_available(&room), room.whole - ROOM_PIECE_BYTES);
    disk_free = 1024 * MB;
    allocate_error = EDQUOT;
    room_look(&room, folder);
    assert_int_equal(room_available(&room), room.whole - ROOM_PIECE_BYTES);
    assert_int_equal(reserve_bytes(), room.whole - ROOM_PIECE_BYTES);
    allocate_error = 0;
    room_look(&room, folder);
    assert_true(room_is_whole(&room));
    assert_int_equal(room_available(&room), 1024 * MB + room.whole);
}

static void a_former_start_may_have_given_pieces(void **state)
{
    assert_true(give());
    room_close(&room);
    disk_free = room.whole / 2;
    room_open(&room, folder);
    assert_true(room.starved);
    assert_int_equal(room_available(&room), room.whole - ROOM_PIECE_BYTES);
}

static void a_disk_that_cannot_keep_one_works_without(void **state)
{
    assert_true(give());
    allocate_error = EINVAL;
    room_look(&room, folder);
    assert_true(room.impossible);
    assert_true(room_is_whole(&room));
    room_look(&room, folder);
    assert_true(room_is_whole(&room));
}

static int write_rows(const char *name)
{
    struct sql sql;
    int status = sql_open(&sql, folder, name);
    assert_int_equal(status, 0);
    status = sql_exec(&sql, "PRAGMA page_size = 4096; PRAGMA journal_mode = WAL;"
                            "CREATE TABLE t (b BLOB); INSERT INTO t VALUES (zeroblob(100000));"
                            "PRAGMA wal_checkpoint");
    sql_close(&sql);
    return status;
}

static void a_database_takes_from_the_reserve(void **state)
{
    const int errors[] = {ENOSPC, EDQUOT};
    for (int i = 0; i < 2; i++) {
        char name[16];
        full_errno = errors[i];
        reserve_limit = reserve_bytes() - 1;
        snprintf(name, sizeof name, "%d.db", i);
        assert_int_equal(write_rows(name), 0);
        assert_int_equal(reserve_bytes(), room.whole - (uint64_t)(i + 1) * ROOM_PIECE_BYTES);
    }
}

/* Something else takes what is given. */
static void a_reserve_that_does_not_help_is_kept(void **state)
{
    reserve_limit = 0;
    full_errno = EDQUOT;
    assert_int_equal(write_rows("a.db"), -ENOSPC);
    assert_true((uint64_t)reserve_bytes() >= room.whole - 8 * ROOM_PIECE_BYTES);
}

static void a_snapshot_takes_nothing_from_it(void **state)
{
    reserve_limit = 0;
    assert_int_equal(write_rows("tree.db.incoming"), -ENOSPC);
    assert_int_equal(reserve_bytes(), room.whole);
}

static int prepare(void **state)
{
    sqlite3_vfs *vfs = sqlite3_vfs_find(NULL);
    return vfs->xSetSystemCall(vfs, "pwrite64", (sqlite3_syscall_ptr)limited_pwrite);
}

#define room_test(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        room_test(the_reserve_fits_the_disk),
        room_test(pieces_are_given_until_none_is_left),
        room_test(what_was_given_comes_back_when_there_is_room),
        room_test(a_former_start_may_have_given_pieces),
        room_test(a_disk_that_cannot_keep_one_works_without),
        room_test(a_database_takes_from_the_reserve),
        room_test(a_reserve_that_does_not_help_is_kept),
        room_test(a_snapshot_takes_nothing_from_it),
    };
    return cmocka_run_group_tests(tests, prepare, NULL);
}
