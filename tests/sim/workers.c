#include "workers.h"

#include "sim.h"

#include <assert.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { WORKERS_MAX = 64 };

struct worker {
    uint64_t histories;
    struct sim_figures figures;
    double cpu_seconds;
};

struct shared { /* between processes */
    _Atomic uint64_t next;
    _Atomic bool stop;
    struct worker workers[WORKERS_MAX];
};

static double now_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static double cpu_seconds(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

/* The hash does not depend on the order in which histories end. */
static void add(struct sim_figures *sum, const struct sim_figures *f)
{
    sum->steps += f->steps;
    sum->ticks += f->ticks;
    sum->operations += f->operations;
    sum->leased += f->leased;
    sum->hash += f->hash;
    if (f->resumed_max > sum->resumed_max) {
        sum->resumed_max = f->resumed_max;
        sum->resumed_seed = f->resumed_seed;
    }
}

static struct sim_figures history(uint64_t seed, bool twice)
{
    struct sim_figures f = sim_history(seed);
    if (twice && sim_history(seed).hash != f.hash) {
        fprintf(stderr, "FAILED history seed %lu: run again, it is another one\n", seed);
        _exit(1);
    }
    return f;
}

static void work(struct shared *shared, struct worker *mine, uint64_t last, double until,
                 bool twice)
{
    uint64_t seed;
    while (!shared->stop && now_seconds() < until && (seed = shared->next++) <= last) {
        struct sim_figures f = history(seed, twice);
        add(&mine->figures, &f);
        mine->histories++;
        mine->cpu_seconds = cpu_seconds();
    }
}

static void workers_print(const struct shared *shared, uint32_t count, double seconds)
{
    struct worker sum = {0};
    for (uint32_t i = 0; i < count; i++) {
        add(&sum.figures, &shared->workers[i].figures);
        sum.histories += shared->workers[i].histories;
        sum.cpu_seconds += shared->workers[i].cpu_seconds;
    }
    double cpu = sum.cpu_seconds > 0 ? sum.cpu_seconds : 1e-9;
    printf(
        "%lu histories, %lu events, %lu ticks, %lu operations of clients (%lu reads by leases) in "
        "%.1f s; "
        "a core does %.0f events/s, %.1f histories/s\n"
        "progress resumed within %lu ticks at most (seed %lu); hash of everything: %016lx\n",
        sum.histories, sum.figures.steps, sum.figures.ticks, sum.figures.operations,
        sum.figures.leased, seconds, (double)sum.figures.steps / cpu, (double)sum.histories / cpu,
        sum.figures.resumed_max, sum.figures.resumed_seed, sum.figures.hash);
}

/* That this process may use. */
static uint32_t processors(void)
{
    cpu_set_t set;
    int count = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
    return count > WORKERS_MAX ? WORKERS_MAX : (uint32_t)count;
}

bool workers_run(uint64_t first, uint64_t last, double seconds, bool twice)
{
    struct shared *shared =
        mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert(shared != MAP_FAILED);
    shared->next = first;
    double begin = now_seconds();
    uint32_t count = processors();
    fflush(stdout);
    for (uint32_t i = 0; i < count; i++) {
        pid_t pid = fork();
        assert(pid >= 0);
        if (pid == 0) {
            work(shared, &shared->workers[i], last, begin + seconds, twice);
            exit(0);
        }
    }
    bool well = true;
    for (int status; wait(&status) > 0;) {
        well = well && status == 0;
        shared->stop = !well;
    }
    workers_print(shared, count, now_seconds() - begin);
    munmap(shared, sizeof *shared);
    return well;
}
