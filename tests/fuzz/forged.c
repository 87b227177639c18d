/* The same cluster, and a liar: messages of honest cores with a field changed, and frames made of
 * any bytes. No core crashes, loops, or holds more than it was given. */
#include "forge.h"
#include "program.h"

enum { STEPS_MAX = 400 };

/* A snapshot of a liar: whatever index it has, below 2^62 (tree_check). */
static void install(struct cluster *c, struct source *s)
{
    struct node *n = &c->nodes[source_below(s, CLUSTER_NODES)];
    uint64_t beyond = source_number(s);
    uint64_t index = n->needed + beyond < UINT64_C(1) << 62 ? n->needed + beyond : n->needed;
    cluster_install(c, n, index);
}

static void lie(struct cluster *c, struct source *s)
{
    switch (source_below(s, 8)) {
    case 0:
        install(c, s);
        break;
    case 1:
    case 2:
        forge_frame(c, s);
        break;
    default:
        forge_message(c, s);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct cluster cluster;
    struct source s = source_of(data, size);
    struct paxos_config config = program_config(&s);
    cluster_init(&cluster, &config, false, NULL);
    for (int i = 0; i < STEPS_MAX && s.left.len > 0; i++) {
        if (source_u8(&s) & 1)
            program_step(&cluster, &s);
        else
            lie(&cluster, &s);
    }
    cluster_free(&cluster);
    return 0;
}
