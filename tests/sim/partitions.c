/* Links that fail, and how many nodes are enough. Nodes are called A, B, C, ... */
#include "situation.h"

static void quorum_loss(const char *name, uint64_t seed)
{
    struct sim_options o = sim_usual;
    o.nodes = 5;
    struct sim_world *w = sim_settled(name, seed, o, C);
    uint64_t leaders = w->checker.leaders;
    sim_leave_star(w, A);
    sim_expect_leader(w, A, ELECTION);
    sim_run(w, 100 * SIM_TICK);
    sim_check(w, w->checker.leaders == leaders + 1, "the leader changed more than once");
    sim_finish(w);
}

static void constrained(const char *name, uint64_t seed)
{
    struct sim_options o = sim_usual;
    o.nodes = 5;
    struct sim_world *w = sim_settled(name, seed, o, C);
    sim_cut_both(w, A, C, true); /* A falls behind */
    sim_expect_progress(w, C);
    sim_run(w, 5 * SIM_TICK);
    sim_expect_progress(w, C);
    sim_check(w, sim_leader(w) == C, "the leader changed too early");
    sim_check(w, sim_status(w, A).accepted < sim_status(w, B).accepted, "A is not behind");
    uint64_t leaders = w->checker.leaders;
    sim_isolate(w, C);
    sim_leave_star(w, A);
    sim_expect_leader(w, A, ELECTION);
    sim_run(w, 100 * SIM_TICK);
    sim_check(w, w->checker.leaders == leaders + 1, "the leader changed more than once");
    sim_finish(w);
}

/* 10,000 ticks. With a relay, C's clients are served under every leader. */
static void chained(const char *name, uint64_t seed)
{
    struct sim_options o = sim_usual;
    for (uint32_t relay = 0; relay < 2; relay++) {
        o.relay = relay;
        struct sim_world *w = sim_settled(name, seed, o, B);
        uint64_t leaders = w->checker.leaders;
        sim_cut_both(w, B, C, true);
        sim_run(w, ELECTION);
        for (uint32_t i = 0; i < 10; i++) {
            sim_expect_progress(w, A);
            sim_expect_progress(w, relay ? C : A);
            sim_run(w, 1000 * SIM_TICK);
        }
        sim_check(w, w->checker.leaders <= leaders + 1, "the leader changed more than once");
        sim_finish(w);
    }
}

static void one_way_cuts(const char *name, uint64_t seed)
{
    for (uint32_t deaf = 0; deaf < 2; deaf++) {
        struct sim_world *w = sim_settled(name, seed, sim_usual, B);
        for (uint32_t i = 0; i < w->options.nodes; i++)
            sim_cut(w, deaf ? i : B, deaf ? B : i, true);
        sim_run(w, ELECTION + SIM_TICK);
        sim_check(w, sim_leader(w) != B && sim_leader(w) != SIM_NOBODY, "no new leader");
        sim_expect_progress(w, sim_leader(w));
        sim_finish(w);
    }
}

static void flapping_link(const char *name, uint64_t seed)
{
    struct sim_world *w = sim_settled(name, seed, sim_usual, B);
    uint64_t n = sim_highest_ballot(w);
    for (uint32_t i = 0; i < 300; i++) {
        sim_cut_both(w, B, C, i % 2 == 0);
        sim_run(w, SIM_TICK / 2 + sim_below(&w->random, 2 * SIM_TICK));
    }
    sim_check(w, sim_highest_ballot(w) <= n + 2, "ballots rise without bound");
    sim_finish(w);
}

