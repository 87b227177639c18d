#include "life.h"

#include "../unit/tree_fixture.h"
#include "cluster.h"
#include "pool.h"
#include "report.h"

#include <assert.h>
#include <stdlib.h>

enum {
    RECOVERY_ROUNDS_MAX = 100,
    TAIL = 8,          /* entries that a trim keeps at the most */
    AWAY_ENTRIES = 24, /* decided while the node hears nothing */
    INTERLEAVE_ONE_IN = 6,
};

static uint32_t life_below(struct life *life, uint32_t n)
{
    return random_below(&life->random, n);
}

/* ---- The record of a life ---- */

static void keep(struct history *history, struct disk_change *change, const struct ledger *ledger)
{
    size_t count = history->changes.count;
    history->ledgers =
        must_grow(history->ledgers, count, &history->ledger_cap, sizeof *history->ledgers);
    history->ledgers[count] = *ledger;
    disk_changes_add(&history->changes, change);
}

void history_free(struct history *history)
{
    disk_free(history->start);
    disk_changes_clear(&history->changes);
    free(history->ledgers);
    *history = (struct history){0};
}

struct disk *history_disk(const struct history *history, size_t point)
{
    struct disk *disk = disk_copy(history->start);
    for (size_t i = 0; i < point; i++)
        disk_apply(disk, history->changes.list[i]);
    return disk;
}

const struct ledger *history_ledger(const struct history *history, size_t point)
{
    return point < history->changes.count ? &history->ledgers[point] : &history->last;
}

/* The loop and the log's thread go on while a job is in the middle of its work. */
static void interleave(struct life *life)
{
    switch (life_below(life, 3)) {
    case 0:
        node_store(&life->node, false);
        node_turn(&life->node);
        break;
    case 1:
        node_apply(&life->node, 2);
        break;
    default:
        node_commit(&life->node);
    }
}

static void watch(void *arg, struct disk_change *change)
{
    struct life *life = arg;
    if (pool_working() && !life->inside && life_below(life, INTERLEAVE_ONE_IN) == 0) {
        life->inside = true;
        interleave(life);
        life->inside = false;
    }
    if (life->history)
        keep(life->history, change, &life->ledger);
}

/* ---- Steps ---- */

/* Node and leader talk until neither has anything to say. */
static void life_talk(struct life *life)
{
    do
        node_turn(&life->node);
    while (life->node.status == 0 && leader_answer(&life->leader));
}

static void store(struct life *life, bool checkpoint)
{
    life->counts.commits += life->node.write_count > 0;
    for (uint32_t i = 0; i < life->node.write_count; i++)
        life->counts.truncations += life->node.writes[i].truncate;
    life->counts.wal_checkpoints += checkpoint;
    node_store(&life->node, checkpoint);
}

static void ship(struct life *life)
{
    leader_ship(&life->leader, 1 + life_below(life, 4));
}

static void decide(struct life *life)
{
    leader_decide(&life->leader, life_below(life, 5), life_below(life, 2));
}

static void store_some(struct life *life)
{
    store(life, false);
}

static void life_apply(struct life *life)
{
    uint64_t before = tree_applied(life->node.tree);
    node_apply(&life->node, 1 + life_below(life, 6));
    life->counts.applied += tree_applied(life->node.tree) - before;
}

static void commit(struct life *life)
{
    node_commit(&life->node);
}

static void checkpoint(struct life *life)
{
    life->counts.checkpoints++;
    node_checkpoint(&life->node);
}

static void background(struct life *life)
{
    bool installing = life->node.installing;
    pool_run();
    life->counts.snapshots_installed +=
        installing && !life->node.installing && life->node.status == 0;
}

static void trim(struct life *life)
{
    uint64_t tail = life_below(life, TAIL);
    struct paxos_status status;
    paxos_status(life->node.core, &status);
    if (life->node.durable_applied < tail)
        return;
    life->counts.trims += life->node.durable_applied - tail > status.compacted;
    node_trim(&life->node, life->node.durable_applied - tail);
}

