#include "progress.h"

/* ---- the end of faults ---- */

static uint64_t later(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

/* When the last node that is stopped, and the last disk that is stuck, goes on. */
static uint64_t going_on(const struct sim_world *w)
{
    uint64_t at = w->now;
    for (uint32_t i = 0; i < w->options.nodes; i++) {
        const struct sim_node *n = &w->nodes[i];
        at = later(at, later(n->paused_until, n->clock_stands));
        at = later(at, n->disk.last_at);
    }
    return at;
}

/* Messages under way for longer than messages take now are lost. */
static void lose_late_messages(struct sim_world *w)
{
    for (size_t i = 0; i < w->events.count; i++) {
        struct sim_event *e = w->events.heap[i].event;
        if (e->type == SIM_MESSAGE && e->at > w->now + w->options.delay_max) {
            paxos_message_clear(&e->message);
            e->type = SIM_NOTHING;
        }
    }
}

void sim_calm(struct sim_world *w)
{
    struct sim_options *o = &w->options;
    o->loss = o->duplicates = o->replays = 0;
    o->reorder = o->slow_snapshots = false;
    o->repeats = 500; /* messages that were lost before come soon */
    o->disk_delay_max = o->disk_delay_max < SIM_TICK / 4 ? o->disk_delay_max : SIM_TICK / 4;
    w->drop = NULL;
    for (uint32_t i = 0; i < o->nodes; i++)
        w->nodes[i].slow = w->nodes[i].fuse = 0;
    sim_run(w, going_on(w) - w->now);
    lose_late_messages(w);
}

void sim_start_all(struct sim_world *w)
{
    for (uint32_t i = 0; i < w->options.nodes; i++)
        if (!w->nodes[i].up)
            sim_start(w, &w->nodes[i]);
}

void sim_heal(struct sim_world *w)
{
    sim_calm(w);
    sim_mend_all(w);
    sim_start_all(w);
}

/* ---- progress ---- */

uint32_t sim_leader(const struct sim_world *w)
{
    uint32_t leader = SIM_NOBODY;
    struct paxos_ballot highest = {0};
    for (uint32_t i = 0; i < w->options.nodes; i++) {
        if (!w->nodes[i].up)
            continue;
        struct paxos_status s;
        paxos_status(w->nodes[i].core, &s);
        if (s.role == PAXOS_LEADER && s.phase == PAXOS_PHASE_ACCEPT &&
            paxos_ballot_compare(s.promise, highest) > 0) {
            leader = i;
            highest = s.promise;
        }
    }
    return leader;
}

bool sim_quorum_connected(const struct sim_world *w, uint32_t node)
{
    uint32_t majority = w->options.nodes / 2 + 1, links = 1;
    uint32_t read = w->options.read_quorum ? w->options.read_quorum : majority;
    uint32_t write = w->options.write_quorum ? w->options.write_quorum : majority;
    for (uint32_t i = 0; i < w->options.nodes; i++)
        links += w->linked[node][i] && sim_is_member(&w->nodes[i]);
    return w->nodes[node].up && sim_is_member(&w->nodes[node]) &&
           links >= (read > write ? read : write);
}

bool sim_reaches(const struct sim_world *w, uint32_t node, uint32_t leader)
{
    if (node == leader || w->linked[node][leader])
        return true;
    for (uint32_t k = 0; w->options.relay && k < w->options.nodes; k++)
        if (w->linked[node][k] && w->linked[k][leader])
            return true;
    return false;
}

static bool answered(const struct sim_node *n)
{
    return n->requests.write_count == 0 && n->requests.read_count == 0;
}

/* A node that reaches the leader and still waits, or any node if there is no leader; SIM_NOBODY:
 * all is well. */
static uint32_t waiting(const struct sim_world *w)
{
    uint32_t leader = sim_leader(w);
    if (leader == SIM_NOBODY)
        return 0;
    for (uint32_t i = 0; i < w->options.nodes; i++)
        if (w->nodes[i].up && sim_reaches(w, i, leader) && !answered(&w->nodes[i]))
            return i;
    return SIM_NOBODY;
}

/* A node that does not answer, and whose status shows no reason; SIM_NOBODY: there is none. If
 * messages are not relayed, in a chain of five, the second node may lead the first: it is happy, as
 * the third is with a leader that only the third and fourth hear, and nobody deposes it. Then only
 * that nothing is answered shows it (node/replica/why.c). */
static uint32_t waiting_in_silence(const struct sim_world *w)
{
    if (!w->options.relay)
        return SIM_NOBODY;
    for (uint32_t i = 0; i < w->options.nodes; i++) {
        const struct sim_node *n = &w->nodes[i];
        struct paxos_status s;
        if (!n->up || answered(n))
            continue;
        paxos_status(n->core, &s);
        if (s.standing == PAXOS_MEMBER && s.has_quorum && s.has_leader)
            return i;
    }
    return SIM_NOBODY;
}

static void ask_everybody(struct sim_world *w)
{
    for (uint32_t i = 0; i < w->options.nodes; i++) {
        struct sim_node *n = &w->nodes[i];
        if (sim_serves(n) && n->requests.write_count == 0)
            sim_propose(w, n, 1);
        if (sim_serves(n) && n->requests.read_count == 0)
            sim_read(w, n);
    }
}

uint64_t sim_expect_resumed(struct sim_world *w)
{
    uint64_t ticks = 0;
    ask_everybody(w);
    while (waiting(w) != SIM_NOBODY) {
        sim_check(w, ticks < SIM_RESUME_TICKS, "no progress at node %u within %u ticks",
                  w->nodes[waiting(w)].pid, SIM_RESUME_TICKS);
        sim_run(w, SIM_TICK);
        ticks++;
    }
    return ticks;
}

void sim_expect_stable(struct sim_world *w)
{
    sim_run(w, SIM_SETTLE_TICKS * SIM_TICK);
    uint64_t leaders = w->checker.leaders;
    sim_run(w, SIM_STABLE_TICKS * SIM_TICK);
    sim_check(w, w->checker.leaders == leaders, "leaders change though nothing else does");
    ask_everybody(w);
    sim_run(w, 3 * SIM_TICK);
    sim_check(w, waiting(w) == SIM_NOBODY, "no progress at node %u under a stable leader",
              w->nodes[waiting(w)].pid);
    sim_check(w, waiting_in_silence(w) == SIM_NOBODY, "node %u does not serve and says nothing",
              w->nodes[waiting_in_silence(w)].pid);
}
