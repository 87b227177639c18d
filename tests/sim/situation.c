#include "situation.h"

#include <assert.h>

const struct sim_options sim_usual = {.nodes = 3,
                                      .delay_max = 3,
                                      .disk_delay_max = 3,
                                      .trim_tail = UINT32_MAX,
                                      .entry_bytes_max = 16,
                                      .repeats = 250};

struct paxos_status sim_status(const struct sim_world *w, uint32_t node)
{
    struct paxos_status status;
    paxos_status(w->nodes[node].core, &status);
    return status;
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
    sim_check(w, w->nodes[node].requests.write_count == 0, "no progress at node %u",
              w->nodes[node].pid);
    sim_check(w, w->nodes[node].requests.read_count == 0, "no reads at node %u",
              w->nodes[node].pid);
}

struct sim_world *sim_settled(const char *name, uint64_t seed, struct sim_options o,
                              uint32_t leader)
{
    o.priorities[leader] = 1;
    o.founded = true;
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
    sim_judge_converged(w);
    sim_world_free(w);
}

void sim_expect_leader(struct sim_world *w, uint32_t node, uint64_t steps)
{
    sim_run(w, steps);
    sim_check(w, sim_leader(w) == node, "node %u does not lead", w->nodes[node].pid);
    sim_expect_progress(w, node);
}

struct sim_watched sim_watched;

static bool watch(struct sim_world *w, struct paxos_message *m)
{
    struct sim_watched *s = &sim_watched;
    uint32_t from = sim_node_of(w, m->from)->index;
    bool meant = m->type == s->type && (s->from == SIM_NOBODY || s->from == from);
    if (!meant || s->seen || --s->wait > 0)
        return false;
    s->seen = true;
    s->from = from;
    if (s->fate == SIM_IS_HELD) {
        s->held = *m;
        *m = (struct paxos_message){0};
    }
    return s->fate == SIM_GETS_LOST;
}

void sim_watch_for(struct sim_world *w, uint8_t type, uint32_t from, uint32_t wait,
                   enum sim_fate fate)
{
    sim_watched = (struct sim_watched){.type = type, .from = from, .wait = wait, .fate = fate};
    w->drop = watch;
}

void sim_run_until_seen(struct sim_world *w, uint64_t steps)
{
    for (uint64_t i = 0; i < steps && !sim_watched.seen; i++)
        sim_run(w, 1);
    sim_check(w, sim_watched.seen, "the message was never sent");
}

void sim_let_go(struct sim_world *w)
{
    assert(sim_watched.held.type);
    sim_send_late(w, &sim_watched.held, 1);
}
