#include "faults.h"

#include "partition.h"
#include "progress.h"

static struct sim_node *any(struct sim_world *w)
{
    return &w->nodes[sim_below(&w->random, w->options.nodes)];
}

/* ---- nodes ---- */

static void crash(struct sim_world *w, struct sim_faults *f)
{
    struct sim_node *n = any(w);
    if (n->up)
        sim_crash(w, n);
}

static void faults_power_cut(struct sim_world *w, struct sim_faults *f)
{
    struct sim_node *n = any(w);
    if (n->up)
        sim_power_cut(w, n);
}

static void crash_leader(struct sim_world *w, struct sim_faults *f)
{
    uint32_t leader = sim_leader(w);
    if (leader != SIM_NOBODY)
        sim_crash(w, &w->nodes[leader]);
}

/* It goes on for a while, and perhaps for good. */
static void hand_over(struct sim_world *w, struct sim_faults *f)
{
    uint32_t leader = sim_leader(w);
    if (leader == SIM_NOBODY)
        return;
    struct sim_node *n = &w->nodes[leader];
    sim_step(w, n, &(struct paxos_event){.type = PAXOS_STOPPING});
    if (n->up && sim_chance(&w->random, 500))
        n->fuse = 2 + (uint32_t)sim_below(&w->random, 6);
}

static void crash_all(struct sim_world *w, struct sim_faults *f)
{
    bool keeps_nothing = sim_chance(&w->random, 300);
    for (uint32_t i = 0; i < w->options.nodes && sim_chance(&w->random, 990); i++)
        if (w->nodes[i].up) {
            if (keeps_nothing)
                sim_power_cut(w, &w->nodes[i]);
            else
                sim_crash(w, &w->nodes[i]);
        }
}

/* Of nodes without their data there are never more than the others can do without. */
static void empty_folder(struct sim_world *w, struct sim_faults *f)
{
    struct sim_node *n = any(w);
    uint32_t without = sim_is_member(n);
    for (uint32_t i = 0; i < w->options.nodes; i++)
        without += !sim_is_member(&w->nodes[i]);
    if (without <= sim_losses_max(w))
        sim_empty_folder(w, n);
}

/* Its next storage operation is its last. */
static void lay_fuse(struct sim_world *w, struct sim_faults *f)
{
    any(w)->fuse = 2 + (uint32_t)sim_below(&w->random, 6);
}

static void start(struct sim_world *w, struct sim_faults *f)
{
    struct sim_node *n = any(w);
    if (!n->up)
        sim_start(w, n);
}

static void start_all(struct sim_world *w, struct sim_faults *f)
{
    sim_start_all(w);
}

static void bounce(struct sim_world *w, struct sim_faults *f)
{
    struct sim_node *n = any(w);
    for (uint64_t times = sim_below(&w->random, 4); times > 0 && n->up; times--) {
        sim_crash(w, n);
        sim_start(w, n);
    }
}

/* A restarted node hears what the one before was told. */
static void echo(struct sim_world *w, struct sim_faults *f)
{
    struct sim_node *n = any(w);
    if (n->up && sim_chance(&w->random, 700)) {
        sim_crash(w, n);
        sim_start(w, n);
    }
    sim_echo(w, n);
}

/* ---- time ---- */

static uint64_t some_ticks(struct sim_world *w, uint64_t most)
{
    return w->now + sim_below(&w->random, most * SIM_TICK);
}

static void pause_node(struct sim_world *w, struct sim_faults *f)
{
    struct sim_node *n = any(w);
    if (n->paused_until > w->now)
        return;
    n->paused_until = some_ticks(w, 15);
    sim_note(w, SIM_PAUSED, n->index, n->paused_until, 0, 0);
}

static void stop_clock(struct sim_world *w, struct sim_faults *f)
{
    any(w)->clock_stands = some_ticks(w, 15);
}

static void jump(struct sim_world *w, struct sim_faults *f)
{
    struct sim_node *n = any(w);
    uint64_t ticks = sim_below(&w->random, 30);
    sim_note(w, SIM_JUMPED, n->index, ticks, 0, 0);
    for (; ticks > 0 && n->up; ticks--)
        sim_step(w, n, &(struct paxos_event){.type = PAXOS_TICK});
}

