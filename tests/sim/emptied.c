/* Nodes that start with an empty folder. Nodes are called A, B, C, ... */
#include "situation.h"

static void empty_and_start(struct sim_world *w, uint32_t node)
{
    sim_empty_folder(w, &w->nodes[node]);
    sim_start(w, &w->nodes[node]);
}

static void expect_member(struct sim_world *w, uint32_t node, uint64_t ticks)
{
    for (; ticks > 0 && !sim_is_member(&w->nodes[node]); ticks--)
        sim_run(w, SIM_TICK);
    sim_check(w, sim_is_member(&w->nodes[node]), "node %u has not joined", w->nodes[node].pid);
}

/* ---- founding ---- */

static void founding_with_two_of_three(const char *name, uint64_t seed)
{
    struct sim_world *w = sim_world_new(name, seed, &sim_usual);
    sim_crash(w, &w->nodes[C]);
    sim_run(w, ELECTION + 2 * SIM_TICK);
    sim_expect_progress(w, A);
    sim_expect_progress(w, B);
    sim_check(w, sim_status(w, A).life == 0, "the founders begin in life %u",
              sim_status(w, A).life);
    sim_start(w, &w->nodes[C]);
    expect_member(w, C, 5);
    sim_finish(w);
}

static void founding_with_messages_lost(const char *name, uint64_t seed)
{
    struct sim_options o = sim_usual;
    o.loss = 400;
    o.duplicates = 200;
    o.reorder = true;
    o.delay_max = SIM_TICK;
    for (o.nodes = 1; o.nodes <= SIM_NODES_MAX; o.nodes++) {
        struct sim_world *w = sim_world_new(name, seed + o.nodes, &o);
        sim_run(w, 60 * SIM_TICK);
        w->options.delay_max = sim_usual.delay_max;
        sim_finish(w);
    }
}

/* ---- joining ---- */

static void each_in_turn(const char *name, uint64_t seed)
{
    struct sim_options o = sim_usual;
    o.clients = 4;
    o.think_max = SIM_TICK / 10;
    o.patience = 10 * SIM_TICK;
    for (o.nodes = 2; o.nodes <= 5; o.nodes++) {
        o.trim_tail = o.nodes % 2 ? 5 : UINT32_MAX;
        struct sim_world *w = sim_world_new(name, seed + o.nodes, &o);
        sim_run(w, 10 * SIM_TICK);
        for (uint32_t i = 0; i < 2 * o.nodes; i++) {
            empty_and_start(w, i % o.nodes);
            expect_member(w, i % o.nodes, 30);
            sim_run(w, SIM_TICK);
        }
        w->clients_stop = true;
        sim_finish(w);
    }
}

/* B and it are a majority, but entries of C could be missing. */
static void it_waits_for_a_member_that_is_down(const char *name, uint64_t seed)
{
    struct sim_world *w = sim_settled(name, seed, sim_usual, B);
    sim_crash(w, &w->nodes[C]);
    sim_run(w, SIM_TICK);
    empty_and_start(w, A);
    uint64_t emitted = w->checker.emitted;
    sim_propose(w, &w->nodes[B], 1);
    sim_run(w, 50 * SIM_TICK);
    sim_check(w, !sim_is_member(&w->nodes[A]), "it has joined");
    sim_check(w, w->checker.emitted == emitted, "something was decided");
    sim_start(w, &w->nodes[C]);
    expect_member(w, A, 15);
    sim_finish(w);
}

/* The leader crashes when the emptied node, or any other, sends the k-th message of a kind. */
static void emptied_while_the_leader_changes(const char *name, uint64_t seed)
{
    const uint8_t types[] = {PAXOS_JOIN_REQUEST, PAXOS_JOIN_REPLY,  PAXOS_PREPARE_REQ,
                             PAXOS_PREPARE,      PAXOS_ACCEPT_SYNC, PAXOS_ACCEPTED};
    struct sim_options o = sim_usual;
    o.nodes = 5;
    for (size_t t = 0; t < sizeof types; t++) {
        for (uint32_t k = 1; k <= 3; k++) {
            struct sim_world *w = sim_settled(name, seed + k, o, B);
            sim_propose(w, &w->nodes[B], 5);
            sim_watch_for(w, types[t], SIM_NOBODY, k, SIM_GOES_ON);
            empty_and_start(w, A);
            for (uint32_t i = 0; i < 5 * SIM_TICK && !sim_watched.seen; i++)
                sim_run(w, 1);
            sim_check(w, sim_watched.seen || k > 1, "the message was never sent");
            sim_crash(w, &w->nodes[B]);
            expect_member(w, A, 20);
            sim_finish(w);
        }
    }
}

