/* Files below .quorumfs/ephemeral. */
#include "fs_checks.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define DOOR ".quorumfs/ephemeral/"

static int make_open(const char *path)
{
    return open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
}

/* The kernel tells of the last close when close(2) has returned. */
static bool goes(const char *path)
{
    for (int i = 0; i < 300; i++) {
        if (access(path, F_OK) < 0)
            return errno == ENOENT;
        nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
    }
    return false;
}

void check_ephemeral(void)
{
    struct stat stat_now;
    int fd = make_open(DOOR "f");
    CHECK(fd >= 0 && write(fd, "one", 3) == 3);
    CHECK(holds("f", "one") && holds(DOOR "f", "one") && holds(other(DOOR "f"), "one"));
    CHECK_ERROR(make_open(other(DOOR "f")), EBUSY);
    CHECK_ERROR(make_open(DOOR "f"), EBUSY);
    CHECK_ERROR(open(DOOR "f", O_RDWR), EBUSY);
    CHECK_ERROR(link("f", "hard"), EMLINK);
    int again = dup(fd);
    CHECK(close(fd) == 0 && fstat(again, &stat_now) == 0 && stat_now.st_size == 3);
    CHECK(rename("f", "g") == 0 && pwrite(again, "two", 3, 0) == 3 && holds("g", "two"));
    CHECK_ERROR(chmod(DOOR "missing", 0600), ENOENT);
    CHECK(chmod(DOOR "g", 0600) == 0 && stat("g", &stat_now) == 0);
    CHECK((stat_now.st_mode & 0777) == 0600);
    CHECK(close(again) == 0 && goes("g"));
    put_text("f", "ordinary");
    CHECK_ERROR(make_open(DOOR "f"), EEXIST);
    CHECK_ERROR(chmod(DOOR "f", 0600), EROFS);
    CHECK_ERROR(make_open(".quorumfs/local/new"), EROFS);
    CHECK(mkdir(DOOR "d", 0755) == 0 && (fd = make_open(DOOR "d/a")) >= 0);
    CHECK(fchdir(open(DOOR "d/../d", O_RDONLY)) == 0 && unlink("a") == 0);
    CHECK_ERROR(write(fd, "late", 4), EIO);
    CHECK(close(fd) == 0 && make_open("a") >= 0); /* the end of the process closes it */
}

/* A file that was refused without a quorum does not appear later, and one that was closed meanwhile
 * goes as soon as it can. */
void check_ephemeral_unknown(void)
{
    int fd = make_open(other(DOOR "f"));
    CHECK(fd >= 0);
    atomic_store(&control->outcome, REPLICA_NO_QUORUM);
    CHECK(close(fd) == 0);
    CHECK_ERROR(make_open(other(DOOR "g")), EROFS); /* the kernel asks for it after the release */
    atomic_store(&control->outcome, REPLICA_DONE);
    CHECK(goes("f") && access("g", F_OK) < 0);
    atomic_store(&control->late, true); /* the caller is told of no outcome, and then it happens */
    CHECK_ERROR(make_open(other(DOOR "late")), EIO);
    CHECK(!atomic_load(&control->late) && goes("late"));
}
