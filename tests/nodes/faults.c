#include "faults.h"

static struct node *any(struct world *w)
{
    return &w->nodes[sim_below(&w->random, w->options.nodes)];
}

static uint64_t session_us(const struct world *w)
{
    return (uint64_t)w->options.session_ms * NODES_MS;
}

/* ---- Nodes ---- */

static void kill_any(struct world *w)
{
    struct node *n = any(w);
    if (n->up)
        node_kill(n);
}

static void kill_leader(struct world *w)
{
    struct node *n = world_leader(w);
    if (n)
        node_kill(n);
}

static void bounce(struct world *w)
{
    struct node *n = any(w);
    if (!n->up)
        return;
    node_kill(n);
    node_start(n);
}

static void session_may_stand(struct world *w, struct node *n, void *arg)
{
    if (n->session != 0 && tree_lock_session(n->replica->tree, n->pid) == n->session)
        world_met(w, MET_SESSION_KEPT);
}

static void stop_any(struct world *w)
{
    struct node *n = any(w);
    bool is_long = sim_chance(&w->random, 500);
    if (!node_serves(n))
        return;
    node_stop(n, is_long ? session_us(w) + sim_below(&w->random, 2 * session_us(w))
                         : sim_below(&w->random, session_us(w)));
    world_at(w, n, session_us(w) * 3, session_may_stand, NULL);
}

static void stop_leader(struct world *w)
{
    struct node *n = world_leader(w);
    if (n)
        node_stop(n, sim_below(&w->random, 3 * session_us(w)));
}

/* A program that holds something, for up to three sessions. */
static void stop_program(struct world *w)
{
    struct programs *all = w->programs;
    for (int tries = 0; tries < 10 && all->count > 0; tries++) {
        struct program *p = &all->programs[sim_below(&w->random, all->count)];
        if (!p->holds || p->stopped_until > w->now)
            continue;
        program_stop(p, session_us(w) / 2 + sim_below(&w->random, 3 * session_us(w)));
        return;
    }
}

/* A holder and its node: the program wakes later, and knows of nothing. */
static void stop_holder(struct world *w)
{
    struct programs *all = w->programs;
    for (int tries = 0; tries < 10 && all->count > 0; tries++) {
        struct program *p = &all->programs[sim_below(&w->random, all->count)];
        if (!p->holds || !node_serves(p->node))
            continue;
        uint64_t us = session_us(w) + sim_below(&w->random, 2 * session_us(w));
        node_stop(p->node, us);
        program_stop(p, us + sim_below(&w->random, 3 * NODES_MS));
        return;
    }
}

static void cut_holder(struct world *w)
{
    struct programs *all = w->programs;
    for (int tries = 0; tries < 10 && all->count > 0; tries++) {
        struct program *p = &all->programs[sim_below(&w->random, all->count)];
        if (!p->holds)
            continue;
        links_isolate(w, p->node->index);
        world_met(w, MET_NODE_CUT_LONG);
        return;
    }
}

/* It is heard again about when its session ends, which takes a while to be decided. */
static void heard_at_the_end(struct world *w, struct node *none, void *arg)
{
    links_mend(w);
    for (uint32_t i = 0; i < w->options.nodes; i++)
        if (&w->nodes[i] != arg)
            w->nodes[i].disk.stuck_until = w->now + sim_below(&w->random, 400 * NODES_MS);
}

static void cut_holder_for_a_session(struct world *w)
{
    struct programs *all = w->programs;
    for (int tries = 0; tries < 10 && all->count > 0; tries++) {
        struct program *p = &all->programs[sim_below(&w->random, all->count)];
        if (!p->holds || !node_serves(p->node))
            continue;
        uint64_t us = (uint64_t)p->node->config.session_time_ms * NODES_MS;
        links_isolate(w, p->node->index);
        world_at(w, NULL, us - us / 10 + sim_below(&w->random, us / 4), heard_at_the_end, p->node);
        return;
    }
}

