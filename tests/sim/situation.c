#include "situation.h"

const struct sim_options sim_usual = {.nodes = 3,
                                      .delay_max = 3,
                                      .disk_delay_max = 3,
                                      .trim_tail = UINT32_MAX,
                                      .entry_bytes_max = 16};

struct paxos_status sim_status(const struct sim_world *w, uint32_t node)
{
    struct paxos_status status;
    paxos_status(w->nodes[node].core, &status);
    return status;
}

uint32_t sim_leader(const struct sim_world *w)
{
    uint32_t leader = NOBODY;
    struct paxos_ballot highest = {0};
    for (uint32_t i = 0; i < w->options.nodes; i++) {
        if (!w->nodes[i].up)
            continue;
        struct paxos_status s = sim_status(w, i);
        if (s.role == PAXOS_LEADER && s.phase == PAXOS_PHASE_ACCEPT &&
            paxos_ballot_compare(s.promise, highest) > 0) {
            leader = i;
            highest = s.promise;
        }
    }
    return leader;
}

uint64_t sim_highest_ballot(const struct sim_world *w)
{
    uint64_t n = 0;
    for (uint32_t i = 0; i < w->options.nodes; i++)
        if (w->nodes[i].up && sim_status(w, i).leader.n > n)
            n = sim_status(w, i).leader.n;
    return n;
}

void sim_expect_progress(struct sim_world *w, uint32_t node)
{
    sim_propose(w, &w->nodes[node], 3);
    sim_read(w, &w->nodes[node]);
    sim_run(w, SIM_TICK);
    sim_check(w, w->nodes[node].waiting_count == 0, "no progress at node %u", w->nodes[node].pid);
    sim_check(w, w->nodes[node].read_count == 0, "no reads at node %u", w->nodes[node].pid);
}

struct sim_world *sim_settled(const char *name, uint64_t seed, struct sim_options o,
                              uint32_t leader)
{
    o.priorities[leader] = 1;
    struct sim_world *w = sim_world_new(name, seed, &o);
    sim_run(w, 10 * SIM_TICK);
    sim_check(w, sim_leader(w) == leader, "node %u does not lead", w->nodes[leader].pid);
    for (uint32_t i = 0; i < o.nodes; i++)
        sim_expect_progress(w, i);
    return w;
}

void sim_finish(struct sim_world *w)
{
    sim_heal(w);
    sim_run(w, 30 * SIM_TICK);
    for (uint32_t i = 0; i < w->options.nodes; i++)
        sim_expect_progress(w, i);
    sim_run(w, SIM_TICK);
    sim_check_converged(w);
    sim_world_free(w);
}

void sim_isolate(struct sim_world *w, uint32_t node)
{
    for (uint32_t i = 0; i < w->options.nodes; i++)
        sim_cut_both(w, node, i, true);
}

void sim_leave_star(struct sim_world *w, uint32_t centre)
{
    for (uint32_t a = 0; a < w->options.nodes; a++)
        for (uint32_t b = a + 1; b < w->options.nodes; b++)
            if (a != centre && b != centre)
                sim_cut_both(w, a, b, true);
}

void sim_expect_leader(struct sim_world *w, uint32_t node, uint64_t steps)
{
    sim_run(w, steps);
    sim_check(w, sim_leader(w) == node, "node %u does not lead", w->nodes[node].pid);
    sim_expect_progress(w, node);
}

struct sim_watched sim_watched;

static bool watch(struct sim_world *w, const struct paxos_message *m)
{
    if (m->type != sim_watched.type || sim_watched.seen || --sim_watched.wait > 0)
        return false;
    sim_watched.seen = true;
    sim_watched.from = sim_node_of(w, m->from);
    return sim_watched.lose;
}

void sim_watch_for(struct sim_world *w, uint8_t type, uint32_t wait, bool lose)
{
    sim_watched.type = type;
    sim_watched.wait = wait;
    sim_watched.lose = lose;
    sim_watched.seen = false;
    w->drop = watch;
}
