/* Crashes, lost messages, snapshots, and reads meanwhile. Nodes are called A, B, C, ... */
#include "situation.h"

/* In a leader change, whoever sends the k-th message of a kind dies of it. */
static void crash_at_every_message(const char *name, uint64_t seed)
{
    const uint8_t types[] = {PAXOS_PREPARE,       PAXOS_PROMISE,  PAXOS_ACCEPT_SYNC,
                             PAXOS_ACCEPT_DECIDE, PAXOS_ACCEPTED, PAXOS_DECIDE};
    struct sim_options o = sim_usual;
    o.nodes = 5;
    for (size_t t = 0; t < sizeof types; t++) {
        for (uint32_t k = 1; k <= 5; k++) {
            struct sim_world *w = sim_settled(name, seed + k, o, B);
            sim_propose(w, &w->nodes[B], 5);
            sim_watch_for(w, types[t], k, false);
            sim_crash(w, &w->nodes[B]);
            for (uint32_t i = 0; i < 10 * SIM_TICK && !sim_watched.seen; i++) {
                sim_run(w, 1);
                if (i % SIM_TICK == 0)
                    sim_propose(w, &w->nodes[A], 1);
            }
            sim_check(w, sim_watched.seen || k > 3, "the message was never sent");
            if (sim_watched.seen)
                sim_crash(w, &w->nodes[sim_watched.from]);
            sim_run(w, 10 * SIM_TICK);
            sim_finish(w);
        }
    }
}

/* The followers have decided, the leader's own disk was not done yet. */
static void crash_before_own_sync(const char *name, uint64_t seed)
{
    struct sim_options o = sim_usual;
    o.disk_delay_max = SIM_TICK / 2;
    for (uint32_t k = 0; k < 20; k++) {
        struct sim_world *w = sim_settled(name, seed + k, o, B);
        sim_propose(w, &w->nodes[B], 3);
        sim_watch_for(w, PAXOS_DECIDE, 1, false);
        for (uint32_t i = 0; i < SIM_TICK && !sim_watched.seen; i++)
            sim_run(w, 1);
        sim_crash(w, &w->nodes[B]);
        sim_run(w, 10 * SIM_TICK);
        sim_finish(w);
    }
}

static void crash_at_any_moment_of_a_sync(const char *name, uint64_t seed)
{
    struct sim_options o = sim_usual;
    o.disk_delay_max = 20;
    o.entry_bytes_max = 200000;
    o.trim_tail = 4;
    for (uint64_t moment = 0; moment < 60; moment++) {
        struct sim_world *w = sim_settled(name, seed, o, B);
        sim_isolate(w, B);
        sim_propose(w, &w->nodes[B], 6); /* a tail that will have to go */
        sim_run(w, 5 * SIM_TICK);
        for (uint32_t i = 0; i < 3; i++)
            sim_propose(w, &w->nodes[A], 8);
        sim_run(w, moment % 2 * 4 * SIM_TICK);
        for (uint32_t i = 0; i < 3; i++)
            sim_cut_both(w, B, i, false);
        sim_run(w, moment * 8);
        sim_crash(w, &w->nodes[B]);
        sim_run(w, SIM_TICK);
        sim_finish(w);
    }
}

static void restart_of_all(const char *name, uint64_t seed)
{
    struct sim_world *w = sim_settled(name, seed, sim_usual, B);
    uint64_t emitted = w->checker.emitted;
    for (uint32_t i = 0; i < 3; i++)
        sim_crash(w, &w->nodes[i]);
    sim_run(w, 5 * SIM_TICK);
    for (uint32_t i = 0; i < 3; i++)
        sim_start(w, &w->nodes[i]);
    sim_run(w, ELECTION + 2 * SIM_TICK);
    for (uint32_t i = 0; i < 3; i++)
        sim_check(w, w->nodes[i].tree.applied >= emitted, "node %u lost entries", i);
    sim_finish(w);
}

