/* test_nodes                          the usual histories and all scenarios
 * test_nodes SEED                     that history
 * test_nodes FIRST LAST               those histories
 * test_nodes twice FIRST LAST         those, each twice: they must be the same
 * test_nodes minutes M [FIRST]        histories for M minutes
 * test_nodes scenario [NAME [SEED]]   one scenario, or all
 *
 * Prints which situations have occurred, and how often. Exits with 1 if a check fails, after a line
 * "FAILED ... seed S". NODES_TRACE=1 prints all that happens; look at one history at a time. */
#include "nodes.h"

#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { HISTORIES = 40, WORKERS_MAX = 64 };

/* Between processes. */
struct shared {
    _Atomic uint64_t next, histories;
    _Atomic bool failed;
    _Atomic uint64_t entries, simulated_us, hash;
    _Atomic uint64_t situations[SITUATIONS];
    struct figures figures[WORKERS_MAX];
};

static struct shared *shared;

/* clock_gettime is the world's. */
static double now_seconds(void)
{
    struct timespec now;
    syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void add(const struct figures *f)
{
    shared->histories++;
    shared->entries += f->entries;
    shared->simulated_us += f->simulated_us;
    shared->hash += f->hash;
    for (int i = 0; i < SITUATIONS; i++)
        shared->situations[i] += f->situations[i];
}

/* In a process of its own. `scenario`: its number, or -1. */
static bool run_one(uint64_t seed, int scenario, struct figures *f)
{
    int status = 0;
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        if (scenario >= 0)
            scenarios_run((uint32_t)scenario, seed, f);
        else
            history_run(seed, f);
        _exit(0);
    }
    return pid > 0 && waitpid(pid, &status, 0) == pid && status == 0;
}

static bool run_history(uint64_t seed, bool twice, struct figures *f)
{
    if (!run_one(seed, -1, f))
        return false;
    uint64_t hash = f->hash;
    add(f);
    if (!twice)
        return true;
    bool well = run_one(seed, -1, f) && f->hash == hash;
    if (!well)
        fprintf(stderr, "FAILED history seed %lu: run again, it is another one\n", seed);
    return well;
}

static void work(struct figures *f, uint64_t last, double until, bool twice)
{
    uint64_t seed;
    while (!shared->failed && now_seconds() < until && (seed = shared->next++) <= last)
        if (!run_history(seed, twice, f))
            shared->failed = true;
}

static uint32_t processors(void)
{
    cpu_set_t set;
    int count = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
    return count > WORKERS_MAX ? WORKERS_MAX : (uint32_t)count;
}

static bool histories(uint64_t first, uint64_t last, double seconds, bool twice)
{
    double begin = now_seconds();
    shared->next = first;
    fflush(NULL);
    for (uint32_t i = 0; i < processors(); i++) {
        if (fork() == 0) {
            work(&shared->figures[i], last, begin + seconds, twice);
            _exit(0);
        }
    }
    while (wait(NULL) > 0)
        ;
    printf("%lu histories, %lu entries, %.0f s of the clusters, in %.1f s; hash of everything: "
           "%016lx\n",
           shared->histories, shared->entries, (double)shared->simulated_us / 1e6,
           now_seconds() - begin, shared->hash);
    return !shared->failed;
}

static bool scenarios(const char *name, uint64_t seed)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < scenarios_count(); i++) {
        if (name && strcmp(name, scenarios_name(i)) != 0)
            continue;
        count++;
        if (!run_one(seed, (int)i, &shared->figures[0]))
            return false;
        add(&shared->figures[0]);
    }
    printf("%u scenarios\n", count);
    return count > 0;
}

static void print_situations(void)
{
    for (int i = 0; i < SITUATIONS; i++)
        printf("%9lu  %s\n", shared->situations[i], situation_text((enum situation)i));
}

static uint64_t number(int argc, char **argv, int i, uint64_t otherwise)
{
    return argc > i ? strtoull(argv[i], NULL, 10) : otherwise;
}

static bool run(int argc, char **argv)
{
    static const double FOR_EVER = 1e9;
    const char *what = argc > 1 ? argv[1] : "";
    if (strcmp(what, "scenario") == 0)
        return scenarios(argc > 2 ? argv[2] : NULL, number(argc, argv, 3, 1));
    if (strcmp(what, "twice") == 0)
        return histories(number(argc, argv, 2, 1), number(argc, argv, 3, 1), FOR_EVER, true);
    if (strcmp(what, "minutes") == 0)
        return histories(number(argc, argv, 3, 1), UINT64_MAX, 60 * (argc > 2 ? atof(argv[2]) : 1),
                         false);
    if (argc > 1)
        return histories(number(argc, argv, 1, 1), number(argc, argv, 2, number(argc, argv, 1, 1)),
                         FOR_EVER, false);
    return scenarios(NULL, 1) && histories(1, HISTORIES, FOR_EVER, false);
}

int main(int argc, char **argv)
{
    shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED)
        return 2;
    bool well = run(argc, argv);
    print_situations();
    return well ? 0 : 1;
}
