/* What a mount does for its programs, as in fs/locks.h: it knows who holds what, forbids changes
 * under what is lost, and puts all others behind a fence. */
#include "nodes.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

enum { AGAIN_US = 250 * NODES_MS, SYSTEM_CALL_US_MAX = 200 };

/* ---- What programs hold ---- */

void mount_hold(struct program *p, uint64_t session)
{
    assert(!p->holds);
    p->holds = true;
    p->lost = false;
    p->waits = false;
    p->session = session;
    p->since_us = p->world->now;
    p->node->held++;
    p->node->session = session;
}

void mount_let_go(struct program *p)
{
    if (p->holds && !p->lost && --p->node->held == 0)
        p->node->session = 0;
    p->holds = p->lost = p->waits = false;
}

static struct program *next_at(struct node *n, uint32_t *i)
{
    struct programs *all = n->world->programs;
    while (*i < all->count) {
        struct program *p = &all->programs[(*i)++];
        if (p->node == n)
            return p;
    }
    return NULL;
}

static void lose_all(struct node *n)
{
    struct program *p;
    for (uint32_t i = 0; (p = next_at(n, &i));) {
        if (!p->holds || p->lost)
            continue;
        world_note(n->world, "program %u has lost what it holds", p->id);
        p->lost = true;
        n->held--;
    }
    assert(n->held == 0);
    n->session = 0;
}

static struct tree_lock wait_of(const struct program *p)
{
    return (struct tree_lock){.ino = p->ino,
                              .flock = true,
                              .node = p->node->pid,
                              .owner = p->owner,
                              .last = LOCK_LAST_MAX,
                              .waiter = p->waiter};
}

static void waits_follow_tree(struct node *n)
{
    struct tree *tree = n->replica->tree;
    struct program *p;
    for (uint32_t i = 0; (p = next_at(n, &i));) {
        const struct tree_lock wait = wait_of(p);
        int state = p->waits ? tree_lock_state(tree, &wait) : LOCK_WAITS;
        if (state == LOCK_GRANTED)
            setter_granted(p, tree_lock_session(tree, n->pid));
        else if (state == LOCK_BUSY)
            setter_ask_again(p);
    }
}

static void mount_on_changed(void *arg, const struct tree_changes *changes)
{
    struct node *n = arg;
    for (uint32_t i = 0; i < changes->count; i++) {
        const struct tree_change *change = &changes->list[i];
        struct program *p;
        if (change->kind < CHANGE_LOCK_GRANTED || change->node != n->pid)
            continue;
        if (change->kind == CHANGE_SESSION_ENDED) {
            lose_all(n);
            waits_follow_tree(n);
        }
        for (uint32_t j = 0; change->kind == CHANGE_LOCK_GRANTED && (p = next_at(n, &j));)
            if (p->waits && p->waiter == change->waiter)
                setter_granted(p, tree_lock_session(n->replica->tree, n->pid));
    }
}

static void mount_on_replaced(void *arg, uint64_t index)
{
    struct node *n = arg;
    world_note(n->world, "node %u has a snapshot of index %lu", n->pid, index);
    world_met(n->world, MET_SNAPSHOT);
    if (n->held > 0 && tree_lock_session(n->replica->tree, n->pid) != n->session)
        lose_all(n);
    waits_follow_tree(n);
}

void mount_begin(struct node *n)
{
    n->mount = (struct replica_observer){
        .changed = mount_on_changed, .replaced = mount_on_replaced, .locks_only = true, .arg = n};
    replica_observe(n->replica, &n->mount);
    /* As fs/gone.c: the first command of a start ends what the former one had. */
    if (n->life > 1)
        mount_give_up(n, &(struct op){.type = OP_RELEASE, .ino = INO_ROOT});
}

/* A mount tells the replica of programs that wait, so that grants come soon. */
void mount_look(struct node *n)
{
    struct program *p;
    n->replica->mount.locks_awaited = 0;
    for (uint32_t i = 0; (p = next_at(n, &i));)
        n->replica->mount.locks_awaited += p->waits;
}

/* ---- Requests ---- */

struct request {
    struct program *program;
    uint64_t number;
    struct op ops[PROGRAM_OPS_MAX];
    uint32_t count;
    uint8_t data[SET_MAX * sizeof(uint32_t)];
    char name[32];
    bool bare;
    program_done *done;
};

