/* A node: a core between its disk, its tree, its clock and the network. */
#include "sim.h"

#include <assert.h>

static uint64_t now_us(const struct sim_world *w, const struct sim_node *n)
{
    return n->epoch_us + w->now * SIM_STEP_US * n->speed / 1000;
}

struct paxos_config sim_config(const struct sim_world *w, uint32_t node)
{
    struct paxos_config config = {.me = w->nodes[node].pid,
                                  .count = w->options.nodes,
                                  .read_quorum = w->options.read_quorum,
                                  .write_quorum = w->options.write_quorum,
                                  .priority = w->options.priorities[node],
                                  .start = (uint64_t)w->nodes[node].starts << 32,
                                  .lease_us = w->nodes[node].lease_us,
                                  .leased_before = w->options.lease_us[node] > 0,
                                  .tell_us = w->options.tell_us,
                                  .now = now_us(w, &w->nodes[node])};
    for (uint32_t i = 0; i < config.count; i++)
        config.pids[i] = w->nodes[i].pid;
    return config;
}

/* ---- start and crash ---- */

bool sim_is_member(const struct sim_node *n)
{
    return n->disk.membership.standing == PAXOS_MEMBER;
}

bool sim_serves(const struct sim_node *n)
{
    struct paxos_status status;
    if (!n->up)
        return false;
    paxos_status(n->core, &status);
    return status.standing == PAXOS_MEMBER;
}

uint32_t sim_incarnation(const struct sim_node *n)
{
    struct paxos_status status;
    paxos_status(n->core, &status);
    return status.life << 16 | n->starts;
}

uint32_t sim_losses_max(const struct sim_world *w)
{
    uint32_t majority = w->options.nodes / 2 + 1;
    uint32_t read = w->options.read_quorum ? w->options.read_quorum : majority;
    uint32_t write = w->options.write_quorum ? w->options.write_quorum : majority;
    return w->options.nodes - (read > write ? read : write);
}

static void on_line(void *arg, const char *subject, const char *text)
{
    const struct sim_node *n = arg;
    trace_say(n->world->now, n->pid, subject, text);
}

static void begin_lines(struct sim_world *w, struct sim_node *n)
{
    struct paxos_status status;
    paxos_status(n->core, &status);
    n->world = w;
    describe_begin(&n->describe, n->pid, &status, on_line, n);
}

static void describe_now(struct sim_node *n, const struct paxos_output *out)
{
    struct paxos_status status;
    paxos_status(n->core, &status);
    describe_output(&n->describe, &status, out);
}

void sim_start(struct sim_world *w, struct sim_node *n)
{
    assert(!n->up);
    n->life++;
    n->starts++;
    bool without = w->options.leases_come_and_go && sim_chance(&w->random, 300);
    n->lease_us = without ? 0 : w->options.lease_us[n->index];
    struct paxos_config config = sim_config(w, n->index);
    struct paxos_stored stored = sim_disk_open(n);
    struct checker_view view = sim_view(n, 0);
    checker_start(&w->checker, n->index, &view);
    n->core = paxos_new(&config, &stored);
    assert(n->core);
    begin_lines(w, n);
    n->up = true;
    n->requests = (struct sim_requests){.next_sequence = 1};
    sim_note(w, SIM_STARTED, n->index, stored.promise.n, stored.compacted, n->disk.log.end);
    sim_links_changed(w);
}

static void go_down(struct sim_world *w, struct sim_node *n, size_t writes_kept, uint64_t tree_kept)
{
    assert(n->up);
    sim_note(w, SIM_CRASHED, n->index, writes_kept, tree_kept, 0);
    n->up = n->output_due = false;
    n->fuse = 0;
    n->wake_at = 0;
    n->paused_until = 0;
    sim_requests_lost(w, n);
    sim_disk_crash(w, n, writes_kept);
    sim_tree_crash(w, n, tree_kept);
    paxos_free(n->core);
    n->core = NULL;
    sim_links_changed(w);
}

void sim_crash(struct sim_world *w, struct sim_node *n)
{
    const struct sim_tree *t = &n->tree;
    size_t writes_kept = (size_t)sim_below(&w->random, n->disk.count + 1);
    go_down(w, n, writes_kept, sim_below(&w->random, t->now.applied - t->durable.applied + 1));
}

void sim_power_cut(struct sim_world *w, struct sim_node *n)
{
    go_down(w, n, 0, 0);
}

/* 0 before the first write. */
static uint32_t life_of(const struct sim_node *n)
{
    const struct paxos_membership *membership = &n->disk.membership;
    for (uint32_t i = 0; i < membership->count; i++)
        if (membership->members[i].pid == n->pid)
            return membership->members[i].life;
    return 0;
}

