/* Reads while leaders and messages come and go. Nodes are called A, B, C, ... */
#include "situation.h"

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
    sim_check(w, w->nodes[B].requests.read_count == 10, "a deposed leader has answered");
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
        sim_check(w, i == B || w->nodes[i].requests.read_count == 0, "a read of node %u is lost",
                  i);
    sim_finish(w);
}

/* Nothing follows that would bring another answer. */
static void the_answer_to_a_read_is_lost(const char *name, uint64_t seed)
{
    const struct {
        uint8_t type;
        uint32_t reader;
    } lost[] = {
        {PAXOS_READ_REQUEST, A}, {PAXOS_READ_INDEX, A}, {PAXOS_READ_PROBE, B}, {PAXOS_READ_ACK, B}};
    for (size_t i = 0; i < sizeof lost / sizeof lost[0]; i++) {
        struct sim_world *w = sim_settled(name, seed, sim_usual, B);
        sim_watch_for(w, lost[i].type, SIM_NOBODY, 1, SIM_GETS_LOST);
        sim_read(w, &w->nodes[lost[i].reader]);
        sim_run(w, 6 * SIM_TICK);
        sim_check(w, sim_watched.seen, "nothing was lost");
        sim_check(w, w->nodes[lost[i].reader].requests.read_count == 0,
                  "the read is never answered");
        sim_finish(w);
    }
}

const struct sim_scenario sim_reads[] = {
    {"reads-at-a-deposed-leader", reads_at_a_deposed_leader},
    {"reads-over-a-leader-change", reads_over_a_leader_change},
    {"a-message-of-a-read-lost", the_answer_to_a_read_is_lost},
    {0},
};
