/* A history at random: a cluster, its programs and its faults; everything comes from the seed. */
#include "faults.h"
#include "judge.h"

enum {
    TURN_US = 50 * NODES_MS,
    FAULTS_US = 25000 * NODES_MS,  /* things go wrong for so long */
    RECOVERY_US = 8000 * NODES_MS, /* and a healed cluster needs this at most, beside sessions */
};

static struct options draw_options(struct sim_random *r)
{
    return (struct options){.nodes = sim_chance(r, 700) ? 3 : 2 + (uint32_t)sim_below(r, 4),
                            .session_ms = 1000 + (uint32_t)sim_below(r, 2000),
                            .lease_ms = sim_chance(r, 300) ? 500 : 0,
                            .heartbeat_ms = 100,
                            .delay_max = 100 + sim_below(r, 20000),
                            .disk_max = 100 + sim_below(r, 10000),
                            .loss = sim_chance(r, 400) ? (uint32_t)sim_below(r, 40) : 0,
                            .clocks_differ = sim_chance(r, 600),
                            .sessions_differ = sim_chance(r, 200),
                            .silent_cuts = sim_chance(r, 500),
                            .relay = sim_chance(r, 500)};
}

/* One node is dead for good: what it had must go, in time. */
static void expect_the_dead_to_lose(struct world *w, struct node *dead)
{
    node_kill(dead);
    uint64_t bound = world_us_at_most((uint64_t)dead->config.session_time_ms * NODES_MS);
    for (uint64_t passed = 0; !judge_is_free(w, dead->pid); passed += TURN_US) {
        world_check(w, passed < bound + RECOVERY_US,
                    "node %u is dead, and its session does not end", dead->pid);
        world_run(w, TURN_US);
    }
    node_start(dead);
}

static bool is_settled(struct world *w)
{
    uint64_t applied = judge_applied_now(w);
    for (uint32_t i = 0; i < w->options.nodes; i++)
        if (tree_applied(w->nodes[i].replica->tree) != applied)
            return false;
    for (uint32_t i = 0; i < w->programs->count; i++)
        if (w->programs->programs[i].holds || w->programs->programs[i].waits)
            return false;
    return judge_all_arrived(w) && judge_mortals(w) == 0;
}

/* All programs come to their ends, all keys to theirs, and all watchers have everything. */
static void expect_settled(struct world *w)
{
    uint64_t most = 24 * (uint64_t)w->options.session_ms * NODES_MS + 4 * RECOVERY_US;
    for (uint64_t passed = 0; !is_settled(w); passed += TURN_US) {
        for (uint32_t i = 0; passed >= most && i < w->options.nodes; i++)
            world_note(w, "node %u has applied %lu of %lu", w->nodes[i].pid,
                       tree_applied(w->nodes[i].replica->tree), judge_applied_now(w));
        if (passed >= most)
            judge_note_locks(w);
        for (uint32_t i = 0; passed >= most && i < w->programs->count; i++)
            world_note(w, "program %u: holds %d, waits %d, owner %lu, waiter %lu", i,
                       w->programs->programs[i].holds, w->programs->programs[i].waits,
                       w->programs->programs[i].owner, w->programs->programs[i].waiter);
        world_check(w, passed < most, "it does not settle: %lu keys, all have heard %d",
                    judge_mortals(w), judge_all_arrived(w));
        world_run(w, TURN_US);
    }
}

static void expect_progress(struct world *w)
{
    uint32_t before = judge_elements(w);
    for (uint64_t passed = 0; judge_elements(w) == before; passed += TURN_US) {
        world_check(w, passed < 4 * RECOVERY_US + 6 * (uint64_t)w->options.session_ms * NODES_MS,
                    "no program gets a lock any more");
        world_run(w, TURN_US);
    }
}

void history_finish(struct world *w, struct figures *figures)
{
    faults_heal(w);
    expect_progress(w);
    if (w->options.nodes > 2)
        expect_the_dead_to_lose(w, &w->nodes[sim_below(&w->random, w->options.nodes)]);
    programs_end(w);
    expect_settled(w);
    figures->hash = w->hash;
    figures->entries = judge_applied_now(w);
    figures->simulated_us = w->now;
    for (int i = 0; i < SITUATIONS; i++)
        figures->situations[i] = w->situations[i];
    world_end(w);
}

void history_run(uint64_t seed, struct figures *figures)
{
    struct sim_random r = {seed};
    struct options options = draw_options(&r);
    struct faults faults = faults_draw(&r);
    struct world *w = world_new("history", seed, &options);
    programs_begin(w, 2 + (uint32_t)sim_below(&r, SETTERS_MAX - 1),
                   3 + (uint32_t)sim_below(&r, KEEPERS_MAX - 2), WATCHERS_MAX);
    for (uint64_t end = w->now + FAULTS_US; w->now < end;) {
        world_run(w, TURN_US);
        faults_turn(w, &faults);
    }
    history_finish(w, figures);
}
