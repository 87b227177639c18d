/* A node's tree: the state that its log gives, durable now and then; or a peer's, by a snapshot.
 *
 *   needed ──> fetching ──whole──> installing ──durable──> replaced ──told──> installed */
#include "sim.h"

#include <assert.h>
#include <stdlib.h>

/* ---- applying ---- */

static void apply_entry(struct sim_world *w, struct sim_node *n, const struct paxos_entry *e)
{
    struct machine *m = &n->tree.now;
    struct machine_command command = machine_command_of(e);
    struct machine_result result;
    checker_applied(&w->checker, n->index, m->applied, command.id);
    enum machine_verdict verdict = machine_apply(m, &command, &result);
    sim_judge_state(w, n);
    if (verdict == MACHINE_IGNORED)
        return;
    sim_judge_effect(w, &command, &result);
    if (n->up)
        sim_requests_applied(w, n, &command, &result);
}

void sim_tree_apply(struct sim_world *w, struct sim_node *n, uint64_t decided)
{
    struct sim_tree *t = &n->tree;
    if (t->installing)
        return;
    while (t->now.applied < decided)
        apply_entry(w, n, paxos_entry_at(n->core, t->now.applied));
}

/* The core wants to have handed out as decided what it trims; it may not have been asked yet. */
static void trim(struct sim_world *w, struct sim_node *n)
{
    uint64_t handed_out = w->checker.nodes[n->index].decided;
    uint64_t tail = sim_below(&w->random, w->options.trim_tail + 1);
    uint64_t end = n->tree.durable.applied < handed_out ? n->tree.durable.applied : handed_out;
    if (end > tail)
        sim_step(w, n, &(struct paxos_event){.type = PAXOS_TRIM, .index = end - tail});
}

static void checkpoint(struct sim_world *w, struct sim_node *n)
{
    n->tree.durable = n->tree.now;
    sim_storage_operation(w, n);
    if (w->options.trim_tail != UINT32_MAX)
        trim(w, n);
}

void sim_tree_tick(struct sim_world *w, struct sim_node *n)
{
    if (!n->tree.installing && sim_chance(&w->random, 400))
        checkpoint(w, n);
    sim_tree_fetch(w, n);
}

void sim_tree_crash(struct sim_world *w, struct sim_node *n, uint64_t kept)
{
    struct sim_tree *t = &n->tree;
    const struct sim_log *log = &n->disk.log;
    uint64_t applied = t->durable.applied + kept;
    assert(applied <= t->now.applied);
    t->now = t->durable;
    while (t->now.applied < applied)
        apply_entry(w, n, log->entries[t->now.applied - log->base]);
    free(t->fetching);
    t->fetching = NULL;
    t->installing = false;
    t->needed = 0;
}

/* ---- snapshots ---- */

/* It takes a while, now and then several ticks. */
static void schedule(struct sim_world *w, struct sim_node *n, enum sim_event_type type,
                     uint64_t limit)
{
    if (w->options.slow_snapshots && sim_chance(&w->random, 200))
        limit = 8 * SIM_TICK;
    sim_schedule(w, 1 + sim_below(&w->random, limit),
                 (struct sim_event){.type = type, .node = n->index, .life = n->life});
}

static bool can_serve(const struct sim_world *w, const struct sim_node *source,
                      const struct sim_node *n)
{
    return source != n && source->up && source->paused_until <= w->now &&
           !w->cut[source->index][n->index] && !w->cut[n->index][source->index] &&
           !source->tree.installing && source->tree.now.applied >= n->tree.needed;
}

/* From any peer that is far enough. */
void sim_tree_fetch(struct sim_world *w, struct sim_node *n)
{
    struct sim_tree *t = &n->tree;
    if (t->fetching || !t->needed)
        return;
    uint32_t start = (uint32_t)sim_below(&w->random, w->options.nodes);
    for (uint32_t k = 0; k < w->options.nodes; k++) {
        const struct sim_node *source = &w->nodes[(start + k) % w->options.nodes];
        if (!can_serve(w, source, n))
            continue;
        t->source = source->index;
        t->fetching = malloc(sizeof *t->fetching);
        assert(t->fetching);
        *t->fetching = source->tree.now;
        sim_note(w, SIM_SNAPSHOT, n->index, t->fetching->applied, source->pid, t->needed);
        schedule(w, n, SIM_FETCHED, 4 * w->options.delay_max + n->slow + source->slow);
        return;
    }
}

static void tree_give_up(struct sim_tree *t)
{
    free(t->fetching);
    t->fetching = NULL;
}

/* The source may have gone meanwhile, and the log may have done it. */
void sim_tree_fetched(struct sim_world *w, struct sim_node *n)
{
    struct sim_tree *t = &n->tree;
    const struct sim_node *source = &w->nodes[t->source];
    bool whole = source->up && !w->cut[t->source][n->index];
    if (!whole || !t->needed || t->fetching->applied <= t->now.applied) {
        tree_give_up(t);
        return;
    }
    t->installing = true;
    sim_storage_operation(w, n);
    schedule(w, n, SIM_REPLACED, w->options.disk_delay_max);
}

void sim_tree_replaced(struct sim_world *w, struct sim_node *n)
{
    struct sim_tree *t = &n->tree;
    assert(t->fetching->applied > t->now.applied);
    t->now = t->durable = *t->fetching;
    t->installed = t->now.applied;
    sim_note(w, SIM_REPLACES_TREE, n->index, t->installed, 0, 0);
    sim_judge_state(w, n);
    struct checker_view view = sim_view(n, n->disk.log.end);
    checker_disk(&w->checker, n->index, &view);
    sim_storage_operation(w, n);
    schedule(w, n, SIM_INSTALLED, w->options.disk_delay_max);
}

void sim_tree_installed(struct sim_world *w, struct sim_node *n)
{
    struct sim_tree *t = &n->tree;
    tree_give_up(t);
    t->installing = false;
    sim_step(w, n, &(struct paxos_event){.type = PAXOS_SNAPSHOT_INSTALLED, .index = t->installed});
    sim_requests_recall(w, n);
}

void sim_tree_lost(struct sim_node *n)
{
    sim_tree_free(&n->tree);
    n->tree = (struct sim_tree){0};
}

void sim_tree_free(struct sim_tree *t)
{
    free(t->fetching);
}