/* ... at every storage operation of its joining, and then loses its folder again. */
static void emptied_again_while_it_joins(const char *name, uint64_t seed)
{
    struct sim_options o = sim_usual;
    o.trim_tail = 0;
    for (uint32_t k = 1; k <= 8; k++) {
        struct sim_world *w = sim_settled(name, seed + k, o, B);
        sim_run(w, 10 * SIM_TICK);
        sim_empty_folder(w, &w->nodes[A]);
        w->nodes[A].fuse = 1 + k;
        sim_start(w, &w->nodes[A]);
        for (uint32_t i = 0; i < 60 && w->nodes[A].up; i++)
            sim_run(w, SIM_TICK);
        sim_check(w, !w->nodes[A].up, "nothing was stored");
        if (k % 2)
            sim_empty_folder(w, &w->nodes[A]);
        sim_start(w, &w->nodes[A]);
        expect_member(w, A, 15);
        sim_finish(w);
    }
}

/* ---- what it said before is still under way ---- */

static bool only_a_is_prepared(struct sim_world *w, struct paxos_message *m)
{
    bool of_c = m->from == w->nodes[C].pid && m->type == PAXOS_PREPARE;
    if (m->type != PAXOS_PROMISE || m->from != w->nodes[A].pid || m->to != w->nodes[C].pid)
        return of_c && m->to != w->nodes[A].pid;
    sim_watched.held = *m;
    sim_watched.seen = true;
    *m = (struct paxos_message){0};
    return false;
}

/* B leads. For a moment no node hears it, C tries, and only A promises; then A loses its folder.
 * The next leader has not heard of C's ballot. */
static struct sim_world *promise_under_way(const char *name, uint64_t seed)
{
    struct sim_options o = sim_usual;
    o.nodes = 5;
    o.reorder = true; /* messages under way outlive their link */
    o.priorities[B] = 1;
    o.priorities[C] = 2;
    struct sim_world *w = sim_world_new(name, seed, &o);
    sim_isolate(w, C);
    sim_run(w, 10 * SIM_TICK);
    sim_check(w, sim_leader(w) == B, "B does not lead");
    sim_mend_all(w);
    sim_isolate(w, B);
    sim_watched = (struct sim_watched){.type = PAXOS_PROMISE};
    w->drop = only_a_is_prepared;
    sim_run_until_seen(w, 10 * SIM_TICK);
    sim_mend_all(w);
    sim_isolate(w, C);
    empty_and_start(w, A);
    return w;
}

/* A joins under that leader, and acknowledges what D does not get. Then C hears from A's earlier
 * life and from D: a majority that knows nothing of it. */
static void promise_of_an_earlier_life(const char *name, uint64_t seed)
{
    struct sim_world *w = promise_under_way(name, seed);
    expect_member(w, A, 10);
    sim_isolate(w, D);
    uint32_t leader = sim_leader(w);
    sim_check(w, leader == B || leader == E, "no node leads beside C");
    sim_propose(w, &w->nodes[leader], 3);
    sim_run(w, SIM_TICK);
    sim_check(w, w->nodes[leader].requests.write_count == 0, "A has not acknowledged");
    w->drop = NULL;
    sim_let_go(w);
    sim_cut_both(w, C, D, false);
    sim_run(w, 20 * SIM_TICK);
    sim_finish(w);
}

static bool nothing_more_for_a(struct sim_world *w, struct paxos_message *m)
{
    return m->to == w->nodes[A].pid && m->type == PAXOS_ACCEPT_DECIDE;
}

/* A has accepted more than one message holds, and C none of it. Its Accepted comes when it is back:
 * then A must have all of it again, or else A and C could go on without. */
static void accepted_of_an_earlier_life(const char *name, uint64_t seed)
{
    struct sim_options o = sim_usual;
    o.entry_bytes_max = 200000;
    for (uint32_t i = 0; i < 10; i++) {
        struct sim_world *w = sim_settled(name, seed + i, o, B);
        sim_cut_both(w, B, C, true);
        sim_propose(w, &w->nodes[B], 8);
        sim_run(w, SIM_TICK / 10);
        sim_check(w, w->nodes[B].requests.write_count == 0, "A has not acknowledged");
        w->drop = nothing_more_for_a;
        sim_cut_both(w, B, C, false);
        sim_cut(w, B, C, true);
        empty_and_start(w, A);
        for (uint32_t step = 0; step < 10 * SIM_TICK && !sim_is_member(&w->nodes[A]); step++)
            sim_run(w, 1);
        sim_check(w, sim_is_member(&w->nodes[A]), "A has not joined");
        sim_crash(w, &w->nodes[B]);
        w->drop = NULL;
        sim_run(w, ELECTION + 2 * SIM_TICK);
        sim_check(w, sim_leader(w) != SIM_NOBODY, "no node leads");
        sim_finish(w);
    }
}

const struct sim_scenario sim_emptied[] = {
    {"founding-with-two-of-three", founding_with_two_of_three},
    {"founding-with-messages-lost", founding_with_messages_lost},
    {"emptied-each-in-turn", each_in_turn},
    {"emptied-while-a-member-is-down", it_waits_for_a_member_that_is_down},
    {"emptied-while-the-leader-changes", emptied_while_the_leader_changes},
    {"emptied-again-while-it-joins", emptied_again_while_it_joins},
    {"promise-of-an-earlier-life-under-way", promise_of_an_earlier_life},
    {"accepted-of-an-earlier-life-under-way", accepted_of_an_earlier_life},
    {0},
};
