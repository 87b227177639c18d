#include "sim.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* splitmix64 */
uint64_t sim_random(struct sim_random *r)
{
    uint64_t z = (r->state += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

uint64_t sim_below(struct sim_random *r, uint64_t limit)
{
    return limit ? sim_random(r) % limit : 0;
}

bool sim_chance(struct sim_random *r, uint32_t permille)
{
    return sim_below(r, 1000) < permille;
}

/* ---- trace ---- */

void sim_note(struct sim_world *w, const char *what, uint32_t node, uint64_t a, uint64_t b,
              uint64_t c)
{
    w->trace[w->trace_count++ % SIM_TRACE_MAX] =
        (struct sim_trace){w->now, what, w->nodes[node].pid, 0, 0, a, b, c};
}

void sim_note_message(struct sim_world *w, const char *what, const struct paxos_message *m)
{
    bool pull = m->type == PAXOS_SUFFIX || m->type == PAXOS_SUFFIX_REQ;
    w->trace[w->trace_count++ % SIM_TRACE_MAX] =
        (struct sim_trace){w->now,
                           what,
                           m->from,
                           m->to,
                           m->type,
                           m->n.n + m->round,
                           pull || m->first ? m->first : m->accepted,
                           m->entry_count + m->read};
}

static void print_trace(const struct sim_world *w)
{
    static const char *const names[PAXOS_MESSAGE_TYPE_END] = {"",
                                                              "PrepareReq",
                                                              "Prepare",
                                                              "Promise",
                                                              "SuffixReq",
                                                              "Suffix",
                                                              "AcceptSync",
                                                              "AcceptDecide",
                                                              "Accepted",
                                                              "Decide",
                                                              "NotAccepted",
                                                              "ProposalForward",
                                                              "HeartbeatRequest",
                                                              "HeartbeatReply",
                                                              "LeaderBeat",
                                                              "ReadRequest",
                                                              "ReadProbe",
                                                              "ReadAck",
                                                              "ReadIndex"};
    uint64_t first = w->trace_count > SIM_TRACE_MAX ? w->trace_count - SIM_TRACE_MAX : 0;
    for (uint64_t i = first; i < w->trace_count; i++) {
        const struct sim_trace *t = &w->trace[i % SIM_TRACE_MAX];
        fprintf(stderr, "%8.3f %-9s %u", (double)t->at / SIM_TICK, t->what, t->node);
        if (t->type)
            fprintf(stderr, " -> %u %s n/round=%llu index=%llu count/read=%llu\n", t->peer,
                    names[t->type], (unsigned long long)t->a, (unsigned long long)t->b,
                    (unsigned long long)t->c);
        else
            fprintf(stderr, " %llu %llu %llu\n", (unsigned long long)t->a, (unsigned long long)t->b,
                    (unsigned long long)t->c);
    }
}

_Noreturn void sim_fail(struct sim_world *w, const char *format, ...)
{
    print_trace(w);
    fprintf(stderr, "FAILED %s seed %llu at tick %.3f: ", w->name, (unsigned long long)w->seed,
            (double)w->now / SIM_TICK);
    va_list args;
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
    exit(1);
}

/* ---- events ---- */

static bool earlier(const struct sim_event *a, const struct sim_event *b)
{
    return a->at != b->at ? a->at < b->at : a->order < b->order;
}

static void swap(struct sim_event *a, struct sim_event *b)
{
    struct sim_event c = *a;
    *a = *b;
    *b = c;
}

void sim_schedule(struct sim_world *w, uint64_t delay, struct sim_event event)
{
    if (w->event_count == w->event_cap) {
        w->event_cap = w->event_cap ? 2 * w->event_cap : 256;
        w->events = realloc(w->events, w->event_cap * sizeof *w->events);
        assert(w->events);
    }
    event.at = w->now + delay;
    event.order = w->order++;
    size_t at = w->event_count++;
    w->events[at] = event;
    for (; at > 0 && earlier(&w->events[at], &w->events[(at - 1) / 2]); at = (at - 1) / 2)
        swap(&w->events[at], &w->events[(at - 1) / 2]);
}

static struct sim_event take_event(struct sim_world *w)
{
    struct sim_event first = w->events[0];
    w->events[0] = w->events[--w->event_count];
    for (size_t at = 0, next; (next = 2 * at + 1) < w->event_count; at = next) {
        if (next + 1 < w->event_count && earlier(&w->events[next + 1], &w->events[next]))
            next++;
        if (!earlier(&w->events[next], &w->events[at]))
            break;
        swap(&w->events[next], &w->events[at]);
    }
    return first;
}

/* ---- network ---- */

uint32_t sim_node_of(const struct sim_world *w, uint32_t pid)
{
    uint32_t i = 0;
    while (w->nodes[i].pid != pid)
        i++;
    assert(i < w->options.nodes);
    return i;
}

static struct paxos_message copy_message(const struct paxos_message *m)
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

/* Now and then, where order is not kept, a message takes as long as several ticks. */
static uint64_t message_delay(struct sim_world *w)
{
    uint64_t limit = w->options.delay_max;
    if (w->options.reorder && sim_chance(&w->random, 30))
        limit *= 50;
    return 1 + sim_below(&w->random, limit);
}

static void transmit(struct sim_world *w, uint32_t from, uint32_t to, struct paxos_message m)
{
    uint64_t at = w->now + message_delay(w);
    if (!w->options.reorder) {
        if (at < w->last_delivery[from][to])
            at = w->last_delivery[from][to];
        w->last_delivery[from][to] = at;
    }
    sim_schedule(w, at - w->now,
                 (struct sim_event){.type = SIM_MESSAGE, .node = to, .peer = from, .message = m});
}

/* Where order is not kept, any message may come again at any time, whatever has happened since. */
static void replay(struct sim_world *w, const struct paxos_message *m)
{
    if (!w->options.reorder)
        return;
    struct paxos_message *old = &w->old[sim_below(&w->random, SIM_OLD_MAX)];
    if (old->type && sim_chance(&w->random, w->options.replays))
        transmit(w, sim_node_of(w, old->from), sim_node_of(w, old->to), copy_message(old));
    if (m->type == PAXOS_HEARTBEAT_REQUEST || m->type == PAXOS_HEARTBEAT_REPLY)
        return;
    paxos_message_clear(old);
    *old = copy_message(m);
}

void sim_send(struct sim_world *w, struct paxos_message *m)
{
    replay(w, m);
    uint32_t from = sim_node_of(w, m->from), to = sim_node_of(w, m->to);
    bool lost =
        w->cut[from][to] || sim_chance(&w->random, w->options.loss) || (w->drop && w->drop(w, m));
    sim_note_message(w, lost ? "lost" : "send", m);
    if (!lost && sim_chance(&w->random, w->options.duplicates))
        transmit(w, from, to, copy_message(m));
    if (!lost) {
        transmit(w, from, to, *m);
        *m = (struct paxos_message){0};
    } else {
        paxos_message_clear(m);
    }
}

static void deliver(struct sim_world *w, struct sim_event *event)
{
    struct sim_node *n = &w->nodes[event->node];
    bool torn = w->cut[event->peer][event->node] && !w->options.reorder;
    if (n->up && !torn) {
        sim_note_message(w, "receive", &event->message);
        sim_step(w, n, &(struct paxos_event){.type = PAXOS_RECEIVE, .message = &event->message});
    }
    paxos_message_clear(&event->message);
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

static void link_event(struct sim_world *w, const struct sim_event *event)
{
    struct sim_node *n = &w->nodes[event->node];
    if (!n->up || w->linked[event->node][event->peer] != event->up)
        return;
    sim_note(w, event->up ? "link up" : "link down", event->node, w->nodes[event->peer].pid, 0, 0);
    sim_step(w, n,
             &(struct paxos_event){.type = event->up ? PAXOS_LINK_UP : PAXOS_LINK_DOWN,
                                   .pid = w->nodes[event->peer].pid});
}

void sim_cut(struct sim_world *w, uint32_t from, uint32_t to, bool cut)
{
    if (from == to)
        return;
    w->cut[from][to] = cut;
    sim_note(w, cut ? "cut to" : "mend to", from, w->nodes[to].pid, 0, 0);
    sim_links_changed(w);
}

void sim_cut_both(struct sim_world *w, uint32_t a, uint32_t b, bool cut)
{
    sim_cut(w, a, b, cut);
    sim_cut(w, b, a, cut);
}

void sim_heal(struct sim_world *w)
{
    memset(w->cut, 0, sizeof w->cut);
    w->options.loss = w->options.duplicates = 0;
    w->options.reorder = false;
    if (w->options.disk_delay_max > SIM_TICK / 4)
        w->options.disk_delay_max = SIM_TICK / 4;
    w->drop = NULL;
    for (uint32_t i = 0; i < w->options.nodes; i++)
        if (!w->nodes[i].up)
            sim_start(w, &w->nodes[i]);
    sim_links_changed(w);
}

/* ---- the world ---- */

struct sim_world *sim_world_new(const char *name, uint64_t seed, const struct sim_options *options)
{
    struct sim_world *w = calloc(1, sizeof *w);
    assert(w);
    w->name = name;
    w->seed = seed;
    w->random.state = seed;
    w->options = *options;
    w->next_id = 1;
    for (uint32_t i = 0; i < options->nodes; i++) {
        w->nodes[i].index = i;
        w->nodes[i].pid = options->pids[i] ? options->pids[i] : i + 1;
    }
    for (uint32_t i = 0; i < options->nodes; i++) {
        sim_start(w, &w->nodes[i]);
        sim_schedule(w, sim_below(&w->random, SIM_TICK),
                     (struct sim_event){.type = SIM_TICKED, .node = i});
    }
    return w;
}

void sim_world_free(struct sim_world *w)
{
    for (uint32_t i = 0; i < w->options.nodes; i++)
        sim_node_free(&w->nodes[i]);
    for (size_t i = 0; i < w->event_count; i++)
        paxos_message_clear(&w->events[i].message);
    for (size_t i = 0; i < SIM_OLD_MAX; i++)
        paxos_message_clear(&w->old[i]);
    free(w->events);
    sim_checker_free(&w->checker);
    free(w);
}

void sim_run(struct sim_world *w, uint64_t steps)
{
    uint64_t end = w->now + steps;
    while (w->event_count > 0 && w->events[0].at <= end) {
        struct sim_event event = take_event(w);
        w->now = event.at;
        if (event.type == SIM_MESSAGE)
            deliver(w, &event);
        else if (event.type == SIM_LINK)
            link_event(w, &event);
        else
            sim_node_event(w, &w->nodes[event.node], &event);
    }
    w->now = end;
}
