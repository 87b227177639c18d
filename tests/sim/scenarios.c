/* Situations by name (protocol.md, "Simulator scenarios"), with the bounds that are promised for
 * them. Nodes are called A, B, C, ... = 0, 1, 2, ... */
#include "sim.h"

#include <string.h>

enum { A, B, C, D, E };
enum { NOBODY = SIM_NODES_MAX };
/* A new leader is there within 4 election timeouts; round trips and disks are small beside a tick.
 */
enum { ELECTION = 4 * SIM_TICK + SIM_TICK / 10 };

static const struct sim_options usual = {.nodes = 3,
                                         .delay_max = 3,
                                         .disk_delay_max = 3,
                                         .trim_tail = UINT32_MAX,
                                         .entry_bytes_max = 16};

static struct paxos_status status_of(const struct sim_world *w, uint32_t node)
{
    struct paxos_status status;
    paxos_status(w->nodes[node].core, &status);
    return status;
}

/* The highest ballot in accept; an older leader may not know yet. */
static uint32_t leader_of(const struct sim_world *w)
{
    uint32_t leader = NOBODY;
    struct paxos_ballot highest = {0};
    for (uint32_t i = 0; i < w->options.nodes; i++) {
        if (!w->nodes[i].up)
            continue;
        struct paxos_status s = status_of(w, i);
        if (s.role == PAXOS_LEADER && s.phase == PAXOS_PHASE_ACCEPT &&
            paxos_ballot_compare(s.promise, highest) > 0) {
            leader = i;
            highest = s.promise;
        }
    }
    return leader;
}

static uint64_t highest_ballot(const struct sim_world *w)
{
    uint64_t n = 0;
    for (uint32_t i = 0; i < w->options.nodes; i++)
        if (w->nodes[i].up && status_of(w, i).leader.n > n)
            n = status_of(w, i).leader.n;
    return n;
}

/* Proposals at `node` are decided within a tick. */
static void expect_progress(struct sim_world *w, uint32_t node)
{
    sim_propose(w, &w->nodes[node], 3);
    sim_read(w, &w->nodes[node]);
    sim_run(w, SIM_TICK);
    sim_check(w, w->nodes[node].waiting_count == 0, "no progress at node %u", w->nodes[node].pid);
    sim_check(w, w->nodes[node].read_count == 0, "no reads at node %u", w->nodes[node].pid);
}

/* A settled cluster in which `leader` leads. */
static struct sim_world *settled(const char *name, uint64_t seed, struct sim_options o,
                                 uint32_t leader)
{
    o.priorities[leader] = 1;
    struct sim_world *w = sim_world_new(name, seed, &o);
    sim_run(w, 10 * SIM_TICK);
    sim_check(w, leader_of(w) == leader, "node %u does not lead", w->nodes[leader].pid);
    for (uint32_t i = 0; i < o.nodes; i++)
        expect_progress(w, i);
    return w;
}

static void finish(struct sim_world *w)
{
    sim_heal(w);
    sim_run(w, 30 * SIM_TICK);
    for (uint32_t i = 0; i < w->options.nodes; i++)
        expect_progress(w, i);
    sim_run(w, SIM_TICK);
    sim_check_converged(w);
    sim_world_free(w);
}

static void isolate(struct sim_world *w, uint32_t node)
{
    for (uint32_t i = 0; i < w->options.nodes; i++)
        sim_cut_both(w, node, i, true);
}

static void leave_star(struct sim_world *w, uint32_t centre)
{
    for (uint32_t a = 0; a < w->options.nodes; a++)
        for (uint32_t b = a + 1; b < w->options.nodes; b++)
            if (a != centre && b != centre)
                sim_cut_both(w, a, b, true);
}

static void expect_leader_within(struct sim_world *w, uint32_t node, uint64_t steps)
{
    sim_run(w, steps);
    sim_check(w, leader_of(w) == node, "node %u does not lead", w->nodes[node].pid);
    expect_progress(w, node);
}

static void quorum_loss(const char *name, uint64_t seed)
{
    struct sim_options o = usual;
    o.nodes = 5;
    struct sim_world *w = settled(name, seed, o, C);
    uint64_t leaders = w->checker.leaders;
    leave_star(w, A);
    expect_leader_within(w, A, ELECTION);
    sim_run(w, 100 * SIM_TICK);
    sim_check(w, w->checker.leaders == leaders + 1, "the leader changed more than once");
    finish(w);
}

