#include "partition.h"

void sim_isolate(struct sim_world *w, uint32_t node)
{
    for (uint32_t i = 0; i < w->options.nodes; i++)
        sim_cut_both(w, node, i, true);
}

void sim_leave_star(struct sim_world *w, uint32_t centre)
{
    for (uint32_t a = 0; a < w->options.nodes; a++)
        for (uint32_t b = a + 1; b < w->options.nodes; b++)
            if (a != centre && b != centre)
                sim_cut_both(w, a, b, true);
}

void sim_leave_chain(struct sim_world *w, uint32_t first)
{
    uint32_t nodes = w->options.nodes;
    for (uint32_t a = 0; a < nodes; a++)
        for (uint32_t b = a + 1; b < nodes; b++) {
            uint32_t x = (a + first) % nodes, y = (b + first) % nodes;
            if (b != a + 1)
                sim_cut_both(w, x, y, true);
        }
}

void sim_leave_halves(struct sim_world *w)
{
    uint64_t side = sim_random(&w->random);
    for (uint32_t a = 0; a < w->options.nodes; a++)
        for (uint32_t b = a + 1; b < w->options.nodes; b++)
            if ((side >> a & 1) != (side >> b & 1))
                sim_cut_both(w, a, b, true);
}

void sim_leave_constrained(struct sim_world *w, uint32_t centre, uint32_t alone)
{
    sim_isolate(w, alone);
    sim_leave_star(w, centre);
}

void sim_cut_at_random(struct sim_world *w, uint32_t permille)
{
    for (uint32_t a = 0; a < w->options.nodes; a++)
        for (uint32_t b = a + 1; b < w->options.nodes; b++) {
            if (!sim_chance(&w->random, permille))
                continue;
            uint64_t which = sim_below(&w->random, 6);
            sim_cut(w, a, b, which != 0);
            sim_cut(w, b, a, which != 1);
        }
}

void sim_partition_at_random(struct sim_world *w)
{
    uint32_t x = (uint32_t)sim_below(&w->random, w->options.nodes);
    uint32_t y = (uint32_t)sim_below(&w->random, w->options.nodes);
    switch (sim_below(&w->random, 6)) {
    case 0:
        sim_isolate(w, x);
        break;
    case 1:
        sim_leave_star(w, x);
        break;
    case 2:
        sim_leave_chain(w, x);
        break;
    case 3:
        sim_leave_halves(w);
        break;
    case 4:
        sim_leave_constrained(w, x, y);
        break;
    default:
        sim_cut_at_random(w, 100 + (uint32_t)sim_below(&w->random, 700));
    }
}
