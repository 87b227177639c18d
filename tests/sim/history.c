/* A history at random: a cluster, its faults and its clients; everything comes from the seed. */
#include "faults.h"
#include "partition.h"
#include "progress.h"

enum {
    STEPS = 10000, /* at least, while things go wrong */
    TICKS = 100,   /* and these, too */
    TURN = SIM_TICK / 4,
    SETTLE_TICKS = 30, /* after progress has resumed, until all nodes have everything */
};

static void draw_cluster(struct sim_options *o, struct sim_random *r)
{
    o->nodes = sim_chance(r, 500) ? 3 + 2 * (uint32_t)sim_below(r, 2)
                                  : 1 + (uint32_t)sim_below(r, SIM_NODES_MAX);
    if (sim_chance(r, 250)) {
        o->write_quorum = 1 + (uint32_t)sim_below(r, o->nodes);
        o->read_quorum = o->nodes - o->write_quorum + 1;
        if (sim_chance(r, 300)) /* more than needed */
            o->read_quorum += (uint32_t)sim_below(r, o->write_quorum);
    }
    uint32_t pid = 0;
    bool sparse = sim_chance(r, 200), prefer = sim_chance(r, 300);
    for (uint32_t i = 0; i < o->nodes; i++) {
        pid += sparse ? 1 + (uint32_t)sim_below(r, 50) : 1;
        o->pids[i] = pid;
        o->priorities[i] = prefer ? (uint32_t)sim_below(r, 3) : 0;
    }
}

static void draw_network(struct sim_options *o, struct sim_random *r)
{
    o->reorder = sim_chance(r, 500);
    o->silent_links = sim_chance(r, 200);
    o->relay = sim_chance(r, 500);
    o->loss = sim_chance(r, 500) ? (uint32_t)sim_below(r, 60) : 0;
    o->duplicates = sim_chance(r, 500) ? (uint32_t)sim_below(r, 100) : 0;
    o->replays = sim_chance(r, 500) ? (uint32_t)sim_below(r, 100) : 0;
    o->delay_max = 2 + sim_below(r, 200);
}

/* Mostly the same everywhere; otherwise some nodes take no part. */
static void draw_leases(struct sim_options *o, struct sim_random *r)
{
    o->leases = sim_chance(r, 500);
    o->leases_come_and_go = o->leases && sim_chance(r, 300);
    bool same = sim_chance(r, 700);
    uint32_t most = 1 + (uint32_t)sim_below(r, PAXOS_LEASE_US_MAX);
    for (uint32_t i = 0; o->leases && i < o->nodes; i++)
        o->lease_us[i] = same ? most : (uint32_t)sim_below(r, 2) * (uint32_t)sim_below(r, most);
}

static struct sim_options draw_options(struct sim_random *r)
{
    struct sim_options o = {0};
    draw_cluster(&o, r);
    draw_network(&o, r);
    o.disk_delay_max = 2 + sim_below(r, sim_chance(r, 200) ? 3000 : 200);
    o.trim_tail = sim_chance(r, 300) ? UINT32_MAX : (uint32_t)sim_below(r, 40);
    /* Large entries: few fit into a message, so that suffixes have to be pulled. */
    o.entry_bytes_max = sim_chance(r, 300) ? 200000 : 16;
    o.slow_snapshots = sim_chance(r, 500);
    o.clients = 1 + (uint32_t)sim_below(r, SIM_CLIENTS_MAX);
    o.think_max = 1 + sim_below(r, 3 * SIM_TICK);
    o.patience = (1 + sim_below(r, 30)) * SIM_TICK;
    o.batches = sim_chance(r, 500) ? (uint32_t)sim_below(r, 500) : 0;
    o.repeats = (uint32_t)sim_below(r, 400);
    draw_leases(&o, r);
    o.tell_us = sim_chance(r, 300) ? 0 : (uint32_t)sim_below(r, 2 * SIM_TICK * SIM_STEP_US);
    return o;
}

static void let_things_go_wrong(struct sim_world *w, struct sim_faults faults)
{
    while (w->steps < STEPS || w->now < (uint64_t)TICKS * SIM_TICK) {
        sim_run(w, TURN);
        sim_faults_turn(w, &faults);
    }
}

static bool somebody_is_quorum_connected(const struct sim_world *w)
{
    for (uint32_t i = 0; i < w->options.nodes; i++)
        if (sim_quorum_connected(w, i))
            return true;
    return false;
}

/* If accepting needs more nodes than promising, a node may be elected that reaches enough for one
 * and not for the other: for such quorums no progress is promised while links are cut. Nor is it
 * for a node that has lost its data. */
static bool may_stay_partitioned(const struct sim_world *w)
{
    for (uint32_t i = 0; i < w->options.nodes; i++)
        if (!sim_is_member(&w->nodes[i]))
            return false;
    return w->options.read_quorum >= w->options.write_quorum;
}

/* The only fault that remains is a partition that leaves a quorum-connected node; nodes that are
 * down may stay down. */
static uint64_t live_partitioned(struct sim_world *w)
{
    uint64_t down = sim_random(&w->random) & sim_random(&w->random);
    sim_calm(w);
    for (uint32_t i = 0; i < w->options.nodes; i++) {
        if (w->nodes[i].up && down >> i & 1)
            sim_crash(w, &w->nodes[i]);
        else if (!w->nodes[i].up && !(down >> i & 1))
            sim_start(w, &w->nodes[i]);
    }
    do {
        sim_mend_all(w);
        if (!somebody_is_quorum_connected(w))
            sim_start_all(w);
        sim_partition_at_random(w);
    } while (!somebody_is_quorum_connected(w));
    uint64_t ticks = sim_expect_resumed(w);
    sim_expect_stable(w);
    return ticks;
}

static uint64_t live_healed(struct sim_world *w)
{
    sim_heal(w);
    uint64_t ticks = sim_expect_resumed(w);
    sim_run(w, SETTLE_TICKS * SIM_TICK);
    sim_judge_converged(w);
    return ticks;
}

struct sim_figures sim_history(uint64_t seed)
{
    struct sim_random r = {seed};
    struct sim_options options = draw_options(&r);
    struct sim_world *w = sim_world_new("history", seed, &options);
    let_things_go_wrong(w, sim_faults_draw(&r));
    w->clients_stop = true;
    struct sim_figures figures = {.resumed_seed = seed};
    if (may_stay_partitioned(w) && sim_chance(&w->random, 400))
        figures.resumed_max = live_partitioned(w);
    uint64_t ticks = live_healed(w);
    figures.resumed_max = ticks > figures.resumed_max ? ticks : figures.resumed_max;
    figures.steps = w->steps;
    figures.ticks = w->now / SIM_TICK;
    figures.operations = w->history_count;
    figures.leased = w->leased;
    figures.hash = w->trace.hash;
    sim_world_free(w);
    return figures;
}
