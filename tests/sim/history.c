/* Faults and clients at random; everything comes from the seed, so a history can be replayed. */
#include "situation.h"

enum {
    FAULTY_TICKS = 120,
    HEALED_TICKS = 60, /* within which everybody must have everything */
    TURN = SIM_TICK / 4,
};

static struct sim_options options_of(struct sim_random *r)
{
    struct sim_options o = {.nodes = 1 + (uint32_t)sim_below(r, SIM_NODES_MAX)};
    if (sim_chance(r, 500))
        o.nodes = 3 + 2 * (uint32_t)sim_below(r, 2);
    if (sim_chance(r, 250)) {
        o.write_quorum = 1 + (uint32_t)sim_below(r, o.nodes);
        o.read_quorum = o.nodes - o.write_quorum + 1;
    }
    uint32_t pid = 0;
    bool sparse = sim_chance(r, 200), prefer = sim_chance(r, 300);
    for (uint32_t i = 0; i < o.nodes; i++) {
        pid += sparse ? 1 + (uint32_t)sim_below(r, 50) : 1;
        o.pids[i] = pid;
        o.priorities[i] = prefer ? (uint32_t)sim_below(r, 3) : 0;
    }
    o.reorder = sim_chance(r, 500);
    o.silent_links = sim_chance(r, 200);
    o.loss = sim_chance(r, 500) ? (uint32_t)sim_below(r, 60) : 0;
    o.duplicates = sim_chance(r, 500) ? (uint32_t)sim_below(r, 100) : 0;
    o.replays = sim_chance(r, 500) ? (uint32_t)sim_below(r, 100) : 0;
    o.delay_max = 2 + sim_below(r, 200);
    o.disk_delay_max = 2 + sim_below(r, sim_chance(r, 200) ? 3000 : 200);
    o.trim_tail = sim_chance(r, 300) ? UINT32_MAX : (uint32_t)sim_below(r, 30);
    /* Large entries: few fit into a message, so that suffixes have to be pulled. */
    o.entry_bytes_max = sim_chance(r, 300) ? 200000 : 16;
    return o;
}

static struct sim_node *any_node(struct sim_world *w)
{
    return &w->nodes[sim_below(&w->random, w->options.nodes)];
}

static uint32_t any(struct sim_world *w)
{
    return any_node(w)->index;
}

static void mend_all(struct sim_world *w)
{
    for (uint32_t a = 0; a < w->options.nodes; a++)
        for (uint32_t b = 0; b < w->options.nodes; b++)
            sim_cut(w, a, b, false);
}

static void crash_all(struct sim_world *w)
{
    for (uint32_t i = 0; i < w->options.nodes; i++)
        if (w->nodes[i].up)
            sim_crash(w, &w->nodes[i]);
}

static void crash_leader(struct sim_world *w)
{
    for (uint32_t i = 0; i < w->options.nodes; i++) {
        struct paxos_status status;
        if (!w->nodes[i].up)
            continue;
        paxos_status(w->nodes[i].core, &status);
        if (status.role == PAXOS_LEADER) {
            sim_crash(w, &w->nodes[i]);
            return;
        }
    }
}

static void fault(struct sim_world *w)
{
    struct sim_node *n = any_node(w);
    switch (sim_below(&w->random, 16)) {
    case 0:
    case 1:
        if (n->up)
            sim_crash(w, n);
        break;
    case 2:
    case 3:
    case 4:
    case 5:
        if (!n->up)
            sim_start(w, n);
        break;
    case 6:
        sim_cut(w, any(w), any(w), true);
        break;
    case 7:
        sim_cut_both(w, any(w), any(w), true);
        break;
    case 8:
        sim_isolate(w, any(w));
        break;
    case 9:
        sim_leave_star(w, any(w));
        break;
    case 10:
        if (sim_chance(&w->random, 100))
            crash_all(w);
        break;
    case 11:
        crash_leader(w);
        break;
    default:
        mend_all(w);
    }
}

static void clients(struct sim_world *w)
{
    for (uint64_t k = sim_below(&w->random, 4); k > 0; k--) {
        struct sim_node *n = any_node(w);
        if (!n->up)
            continue;
        if (n->waiting_count < 12 && sim_chance(&w->random, 600))
            sim_propose(w, n, 1 + (uint32_t)sim_below(&w->random, 4));
        else
            sim_read(w, n);
    }
}

void sim_history(uint64_t seed)
{
    struct sim_random r = {seed};
    struct sim_options options = options_of(&r);
    struct sim_world *w = sim_world_new("history", seed, &options);
    uint32_t faults = (uint32_t)sim_below(&r, 120); /* permille, each turn */
    for (uint32_t turn = 0; turn < FAULTY_TICKS * SIM_TICK / TURN; turn++) {
        sim_run(w, TURN);
        if (sim_chance(&w->random, faults))
            fault(w);
        clients(w);
    }
    sim_heal(w);
    sim_run(w, HEALED_TICKS * SIM_TICK / 2);
    for (uint32_t i = 0; i < w->options.nodes; i++) {
        sim_propose(w, &w->nodes[i], 1);
        sim_read(w, &w->nodes[i]);
    }
    sim_run(w, HEALED_TICKS * SIM_TICK / 2);
    sim_check_converged(w);
    sim_world_free(w);
}
