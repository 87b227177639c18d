/* Checks that need the state: equal at equal indices, every command once, and linearizable answers
 * to clients. */
#include "sim.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static uint64_t *place(uint64_t **numbers, size_t *cap, uint64_t index)
{
    if (index >= *cap) {
        size_t more = 2 * (size_t)index + 256;
        *numbers = realloc(*numbers, more * sizeof **numbers);
        assert(*numbers);
        memset(*numbers + *cap, 0, (more - *cap) * sizeof **numbers);
        *cap = more;
    }
    return *numbers + index;
}

/* Equal applied index means equal state. */
void sim_judge_state(struct sim_world *w, const struct sim_node *n)
{
    const struct machine *m = &n->tree.now;
    uint64_t *known = place(&w->states, &w->state_cap, m->applied);
    uint64_t digest = machine_digest(m);
    sim_check(w, *known == 0 || *known == digest, "node %u has another state at index %lu", n->pid,
              m->applied);
    *known = digest;
}

/* Each (node, sequence) takes effect once. */
void sim_judge_effect(struct sim_world *w, const struct machine_command *command,
                      const struct machine_result *result)
{
    uint64_t *known = place(&w->effects, &w->effect_cap, command->id);
    sim_check(w, *known == 0 || *known == result->revision,
              "command %lu took effect at %lu and at %lu", command->id, *known, result->revision);
    *known = result->revision;
}

void sim_judge_history(struct sim_world *w)
{
    const char *fault = linear_fault(w->history, w->history_count);
    sim_check(w, !fault, "the history is not linearizable: %s", fault);
}

void sim_judge_converged(struct sim_world *w)
{
    for (uint32_t i = 0; i < w->options.nodes; i++) {
        const struct sim_node *n = &w->nodes[i];
        sim_check(w, n->up, "node %u is down", n->pid);
        sim_check(w, n->requests.write_count == 0, "%u proposals of node %u were never applied",
                  n->requests.write_count, n->pid);
        sim_check(w, n->requests.read_count == 0, "%u reads of node %u were never answered",
                  n->requests.read_count, n->pid);
        sim_check(w, n->tree.now.applied == w->checker.emitted, "node %u applied %lu of %lu",
                  n->pid, n->tree.now.applied, w->checker.emitted);
        struct paxos_status status;
        paxos_status(n->core, &status);
        sim_check(w, status.has_quorum && status.has_leader && status.happy,
                  "node %u sees no leader or no quorum", n->pid);
        for (uint32_t k = 0; k < status.peer_count; k++)
            sim_check(w, status.peers[k].misfit == PAXOS_FITS, "to node %u, node %u is misfit %u",
                      n->pid, status.peers[k].pid, status.peers[k].misfit);
    }
    sim_judge_history(w);
}