/* ---- Links ---- */

static void cut_one_way(struct world *w)
{
    links_cut(w, any(w)->index, any(w)->index, true);
}

static void cut_both_ways(struct world *w)
{
    uint32_t a = any(w)->index, b = any(w)->index;
    links_cut(w, a, b, true);
    links_cut(w, b, a, true);
}

static void isolate_leader(struct world *w)
{
    struct node *n = world_leader(w);
    if (n)
        links_isolate(w, n->index);
}

/* ---- Clocks, disks, logs ---- */

static void set_wall(struct world *w)
{
    struct node *n = any(w);
    int64_t s = (int64_t)sim_below(&w->random, 200000) - 100000;
    n->wall_ns = s * 1000000000;
    world_note(w, "the wall clock of node %u is %ld s off", n->pid, (long)s);
    world_met(w, MET_WALL_JUMPED);
}

static void stick_disk(struct world *w)
{
    struct node *n = any(w);
    n->disk.stuck_until = w->now + sim_below(&w->random, session_us(w));
    world_note(w, "the disk of node %u is stuck", n->pid);
}

static void fill_disk(struct world *w)
{
    disk_full(any(w), true);
    world_met(w, MET_DISK_FULL);
}

static void trim(struct world *w)
{
    struct node *n = any(w);
    if (node_serves(n))
        node_trim(n);
}

/* ---- Their ends ---- */

static void start_any(struct world *w)
{
    struct node *n = any(w);
    if (!n->up)
        node_start(n);
}

static void mend(struct world *w)
{
    links_mend(w);
}

static void empty_disk(struct world *w)
{
    disk_full(any(w), false);
}

/* ---- */

static const struct {
    void (*happens)(struct world *w);
    uint32_t weight;
} kinds[] = {
    {kill_any, 6},    {kill_leader, 3},   {bounce, 4},
    {stop_any, 4},    {stop_leader, 3},   {stop_program, 10},
    {stop_holder, 4}, {cut_holder, 4},    {cut_holder_for_a_session, 4},
    {cut_one_way, 4}, {cut_both_ways, 4}, {isolate_leader, 3},
    {set_wall, 3},    {stick_disk, 2},    {fill_disk, 2},
    {trim, 8},
};
static void (*const ends[])(struct world *w) = {start_any, start_any, start_any,
                                                mend,      mend,      empty_disk};

enum { KINDS = sizeof kinds / sizeof *kinds, ENDS = sizeof ends / sizeof *ends };

struct faults faults_draw(struct sim_random *r)
{
    uint64_t some = sim_random(r) | sim_random(r);
    return (struct faults){some, 20 + (uint32_t)sim_below(r, 250)};
}

static void begin_one(struct world *w, const struct faults *f)
{
    uint64_t total = 0;
    for (uint32_t i = 0; i < KINDS; i++)
        total += f->kinds >> i & 1 ? kinds[i].weight : 0;
    uint64_t drawn = sim_below(&w->random, total);
    for (uint32_t i = 0; i < KINDS; i++) {
        uint64_t weight = f->kinds >> i & 1 ? kinds[i].weight : 0;
        if (drawn < weight) {
            kinds[i].happens(w);
            return;
        }
        drawn -= weight;
    }
}

void faults_turn(struct world *w, const struct faults *f)
{
    if (!sim_chance(&w->random, f->often))
        return;
    if (sim_chance(&w->random, 550))
        ends[sim_below(&w->random, ENDS)](w);
    else
        begin_one(w, f);
}

void faults_heal(struct world *w)
{
    links_mend(w);
    w->options.loss = 0; /* frames are lost where links break */
    for (uint32_t i = 0; i < w->options.nodes; i++) {
        struct node *n = &w->nodes[i];
        n->disk.stuck_until = 0;
        disk_full(n, false);
        if (!n->up)
            node_start(n);
        else if (n->stopped_until > w->now)
            n->stopped_until = w->now;
    }
}
