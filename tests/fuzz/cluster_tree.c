#include "cluster.h"

static uint64_t lower(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

void tree_take_decided(struct cluster *c, struct node *n)
{
    if (n->tree.installing)
        return;
    for (; n->tree.applied < n->emitted; n->tree.applied++) {
        const struct paxos_entry *e = paxos_entry_at(n->core, n->tree.applied);
        if (c->honest)
            checker_applied(&c->checker, n->index, n->tree.applied, checker_id(e));
    }
}

/* A checkpoint, and then the log below it may go, but for a tail. */
void cluster_trim(struct cluster *c, struct node *n, uint64_t keep)
{
    if (!n->core || n->tree.installing)
        return;
    n->tree.durable = n->tree.applied;
    uint64_t end = lower(n->tree.durable, n->emitted);
    if (end > keep)
        cluster_step(c, n, &(struct paxos_event){.type = PAXOS_TRIM, .index = end - keep});
}

void cluster_install(struct cluster *c, struct node *n, uint64_t index)
{
    bool wanted = n->core && n->needed != 0 && index >= n->needed && index > n->tree.applied;
    if (!wanted || n->tree.installing)
        return;
    n->tree.applied = n->tree.durable = n->tree.installed = index;
    n->tree.installing = true;
    struct checker_view view = disk_view(n, n->disk.end);
    if (c->honest)
        checker_disk(&c->checker, n->index, &view);
}

void cluster_installed(struct cluster *c, struct node *n)
{
    if (!n->core || !n->tree.installing)
        return;
    n->tree.installing = false;
    cluster_step(
        c, n, &(struct paxos_event){.type = PAXOS_SNAPSHOT_INSTALLED, .index = n->tree.installed});
}
