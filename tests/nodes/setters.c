/* Programs that change a set under a lock: each reads the set, waits, and writes it with one more
 * element. If two of them ever held the lock at the same time, an element would be lost. */
#include "nodes.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { THINK_US_MAX = 150 * NODES_MS, ROUNDS_MAX = 3 };

static void setter_name(const struct program *p, char name[16])
{
    snprintf(name, 16, "set%u", p->place);
}

static struct op lock_op(const struct program *p, uint8_t type)
{
    return (struct op){.type = type,
                       .ino = p->ino,
                       .flags = OP_LOCK_FLOCK,
                       .owner = p->owner,
                       .size = LOCK_LAST_MAX,
                       .waiter = p->waiter};
}

/* ---- Its end ---- */

static void unlocked(struct program *p, enum replica_outcome outcome,
                     const struct command_result *result)
{
    struct op op = lock_op(p, OP_UNLOCK);
    if (p->holds && !p->lost && outcome != REPLICA_DONE)
        mount_give_up(p->node, &op);
    mount_let_go(p);
    program_rest(p);
}

/* The descriptor is closed, by the program or because it was killed. */
static void setter_close(struct program *p)
{
    struct op op = lock_op(p, OP_UNLOCK);
    p->closing = true;
    if (p->lost || !sim_chance(&p->world->random, 700)) {
        if (!p->lost)
            mount_give_up(p->node, &op);
        mount_let_go(p);
        program_rest(p);
        return;
    }
    mount_change(p, &op, 1, true, unlocked);
}

/* ---- A change ---- */

static void setter_read(struct program *p);

static void acknowledge(struct program *p)
{
    struct programs *all = p->world->programs;
    if (all->done_count == all->done_max) {
        all->done_max = all->done_max ? 2 * all->done_max : 256;
        all->done = realloc(all->done, all->done_max * sizeof *all->done);
        assert(all->done);
    }
    all->done[all->done_count++] =
        (struct acknowledged){p->place, p->elements[p->element_count - 1]};
}

static void written(struct program *p, enum replica_outcome outcome,
                    const struct command_result *result)
{
    struct world *w = p->world;
    if (outcome == REPLICA_DONE && result->status == 0) {
        acknowledge(p);
        if (--p->rounds > 0)
            program_then(p, 1 + sim_below(&w->random, THINK_US_MAX), setter_read);
        else
            program_then(p, 1 + sim_below(&w->random, THINK_US_MAX), setter_close);
        return;
    }
    if (outcome == REPLICA_DONE && result->status == -EIO)
        world_met(w, MET_SET_REFUSED);
    else if (outcome == REPLICA_DONE && result->status == -EOWNERDEAD)
        world_met(w, MET_SET_FENCED);
    else if (outcome == REPLICA_TIMEOUT)
        world_met(w, MET_SET_UNKNOWN);
    world_note(w, "program %u: a change comes to nothing (%s, %d)", p->id,
               replica_outcome_text(outcome), result ? result->status : 0);
    setter_close(p);
}

static void setter_write(struct program *p)
{
    char name[16];
    setter_name(p, name);
    assert(p->element_count < SET_MAX);
    p->elements[p->element_count++] = p->id << 20 | ++p->counter;
    const struct op op = {.type = OP_PUT,
                          .name = bytes_of_text(name),
                          .data = bytes_of(p->elements, p->element_count * sizeof p->elements[0])};
    mount_change(p, &op, 1, false, written);
}

static void setter_has_read(struct program *p, bool well)
{
    struct tree *tree = p->node->replica->tree;
    struct buffer value = {0};
    struct attr attr;
    char name[16];
    if (!well) {
        setter_close(p);
        return;
    }
    setter_name(p, name);
    p->element_count = 0;
    if (tree_resolve(tree, bytes_of_text(name), &attr) == 0 &&
        tree_read(tree, attr.ino, 0, attr.size, &value) == 0 && value.len > 0) {
        memcpy(p->elements, value.data, value.len);
        p->element_count = (uint32_t)(value.len / sizeof p->elements[0]);
    }
    buffer_free(&value);
    program_then(p, 1 + sim_below(&p->world->random, THINK_US_MAX), setter_write);
}

static void setter_read(struct program *p)
{
    mount_read(p, setter_has_read);
}

/* ---- The lock ---- */

void setter_granted(struct program *p, uint64_t session)
{
    if (p->waits)
        world_met(p->world, MET_LOCK_WAITED);
    else
        world_met(p->world, MET_LOCK_GRANTED);
    if (p->closing)
        world_met(p->world, MET_LOCK_TAKEN_BACK_LATE);
    p->closing = false;
    world_note(p->world, "program %u at node %u has lock %u", p->id, p->node->pid, p->place);
    mount_hold(p, session);
    program_then(p, 1 + sim_below(&p->world->random, 1000), setter_read);
}

static void taken_back(struct program *p, enum replica_outcome outcome,
                       const struct command_result *result)
{
    struct op op = lock_op(p, OP_UNWAIT);
    if (outcome != REPLICA_DONE)
        mount_give_up_wait(p->node, &op);
    else
        world_met(p->world, MET_LOCK_TAKEN_BACK);
    p->waits = false;
    program_rest(p);
}

static void setter_loses_patience(struct program *p)
{
    struct op op = lock_op(p, OP_UNWAIT);
    if (!p->waits)
        return;
    p->closing = true;
    mount_change(p, &op, 1, true, taken_back);
}

static void asked(struct program *p, enum replica_outcome outcome,
                  const struct command_result *result)
{
    struct tree *tree = p->node->replica->tree;
    const struct tree_lock mine = {.ino = p->ino,
                                   .flock = true,
                                   .node = p->node->pid,
                                   .owner = p->owner,
                                   .last = LOCK_LAST_MAX,
                                   .waiter = p->waiter};
    struct op op = lock_op(p, OP_UNWAIT);
    if (outcome != REPLICA_DONE || result->status != 0) {
        if (outcome == REPLICA_TIMEOUT)
            mount_give_up_wait(p->node, &op);
        program_rest(p);
        return;
    }
    const struct op_result *answer = &result->ops[result->count - 1];
    int state = tree_lock_state(tree, &mine);
    if (answer->offset == LOCK_BUSY) {
        program_rest(p);
    } else if (state == LOCK_BUSY) { /* the answer is one from before a snapshot */
        setter_ask_again(p);
    } else if (state == LOCK_GRANTED) {
        setter_granted(p, tree_lock_session(tree, p->node->pid));
    } else {
        p->waits = true;
        bool patient = sim_chance(&p->world->random, 600);
        uint64_t us = patient ? UINT64_C(3600000000) : sim_below(&p->world->random, 4000000);
        program_then(p, us, setter_loses_patience);
    }
}

static void setter_ask(struct program *p)
{
    struct op op = lock_op(p, OP_LOCK);
    op.flags |= sim_chance(&p->world->random, 900) ? OP_LOCK_WAIT : 0;
    mount_change(p, &op, 1, true, asked);
}

void setter_ask_again(struct program *p)
{
    p->waits = p->closing = false;
    p->waiter = programs_number(p->world);
    program_then(p, 1, setter_ask);
}

void setter_begin(struct program *p)
{
    struct world *w = p->world;
    p->place = (uint32_t)sim_below(&w->random, SETS);
    p->ino = w->programs->lock_inos[p->place];
    p->owner = programs_number(w);
    p->waiter = programs_number(w);
    p->rounds = 1 + (uint32_t)sim_below(&w->random, ROUNDS_MAX);
    setter_ask(p);
}
