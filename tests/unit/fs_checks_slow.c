/* A cluster that answers slowly: how long a system call may take in all. */
#include "fs_checks.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* A few requests are in time; one for each name on a path, and for its permissions, are not. */
enum { SLOW_MS = 105, EARLY_MS_MAX = 2, LATE_MS_MAX = 1000, TIMES = 12 };

static double began;

static double now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static void begin_clock(void)
{
    began = now_ms();
}

static bool in_time(void)
{
    double took = now_ms() - began;
    return took >= REQUEST_TIMEOUT_MS - EARLY_MS_MAX && took < REQUEST_TIMEOUT_MS + LATE_MS_MAX;
}

#define CHECK_TOO_SLOW(call)                                                                       \
    do {                                                                                           \
        begin_clock();                                                                             \
        CHECK_ERROR(call, EIO);                                                                    \
        CHECK(in_time());                                                                          \
    } while (0)

#define DEEP "a/b/c/d/e/f"

static void make_deep_folder(void)
{
    char path[] = DEEP;
    for (size_t i = 1; i < sizeof path; i += 2) {
        path[i] = '\0';
        CHECK(mkdir(path, 0755) == 0);
        path[i] = '/';
    }
    put_text(DEEP "/file", "text");
    put_text("a/b/file", "text");
    CHECK(symlink(DEEP, "link") == 0);
}

/* All names of a path together have the time of one request, and a change that did not get its
 * turn has not happened. */
void check_slow_paths(void)
{
    make_deep_folder();
    unsigned long before = atomic_load(&control->commands);
    atomic_store(&control->slow_ms, SLOW_MS);
    struct stat stat_now;
    CHECK_TOO_SLOW(stat(DEEP "/file", &stat_now));
    CHECK_TOO_SLOW(open(DEEP "/new", O_WRONLY | O_CREAT, 0644));
    for (int i = 0; i < 3; i++) /* a call that has failed is over */
        CHECK_TOO_SLOW(mkdir(DEEP "/new", 0755));
    CHECK_TOO_SLOW(mkdir("link/new", 0755));
    CHECK_TOO_SLOW(truncate(DEEP "/file", 0));
    CHECK_TOO_SLOW(open(DEEP "/file", O_WRONLY | O_TRUNC));
    CHECK_TOO_SLOW(link("a/b/file", "link/file"));
    atomic_store(&control->slow_ms, 0);
    CHECK(atomic_load(&control->commands) == before);
    CHECK(holds(DEEP "/file", "text"));
}

/* The next call has its own time, however long the one before took. */
void check_slow_calls(void)
{
    static const char *const names[] = {"one", "two", "three"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        put_text(names[i], "text");
    int fd = open("one", O_RDWR);
    atomic_store(&control->slow_ms, SLOW_MS);
    struct stat stat_now;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        CHECK(stat(names[i], &stat_now) == 0);
        CHECK(access(names[i], R_OK) == 0);
    }
    for (int i = 0; i < TIMES; i++) /* also the same one at the same place */
        CHECK(fstat(fd, &stat_now) == 0);
    CHECK(pwrite(fd, "T", 1, 0) == 1 && close(fd) == 0);
    atomic_store(&control->slow_ms, 0);
    CHECK(holds(other("one"), "Text"));
}

/* execve(2) closes files while the thread cannot be read in /proc. */
void check_slow_exec(void)
{
    put_text("f", "text");
    CHECK(shell("sh", "cp /bin/true program") == 0);
    atomic_store(&control->slow_ms, SLOW_MS);
    pid_t pid = fork();
    if (pid == 0) {
        int fd = open("f", O_WRONLY | O_TRUNC | O_CLOEXEC);
        CHECK(fd >= 0);
        execl("program", "program", NULL);
        _exit(1);
    }
    int status;
    CHECK(waitpid(pid, &status, 0) == pid && status == 0);
    atomic_store(&control->slow_ms, 0);
    CHECK(holds(other("f"), ""));
}
