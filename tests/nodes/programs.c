/* All programs of a history. */
#include "nodes.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

enum { REST_US_MAX = 800 * NODES_MS, ABSENCE_US_MAX = 4000 * NODES_MS, SETUP_US = 100 * NODES_MS };

struct programs *programs_new(struct world *w)
{
    struct programs *all = calloc(1, sizeof *all);
    assert(all);
    return all;
}

uint64_t programs_number(struct world *w)
{
    return ++w->programs->last_number;
}

/* ---- Steps ---- */

struct step {
    struct program *program;
    uint64_t number;
    program_step *step;
};

static void step_happens(struct world *w, struct node *n, void *arg)
{
    struct step *s = arg;
    struct program *p = s->program;
    if (p->waits_for == s->number && p->stopped_until > w->now) {
        world_at(w, NULL, p->stopped_until - w->now, step_happens, s);
        return;
    }
    if (p->waits_for == s->number && p->node->up)
        s->step(p);
    else if (p->waits_for == s->number)
        program_rest(p);
    free(s);
}

void program_then(struct program *p, uint64_t delay, program_step *step)
{
    struct step *s = malloc(sizeof *s);
    assert(s);
    *s = (struct step){p, p->waits_for = programs_number(p->world), step};
    world_at(p->world, NULL, delay, step_happens, s);
}

void program_stop(struct program *p, uint64_t us)
{
    p->stopped_until = p->world->now + us;
    world_note(p->world, "program %u stands still for %lu ms", p->id, us / NODES_MS);
}

static void program_anew(struct program *p)
{
    if (p->world->programs_stop)
        return;
    if (sim_chance(&p->world->random, 300))
        p->node = &p->world->nodes[sim_below(&p->world->random, p->world->options.nodes)];
    if (!p->node->up) {
        program_rest(p);
        return;
    }
    p->closing = p->unknown = false;
    p->element_count = 0;
    if (p->kind == SETTER)
        setter_begin(p);
    else
        keeper_begin(p);
}

void program_rest(struct program *p)
{
    assert(!p->holds);
    bool forgets = (p->kind == TTL || p->kind == LEASE) && sim_chance(&p->world->random, 500);
    uint64_t most = forgets ? ABSENCE_US_MAX : REST_US_MAX;
    program_then(p, 1 + sim_below(&p->world->random, most), program_anew);
}

void programs_lost(struct node *n)
{
    struct programs *all = n->world->programs;
    n->held = 0;
    n->session = 0;
    for (uint32_t i = 0; i < all->count; i++) {
        struct program *p = &all->programs[i];
        if (p->node != n)
            continue;
        p->holds = p->lost = p->waits = false;
        program_rest(p);
    }
    for (uint32_t i = 0; i < all->watcher_count; i++)
        if (all->watchers[i].node == n)
            watcher_gone(&all->watchers[i]);
}

/* ---- Begin and end ---- */

static void make_program(struct world *w, enum program_kind kind)
{
    struct programs *all = w->programs;
    struct program *p = &all->programs[all->count];
    *p = (struct program){.world = w, .kind = kind, .id = all->count++};
    p->node = &w->nodes[sim_below(&w->random, w->options.nodes)];
    program_rest(p);
}

static void on_setup(void *arg, enum replica_outcome outcome, const struct command_result *result)
{
    struct node *n = arg;
    struct programs *all = n->world->programs;
    struct attr attr;
    char name[16];
    if (outcome != REPLICA_DONE || result->status != 0)
        return;
    for (int i = 0; i < SETS; i++) {
        snprintf(name, sizeof name, "locks/%d", i);
        tree_resolve(n->replica->tree, bytes_of_text(name), &attr);
        all->lock_inos[i] = attr.ino;
    }
    tree_resolve(n->replica->tree, bytes_of_text("e"), &attr);
    all->dir_ino = attr.ino;
    all->ready = true;
}

static void setup(struct world *w, struct node *n, void *arg)
{
    struct command command = {0};
    char name[16];
    int status = command_add(
        &command,
        &(struct op){.type = OP_MKDIR, .ino = INO_ROOT, .name = bytes_of_text("e"), .mode = 0755});
    for (int i = 0; i < SETS && status == 0; i++) {
        snprintf(name, sizeof name, "locks/%d", i);
        status = command_add(&command, &(struct op){.type = OP_PUT, .name = bytes_of_text(name)});
    }
    assert(status == 0);
    replica_submit(n->replica, &command, on_setup, n);
}

void programs_begin(struct world *w, uint32_t setters, uint32_t keepers, uint32_t watchers)
{
    struct programs *all = w->programs;
    for (int tries = 0; !all->ready; tries++) {
        world_check(w, tries < 100, "the cluster does not begin");
        if (tries % 10 == 9)
            world_at(w, &w->nodes[0], 1, setup, NULL);
        world_run(w, SETUP_US);
    }
    for (uint32_t i = 0; i < setters; i++)
        make_program(w, SETTER);
    for (uint32_t i = 0; i < keepers; i++)
        make_program(w, EPHEMERAL + i % 3);
    for (uint32_t i = 0; i < watchers; i++) {
        struct watcher *r = &all->watchers[all->watcher_count];
        *r = (struct watcher){.world = w, .id = all->watcher_count++};
        strcpy(r->prefix, i % 2 ? "" : i % 4 ? "e/" : "set");
        watcher_begin(r);
    }
}

void programs_end(struct world *w)
{
    w->programs_stop = true;
}