static void minority_isolation(const char *name, uint64_t seed)
{
    struct sim_options o = sim_usual;
    o.nodes = 5;
    struct sim_world *w = sim_settled(name, seed, o, B);
    uint64_t n = sim_highest_ballot(w);
    sim_isolate(w, D);
    sim_isolate(w, E);
    sim_cut_both(w, D, E, false);
    sim_run(w, 100 * SIM_TICK);
    sim_check(w, !sim_status(w, D).has_quorum, "a minority believes in a quorum");
    sim_check(w, sim_status(w, A).has_quorum, "a majority does not see its quorum");
    sim_expect_progress(w, A);
    sim_finish(w);
    w = sim_settled(name, seed, o, B);
    sim_isolate(w, D);
    sim_run(w, 100 * SIM_TICK);
    sim_heal(w);
    sim_run(w, 20 * SIM_TICK);
    sim_check(w, sim_highest_ballot(w) == n, "an isolated node raised its ballot");
    sim_finish(w);
}

/* Two nodes that were not linked when the third died see their quorum as soon as they are, within
 * the heartbeats for which requests wait for one (QUORUM_PAUSE_BEATS of the replica is 5). */
static void late_link(const char *name, uint64_t seed)
{
    for (uint32_t leader = A; leader <= C; leader++) {
        struct sim_world *w = sim_settled(name, seed, sim_usual, leader);
        sim_cut_both(w, A, B, true);
        sim_run(w, ELECTION);
        sim_check(w, sim_status(w, A).has_quorum && sim_status(w, B).has_quorum,
                  "C is not enough for a quorum");
        sim_crash(w, &w->nodes[C]);
        sim_run(w, 4 * SIM_TICK);
        sim_check(w, !sim_status(w, A).has_quorum, "A believes in a quorum of its own");
        sim_cut_both(w, A, B, false);
        sim_run(w, 2 * SIM_TICK);
        sim_check(w, sim_status(w, A).has_quorum && sim_status(w, B).has_quorum,
                  "the quorum is not seen in time");
        sim_finish(w);
    }
}

/* A candidate dies after one follower has promised it. */
static void strand(struct sim_world *w, uint32_t candidate, uint32_t follower)
{
    struct paxos_message prepare = {.type = PAXOS_PREPARE,
                                    .from = w->nodes[candidate].pid,
                                    .to = w->nodes[follower].pid,
                                    .psid = 1,
                                    .n = {50, 0, w->nodes[candidate].pid}};
    sim_crash(w, &w->nodes[candidate]);
    sim_send(w, &prepare);
    sim_run(w, 3 * SIM_TICK);
    sim_check(w, sim_status(w, follower).promise.n == 50, "no follower is stranded");
}

static void stranded_promise(const char *name, uint64_t seed)
{
    struct sim_options o = sim_usual;
    o.nodes = 5;
    struct sim_world *w = sim_settled(name, seed, o, C);
    uint64_t leaders = w->checker.leaders;
    strand(w, E, A);
    sim_expect_progress(w, B);
    sim_run(w, 8 * SIM_TICK);
    sim_expect_progress(w, A);
    sim_check(w, sim_leader(w) == C && w->checker.leaders == leaders + 1,
              "C should lead once more");
    sim_finish(w);
}

/* The leader serves all others through C, with its small write quorum, but does not reach enough
 * nodes itself to prepare again. */
static void stranded_beyond_the_leaders_reach(const char *name, uint64_t seed)
{
    struct sim_options o = sim_usual;
    o.nodes = 5;
    o.read_quorum = 4;
    o.write_quorum = 2;
    o.relay = true;
    struct sim_world *w = sim_settled(name, seed, o, A);
    strand(w, E, D);
    sim_leave_star(w, C);
    sim_run(w, 20 * SIM_TICK);
    sim_check(w, sim_leader(w) == C, "C should lead, as it reaches all nodes");
    sim_expect_progress(w, D);
    sim_finish(w);
}

