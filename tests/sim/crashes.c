/* Nodes that crash, and the losses that come with it. Nodes are called A, B, C, ... */
#include "situation.h"

/* In a leader change, the sender of the k-th message of a kind crashes. */
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
            sim_watch_for(w, types[t], SIM_NOBODY, k, SIM_GOES_ON);
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
        sim_watch_for(w, PAXOS_DECIDE, B, 1, SIM_GOES_ON);
        sim_run_until_seen(w, SIM_TICK);
        sim_crash(w, &w->nodes[B]);
        sim_run(w, 10 * SIM_TICK);
        sim_finish(w);
    }
}

/* A follower that has to give up a tail: by the log, or by a snapshot. */
static struct sim_world *outdated_follower(const char *name, uint64_t seed, bool trimmed)
{
    struct sim_options o = sim_usual;
    o.trim_tail = trimmed ? 0 : UINT32_MAX;
    o.entry_bytes_max = 100000;
    struct sim_world *w = sim_settled(name, seed, o, B);
    sim_isolate(w, B);
    sim_propose(w, &w->nodes[B], 6); /* the tail that will have to go */
    sim_run(w, ELECTION + SIM_TICK);
    for (uint32_t i = 0; i < 6; i++)
        sim_expect_progress(w, A);
    sim_run(w, 10 * SIM_TICK);
    return w;
}

/* A new leader that has to take over what another has accepted, in one transaction. */
static struct sim_world *outdated_leader(const char *name, uint64_t seed, bool trimmed)
{
    struct sim_options o = sim_usual;
    o.trim_tail = trimmed ? 0 : UINT32_MAX;
    o.priorities[A] = 1;
    struct sim_world *w = sim_settled(name, seed, o, B);
    sim_isolate(w, A);
    for (uint32_t i = 0; i < 6; i++)
        sim_expect_progress(w, B);
    sim_run(w, 10 * SIM_TICK);
    sim_crash(w, &w->nodes[B]);
    return w;
}

/* Its k-th storage operation from now on is the last thing that happens there. */
static void power_cut_at(struct sim_world *w, uint32_t node, uint32_t k)
{
    sim_mend_all(w);
    w->nodes[node].fuse = 1 + k;
    for (uint32_t i = 0; i < 60 && w->nodes[node].up; i++)
        sim_run(w, SIM_TICK);
    sim_check(w, !w->nodes[node].up, "nothing was stored");
    sim_run(w, 2 * SIM_TICK);
    sim_finish(w);
}

/* More of them than a sync has: its writes, their becoming durable, and those of the tree. */
enum { OPERATIONS = 12 };

static void crash_at_every_storage_operation(const char *name, uint64_t seed)
{
    for (uint32_t trimmed = 0; trimmed < 2; trimmed++) {
        for (uint32_t k = 1; k <= OPERATIONS; k++) {
            power_cut_at(outdated_follower(name, seed, trimmed), B, k);
            power_cut_at(outdated_leader(name, seed, trimmed), A, k);
        }
    }
}

/* All lose power at once, at many moments of a busy time. */
static void crashes_power_cut(const char *name, uint64_t seed)
{
    struct sim_options o = sim_usual;
    o.disk_delay_max = SIM_TICK;
    o.clients = 8;
    o.think_max = SIM_TICK / 10;
    o.patience = 10 * SIM_TICK;
    o.trim_tail = 10;
    for (uint32_t moment = 0; moment < 30; moment++) {
        struct sim_world *w = sim_world_new(name, seed + moment, &o);
        sim_run(w, 20 * SIM_TICK + moment * SIM_TICK / 20);
        uint64_t answered = w->checker.emitted;
        for (uint32_t i = 0; i < 3; i++)
            sim_power_cut(w, &w->nodes[i]);
        for (uint32_t i = 0; i < 3; i++)
            sim_start(w, &w->nodes[i]);
        sim_run(w, 10 * SIM_TICK);
        sim_check(w, sim_leader(w) != SIM_NOBODY, "no leader");
        sim_check(w, w->nodes[sim_leader(w)].tree.now.applied >= answered, "entries are lost");
        w->clients_stop = true;
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
        sim_check(w, w->nodes[i].tree.now.applied >= emitted, "node %u lost entries", i);
    sim_finish(w);
}

/* Within a few round trips another node leads, and nobody has to miss the one that stops. */
static void leader_hands_over(const char *name, uint64_t seed)
{
    for (uint32_t i = 0; i < 20; i++) {
        struct sim_world *w = sim_settled(name, seed + i, sim_usual, B);
        sim_propose(w, &w->nodes[B], 5);
        sim_step(w, &w->nodes[B], &(struct paxos_event){.type = PAXOS_STOPPING});
        sim_run(w, SIM_TICK / 10);
        uint32_t leader = sim_leader(w);
        sim_check(w, leader == A || leader == C, "nobody has taken over");
        sim_crash(w, &w->nodes[B]);
        sim_expect_progress(w, A);
        sim_expect_progress(w, C);
        sim_finish(w);
    }
}

/* Whatever becomes of the message or of its receiver: as if the leader had crashed. */
static void hand_over_fails(const char *name, uint64_t seed)
{
    for (uint32_t lost = 0; lost < 2; lost++) {
        struct sim_world *w = sim_settled(name, seed, sim_usual, B);
        sim_watch_for(w, lost ? PAXOS_HAND_OVER : PAXOS_PREPARE, SIM_NOBODY, 1,
                      lost ? SIM_GETS_LOST : SIM_GOES_ON);
        sim_step(w, &w->nodes[B], &(struct paxos_event){.type = PAXOS_STOPPING});
        sim_run_until_seen(w, SIM_TICK);
        sim_check(w, sim_watched.seen, "nothing was handed over");
        sim_crash(w, &w->nodes[lost ? B : sim_watched.from]);
        sim_run(w, ELECTION + SIM_TICK);
        sim_expect_progress(w, lost ? A : B);
        sim_finish(w);
    }
}

const struct sim_scenario sim_crashes[] = {
    {"a-leader-hands-over", leader_hands_over},
    {"handing-over-fails", hand_over_fails},
    {"leader-crash-at-every-message-of-prepare", crash_at_every_message},
    {"leader-crash-before-its-own-sync", crash_before_own_sync},
    {"crash-at-every-storage-operation-of-a-sync", crash_at_every_storage_operation},
    {"power-cut-losing-what-was-not-synced", crashes_power_cut},
    {"restart-of-all-at-once", restart_of_all},
    {0},
};