static void constrained(const char *name, uint64_t seed)
{
    struct sim_options o = usual;
    o.nodes = 5;
    struct sim_world *w = settled(name, seed, o, C);
    sim_cut_both(w, A, C, true); /* A falls behind */
    expect_progress(w, C);
    sim_run(w, 5 * SIM_TICK);
    expect_progress(w, C);
    sim_check(w, leader_of(w) == C, "the leader changed too early");
    sim_check(w, status_of(w, A).accepted < status_of(w, B).accepted, "A is not behind");
    uint64_t leaders = w->checker.leaders;
    isolate(w, C);
    leave_star(w, A);
    expect_leader_within(w, A, ELECTION);
    sim_run(w, 100 * SIM_TICK);
    sim_check(w, w->checker.leaders == leaders + 1, "the leader changed more than once");
    finish(w);
}

static void chained(const char *name, uint64_t seed)
{
    struct sim_world *w = settled(name, seed, usual, B);
    uint64_t leaders = w->checker.leaders;
    sim_cut_both(w, B, C, true);
    sim_run(w, ELECTION);
    for (uint32_t i = 0; i < 10; i++) {
        expect_progress(w, A);
        sim_run(w, 1000 * SIM_TICK);
    }
    sim_check(w, w->checker.leaders <= leaders + 1, "the leader changed more than once");
    finish(w);
}

static void one_way_cuts(const char *name, uint64_t seed)
{
    for (uint32_t deaf = 0; deaf < 2; deaf++) {
        struct sim_world *w = settled(name, seed, usual, B);
        for (uint32_t i = 0; i < w->options.nodes; i++)
            sim_cut(w, deaf ? i : B, deaf ? B : i, true);
        sim_run(w, ELECTION + SIM_TICK);
        sim_check(w, leader_of(w) != B && leader_of(w) != NOBODY, "no new leader");
        expect_progress(w, leader_of(w));
        finish(w);
    }
}

static void flapping_link(const char *name, uint64_t seed)
{
    struct sim_world *w = settled(name, seed, usual, B);
    uint64_t n = highest_ballot(w);
    for (uint32_t i = 0; i < 300; i++) {
        sim_cut_both(w, B, C, i % 2 == 0);
        sim_run(w, SIM_TICK / 2 + sim_below(&w->random, 2 * SIM_TICK));
    }
    sim_check(w, highest_ballot(w) <= n + 2, "ballots rise without bound");
    finish(w);
}

static void minority_isolation(const char *name, uint64_t seed)
{
    struct sim_options o = usual;
    o.nodes = 5;
    struct sim_world *w = settled(name, seed, o, B);
    uint64_t n = highest_ballot(w);
    isolate(w, D);
    isolate(w, E);
    sim_cut_both(w, D, E, false);
    sim_run(w, 100 * SIM_TICK);
    sim_check(w, !status_of(w, D).has_quorum, "a minority believes in a quorum");
    sim_check(w, status_of(w, A).has_quorum, "a majority does not see its quorum");
    expect_progress(w, A);
    finish(w);
    w = settled(name, seed, o, B);
    isolate(w, D);
    sim_run(w, 100 * SIM_TICK);
    sim_heal(w);
    sim_run(w, 20 * SIM_TICK);
    sim_check(w, highest_ballot(w) == n, "an isolated node raised its ballot");
    finish(w);
}

/* Which message is to be lost, or seen: the `wait`-th of a type from now on. */
static struct {
    uint8_t type;
    uint32_t wait;
    bool lose, seen;
    uint32_t from;
} watched;

static bool watch(struct sim_world *w, const struct paxos_message *m)
{
    if (m->type != watched.type || watched.seen || --watched.wait > 0)
        return false;
    watched.seen = true;
    watched.from = sim_node_of(w, m->from);
    return watched.lose;
}

static void watch_for(struct sim_world *w, uint8_t type, uint32_t wait, bool lose)
{
    watched.type = type;
    watched.wait = wait;
    watched.lose = lose;
    watched.seen = false;
    w->drop = watch;
}

