/* Preloaded into a node, in place of its hardware: a disk that takes several times as long to sync,
 * and a wall clock that is wrong. hardware.py writes how much into a file that both have mapped, so
 * it changes while the node runs. */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

struct hardware {
    double sync_factor;    /* how many times as long a sync takes: 1 or more */
    int64_t clock_ahead_s; /* how wrong the wall clock is */
};

static const volatile struct hardware *hardware;

__attribute__((constructor)) static void find_hardware(void)
{
    int fd = open(getenv("HARDWARE"), O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        abort();
    void *found = mmap(NULL, sizeof *hardware, PROT_READ, MAP_SHARED, fd, 0);
    if (found == MAP_FAILED)
        abort();
    close(fd);
    hardware = found;
}

int clock_gettime(clockid_t clock, struct timespec *now)
{
    int status = (int)syscall(SYS_clock_gettime, clock, now);
    if (status == 0 && clock == CLOCK_REALTIME && hardware)
        now->tv_sec += hardware->clock_ahead_s;
    return status;
}

static double seconds_now(void)
{
    struct timespec now;
    syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static int sync_slowly(long call, int fd)
{
    double start = seconds_now();
    int status = (int)syscall(call, fd);
    int error = errno;
    double more = (seconds_now() - start) * (hardware->sync_factor - 1);
    if (more > 0) {
        struct timespec time = {.tv_sec = (time_t)more};
        time.tv_nsec = (long)((more - (double)time.tv_sec) * 1e9);
        nanosleep(&time, NULL);
    }
    errno = error;
    return status;
}

int fsync(int fd)
{
    return sync_slowly(SYS_fsync, fd);
}

int fdatasync(int fd)
{
    return sync_slowly(SYS_fdatasync, fd);
}
