#include "situation.h"

#include <string.h>

static uint32_t scenarios_run(const struct sim_scenario *scenario, const char *name, uint64_t seed)
{
    uint32_t count = 0;
    for (; scenario->name; scenario++) {
        if (name && strcmp(name, scenario->name) != 0)
            continue;
        scenario->run(scenario->name, seed);
        count++;
    }
    return count;
}

uint32_t sim_scenarios(const char *name, uint64_t seed)
{
    const struct sim_scenario *const tables[] = {sim_partitions, sim_crashes, sim_messages,
                                                 sim_snapshots,  sim_reads,   sim_emptied,
                                                 sim_leases};
    uint32_t count = 0;
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++)
        count += scenarios_run(tables[i], name, seed);
    return count;
}
