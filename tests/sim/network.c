/* Messages and links. Without `reorder` a link is a connection: in order, and messages under way
 * are lost when it is cut. With it, anything may happen to a message. */
#include "sim.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static uint32_t index_of(struct sim_world *w, uint32_t pid)
{
    return sim_node_of(w, pid)->index;
}

static bool is_heartbeat(const struct paxos_message *m)
{
    return m->type == PAXOS_HEARTBEAT_REQUEST || m->type == PAXOS_HEARTBEAT_REPLY;
}

static void note(struct sim_world *w, enum sim_what what, const struct paxos_message *m)
{
    trace_add_message(&w->trace, w->now, what, m);
}

/* ---- messages ---- */

struct paxos_message sim_copy_message(const struct paxos_message *m)
{
    struct paxos_message copy = *m;
    if (!m->entry_count)
        return copy;
    copy.entries = malloc(m->entry_count * sizeof *copy.entries);
    assert(copy.entries);
    for (uint32_t i = 0; i < m->entry_count; i++)
        copy.entries[i] = paxos_entry_ref(m->entries[i]);
    return copy;
}

/* If order is not kept, a message takes several ticks, or many, now and then. */
static uint64_t delay_between(struct sim_world *w, uint32_t from, uint32_t to)
{
    uint64_t limit = w->options.delay_max + w->nodes[from].slow + w->nodes[to].slow;
    if (w->options.reorder && sim_chance(&w->random, 30))
        limit = sim_chance(&w->random, 200) ? 20 * SIM_TICK : 50 * limit;
    return 1 + sim_below(&w->random, limit);
}

static void transmit(struct sim_world *w, uint32_t from, uint32_t to, struct paxos_message m)
{
    uint64_t at = w->now + delay_between(w, from, to);
    if (!w->options.reorder) {
        uint64_t *last = &w->last_delivery[from][to];
        *last = at = at > *last ? at : *last;
    }
    sim_schedule(w, at - w->now,
                 (struct sim_event){.type = SIM_MESSAGE, .node = to, .peer = from, .message = m});
}

/* If order is not kept, any message may come again at any later time. */
static void replay(struct sim_world *w, const struct paxos_message *m)
{
    if (!w->options.reorder || !w->options.replays)
        return;
    struct paxos_message *old = &w->old[sim_below(&w->random, SIM_OLD_MAX)];
    if (old->type && sim_chance(&w->random, w->options.replays))
        transmit(w, index_of(w, old->from), index_of(w, old->to), sim_copy_message(old));
    if (is_heartbeat(m))
        return;
    paxos_message_clear(old);
    *old = sim_copy_message(m);
}

void sim_echo(struct sim_world *w, const struct sim_node *n)
{
    for (size_t i = 0; i < SIM_OLD_MAX; i++) {
        const struct paxos_message *old = &w->old[i];
        if (old->type && old->to == n->pid)
            transmit(w, index_of(w, old->from), n->index, sim_copy_message(old));
    }
}

/* As the product's links do (node/peer/route.h). */
static uint32_t way_to(struct sim_world *w, uint32_t from, uint32_t to,
                       const struct paxos_message *m)
{
    if (w->options.relay && !w->linked[from][to] && !is_heartbeat(m))
        for (uint32_t k = 0; k < w->options.nodes; k++)
            if (w->linked[from][k] && w->linked[k][to])
                return k;
    return to;
}

static bool is_lost(struct sim_world *w, uint32_t from, uint32_t to)
{
    return w->cut[from][to] || sim_chance(&w->random, w->options.loss);
}

void sim_send(struct sim_world *w, struct paxos_message *m)
{
    replay(w, m);
    uint32_t from = index_of(w, m->from);
    uint32_t to = way_to(w, from, index_of(w, m->to), m);
    bool lost = is_lost(w, from, to) || (w->drop && w->drop(w, m));
    if (!m->type)
        return; /* the scenario has taken it */
    note(w, lost ? SIM_LOST : SIM_SENT, m);
    if (lost) {
        paxos_message_clear(m);
        return;
    }
    if (sim_chance(&w->random, w->options.duplicates))
        transmit(w, from, to, sim_copy_message(m));
    transmit(w, from, to, *m);
    *m = (struct paxos_message){0};
}

