/* Programs that have keys which go away: with an open file, after a time, with a lease. */
#include "nodes.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { KEEP_US_MAX = 3000 * NODES_MS, TTL_MS = 300, TTL_MS_SPAN = 2000, RENEWALS_MAX = 6 };

/* ---- Ephemeral ---- */

static void ephemeral_close(struct program *p)
{
    p->closing = true;
    if (!p->lost)
        mount_give_up(p->node, &(struct op){.type = OP_EPHEMERAL_END, .ino = p->ino});
    mount_let_go(p);
    program_rest(p);
}

static void ephemeral_made(struct program *p, enum replica_outcome outcome,
                           const struct command_result *result)
{
    struct world *w = p->world;
    if (outcome == REPLICA_DONE && result->status == -EBUSY)
        world_met(w, MET_EPHEMERAL_BUSY);
    if (outcome == REPLICA_TIMEOUT)
        p->unknown = true; /* judge.c ends what nobody has open */
    if (outcome != REPLICA_DONE || result->status != 0) {
        program_rest(p);
        return;
    }
    const struct op_result *answer = &result->ops[result->count - 1];
    p->ino = answer->attr.ino;
    if (tree_lock_session(p->node->replica->tree, p->node->pid) != answer->offset) {
        mount_give_up(p->node, &(struct op){.type = OP_EPHEMERAL_END, .ino = p->ino});
        program_rest(p);
        return;
    }
    world_note(w, "program %u at node %u has e/%u", p->id, p->node->pid, p->place);
    mount_hold(p, answer->offset);
    program_then(p, 1 + sim_below(&w->random, KEEP_US_MAX), ephemeral_close);
}

static void ephemeral_begin(struct program *p)
{
    char name[16];
    p->place = (uint32_t)sim_below(&p->world->random, NAMES);
    p->waiter = programs_number(p->world);
    snprintf(name, sizeof name, "%u", p->place);
    const struct op op = {.type = OP_EPHEMERAL,
                          .ino = p->world->programs->dir_ino,
                          .name = bytes_of_text(name),
                          .mode = 0644,
                          .waiter = p->waiter};
    mount_change(p, &op, 1, false, ephemeral_made);
}

/* ---- After a time ---- */

static void ttl_renew(struct program *p);

/* Now or then a renewal comes at the last moment, or too late. */
static uint64_t renewal_us(struct program *p)
{
    uint64_t ms = sim_chance(&p->world->random, 300) ? p->ms + 60 : p->ms / 2;
    return (ms - sim_below(&p->world->random, 50)) * NODES_MS;
}

static void keeper_asks(struct program *p)
{
    if (!p->unknown)
        p->asked_us[0] = p->world->now;
    p->asked_us[1] = p->world->now;
    p->unknown = true;
}

static void ttl_put(struct program *p, enum replica_outcome outcome,
                    const struct command_result *result)
{
    if (outcome == REPLICA_DONE)
        p->unknown = false;
    if (--p->rounds > 0)
        program_then(p, renewal_us(p), ttl_renew);
    else
        program_rest(p);
}

static void ttl_renew(struct program *p)
{
    char name[16];
    snprintf(name, sizeof name, "ttl%u", p->id);
    uint64_t now = p->world->now;
    bool again = p->asked_us[0] > 0 && sim_chance(&p->world->random, 400);
    const struct op op = {.type = OP_PUT,
                          .name = bytes_of_text(name),
                          .data = bytes_of(&now, sizeof now),
                          .ttl = again ? 0 : p->ms}; /* 0: the time stays as it is */
    p->asked_us[0] = now;
    mount_change(p, &op, 1, true, ttl_put);
}

/* ---- With a lease ---- */

static void lease_renew(struct program *p);

static void lease_ended(struct program *p, enum replica_outcome outcome,
                        const struct command_result *result)
{
    program_rest(p);
}

static void lease_renewed(struct program *p, enum replica_outcome outcome,
                          const struct command_result *result)
{
    if (outcome == REPLICA_DONE)
        p->unknown = false;
    bool over = outcome == REPLICA_DONE && result->status != 0;
    if (!over && --p->rounds > 0) {
        program_then(p, renewal_us(p), lease_renew);
    } else if (!over && sim_chance(&p->world->random, 400)) {
        const struct op op = {.type = OP_LEASE_END, .lease = p->lease};
        p->closing = true;
        mount_change(p, &op, 1, true, lease_ended);
    } else {
        program_rest(p);
    }
}

static void lease_renew(struct program *p)
{
    const struct op op = {.type = OP_LEASE_RENEW, .lease = p->lease};
    keeper_asks(p);
    mount_change(p, &op, 1, true, lease_renewed);
}

static void lease_begin(struct program *p)
{
    char name[16];
    uint64_t number = p->lease = programs_number(p->world);
    snprintf(name, sizeof name, "lease%u", p->id);
    const struct op ops[] = {{.type = OP_LEASE, .lease = p->lease, .size = p->ms},
                             {.type = OP_PUT,
                              .name = bytes_of_text(name),
                              .data = bytes_of(&number, sizeof number),
                              .lease = p->lease}};
    p->unknown = false;
    keeper_asks(p);
    mount_change(p, ops, 2, true, lease_renewed);
}

void keeper_begin(struct program *p)
{
    struct sim_random *r = &p->world->random;
    p->ms = TTL_MS + sim_below(r, TTL_MS_SPAN);
    p->rounds = 1 + (uint32_t)sim_below(r, RENEWALS_MAX);
    p->asked_us[0] = 0;
    if (p->kind == EPHEMERAL)
        ephemeral_begin(p);
    else if (p->kind == TTL)
        ttl_renew(p);
    else
        lease_begin(p);
}
