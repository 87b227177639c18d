/* With commit=close: writes that are gathered, and who sees them when. */
#include "fs_checks.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static unsigned long entries(void)
{
    return atomic_load(&control->commands);
}

static int opened(int flags)
{
    int fd = open("f", O_RDWR | O_CREAT | flags, 0644);
    CHECK(fd >= 0);
    return fd;
}

static void gather(int fd, const char *text)
{
    unsigned long before = entries();
    CHECK(write(fd, text, strlen(text)) == (ssize_t)strlen(text));
    CHECK(entries() == before);
}

static void look_at_size(int other_fd)
{
    struct stat stat_now;
    CHECK(stat("f", &stat_now) == 0 && stat_now.st_size == 8);
}

static void look_through_another(int other_fd)
{
    char bytes[16];
    CHECK(pread(other_fd, bytes, sizeof bytes, 0) == 8);
}

static void look_for_data(int other_fd)
{
    CHECK(lseek(other_fd, 0, SEEK_DATA) == 0);
}

static void sync_another(int other_fd)
{
    CHECK(fsync(other_fd) == 0);
}

static void close_another(int other_fd)
{
    CHECK(close(dup(other_fd)) == 0);
}

static void look_from_a_program(int other_fd)
{
    CHECK(shell("sh", "test \"$(cat f)\" = gathered") == 0);
}

/* Whatever this mount does with the file: the writes are decided first, as one entry. */
static void check_looks(void)
{
    static void (*const looks[])(int other_fd) = {look_at_size,  look_through_another,
                                                  look_for_data, sync_another,
                                                  close_another, look_from_a_program};
    for (size_t i = 0; i < sizeof looks / sizeof *looks; i++) {
        int fd = opened(O_TRUNC), other_fd = opened(0);
        unsigned long before = entries();
        gather(fd, "gath");
        gather(fd, "ered");
        looks[i](other_fd);
        CHECK(entries() == before + 1 && holds(other("f"), "gathered"));
        CHECK(close(fd) == 0 && close(other_fd) == 0 && entries() == before + 1);
    }
}

/* Through several handles, and beside changes that are not gathered. */
static void check_order(void)
{
    int fd = opened(O_TRUNC), end = opened(O_APPEND);
    gather(fd, "out ");
    gather(end, "error ");
    CHECK(pwrite(fd, "OUT", 3, 0) == 3);
    CHECK(close(end) == 0 && holds(other("f"), "OUT error "));
    gather(fd, "lost");
    CHECK(truncate("f", 2) == 0 && holds(other("f"), "OU"));
    CHECK(pwrite(fd, "12345", 5, 0) == 5);
    CHECK(close(open("f", O_WRONLY | O_TRUNC)) == 0);
    CHECK(close(fd) == 0 && holds(other("f"), ""));

    /* What others write meanwhile is not erased by the close. */
    fd = opened(O_TRUNC);
    CHECK(shell("sh", "echo first > \"$M2/f\"; echo second >> \"$M2/f\"") == 0);
    CHECK(close(fd) == 0 && holds("f", "first\nsecond\n"));
}

/* Each writer hears once that its writes are lost, whoever has found out; a reader does not fail
 * for it. */
static void check_errors(void)
{
    char byte;
    put_text("f", "old");
    int one = opened(0), two = opened(O_APPEND), reader = opened(0);
    gather(one, "lost");
    gather(two, "lost");
    atomic_store(&control->outcome, REPLICA_TIMEOUT);
    CHECK_ERROR(pread(reader, &byte, 1, 0), EIO);
    atomic_store(&control->outcome, REPLICA_DONE);
    CHECK(pread(reader, &byte, 1, 0) == 1 && byte == 'o');
    CHECK_ERROR(write(one, "x", 1), EIO);
    CHECK_ERROR(fsync(two), EIO);
    CHECK(fsync(one) == 0 && fsync(two) == 0 && fsync(reader) == 0);
    gather(one, "kept");
    CHECK(close(one) == 0 && close(two) == 0 && close(reader) == 0);
    struct stat stat_now;
    CHECK(stat(other("f"), &stat_now) == 0 && stat_now.st_size == 8);

    one = opened(0);
    two = opened(0);
    gather(one, "lost");
    gather(two, "lost");
    atomic_store(&control->outcome, REPLICA_STOPPING);
    CHECK_ERROR(close(two), EROFS);
    atomic_store(&control->outcome, REPLICA_DONE);
    CHECK_ERROR(close(one), EROFS);
    CHECK(stat(other("f"), &stat_now) == 0 && stat_now.st_size == 8);
}

void check_gathered(void)
{
    check_looks();
    check_order();
    check_errors();
}