static void one_accept_decide_lost(const char *name, uint64_t seed)
{
    struct sim_world *w = sim_settled(name, seed, sim_usual, B);
    sim_watch_for(w, PAXOS_ACCEPT_DECIDE, 1, true);
    sim_expect_progress(w, B);
    sim_expect_progress(w, B);
    sim_check(w, sim_status(w, A).accepted == sim_status(w, C).accepted,
              "the gap was not repaired");
    sim_finish(w);
}

/* The last message is lost, and nothing follows it. With two nodes every one counts. */
static void tail_lost(const char *name, uint64_t seed)
{
    const uint8_t types[] = {PAXOS_ACCEPT_DECIDE, PAXOS_DECIDE, PAXOS_ACCEPTED};
    struct sim_options o = sim_usual;
    for (size_t t = 0; t < sizeof types; t++) {
        for (o.nodes = 2; o.nodes <= 3; o.nodes++) {
            struct sim_world *w = sim_settled(name, seed, o, B);
            sim_watch_for(w, types[t], 1, true);
            sim_propose(w, &w->nodes[B], 1);
            sim_run(w, 6 * SIM_TICK);
            sim_check(w, sim_watched.seen, "nothing was lost");
            for (uint32_t i = 0; i < o.nodes; i++)
                sim_check(w,
                          w->nodes[i].waiting_count == 0 &&
                              w->nodes[i].tree.applied == w->checker.emitted,
                          "node %u lacks the tail", w->nodes[i].pid);
            sim_finish(w);
        }
    }
}

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
    sim_check(w, sim_leader(w) != NOBODY, "no leader");
    sim_expect_progress(w, A);
    sim_finish(w);
}

static bool lose_accepted_of_a(struct sim_world *w, const struct paxos_message *m)
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

static void reads_at_a_deposed_leader(const char *name, uint64_t seed)
{
    struct sim_world *w = sim_settled(name, seed, sim_usual, B);
    sim_cut_both(w, B, A, true);
    sim_cut_both(w, B, C, true);
    sim_run(w, ELECTION);
    sim_expect_progress(w, A);
    for (uint32_t i = 0; i < 10; i++) {
        sim_read(w, &w->nodes[B]);
        sim_run(w, SIM_TICK);
    }
    sim_check(w, w->nodes[B].read_count == 10, "a deposed leader has answered");
    sim_finish(w);
}

/* A read that its leader did not live to answer is asked again of the next one. */
static void reads_over_a_leader_change(const char *name, uint64_t seed)
{
    struct sim_options o = sim_usual;
    o.nodes = 5;
    struct sim_world *w = sim_settled(name, seed, o, B);
    sim_crash(w, &w->nodes[B]);
    for (uint32_t i = 0; i < 5; i++)
        if (i != B)
            sim_read(w, &w->nodes[i]);
    sim_run(w, ELECTION + SIM_TICK);
    for (uint32_t i = 0; i < 5; i++)
        sim_check(w, i == B || w->nodes[i].read_count == 0, "a read of node %u is lost", i);
    sim_finish(w);
}

const struct sim_scenario sim_crashes[] = {
    {"crash-at-every-message", crash_at_every_message},
    {"crash-before-own-sync", crash_before_own_sync},
    {"crash-in-sync", crash_at_any_moment_of_a_sync},
    {"restart-of-all", restart_of_all},
    {"accept-decide-lost", one_accept_decide_lost},
    {"tail-lost", tail_lost},
    {"snapshot-under-tail", snapshot_under_undecided_tail},
    {"crash-between-tree-and-log", crash_between_tree_and_log},
    {"trim-then-leader-change", trim_then_leader_change},
    {"trimmed-under-slow-peer", trimmed_under_a_slow_peer},
    {"reads-at-deposed-leader", reads_at_a_deposed_leader},
    {"reads-over-leader-change", reads_over_a_leader_change},
    {0},
};