static void drift(struct sim_world *w, struct sim_faults *f)
{
    any(w)->clock = 700 + (uint32_t)sim_below(&w->random, 600);
}

static void slow_down(struct sim_world *w, struct sim_faults *f)
{
    any(w)->slow = sim_below(&w->random, 3 * SIM_TICK);
}

static void speed_up(struct sim_world *w, struct sim_faults *f)
{
    for (uint32_t i = 0; i < w->options.nodes; i++)
        w->nodes[i].slow = 0;
}

static void stick_disk(struct sim_world *w, struct sim_faults *f)
{
    struct sim_node *n = any(w);
    n->disk.stuck_until = some_ticks(w, 12);
    sim_note(w, SIM_STUCK, n->index, n->disk.stuck_until, 0, 0);
}

/* ---- links ---- */

static void cut_one(struct sim_world *w, struct sim_faults *f)
{
    sim_cut_both(w, any(w)->index, any(w)->index, true);
}

static void cut_one_way(struct sim_world *w, struct sim_faults *f)
{
    sim_cut(w, any(w)->index, any(w)->index, true);
}

static void isolate_leader(struct sim_world *w, struct sim_faults *f)
{
    uint32_t leader = sim_leader(w);
    if (leader != SIM_NOBODY)
        sim_isolate(w, leader);
}

static void partition(struct sim_world *w, struct sim_faults *f)
{
    if (sim_chance(&w->random, 500))
        sim_mend_all(w);
    sim_partition_at_random(w);
}

static void faults_flap(struct sim_world *w, struct sim_faults *f)
{
    f->flap_a = any(w)->index;
    f->flap_b = any(w)->index;
}

static void mend(struct sim_world *w, struct sim_faults *f)
{
    sim_mend_all(w);
}

/* ---- */

static const struct {
    void (*happens)(struct sim_world *w, struct sim_faults *f);
    uint32_t weight;
} kinds[] = {
    {crash, 8},        {faults_power_cut, 4}, {crash_leader, 4},
    {crash_all, 1},    {lay_fuse, 4},         {bounce, 3},
    {pause_node, 3},   {stop_clock, 2},       {jump, 2},
    {drift, 1},        {slow_down, 3},        {stick_disk, 3},
    {cut_one, 5},      {cut_one_way, 5},      {isolate_leader, 4},
    {partition, 6},    {faults_flap, 3},      {echo, 4},
    {empty_folder, 6}, {hand_over, 3},
};

/* Events that end faults happen in all histories. */
static void (*const ends[])(struct sim_world *w, struct sim_faults *f) = {
    start, start, start, start_all, mend, mend, speed_up,
};

enum { KINDS = sizeof kinds / sizeof *kinds, ENDS = sizeof ends / sizeof *ends };

struct sim_faults sim_faults_draw(struct sim_random *r)
{
    return (struct sim_faults){.kinds = sim_random(r), .often = (uint32_t)sim_below(r, 150)};
}

static void begin_one(struct sim_world *w, struct sim_faults *f)
{
    uint64_t total = 0;
    for (uint32_t i = 0; i < KINDS; i++)
        total += f->kinds >> i & 1 ? kinds[i].weight : 0;
    uint64_t drawn = sim_below(&w->random, total);
    for (uint32_t i = 0; i < KINDS; i++) {
        uint64_t weight = f->kinds >> i & 1 ? kinds[i].weight : 0;
        if (drawn < weight) {
            kinds[i].happens(w, f);
            return;
        }
        drawn -= weight;
    }
}

void sim_faults_turn(struct sim_world *w, struct sim_faults *f)
{
    if (f->flap_a != f->flap_b && sim_chance(&w->random, 300))
        sim_cut_both(w, f->flap_a, f->flap_b, !w->cut[f->flap_a][f->flap_b]);
    if (!sim_chance(&w->random, f->often))
        return;
    if (sim_chance(&w->random, 500))
        ends[sim_below(&w->random, ENDS)](w, f);
    else
        begin_one(w, f);
}
