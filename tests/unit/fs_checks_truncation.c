/* open(O_TRUNC): what it has answered, and who waits for the contents. */
#include "fs_checks.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { REPLACED = 100, TRIES = 20 };

/* What open(2) has answered is so, at every mount and for everybody, and close(2) changes nothing.
 */
void check_truncation(void)
{
    put_text("f", "old contents");
    unsigned long before = atomic_load(&control->commands);
    int reader = open(other("f"), O_RDONLY);
    int fd = open("f", O_RDWR | O_TRUNC);
    CHECK(fd >= 0);
    CHECK(atomic_load(&control->commands) == before + 1);
    struct stat stat_now;
    CHECK(fstat(reader, &stat_now) == 0 && stat_now.st_size == 0);
    CHECK(holds(other("f"), "") && holds("f", ""));
    CHECK(fstat(fd, &stat_now) == 0 && stat_now.st_size == 0);
    CHECK(stat("f", &stat_now) == 0 && stat_now.st_size == 0);
    char bytes[16];
    CHECK(read(fd, bytes, sizeof bytes) == 0 && pread(reader, bytes, sizeof bytes, 0) == 0);
    CHECK(lseek(fd, 0, SEEK_END) == 0);
    CHECK_ERROR(lseek(fd, 0, SEEK_DATA), ENXIO);
    int dup_fd = dup(fd);
    CHECK(close(dup_fd) == 0);
    CHECK(atomic_load(&control->commands) == before + 1);
    CHECK(shell("sh", "echo two >> \"$M2/f\"") == 0);
    CHECK(fsync(fd) == 0 && close(fd) == 0 && close(reader) == 0);
    CHECK(holds("f", "two\n"));
    CHECK(atomic_load(&control->commands) == before + 2);

    fd = open("f", O_WRONLY | O_TRUNC | O_APPEND);
    CHECK(write(fd, "n", 1) == 1);
    put_text(other("f"), "m");
    CHECK(write(fd, "e", 1) == 1 && holds(other("f"), "me"));
    CHECK(close(fd) == 0);
    put_text("f", "old contents");
    fd = open("f", O_WRONLY | O_TRUNC);
    CHECK(ftruncate(fd, 4) == 0 && holds(other("f"), "\0\0\0\0") == 0);
    CHECK(stat(other("f"), &stat_now) == 0 && stat_now.st_size == 4);
    CHECK(close(fd) == 0 && stat("f", &stat_now) == 0 && stat_now.st_size == 4);
    put_text("f", "old contents");
    fd = open("f", O_RDONLY | O_TRUNC);
    CHECK(close(fd) == 0 && holds(other("f"), ""));

    /* Also of a file that is empty already. */
    struct stat stat_then;
    CHECK(stat("f", &stat_then) == 0);
    CHECK(shell("sh", ": > f") == 0);
    CHECK(stat(other("f"), &stat_now) == 0);
    CHECK(stat_now.st_mtim.tv_sec != stat_then.st_mtim.tv_sec ||
          stat_now.st_mtim.tv_nsec != stat_then.st_mtim.tv_nsec);
}

static double seconds_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

enum { EMPTIED, CLOSED };

/* How long it takes to look at a file in one of its states, at least. The machine may be busy. */
static double fastest(int state, void (*look)(int fd))
{
    double least = 1e9;
    for (int i = 0; i < 10; i++) {
        put_text("f", "old");
        double began = seconds_now();
        int fd = open("f", O_RDWR | O_TRUNC);
        CHECK(fd >= 0 && (state == EMPTIED || close(fd) == 0));
        look(fd);
        double took = seconds_now() - began;
        least = took < least ? took : least;
        CHECK(state == CLOSED || close(fd) == 0);
    }
    return least;
}

static void look_at_own(int fd)
{
    struct stat stat_now;
    char byte;
    CHECK(fstat(fd, &stat_now) == 0 && stat_now.st_size == 0);
    CHECK(read(fd, &byte, 1) == 0 && lseek(fd, 0, SEEK_END) == 0);
}

static void look_by_name(int fd)
{
    struct stat stat_now;
    CHECK(stat("f", &stat_now) == 0 && stat_now.st_size == 0);
}

static void look_at_other(int fd)
{
    CHECK(holds(other("f"), ""));
}

static void look_twice(int fd)
{
    look_at_other(fd);
    look_at_other(fd);
    look_by_name(fd);
}

/* A look at an emptied file waits for its contents, for a moment in all, unless it is by the one
 * who has emptied it, or that one has closed it. */
void check_moment(void)
{
    const double moment = REPLICA_EMPTIED_MS / 1e3;
    CHECK(fastest(EMPTIED, look_at_own) < moment / 2);
    CHECK(fastest(EMPTIED, look_by_name) > moment * 0.9);
    CHECK(fastest(EMPTIED, look_at_other) > moment * 0.9);
    CHECK(fastest(EMPTIED, look_twice) < moment * 1.8);
    CHECK(fastest(CLOSED, look_by_name) < moment / 2);
    put_text("f", "old");
    CHECK(truncate("f", 0) == 0);
    double began = seconds_now(), least = 1e9;
    for (int i = 0; i < 10; i++) {
        look_by_name(-1);
        double took = seconds_now() - began;
        least = took < least ? took : least;
        began = seconds_now();
    }
    CHECK(least < moment / 2);
}

/* A file that is replaced, as a shell does it, by another process. */
static pid_t replacer(int times)
{
    pid_t pid = fork();
    CHECK(pid >= 0);
    for (int i = 0; pid == 0 && i < times; i++) {
        int fd = open("f", O_WRONLY | O_TRUNC);
        int out = dup(fd);
        CHECK(fd >= 0 && out >= 0 && close(fd) == 0);
        CHECK(write(out, "new", 3) == 3 && close(out) == 0);
    }
    if (pid == 0)
        _exit(0);
    return pid;
}

/* Whether somebody looked without finding the file empty. The machine may be too busy for it. */
static int seen_whole(const char *path, int reader)
{
    int looks = 0, empty = 0, status;
    char bytes[16];
    struct stat stat_now;
    pid_t pid = replacer(REPLACED);
    while (waitpid(pid, &status, WNOHANG) == 0) {
        CHECK(stat(path, &stat_now) == 0);
        empty += stat_now.st_size == 0;
        empty += holds(path, "");
        empty += pread(reader, bytes, sizeof bytes, 0) == 0;
        looks++;
    }
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    return looks > 0 && empty == 0;
}

void check_half_done(void)
{
    put_text("f", "old");
    for (int i = 0; i < MOUNTS; i++) {
        char path[4096];
        int tries = 0;
        snprintf(path, sizeof path, "%s/f", mounts[i]);
        int reader = open(path, O_RDONLY);
        CHECK(reader >= 0);
        while (!seen_whole(path, reader))
            CHECK(++tries < TRIES);
        CHECK(close(reader) == 0);
    }
}
