/* test_sim                          all scenarios, and the usual histories
 * test_sim SEED                     that history
 * test_sim FIRST LAST               those histories
 * test_sim twice FIRST LAST         those, each twice: they must be the same
 * test_sim minutes M [FIRST]        histories for M minutes
 * test_sim scenario [NAME [SEED]]   one scenario, or all
 *
 * Exits with 1 if a check fails, after a line "FAILED ... seed S". QUORUMFS_LOG=debug prints all
 * that happens; look at one history at a time. */
#include "sim.h"
#include "workers.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HISTORIES = 2000 };

static const double FOR_EVER = 1e9; /* seconds */

static uint64_t number(int argc, char **argv, int i, uint64_t otherwise)
{
    return argc > i ? strtoull(argv[i], NULL, 10) : otherwise;
}

static bool scenarios(const char *name, uint64_t seed)
{
    uint32_t count = sim_scenarios(name, seed);
    printf("%u scenarios\n", count);
    return count > 0;
}

static bool run(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "";
    if (strcmp(what, "scenario") == 0)
        return scenarios(argc > 2 ? argv[2] : NULL, number(argc, argv, 3, 1));
    if (strcmp(what, "twice") == 0)
        return workers_run(number(argc, argv, 2, 1), number(argc, argv, 3, 1), FOR_EVER, true);
    if (strcmp(what, "minutes") == 0)
        return workers_run(number(argc, argv, 3, 1), UINT64_MAX,
                           60 * (argc > 2 ? atof(argv[2]) : 1), false);
    if (argc > 1) {
        uint64_t first = number(argc, argv, 1, 1);
        return workers_run(first, number(argc, argv, 2, first), FOR_EVER, false);
    }
    return scenarios(NULL, 1) && workers_run(1, HISTORIES, FOR_EVER, false);
}

int main(int argc, char **argv)
{
    /* Large entries come and go: keep their memory. */
    mallopt(M_MMAP_THRESHOLD, 1 << 30);
    mallopt(M_TRIM_THRESHOLD, 1 << 30);
    if (trace_start() < 0) {
        fprintf(stderr, "QUORUMFS_LOG must be error, warn, info or debug\n");
        return 2;
    }
    return run(argc, argv) ? 0 : 1;
}