static void checkpoint_log(struct life *life)
{
    store(life, true);
}

static void elect(struct life *life)
{
    leader_elect(&life->leader);
}

void life_fall_behind(struct life *life)
{
    struct ledger *ledger = &life->ledger;
    if (ledger->decided + AWAY_ENTRIES > CLUSTER_ENTRIES)
        return;
    ledger->decided += AWAY_ENTRIES;
    leader_elect(&life->leader);
}

static void serve(struct life *life)
{
    bool there = life->node.reader;
    node_serve(&life->node);
    life->counts.snapshots_served += there;
}

static void life_fetch(struct life *life)
{
    for (int i = 0; i < 4; i++)
        node_fetch(&life->node);
}

static void restart(struct life *life)
{
    bool hit = life->disk->fault.hit;
    node_stop(&life->node);
    if (life->node.status < 0)
        return;
    life->failed_at_stop |= life->disk->fault.hit && !hit;
    life->counts.restarts++;
    if (node_start(&life->node, life->disk, &life->ledger) < 0)
        return;
    leader_start(&life->leader, &life->node, &life->random);
    leader_resume(&life->leader);
}

static const struct {
    void (*take)(struct life *life);
    uint32_t weight;
} steps[] = {
    {ship, 24},          {decide, 16},    {store_some, 24},      {life_apply, 16},
    {commit, 8},         {checkpoint, 5}, {background, 12},      {trim, 5},
    {checkpoint_log, 2}, {elect, 3},      {life_fall_behind, 1}, {serve, 5},
    {life_fetch, 12},    {restart, 1},
};

static void random_step(struct life *life)
{
    uint32_t total = 0, chosen;
    size_t i = 0;
    for (size_t j = 0; j < sizeof steps / sizeof *steps; j++)
        total += steps[j].weight;
    chosen = life_below(life, total);
    while (chosen >= steps[i].weight)
        chosen -= steps[i++].weight;
    steps[i].take(life);
    if (life->node.status == 0)
        life_talk(life);
}

/* ---- The life ---- */

int life_begin(struct life *life, struct disk *disk, const struct ledger *ledger, uint64_t seed,
               struct history *history)
{
    *life = (struct life){.ledger = *ledger, .disk = disk, .history = history, .random = seed};
    if (history)
        *history = (struct history){.start = disk_copy(disk)};
    disk->watch = watch;
    disk->watch_arg = life;
    disk_vfs_seed(seed);
    if (node_start(&life->node, disk, &life->ledger) < 0)
        return life->node.status;
    leader_start(&life->leader, &life->node, &life->random);
    if (life->ledger.ballot.n > 0 && life_below(life, 2))
        leader_resume(&life->leader);
    else
        leader_elect(&life->leader);
    life_talk(life);
    return life->node.status;
}

static bool in_line(const struct life *life)
{
    struct paxos_status status;
    paxos_status(life->node.core, &status);
    return status.phase == PAXOS_PHASE_ACCEPT && life->node.write_count == 0 &&
           tree_applied(life->node.tree) == life->ledger.decided;
}

void life_recover(struct life *life)
{
    for (int i = 0; i < RECOVERY_ROUNDS_MAX; i++) {
        if (life->node.status < 0 || in_line(life))
            return;
        life_talk(life);
        store(life, false);
        life_talk(life);
        background(life);
        node_fetch(&life->node);
        leader_ship(&life->leader, 1);
        leader_decide(&life->leader, 0, true);
        node_apply(&life->node, UINT64_MAX);
    }
    report_unless(life->node.status < 0, "the node does not catch up");
}

void life_go_on(struct life *life, unsigned count)
{
    for (unsigned i = 0; i < count && life->node.status == 0; i++)
        random_step(life);
}

static void finish(struct life *life)
{
    life->disk->watch = NULL;
    if (life->history)
        life->history->last = life->ledger;
}

void life_end(struct life *life)
{
    node_stop(&life->node);
    finish(life);
}

void life_kill(struct life *life)
{
    node_end(&life->node);
    finish(life);
}
