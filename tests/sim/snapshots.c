/* Logs that were trimmed, and snapshots in their place. Nodes are called A, B, C, ... */
#include "situation.h"

static void snapshot_under_undecided_tail(const char *name, uint64_t seed)
{
    struct sim_options o = sim_usual;
    o.trim_tail = 0;
    struct sim_world *w = sim_settled(name, seed, o, B);
    sim_isolate(w, B);
    sim_propose(w, &w->nodes[B], 9);
    sim_run(w, 6 * SIM_TICK);
    for (uint32_t i = 0; i < 6; i++)
        sim_expect_progress(w, A);
    sim_run(w, 10 * SIM_TICK);
    sim_check(w, sim_status(w, A).compacted > sim_status(w, B).decided, "nothing was trimmed");
    sim_finish(w);
}

/* The tree of a snapshot is durable, the log is not cut to it yet, and contradicts it. */
static void crash_between_tree_and_log(const char *name, uint64_t seed)
{
    struct sim_options o = sim_usual;
    o.trim_tail = 0;
    struct sim_world *w = sim_settled(name, seed, o, B);
    sim_isolate(w, B);
    sim_propose(w, &w->nodes[B], 16);
    sim_propose(w, &w->nodes[B], 16);
    sim_run(w, 6 * SIM_TICK);
    for (uint32_t i = 0; i < 4; i++)
        sim_expect_progress(w, A);
    sim_run(w, 10 * SIM_TICK);
    sim_heal(w);
    for (uint32_t i = 0; i < 10 * SIM_TICK && w->nodes[B].tree.installed == 0; i++)
        sim_run(w, 1);
    sim_check(w, w->nodes[B].tree.installed > 0, "no snapshot was needed");
    sim_check(w, w->nodes[B].disk.log.end > w->nodes[B].tree.installed, "the tail is too short");
    sim_crash(w, &w->nodes[B]);
    sim_start(w, &w->nodes[B]);
    sim_finish(w);
}

/* The snapshot is whole, and does not take the tree's place before the crash. */
static void crash_before_the_tree_is_durable(const char *name, uint64_t seed)
{
    struct sim_options o = sim_usual;
    o.trim_tail = 0;
    o.disk_delay_max = 30;
    struct sim_world *w = sim_settled(name, seed, o, B);
    sim_isolate(w, A);
    for (uint32_t i = 0; i < 4; i++)
        sim_expect_progress(w, B);
    sim_run(w, 10 * SIM_TICK);
    sim_heal(w);
    for (uint32_t i = 0; i < 10 * SIM_TICK && !w->nodes[A].tree.installing; i++)
        sim_run(w, 1);
    sim_check(w, w->nodes[A].tree.installing, "no snapshot was needed");
    sim_crash(w, &w->nodes[A]);
    sim_check(w, w->nodes[A].tree.installed == 0, "a tree that was not durable is there");
    sim_start(w, &w->nodes[A]);
    sim_finish(w);
}

static void trim_then_leader_change(const char *name, uint64_t seed)
{
    struct sim_options o = sim_usual;
    o.trim_tail = 0;
    struct sim_world *w = sim_settled(name, seed, o, B);
    sim_crash(w, &w->nodes[A]);
    sim_expect_progress(w, B);
    sim_expect_progress(w, B);
    sim_run(w, 10 * SIM_TICK);
    sim_crash(w, &w->nodes[B]);
    sim_start(w, &w->nodes[A]); /* behind what C has compacted */
    sim_run(w, 12 * SIM_TICK);
    sim_check(w, sim_leader(w) != SIM_NOBODY, "no leader");
    sim_expect_progress(w, A);
    sim_finish(w);
}

static bool lose_accepted_of_a(struct sim_world *w, struct paxos_message *m)
{
    return m->type == PAXOS_ACCEPTED && m->from == w->nodes[A].pid;
}

/* The window to a peer closes, and the log is trimmed away under it. */
static void trimmed_under_a_slow_peer(const char *name, uint64_t seed)
{
    struct sim_options o = sim_usual;
    o.trim_tail = 0;
    o.entry_bytes_max = 200000;
    struct sim_world *w = sim_settled(name, seed, o, B);
    w->drop = lose_accepted_of_a;
    for (uint32_t i = 0; i < 40; i++)
        sim_expect_progress(w, B);
    sim_check(w, w->nodes[A].tree.installed > 0, "the window never closed");
    w->drop = NULL;
    sim_run(w, 5 * SIM_TICK);
    sim_expect_progress(w, A);
    sim_finish(w);
}

/* A and E on one side, B, C and D on the other. */
static bool lose_between_sides(struct sim_world *w, struct paxos_message *m)
{
    uint32_t from = sim_node_of(w, m->from)->index, to = sim_node_of(w, m->to)->index;
    return (from == A || from == E) != (to == A || to == E);
}

/* The transfer was begun before A led. It was decided above A's ballot, and contradicts entries
 * that A and E have accepted: A must not tell E that those are decided. */
static void snapshot_under_a_leader(const char *name, uint64_t seed)
{
    struct sim_options o = sim_usual;
    o.nodes = 5;
    struct sim_world *w = sim_settled(name, seed, o, A);
    w->drop = lose_between_sides;
    sim_propose(w, &w->nodes[A], 20);
    sim_run(w, 2 * ELECTION);
    sim_expect_progress(w, B);
    sim_check(w, sim_status(w, A).phase == PAXOS_PHASE_ACCEPT, "A does not lead any more");
    sim_check(w, sim_status(w, E).accepted > sim_status(w, B).decided, "E has not followed A");
    w->nodes[A].tree.needed = sim_status(w, B).decided;
    sim_tree_fetch(w, &w->nodes[A]);
    sim_run(w, 2 * SIM_TICK);
    sim_check(w, w->nodes[A].tree.installed > 0, "A has no snapshot");
    sim_finish(w);
}

const struct sim_scenario sim_snapshots[] = {
    {"snapshot-to-a-follower-with-an-undecided-tail", snapshot_under_undecided_tail},
    {"crash-between-tree-and-log", crash_between_tree_and_log},
    {"crash-before-the-tree-is-durable", crash_before_the_tree_is_durable},
    {"snapshot-under-a-leader", snapshot_under_a_leader},
    {"trim-then-leader-change", trim_then_leader_change},
    {"trimmed-under-a-slow-peer", trimmed_under_a_slow_peer},
    {0},
};