static void on_changed(void *arg, enum replica_outcome outcome, const struct command_result *result)
{
    struct request *q = arg;
    struct program *p = q->program;
    if (p->waits_for == q->number)
        q->done(p, outcome, result);
    free(q);
}

static void change_begin(struct world *w, struct node *n, void *arg)
{
    struct request *q = arg;
    struct program *p = q->program;
    struct command command = {0};
    int status = 0;
    if (p->waits_for != q->number) {
        free(q);
        return;
    }
    if (p->lost && !q->bare) {
        q->done(p, REPLICA_DONE, &(struct command_result){.status = -EIO});
        free(q);
        return;
    }
    if (n->session != 0 && !q->bare)
        status = command_add(&command, &(struct op){.type = OP_FENCE, .revision = n->session});
    for (uint32_t i = 0; i < q->count && status == 0; i++)
        status = command_add(&command, &q->ops[i]);
    assert(status == 0);
    replica_submit(n->replica, &command, on_changed, q);
}

void mount_change(struct program *p, const struct op *ops, uint32_t count, bool bare,
                  program_done *done)
{
    struct request *q = calloc(1, sizeof *q);
    assert(q && count <= PROGRAM_OPS_MAX);
    q->program = p;
    q->number = p->waits_for = programs_number(p->world);
    q->count = count;
    q->bare = bare;
    q->done = done;
    for (uint32_t i = 0; i < count; i++) {
        q->ops[i] = ops[i];
        assert(ops[i].data.len <= sizeof q->data && ops[i].name.len <= sizeof q->name);
        if (ops[i].data.len > 0) {
            memcpy(q->data, ops[i].data.data, ops[i].data.len);
            q->ops[i].data.data = q->data;
        }
        if (ops[i].name.len > 0) {
            memcpy(q->name, ops[i].name.data, ops[i].name.len);
            q->ops[i].name.data = (uint8_t *)q->name;
        }
    }
    world_at(p->world, p->node, 1 + sim_below(&p->world->random, SYSTEM_CALL_US_MAX), change_begin,
             q);
}

struct reading {
    struct program *program;
    uint64_t number;
    void (*done)(struct program *p, bool well);
};

static void mount_on_read(void *arg, enum replica_outcome outcome,
                          struct replica_freshness freshness)
{
    struct reading reading = *(struct reading *)arg;
    free(arg);
    if (reading.program->waits_for == reading.number)
        reading.done(reading.program, outcome == REPLICA_DONE);
}

static void mount_read_begin(struct world *w, struct node *n, void *arg)
{
    replica_read(n->replica, REPLICA_LINEARIZABLE, mount_on_read, arg);
}

void mount_read(struct program *p, void (*done)(struct program *p, bool well))
{
    struct reading *reading = malloc(sizeof *reading);
    assert(reading);
    *reading = (struct reading){p, p->waits_for = programs_number(p->world), done};
    world_at(p->world, p->node, 1 + sim_below(&p->world->random, SYSTEM_CALL_US_MAX),
             mount_read_begin, reading);
}

/* ---- What is given up without a request ---- */

struct undone {
    struct node *node;
    struct op op;
    uint8_t then; /* this operation of the same lock follows; 0: none */
};

static void undone_try(struct world *w, struct node *n, void *arg);

static void undone_done(void *arg, enum replica_outcome outcome,
                        const struct command_result *result)
{
    struct undone *u = arg;
    if (outcome == REPLICA_DONE && u->then == 0) {
        free(u);
        return;
    }
    if (outcome == REPLICA_DONE) {
        u->op.type = u->then;
        u->then = 0;
    }
    world_at(u->node->world, u->node, outcome == REPLICA_DONE ? 1 : AGAIN_US, undone_try, u);
}

static void undone_try(struct world *w, struct node *n, void *arg)
{
    struct undone *u = arg;
    struct command command = {0};
    int status = command_add(&command, &u->op);
    assert(status == 0);
    replica_submit(n->replica, &command, undone_done, u);
}

static void give_up(struct node *n, const struct op *op, uint8_t then)
{
    struct undone *u = malloc(sizeof *u);
    assert(u);
    *u = (struct undone){n, *op, then};
    world_at(n->world, n, 1, undone_try, u);
}

void mount_give_up(struct node *n, const struct op *op)
{
    give_up(n, op, 0);
}

void mount_give_up_wait(struct node *n, const struct op *unwait)
{
    assert(unwait->type == OP_UNWAIT);
    give_up(n, unwait, OP_UNLOCK);
}
