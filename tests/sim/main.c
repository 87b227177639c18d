/* test_sim                          a fixed number of random histories, and all scenarios
 * test_sim SEED                     that history
 * test_sim FIRST LAST               those histories
 * test_sim scenario [NAME [SEED]]   one scenario, or all */
#include "sim.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HISTORIES = 300 };

static void histories(uint64_t first, uint64_t last)
{
    for (uint64_t seed = first; seed <= last; seed++)
        sim_history(seed);
    printf("%llu histories\n", (unsigned long long)(last - first + 1));
}

static int scenarios(const char *name, uint64_t seed)
{
    uint32_t count = sim_scenarios(name, seed);
    printf("%u scenarios\n", count);
    return count > 0 ? 0 : 1;
}

int main(int argc, char **argv)
{
    if (argc >= 2 && strcmp(argv[1], "scenario") == 0)
        return scenarios(argc > 2 ? argv[2] : NULL, argc > 3 ? strtoull(argv[3], NULL, 10) : 1);
    if (argc >= 2) {
        uint64_t first = strtoull(argv[1], NULL, 10);
        histories(first, argc > 2 ? strtoull(argv[2], NULL, 10) : first);
        return 0;
    }
    histories(1, HISTORIES);
    return scenarios(NULL, 1);
}
