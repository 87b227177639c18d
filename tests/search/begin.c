/* The state with which a search begins. */
#include "cluster_internal.h"

#include <assert.h>
#include <stdlib.h>

static struct cluster *empty(const struct scope *scope, checker_fail *fail)
{
    assert(NODES <= NODES);
    struct cluster *c = calloc(1, sizeof *c);
    struct history *history = calloc(1, sizeof *history);
    assert(c && history);
    struct paxos_config config = cluster_config(scope, 0);
    checker_init(&history->checker, &config, fail, NULL);
    history->refs = 1;
    c->scope = scope;
    c->next_id = 1;
    c->history = history;
    for (uint32_t i = 0; i < NODES; i++) {
        c->nodes[i] = calloc(1, sizeof *c->nodes[i]);
        assert(c->nodes[i]);
        c->nodes[i]->refs = 1;
        cluster_start_node(c, i);
    }
    cluster_settle(c);
    return c;
}

static struct cluster *move(struct cluster *c, struct move m)
{
    struct cluster *next = cluster_after(c, m);
    cluster_free(c);
    return next;
}

/* Without a budget there are only deliveries and writes, and they come to an end. */
static struct cluster *quiet(struct cluster *c)
{
    struct move moves[MOVES_MAX];
    while (cluster_moves(c, moves) > 0)
        c = move(c, moves[0]);
    return c;
}

struct cluster *cluster_begin(const struct scope *scope, checker_fail *fail)
{
    struct cluster *c = empty(scope, fail);
    if (scope->settled) {
        c->left = (struct budget){.elections = 1};
        c = quiet(move(c, (struct move){.type = ELECT}));
        c->left = (struct budget){.proposals = 1};
        c = quiet(move(c, (struct move){.type = PROPOSE}));
    }
    c->left = scope->budget;
    return c;
}