/* In a leader change, whoever sends the k-th message of a kind dies of it. */
static void crash_at_every_message(const char *name, uint64_t seed)
{
    const uint8_t types[] = {PAXOS_PREPARE,       PAXOS_PROMISE,  PAXOS_ACCEPT_SYNC,
                             PAXOS_ACCEPT_DECIDE, PAXOS_ACCEPTED, PAXOS_DECIDE};
    struct sim_options o = usual;
    o.nodes = 5;
    for (size_t t = 0; t < sizeof types; t++) {
        for (uint32_t k = 1; k <= 5; k++) {
            struct sim_world *w = settled(name, seed + k, o, B);
            sim_propose(w, &w->nodes[B], 5);
            watch_for(w, types[t], k, false);
            sim_crash(w, &w->nodes[B]);
            for (uint32_t i = 0; i < 10 * SIM_TICK && !watched.seen; i++) {
                sim_run(w, 1);
                if (i % SIM_TICK == 0)
                    sim_propose(w, &w->nodes[A], 1);
            }
            sim_check(w, watched.seen || k > 3, "the message was never sent");
            if (watched.seen)
                sim_crash(w, &w->nodes[watched.from]);
            sim_run(w, 10 * SIM_TICK);
            finish(w);
        }
    }
}

/* The followers have decided, the leader's own disk was not done yet. */
static void crash_before_own_sync(const char *name, uint64_t seed)
{
    struct sim_options o = usual;
    o.disk_delay_max = SIM_TICK / 2;
    for (uint32_t k = 0; k < 20; k++) {
        struct sim_world *w = settled(name, seed + k, o, B);
        sim_propose(w, &w->nodes[B], 3);
        watch_for(w, PAXOS_DECIDE, 1, false);
        for (uint32_t i = 0; i < SIM_TICK && !watched.seen; i++)
            sim_run(w, 1);
        sim_crash(w, &w->nodes[B]);
        sim_run(w, 10 * SIM_TICK);
        finish(w);
    }
}

static void crash_at_any_moment_of_a_sync(const char *name, uint64_t seed)
{
    struct sim_options o = usual;
    o.disk_delay_max = 20;
    o.entry_bytes_max = 200000;
    o.trim_tail = 4;
    for (uint64_t moment = 0; moment < 60; moment++) {
        struct sim_world *w = settled(name, seed, o, B);
        isolate(w, B);
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
        finish(w);
    }
}

static void restart_of_all(const char *name, uint64_t seed)
{
    struct sim_world *w = settled(name, seed, usual, B);
    uint64_t emitted = w->checker.emitted;
    for (uint32_t i = 0; i < 3; i++)
        sim_crash(w, &w->nodes[i]);
    sim_run(w, 5 * SIM_TICK);
    for (uint32_t i = 0; i < 3; i++)
        sim_start(w, &w->nodes[i]);
    sim_run(w, ELECTION + 2 * SIM_TICK);
    for (uint32_t i = 0; i < 3; i++)
        sim_check(w, w->nodes[i].tree.applied >= emitted, "node %u lost entries", i);
    finish(w);
}

static void one_accept_decide_lost(const char *name, uint64_t seed)
{
    struct sim_world *w = settled(name, seed, usual, B);
    watch_for(w, PAXOS_ACCEPT_DECIDE, 1, true);
    expect_progress(w, B);
    expect_progress(w, B);
    sim_check(w, status_of(w, A).accepted == status_of(w, C).accepted, "the gap was not repaired");
    finish(w);
}

/* The last message is lost, and nothing follows it. With two nodes every one counts. */
static void tail_lost(const char *name, uint64_t seed)
{
    const uint8_t types[] = {PAXOS_ACCEPT_DECIDE, PAXOS_DECIDE, PAXOS_ACCEPTED};
    struct sim_options o = usual;
    for (size_t t = 0; t < sizeof types; t++) {
        for (o.nodes = 2; o.nodes <= 3; o.nodes++) {
            struct sim_world *w = settled(name, seed, o, B);
            watch_for(w, types[t], 1, true);
            sim_propose(w, &w->nodes[B], 1);
            sim_run(w, 6 * SIM_TICK);
            sim_check(w, watched.seen, "nothing was lost");
            for (uint32_t i = 0; i < o.nodes; i++)
                sim_check(w,
                          w->nodes[i].waiting_count == 0 &&
                              w->nodes[i].tree.applied == w->checker.emitted,
                          "node %u lacks the tail", w->nodes[i].pid);
            finish(w);
        }
    }
}

