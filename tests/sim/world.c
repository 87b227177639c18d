#include "hash.h"
#include "sim.h"

#include <assert.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- what happened ---- */

void sim_note(struct sim_world *w, enum sim_what what, uint32_t node, uint64_t a, uint64_t b,
              uint64_t c)
{
    trace_add(&w->trace,
              &(struct sim_trace_line){
                  .at = w->now, .what = what, .node = w->nodes[node].pid, .a = a, .b = b, .c = c});
}

static void print_node(const struct sim_world *w, const struct sim_node *n)
{
    static const char *const roles[] = {"follower", "leader"};
    static const char *const phases[] = {"none", "prepare", "accept", "recover"};
    fprintf(stderr, "node %u %s, links to", n->pid, n->up ? "up" : "down");
    for (uint32_t i = 0; i < w->options.nodes; i++)
        if (w->linked[n->index][i])
            fprintf(stderr, " %u", w->nodes[i].pid);
    fprintf(stderr, ", applied %lu", n->tree.now.applied);
    if (n->core) {
        struct paxos_status s;
        paxos_status(n->core, &s);
        fprintf(stderr,
                ", %s %s%s, promise %lu of %u, round %lu of %u, elects %lu of %u, log %lu %lu %lu",
                roles[s.role], phases[s.phase], s.happy ? ", happy" : "", s.promise.n,
                s.promise.pid, s.acc_round.n, s.acc_round.pid, s.leader.n, s.leader.pid,
                s.compacted, s.decided, s.accepted);
    }
    fprintf(stderr, ", waits for %u writes and %u reads\n", n->requests.write_count,
            n->requests.read_count);
}

static void print_failure(const struct sim_world *w)
{
    bool history = strcmp(w->name, "history") == 0;
    const struct paxos_config c = sim_config(w, 0);
    trace_print(&w->trace);
    fprintf(stderr, "%u nodes, read quorum %u, write quorum %u, %s, %s\n", c.count, c.read_quorum,
            c.write_quorum, w->options.relay ? "relayed" : "not relayed",
            w->options.silent_links ? "links silent" : "links told");
    for (uint32_t i = 0; i < w->options.nodes; i++)
        print_node(w, &w->nodes[i]);
    fprintf(stderr, "FAILED %s seed %lu at tick %.3f, replayed by: test_sim %s%s %lu\n", w->name,
            w->seed, (double)w->now / SIM_TICK, history ? "" : "scenario ", history ? "" : w->name,
            w->seed);
}

_Noreturn void sim_fail(struct sim_world *w, const char *format, ...)
{
    va_list args;
    print_failure(w);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
    fflush(stderr);
    _exit(1);
}

static const struct sim_world *watched;

/* An assertion of the core has said why; here follows where. */
static void aborted(int number)
{
    if (watched)
        print_failure(watched);
    _exit(1);
}

static void checker_failed(void *arg, const char *text)
{
    sim_fail(arg, "%s", text);
}

/* ---- the world ---- */

struct sim_node *sim_node_of(struct sim_world *w, uint32_t pid)
{
    uint32_t i = 0;
    while (w->nodes[i].pid != pid)
        i++;
    assert(i < w->options.nodes);
    return &w->nodes[i];
}

void sim_schedule(struct sim_world *w, uint64_t delay, struct sim_event event)
{
    event.at = w->now + delay;
    events_add(&w->events, &event);
}

/* Leases allow for clocks whose speeds differ by an eighth. */
static void draw_clock(struct sim_world *w, struct sim_node *n)
{
    n->epoch_us = sim_below(&w->random, 1000000000);
    n->speed = sim_chance(&w->random, 500) ? 950 + (uint32_t)sim_below(&w->random, 101)
                                           : 950 + 100 * (uint32_t)sim_below(&w->random, 2);
}

static void populate(struct sim_world *w)
{
    const struct sim_options *o = &w->options;
    for (uint32_t i = 0; i < o->nodes; i++) {
        w->nodes[i].index = i;
        w->nodes[i].pid = o->pids[i] ? o->pids[i] : i + 1;
        w->nodes[i].clock = w->nodes[i].speed = 1000;
        if (o->leases)
            draw_clock(w, &w->nodes[i]);
        if (!o->founded)
            sim_disk_lost(w, &w->nodes[i]);
    }
    struct paxos_config config = sim_config(w, 0);
    checker_init(&w->checker, &config, checker_failed, w);
    for (uint32_t i = 0; i < o->nodes; i++) {
        sim_start(w, &w->nodes[i]);
        sim_schedule(w, sim_below(&w->random, SIM_TICK),
                     (struct sim_event){.type = SIM_TICKED, .node = i});
    }
    sim_clients_start(w);
}

struct sim_world *sim_world_new(const char *name, uint64_t seed, const struct sim_options *options)
{
    struct sim_world *w = calloc(1, sizeof *w);
    assert(w);
    w->name = name;
    w->seed = seed;
    w->random.state = hash_add(seed, 1); /* not what the options were drawn from */
    w->options = *options;
    watched = w;
    signal(SIGABRT, aborted);
    populate(w);
    return w;
}

void sim_world_free(struct sim_world *w)
{
    watched = NULL;
    for (uint32_t i = 0; i < w->options.nodes; i++)
        sim_node_free(&w->nodes[i]);
    sim_network_free(w);
    events_free(&w->events);
    checker_free(&w->checker);
    free(w->history);
    free(w->states);
    free(w->effects);
    free(w);
}

/* A node that is stopped notices nothing; when it goes on, everything comes at once. */
static bool is_put_off(struct sim_world *w, struct sim_event *event)
{
    if (event->type == SIM_CLIENT || w->nodes[event->node].paused_until <= w->now)
        return false;
    event->at = w->nodes[event->node].paused_until;
    events_put_off(&w->events, event);
    return true;
}

static void happen(struct sim_world *w, struct sim_event *event)
{
    switch (event->type) {
    case SIM_MESSAGE:
        sim_deliver(w, event);
        break;
    case SIM_LINK:
        sim_link_told(w, event);
        break;
    case SIM_CLIENT:
        sim_client_event(w, event);
        break;
    case SIM_NOTHING:
        break;
    default:
        sim_node_event(w, &w->nodes[event->node], event);
    }
}

static void blow_fuses(struct sim_world *w)
{
    w->fuse_blown = false;
    for (uint32_t i = 0; i < w->options.nodes; i++)
        if (w->nodes[i].fuse == 1) {
            w->nodes[i].fuse = 0;
            sim_power_cut(w, &w->nodes[i]);
        }
}

void sim_run(struct sim_world *w, uint64_t steps)
{
    uint64_t end = w->now + steps;
    for (struct sim_event *event; (event = events_take(&w->events, end));) {
        w->now = event->at;
        if (is_put_off(w, event))
            continue;
        happen(w, event);
        events_give_back(&w->events, event);
        if (w->fuse_blown)
            blow_fuses(w);
    }
    w->now = end;
}