static void flexible_quorums(const char *name, uint64_t seed)
{
    struct sim_options o = sim_usual;
    o.nodes = 8;
    o.read_quorum = 6;
    o.write_quorum = 3;
    struct sim_world *w = sim_settled(name, seed, o, B);
    for (uint32_t i = 3; i < 8; i++)
        sim_crash(w, &w->nodes[i]);
    sim_run(w, 20 * SIM_TICK);
    sim_check(w, sim_status(w, B).has_quorum, "the leader does not see its quorum");
    for (uint32_t i = 0; i < 3; i++)
        sim_expect_progress(w, i);
    sim_crash(w, &w->nodes[B]);
    sim_run(w, 20 * SIM_TICK);
    sim_check(w, sim_leader(w) == SIM_NOBODY, "two of eight have elected a leader");
    sim_finish(w);
}

static void sparse_ids(const char *name, uint64_t seed)
{
    struct sim_options o = sim_usual;
    o.pids[A] = 6;
    o.pids[B] = 7;
    o.pids[C] = 100;
    struct sim_world *w = sim_settled(name, seed, o, B);
    sim_crash(w, &w->nodes[B]);
    sim_expect_leader(w, C, ELECTION);
    sim_finish(w);
}

static void half_is_no_quorum(const char *name, uint64_t seed)
{
    struct sim_options o = sim_usual;
    o.nodes = 4;
    struct sim_world *w = sim_settled(name, seed, o, B);
    sim_crash(w, &w->nodes[D]);
    sim_run(w, 5 * SIM_TICK);
    sim_expect_progress(w, A);
    sim_crash(w, &w->nodes[C]);
    sim_propose(w, &w->nodes[B], 1);
    sim_run(w, 20 * SIM_TICK);
    sim_check(w, w->nodes[B].requests.write_count == 1, "half of the nodes counts as a quorum");
    sim_check(w, !sim_status(w, B).has_quorum, "a leader without a quorum believes in one");
    sim_finish(w);
}

static void slow_down_all(struct sim_world *w, uint64_t steps)
{
    for (uint32_t i = 0; i < w->options.nodes; i++)
        w->nodes[i].slow = steps;
}

/* All nodes live, and are busy: heartbeats take up to some rounds, now more and now less. Another
 * leader would be as slow. Once they are quick again, a leader that dies is missed as soon as ever.
 */
static void busy_machine(const char *name, uint64_t seed)
{
    struct sim_world *w = sim_settled(name, seed, sim_usual, B);
    uint64_t leaders = w->checker.leaders;
    slow_down_all(w, 3 * SIM_TICK / 2);
    sim_run(w, 1000 * SIM_TICK);
    sim_check(w, w->checker.leaders <= leaders + 3, "leaders are given up for being slow");
    slow_down_all(w, 0);
    sim_run(w, 200 * SIM_TICK);
    uint32_t leader = sim_leader(w);
    sim_crash(w, &w->nodes[leader]);
    sim_run(w, ELECTION);
    sim_check(w, sim_leader(w) != SIM_NOBODY && sim_leader(w) != leader, "no new leader");
    sim_expect_progress(w, sim_leader(w));
    sim_finish(w);
}

static void one_node(const char *name, uint64_t seed)
{
    struct sim_options o = sim_usual;
    o.nodes = 1;
    struct sim_world *w = sim_settled(name, seed, o, A);
    sim_crash(w, &w->nodes[A]);
    sim_start(w, &w->nodes[A]);
    sim_run(w, 2 * SIM_TICK);
    sim_expect_progress(w, A);
    sim_finish(w);
}

const struct sim_scenario sim_partitions[] = {
    {"quorum-loss", quorum_loss},
    {"constrained", constrained},
    {"chained", chained},
    {"one-way-cuts", one_way_cuts},
    {"flapping-leader-link", flapping_link},
    {"minority-isolation", minority_isolation},
    {"late-link", late_link},
    {"stranded-promise", stranded_promise},
    {"stranded-beyond-the-leaders-reach", stranded_beyond_the_leaders_reach},
    {"flexible-quorums", flexible_quorums},
    {"sparse-ids", sparse_ids},
    {"half-is-no-quorum", half_is_no_quorum},
    {"busy-machine", busy_machine},
    {"one-node", one_node},
    {0},
};