/* A candidate dies after one follower has promised it. */
static void stranded_promise(const char *name, uint64_t seed)
{
    struct sim_options o = usual;
    o.nodes = 5;
    struct sim_world *w = settled(name, seed, o, C);
    uint64_t leaders = w->checker.leaders;
    sim_crash(w, &w->nodes[E]);
    struct paxos_message prepare = {.type = PAXOS_PREPARE,
                                    .from = w->nodes[E].pid,
                                    .to = w->nodes[A].pid,
                                    .psid = 1,
                                    .n = {50, 0, w->nodes[E].pid}};
    sim_send(w, &prepare);
    sim_run(w, 3 * SIM_TICK);
    sim_check(w, status_of(w, A).promise.n == 50, "nobody is stranded");
    expect_progress(w, B);
    sim_run(w, 8 * SIM_TICK);
    expect_progress(w, A);
    sim_check(w, leader_of(w) == C && w->checker.leaders == leaders + 1, "C should lead once more");
    finish(w);
}

static void snapshot_under_undecided_tail(const char *name, uint64_t seed)
{
    struct sim_options o = usual;
    o.trim_tail = 0;
    struct sim_world *w = settled(name, seed, o, B);
    isolate(w, B);
    sim_propose(w, &w->nodes[B], 9);
    sim_run(w, 6 * SIM_TICK);
    for (uint32_t i = 0; i < 6; i++)
        expect_progress(w, A);
    sim_run(w, 10 * SIM_TICK);
    sim_check(w, status_of(w, A).compacted > status_of(w, B).decided, "nothing was trimmed");
    finish(w);
}

/* The tree of a snapshot is durable, the log is not cut to it yet, and contradicts it. */
static void crash_between_tree_and_log(const char *name, uint64_t seed)
{
    struct sim_options o = usual;
    o.trim_tail = 0;
    struct sim_world *w = settled(name, seed, o, B);
    isolate(w, B);
    sim_propose(w, &w->nodes[B], 16);
    sim_propose(w, &w->nodes[B], 16);
    sim_run(w, 6 * SIM_TICK);
    for (uint32_t i = 0; i < 4; i++)
        expect_progress(w, A);
    sim_run(w, 10 * SIM_TICK);
    sim_heal(w);
    for (uint32_t i = 0; i < 10 * SIM_TICK && w->nodes[B].tree.installed == 0; i++)
        sim_run(w, 1);
    sim_check(w, w->nodes[B].tree.installed > 0, "no snapshot was needed");
    sim_check(w, w->nodes[B].disk.log.end > w->nodes[B].tree.installed, "the tail is too short");
    sim_crash(w, &w->nodes[B]);
    sim_start(w, &w->nodes[B]);
    finish(w);
}

static void trim_then_leader_change(const char *name, uint64_t seed)
{
    struct sim_options o = usual;
    o.trim_tail = 0;
    struct sim_world *w = settled(name, seed, o, B);
    sim_crash(w, &w->nodes[A]);
    expect_progress(w, B);
    expect_progress(w, B);
    sim_run(w, 10 * SIM_TICK);
    sim_crash(w, &w->nodes[B]);
    sim_start(w, &w->nodes[A]); /* behind what C has compacted */
    sim_run(w, 12 * SIM_TICK);
    sim_check(w, leader_of(w) != NOBODY, "no leader");
    expect_progress(w, A);
    finish(w);
}

static bool lose_accepted_of_a(struct sim_world *w, const struct paxos_message *m)
{
    return m->type == PAXOS_ACCEPTED && m->from == w->nodes[A].pid;
}

/* The window to a peer closes, and the log is trimmed away under it. */
static void trimmed_under_a_slow_peer(const char *name, uint64_t seed)
{
    struct sim_options o = usual;
    o.trim_tail = 0;
    o.entry_bytes_max = 200000;
    struct sim_world *w = settled(name, seed, o, B);
    w->drop = lose_accepted_of_a;
    for (uint32_t i = 0; i < 40; i++)
        expect_progress(w, B);
    sim_check(w, w->nodes[A].tree.installed > 0, "the window never closed");
    w->drop = NULL;
    sim_run(w, 5 * SIM_TICK);
    expect_progress(w, A);
    finish(w);
}

static void reads_at_a_deposed_leader(const char *name, uint64_t seed)
{
    struct sim_world *w = settled(name, seed, usual, B);
    sim_cut_both(w, B, A, true);
    sim_cut_both(w, B, C, true);
    sim_run(w, ELECTION);
    expect_progress(w, A);
    for (uint32_t i = 0; i < 10; i++) {
        sim_read(w, &w->nodes[B]);
        sim_run(w, SIM_TICK);
    }
    sim_check(w, w->nodes[B].read_count == 10, "a deposed leader has answered");
    finish(w);
}