void sim_empty_folder(struct sim_world *w, struct sim_node *n)
{
    if (n->up)
        sim_power_cut(w, n);
    sim_note(w, SIM_EMPTIED, n->index, life_of(n), 0, 0);
    sim_disk_lost(w, n);
    sim_tree_lost(n);
    n->starts = 0;
    checker_lost(&w->checker, n->index);
}

/* ---- the core ---- */

static void wake_up(struct sim_world *w, struct sim_node *n, uint64_t at_us)
{
    uint64_t now = now_us(w, n);
    if (at_us == 0 || at_us == n->wake_at)
        return;
    n->wake_at = at_us;
    uint64_t steps = at_us > now ? (at_us - now) * 1000 / (SIM_STEP_US * n->speed) + 1 : 1;
    sim_schedule(w, steps,
                 (struct sim_event){.type = SIM_WOKEN, .node = n->index, .life = n->life});
}

static void output(struct sim_world *w, struct sim_node *n)
{
    struct paxos_output out;
    n->output_due = false;
    int status = paxos_output(n->core, &out);
    assert(status == 0);
    if (trace_is_on(TRACE_DEBUG))
        describe_now(n, &out);
    uint64_t leaders = w->checker.leaders;
    checker_output(&w->checker, n->index, n->core, &out);
    if (w->checker.leaders != leaders)
        sim_note(w, SIM_LEADS, n->index, w->checker.nodes[n->index].leads.n, out.decided, 0);
    struct checker_view view = sim_view(n, n->disk.log.end);
    for (size_t i = 0; i < out.message_count; i++) {
        checker_message(&w->checker, n->index, &view, &out.messages[i]);
        sim_send(w, &out.messages[i]);
    }
    if (out.write.ticket)
        sim_disk_write(w, n, &out.write);
    sim_tree_apply(w, n, out.decided);
    sim_reads_confirmed(w, n, &out);
    sim_reads_answer(w, n);
    wake_up(w, n, out.wake_at);
    n->tree.needed = out.snapshot_needed;
    sim_tree_fetch(w, n);
    paxos_output_clear(&out);
}

void sim_step(struct sim_world *w, struct sim_node *n, const struct paxos_event *event)
{
    assert(n->up);
    w->steps++;
    struct paxos_event timed = *event;
    timed.now = now_us(w, n);
    if (trace_is_on(TRACE_DEBUG))
        describe_event(&n->describe, event);
    int status = paxos_step(n->core, &timed);
    assert(status == 0);
    if (n->output_due)
        return;
    if (sim_chance(&w->random, w->options.batches)) {
        n->output_due = true;
        sim_schedule(w, sim_below(&w->random, 50),
                     (struct sim_event){.type = SIM_OUTPUT, .node = n->index, .life = n->life});
        return;
    }
    output(w, n);
}

/* ---- the clock ---- */

static void ticked(struct sim_world *w, struct sim_node *n)
{
    uint64_t period = (uint64_t)SIM_TICK * n->clock / 1000;
    sim_schedule(w, period - 5 + sim_below(&w->random, 11),
                 (struct sim_event){.type = SIM_TICKED, .node = n->index});
    if (!n->up || w->now < n->clock_stands)
        return;
    sim_step(w, n, &(struct paxos_event){.type = PAXOS_TICK});
    sim_tree_tick(w, n);
    sim_requests_tick(w, n);
}

void sim_node_event(struct sim_world *w, struct sim_node *n, const struct sim_event *event)
{
    if (event->type == SIM_TICKED) {
        ticked(w, n);
        return;
    }
    if (!n->up || event->life != n->life)
        return;
    struct sim_event told = *event;
    switch (event->type) {
    case SIM_WRITTEN:
        assert(n->disk.queue[0].ticket == event->number);
        sim_disk_written(w, n);
        told.type = SIM_TOLD;
        sim_schedule(w, sim_below(&w->random, 20), told);
        break;
    case SIM_TOLD:
        sim_step(w, n, &(struct paxos_event){.type = PAXOS_DURABLE, .ticket = event->number});
        break;
    case SIM_OUTPUT:
        output(w, n);
        break;
    case SIM_WOKEN:
        n->wake_at = 0;
        sim_step(w, n, &(struct paxos_event){.type = PAXOS_TIME});
        break;
    case SIM_FETCHED:
        sim_tree_fetched(w, n);
        break;
    case SIM_REPLACED:
        sim_tree_replaced(w, n);
        break;
    case SIM_INSTALLED:
        sim_tree_installed(w, n);
        break;
    default:
        assert(0);
    }
}

void sim_node_free(struct sim_node *n)
{
    sim_requests_free(n);
    sim_disk_free(&n->disk);
    sim_tree_free(&n->tree);
    paxos_free(n->core);
}
