#include "program.h"

struct paxos_config program_config(struct source *s)
{
    static const uint32_t quorums[][2] = {{0, 0}, {0, 0}, {2, 2}, {3, 1}, {1, 3}, {3, 2}};
    static const uint32_t pids[][CLUSTER_NODES] = {{1, 2, 3}, {6, 7, 100}};
    uint32_t quorum = source_below(s, sizeof quorums / sizeof *quorums), ids = source_below(s, 2);
    return (struct paxos_config){.count = CLUSTER_NODES,
                                 .pids = {pids[ids][0], pids[ids][1], pids[ids][2]},
                                 .read_quorum = quorums[quorum][0],
                                 .write_quorum = quorums[quorum][1]};
}

static void propose(struct cluster *c, struct node *n, struct source *s)
{
    static const uint32_t sizes[] = {0, 0, 0, 0, 0, 100, 5000, 100000};
    uint32_t shape = source_u8(s);
    cluster_propose(c, n, 1 + shape / 8 % 16, sizes[shape % 8]);
}

static void program_link_event(struct cluster *c, struct node *n, struct source *s)
{
    uint32_t other = (n->index + 1 + source_below(s, CLUSTER_NODES - 1)) % CLUSTER_NODES;
    bool up = source_u8(s) & 1;
    cluster_step(c, n,
                 &(struct paxos_event){.type = up ? PAXOS_LINK_UP : PAXOS_LINK_DOWN,
                                       .pid = c->nodes[other].pid});
}

static void deliver(struct cluster *c, struct source *s, bool keep)
{
    if (c->mail_count > 0)
        mail_deliver(c, source_u8(s) % c->mail_count, keep);
}

/* All that waits for a node, oldest first; the others wait on. */
static void deliver_all(struct cluster *c, struct node *n)
{
    for (size_t i = 0, left = c->mail_count; left > 0 && i < c->mail_count; left--) {
        if (c->mail[i].to == n->pid)
            mail_deliver(c, i, false);
        else
            i++;
    }
}

/* An entry that is already known comes again, as proposers repeat what they have no answer to. */
static void propose_again(struct cluster *c, struct node *n)
{
    const struct disk *d = &c->nodes[(n->index + 1) % CLUSTER_NODES].disk;
    if (d->end == d->base)
        return;
    struct paxos_entry *entry = paxos_entry_ref(d->entries[d->end - d->base - 1]);
    cluster_step(c, n,
                 &(struct paxos_event){.type = PAXOS_PROPOSE, .entries = &entry, .entry_count = 1});
    paxos_entry_unref(entry);
}

static void restart(struct cluster *c, struct node *n, struct source *s)
{
    uint8_t luck = source_u8(s);
    cluster_crash(c, n, luck % 8, luck / 8 % 8);
    if (luck < 192) /* otherwise it stays away for a while */
        cluster_start(c, n);
}

static void step_node(struct cluster *c, struct node *n, uint32_t what, struct source *s)
{
    const struct paxos_event tick = {.type = PAXOS_TICK};
    switch (what) {
    case 0:
        cluster_step(c, n, &tick);
        break;
    case 1:
        cluster_step_only(c, n, &tick);
        break;
    case 2:
        cluster_disk(c, n, SIZE_MAX);
        break;
    case 3:
        cluster_disk(c, n, 1);
        break;
    case 4:
        propose(c, n, s);
        break;
    case 5:
        cluster_read(c, n);
        break;
    case 6:
        program_link_event(c, n, s);
        break;
    case 7:
        cluster_trim(c, n, source_u8(s) % 16);
        break;
    case 8:
        cluster_install(c, n, c->nodes[source_below(s, CLUSTER_NODES)].tree.applied);
        break;
    case 9:
        cluster_installed(c, n);
        break;
    case 10:
        restart(c, n, s);
        break;
    case 11:
        cluster_start(c, n);
        break;
    case 12:
        propose_again(c, n);
        break;
    default:
        deliver_all(c, n);
    }
}

void program_step(struct cluster *c, struct source *s)
{
    uint32_t what = source_u8(s);
    struct node *n = &c->nodes[what % CLUSTER_NODES];
    what /= CLUSTER_NODES; /* 0..85 */
    if (what < 40)
        step_node(c, n, what < 26 ? what % 14 : 13, s);
    else if (what < 70)
        deliver(c, s, what >= 64);
    else if (what < 76)
        deliver(c, s, true);
    else if (what < 84 && c->mail_count > 0)
        mail_drop(c, source_u8(s) % c->mail_count);
    else if (what == 85)
        cluster_empty_folder(c, n);
    else
        cluster_settle(c, 1 + source_below(s, 3));
}
