/* Leases: a node answers reads alone, as if nothing had happened, while the others go on without
 * it. The checker sees that its answers are no older than they may be. Nodes are called A, B, C,
 * ..., and B leads. */
#include "situation.h"

enum {
    LEASE_TICKS = PAXOS_LEASE_US_MAX / SIM_STEP_US / SIM_TICK,
    OVER_TICKS = 2 * LEASE_TICKS, /* after that no write waits for a lease any more */
    LOOKS = 20,                   /* in a tick */
    SEEDS = 16,                   /* some of which make the holder's clock slow and others fast */
};

/* `next` leads when B does not. */
static struct sim_world *leased(const char *name, uint64_t seed, uint32_t next)
{
    struct sim_options o = sim_usual;
    o.leases = true;
    o.founded = true;
    o.priorities[B] = 1;
    o.priorities[next] = 2;
    for (uint32_t i = 0; i < o.nodes; i++)
        o.lease_us[i] = PAXOS_LEASE_US_MAX;
    struct sim_world *w = sim_world_new(name, seed, &o);
    if (next != B)
        sim_isolate(w, next);
    sim_run(w, OVER_TICKS * SIM_TICK);
    sim_mend_all(w);
    sim_run(w, 5 * SIM_TICK);
    sim_check(w, sim_leader(w) == B, "B does not lead");
    for (uint32_t i = 0; i < o.nodes; i++)
        sim_expect_progress(w, i);
    return w;
}

/* Reads at a node all the time. */
static void read_on(struct sim_world *w, uint32_t node, uint64_t ticks)
{
    for (uint64_t i = 0; i < ticks * LOOKS; i++) {
        if (w->nodes[node].requests.read_count < SIM_READS_MAX)
            sim_read(w, &w->nodes[node]);
        sim_run(w, SIM_TICK / LOOKS);
    }
}

/* After a write of another node, until it and the lease are through. */
static void read_on_beside(struct sim_world *w, uint32_t node, uint32_t writer)
{
    uint64_t leased = w->leased;
    sim_propose(w, &w->nodes[writer], 1);
    read_on(w, node, OVER_TICKS);
    sim_check(w, w->leased > leased, "node %u answered nothing alone", w->nodes[node].pid);
    sim_check(w, w->nodes[writer].requests.write_count == 0, "the lease never ends");
    sim_finish(w);
}

static void take_lease(struct sim_world *w, uint32_t node)
{
    sim_run(w, OVER_TICKS * SIM_TICK); /* any other is over */
    sim_read(w, &w->nodes[node]);
    sim_run(w, SIM_TICK / LOOKS);
    sim_check(w, w->nodes[node].requests.read_count == 0, "the read is not answered");
}

/* Messages that were held, over links that are cut by now. */
static void arrive_after_all(struct sim_world *w)
{
    w->options.reorder = true;
    sim_let_go(w);
    sim_run(w, 1);
    w->options.reorder = false;
}

static void restart(struct sim_world *w, uint32_t node)
{
    sim_crash(w, &w->nodes[node]);
    sim_start(w, &w->nodes[node]);
}

/* Its leader decides without it once its lease is over. */
static void the_holder_is_cut_off(const char *name, uint64_t seed)
{
    for (uint32_t i = 0; i < SEEDS; i++) {
        struct sim_world *w = leased(name, seed + i, B);
        take_lease(w, C);
        sim_isolate(w, C);
        read_on_beside(w, C, B);
    }
}

/* A and C, which have vouched for it, elect another leader. */
static void the_leader_is_cut_off(const char *name, uint64_t seed)
{
    for (uint32_t i = 0; i < SEEDS; i++) {
        struct sim_world *w = leased(name, seed + i, B);
        take_lease(w, B);
        sim_isolate(w, B);
        if (i % 2) {
            restart(w, A);
            restart(w, C);
        }
        read_on_beside(w, B, A);
    }
}

/* B and C have vouched for C's. Then A is elected by A and B, ... */
static void the_leader_changes_beside_the_holder(const char *name, uint64_t seed)
{
    for (uint32_t i = 0; i < SEEDS; i++) {
        struct sim_world *w = leased(name, seed + i, A);
        take_lease(w, C);
        sim_isolate(w, C);
        sim_cut_both(w, A, B, true);
        if (i % 2)
            restart(w, B);
        else
            read_on(w, C, 2);
        sim_cut_both(w, A, B, false);
        read_on_beside(w, C, A);
    }
}

/* ... or B again, which can only rely on its own word: A has vouched for nothing. */
static void the_leader_is_elected_again(const char *name, uint64_t seed)
{
    for (uint32_t i = 0; i < SEEDS; i++) {
        struct sim_world *w = leased(name, seed + i, B);
        take_lease(w, C);
        sim_isolate(w, C);
        sim_crash(w, &w->nodes[B]);
        read_on(w, C, 3);
        w->nodes[A].clock_stands = w->now + 5 * SIM_TICK;
        sim_start(w, &w->nodes[B]);
        read_on_beside(w, C, B);
    }
}

/* The answer comes when the lease is nearly over, and no node hears the question again. */
static void the_answer_is_late(const char *name, uint64_t seed)
{
    struct sim_world *w = leased(name, seed, B);
    sim_run(w, OVER_TICKS * SIM_TICK);
    sim_watch_for(w, PAXOS_READ_INDEX, B, 1, SIM_IS_HELD);
    sim_read(w, &w->nodes[C]);
    sim_run_until_seen(w, SIM_TICK);
    sim_isolate(w, C);
    sim_run(w, (LEASE_TICKS - 3) * SIM_TICK);
    arrive_after_all(w);
    read_on_beside(w, C, B);
}

static void the_acknowledgement_is_late(const char *name, uint64_t seed)
{
    struct sim_world *w = leased(name, seed, B);
    sim_run(w, OVER_TICKS * SIM_TICK);
    sim_cut_both(w, B, C, true);
    sim_watch_for(w, PAXOS_READ_ACK, A, 1, SIM_IS_HELD);
    sim_read(w, &w->nodes[B]);
    sim_run_until_seen(w, SIM_TICK);
    sim_isolate(w, B);
    sim_run(w, (LEASE_TICKS - 3) * SIM_TICK);
    arrive_after_all(w);
    read_on_beside(w, B, A);
}

const struct sim_scenario sim_leases[] = {
    {"a-lease-whose-holder-is-cut-off", the_holder_is_cut_off},
    {"a-lease-of-a-leader-that-is-cut-off", the_leader_is_cut_off},
    {"a-lease-and-a-leader-change-beside-it", the_leader_changes_beside_the_holder},
    {"a-lease-and-its-leader-elected-again", the_leader_is_elected_again},
    {"a-lease-whose-answer-is-late", the_answer_is_late},
    {"a-lease-whose-acknowledgement-is-late", the_acknowledgement_is_late},
    {0},
};
