/* Three honest cores on bad links and disks: messages come late, twice, in any order or not at
 * all, nodes crash and lose everything that was not durable. The checker's rules hold all the
 * time. */
#include "program.h"

enum { STEPS_MAX = 400 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct cluster cluster;
    struct source s = source_of(data, size);
    struct paxos_config config = program_config(&s);
    cluster_init(&cluster, &config, true, NULL);
    for (int i = 0; i < STEPS_MAX && s.left.len > 0; i++)
        program_step(&cluster, &s);
    cluster_free(&cluster);
    return 0;
}