/* A read that its leader did not live to answer is asked again of the next one. */
static void reads_over_a_leader_change(const char *name, uint64_t seed)
{
    struct sim_options o = usual;
    o.nodes = 5;
    struct sim_world *w = settled(name, seed, o, B);
    sim_crash(w, &w->nodes[B]);
    for (uint32_t i = 0; i < 5; i++)
        if (i != B)
            sim_read(w, &w->nodes[i]);
    sim_run(w, ELECTION + SIM_TICK);
    for (uint32_t i = 0; i < 5; i++)
        sim_check(w, i == B || w->nodes[i].read_count == 0, "a read of node %u is lost", i);
    finish(w);
}

static void flexible_quorums(const char *name, uint64_t seed)
{
    struct sim_options o = usual;
    o.nodes = 8;
    o.read_quorum = 6;
    o.write_quorum = 3;
    struct sim_world *w = settled(name, seed, o, B);
    for (uint32_t i = 3; i < 8; i++)
        sim_crash(w, &w->nodes[i]);
    sim_run(w, 20 * SIM_TICK);
    sim_check(w, status_of(w, B).has_quorum, "the leader does not see its quorum");
    for (uint32_t i = 0; i < 3; i++)
        expect_progress(w, i);
    sim_crash(w, &w->nodes[B]);
    sim_run(w, 20 * SIM_TICK);
    sim_check(w, leader_of(w) == NOBODY, "two of eight have elected a leader");
    finish(w);
}

static void sparse_ids(const char *name, uint64_t seed)
{
    struct sim_options o = usual;
    o.pids[A] = 6;
    o.pids[B] = 7;
    o.pids[C] = 100;
    struct sim_world *w = settled(name, seed, o, B);
    sim_crash(w, &w->nodes[B]);
    expect_leader_within(w, C, ELECTION);
    finish(w);
}

static void half_is_no_quorum(const char *name, uint64_t seed)
{
    struct sim_options o = usual;
    o.nodes = 4;
    struct sim_world *w = settled(name, seed, o, B);
    sim_crash(w, &w->nodes[D]);
    sim_run(w, 5 * SIM_TICK);
    expect_progress(w, A);
    sim_crash(w, &w->nodes[C]);
    sim_propose(w, &w->nodes[B], 1);
    sim_run(w, 20 * SIM_TICK);
    sim_check(w, w->nodes[B].waiting_count == 1, "half of the nodes counts as a quorum");
    sim_check(w, !status_of(w, B).has_quorum, "a leader without a quorum believes in one");
    finish(w);
}

static void one_node(const char *name, uint64_t seed)
{
    struct sim_options o = usual;
    o.nodes = 1;
    struct sim_world *w = settled(name, seed, o, A);
    sim_crash(w, &w->nodes[A]);
    sim_start(w, &w->nodes[A]);
    sim_run(w, 2 * SIM_TICK);
    expect_progress(w, A);
    finish(w);
}

static const struct {
    const char *name;
    void (*run)(const char *name, uint64_t seed);
} scenarios[] = {
    {"quorum-loss", quorum_loss},
    {"constrained", constrained},
    {"chained", chained},
    {"one-way", one_way_cuts},
    {"flapping", flapping_link},
    {"minority-isolation", minority_isolation},
    {"crash-at-every-message", crash_at_every_message},
    {"crash-before-own-sync", crash_before_own_sync},
    {"crash-in-sync", crash_at_any_moment_of_a_sync},
    {"restart-of-all", restart_of_all},
    {"accept-decide-lost", one_accept_decide_lost},
    {"tail-lost", tail_lost},
    {"stranded-promise", stranded_promise},
    {"snapshot-under-tail", snapshot_under_undecided_tail},
    {"crash-between-tree-and-log", crash_between_tree_and_log},
    {"trim-then-leader-change", trim_then_leader_change},
    {"trimmed-under-slow-peer", trimmed_under_a_slow_peer},
    {"reads-at-deposed-leader", reads_at_a_deposed_leader},
    {"reads-over-leader-change", reads_over_a_leader_change},
    {"flexible-quorums", flexible_quorums},
    {"sparse-ids", sparse_ids},
    {"half-is-no-quorum", half_is_no_quorum},
    {"one-node", one_node},
};

uint32_t sim_scenarios(const char *name, uint64_t seed)
{
    uint32_t count = 0;
    for (size_t i = 0; i < sizeof scenarios / sizeof scenarios[0]; i++) {
        if (name && strcmp(name, scenarios[i].name) != 0)
            continue;
        scenarios[i].run(scenarios[i].name, seed);
        count++;
    }
    return count;
}