void sim_send_late(struct sim_world *w, struct paxos_message *m, uint64_t delay)
{
    sim_schedule(w, delay,
                 (struct sim_event){.type = SIM_MESSAGE,
                                    .node = index_of(w, m->to),
                                    .peer = index_of(w, m->from),
                                    .message = *m});
    *m = (struct paxos_message){0};
}

static void pass_on(struct sim_world *w, struct sim_event *event)
{
    uint32_t here = event->node, to = index_of(w, event->message.to);
    if (!w->linked[here][to] || is_lost(w, here, to))
        return;
    note(w, SIM_RELAYED, &event->message);
    transmit(w, here, to, event->message);
    event->message = (struct paxos_message){0};
}

void sim_deliver(struct sim_world *w, struct sim_event *event)
{
    struct sim_node *n = &w->nodes[event->node];
    bool torn = w->cut[event->peer][event->node] && !w->options.reorder;
    if (!n->up || torn)
        return;
    if (event->message.to != n->pid) {
        pass_on(w, event);
        return;
    }
    note(w, SIM_RECEIVED, &event->message);
    sim_step(w, n, &(struct paxos_event){.type = PAXOS_RECEIVE, .message = &event->message});
}

/* ---- links ---- */

static bool stands(const struct sim_world *w, uint32_t a, uint32_t b)
{
    return w->nodes[a].up && w->nodes[b].up && !w->cut[a][b] && !w->cut[b][a];
}

void sim_links_changed(struct sim_world *w)
{
    for (uint32_t a = 0; a < w->options.nodes; a++) {
        for (uint32_t b = 0; b < w->options.nodes; b++) {
            bool up = stands(w, a, b);
            if (a == b || up == w->linked[a][b])
                continue;
            w->linked[a][b] = up;
            if (!w->options.silent_links)
                sim_schedule(w, 1 + sim_below(&w->random, w->options.delay_max),
                             (struct sim_event){.type = SIM_LINK, .node = a, .peer = b, .up = up});
        }
    }
}

void sim_link_told(struct sim_world *w, const struct sim_event *event)
{
    struct sim_node *n = &w->nodes[event->node];
    uint32_t pid = w->nodes[event->peer].pid;
    if (!n->up || w->linked[event->node][event->peer] != event->up)
        return;
    sim_note(w, event->up ? SIM_LINK_UP : SIM_LINK_DOWN, event->node, pid, 0, 0);
    sim_step(
        w, n,
        &(struct paxos_event){.type = event->up ? PAXOS_LINK_UP : PAXOS_LINK_DOWN, .pid = pid});
}

static void set_cut(struct sim_world *w, uint32_t from, uint32_t to, bool cut)
{
    if (from == to || w->cut[from][to] == cut)
        return;
    w->cut[from][to] = cut;
    sim_note(w, cut ? SIM_CUT : SIM_MENDED, from, w->nodes[to].pid, 0, 0);
}

void sim_cut(struct sim_world *w, uint32_t from, uint32_t to, bool cut)
{
    set_cut(w, from, to, cut);
    sim_links_changed(w);
}

void sim_cut_both(struct sim_world *w, uint32_t a, uint32_t b, bool cut)
{
    set_cut(w, a, b, cut);
    set_cut(w, b, a, cut);
    sim_links_changed(w);
}

void sim_mend_all(struct sim_world *w)
{
    for (uint32_t a = 0; a < w->options.nodes; a++)
        for (uint32_t b = 0; b < w->options.nodes; b++)
            set_cut(w, a, b, false);
    sim_links_changed(w);
}

void sim_network_free(struct sim_world *w)
{
    for (size_t i = 0; i < SIM_OLD_MAX; i++)
        paxos_message_clear(&w->old[i]);
}
