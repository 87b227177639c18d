/* The possible next moves of a state, within its budget. */
#include "cluster_internal.h"

#include <assert.h>

struct list {
    struct move *moves;
    uint32_t count;
};

static void add(struct list *list, enum move_type type, uint32_t node, uint32_t at)
{
    assert(list->count < MOVES_MAX);
    list->moves[list->count++] = (struct move){(uint8_t)type, (uint8_t)node, (uint8_t)at};
}

static void add_messages(const struct cluster *c, struct list *list)
{
    for (uint32_t i = 0; i < c->message_count; i++) {
        const struct flying *f = c->messages[i];
        bool first = cluster_first_on_link(c, i);
        if (!first && (c->scope->ordered || c->messages[i - 1]->fingerprint == f->fingerprint))
            continue;
        add(list, DELIVER, f->message.to - 1, i);
        if (c->left.duplicates > 0)
            add(list, DUPLICATE, f->message.to - 1, i);
    }
}

static void add_crashes(const struct cluster *c, struct list *list, uint32_t i)
{
    const struct node *n = c->nodes[i];
    for (uint32_t kept = 0; kept <= n->write_count; kept++) {
        add(list, CRASH, i, kept);
        if (n->applied > n->tree_durable)
            add(list, CRASH_TREE_KEPT, i, kept);
    }
}

static bool all_are_members(const struct cluster *c)
{
    for (uint32_t i = 0; i < NODES; i++)
        if (c->nodes[i]->membership.standing != PAXOS_MEMBER)
            return false;
    return true;
}

static void add_snapshots(const struct cluster *c, struct list *list, uint32_t i)
{
    const struct node *n = c->nodes[i];
    if (n->installing)
        add(list, INSTALLED, i, 0);
    else if (n->needed)
        for (uint32_t from = 0; from < NODES; from++)
            if (c->nodes[from]->applied >= n->needed && c->nodes[from]->applied > n->applied)
                add(list, FETCH, i, from);
}

static bool is_member(const struct node *n)
{
    struct paxos_status status;
    paxos_status(n->core, &status);
    return status.standing == PAXOS_MEMBER;
}

static bool can_trim(const struct node *n)
{
    struct paxos_status status;
    paxos_status(n->core, &status);
    return n->applied > status.compacted;
}

static void add_of_node(const struct cluster *c, struct list *list, uint32_t i)
{
    const struct node *n = c->nodes[i];
    if (n->write_count > 0)
        add(list, WRITTEN, i, 0);
    if (c->left.elections > 0 && is_member(n))
        add(list, ELECT, i, 0);
    bool asks = !c->scope->session || i == HOLDER;
    if (c->left.proposals > 0 && asks)
        add(list, PROPOSE, i, 0);
    if (c->left.ends > 0 && session_can_end(c, i))
        add(list, END_SESSION, i, 0);
    if (c->left.reads > 0 && n->read_count < READS_MAX && asks)
        add(list, READ, i, 0);
    if (c->left.ticks > 0)
        add(list, TICK, i, 0);
    if (c->left.trims > 0 && !n->installing && can_trim(n))
        add(list, TRIM, i, 0);
    if (c->left.breaks > 0)
        for (uint32_t peer = i + 1; peer < NODES; peer++)
            add(list, BREAK, i, peer);
    if (c->left.crashes > 0)
        add_crashes(c, list, i);
    if (c->left.losses > 0 && all_are_members(c))
        add(list, LOSE_FOLDER, i, 0);
    add_snapshots(c, list, i);
}

uint32_t cluster_moves(const struct cluster *c, struct move *moves)
{
    struct list list = {moves, 0};
    add_messages(c, &list);
    for (uint32_t i = 0; i < NODES; i++)
        add_of_node(c, &list, i);
    return list.count;
}
