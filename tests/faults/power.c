/* test_power [SEED [PATTERNS [POINT]]]
 *
 * A power cut at every write, sync and change of a name that a node makes in a life full of them,
 * and at some of its next life's, which began with the recovery from the first. The node must find
 * everything that it has told others.
 *
 *   SEED      of the life (default: 1)
 *   PATTERNS  of loss at each point, beyond the usual (default: 0)
 *   POINT     only there: what a failure prints */
#include "../unit/tree_fixture.h"
#include "cluster.h"
#include "life.h"
#include "report.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#if defined(__SANITIZE_ADDRESS__)
enum { STRIDE = 36 }; /* points; sanitizers are slow */
#else
enum { STRIDE = 2 }; /* each run begins at another one */
#endif

enum {
    STEPS = 560,
    STEPS_AFTER = 12,
    PATTERNS_OF_NAMES = 6,
    INSTALLATION_PATTERNS = 12,
    ALL_POINTS = -1
};

/* How a life ends, besides the ways of a power cut: the process is killed and the disk goes on,
 * with its unsynced data. */
enum { KILLED = DISK_LOSSES, WAYS };
static const char *const way_names[WAYS] = {
    "all lost", "some lost", "whole files lost", "torn at the end", "nothing is lost", "killed"};

static struct {
    uint64_t points, cuts, second_cuts;
} counts;

static uint64_t mix(uint64_t a, uint64_t b)
{
    uint64_t state = a * UINT64_C(0x9e3779b97f4a7c15) + b;
    random_below(&state, 2);
    return state ^ state >> 29;
}

static struct disk *left_over(const struct disk *disk, int way, uint64_t *random)
{
    return way == KILLED ? disk_copy(disk) : disk_cut(disk, (enum disk_loss)way, random);
}

/* The next life: it begins, misses enough that it needs a snapshot, as often as told, catches up,
 * and goes on a little. Keeps its history for another cut. */
static void live_on(struct disk *disk, const struct ledger *ledger, uint64_t seed,
                    unsigned snapshots, unsigned steps, struct history *history)
{
    struct life life;
    if (life_begin(&life, disk, ledger, seed, history) < 0)
        report_failure("the node does not start: %s", life.node.text);
    for (unsigned i = 0; i < snapshots; i++) {
        life_fall_behind(&life);
        life_recover(&life);
    }
    life_recover(&life);
    life_go_on(&life, steps);
    report_unless(life.node.status == 0, "the node breaks: %s", life.node.text);
    if (seed % 2)
        life_end(&life);
    else
        life_kill(&life);
}

static void cut_again(const struct history *history, size_t point, int way, uint64_t random)
{
    struct disk *before = history_disk(history, point);
    struct disk *disk = left_over(before, way, &random);
    report_where(3, "and again before change %zu of %zu, %s", point, history->changes.count,
                 way_names[way]);
    live_on(disk, history_ledger(history, point), random, 0, 0, NULL);
    counts.second_cuts++;
    disk_free(disk);
    disk_free(before);
}

/* Whether names were changed just before, or are about to be changed or synced: the outcome there
 * depends most on what is lost. */
static bool near_names(const struct history *history, size_t point)
{
    for (size_t i = point ? point - 1 : 0; i <= point && i < history->changes.count; i++) {
        enum disk_call call = history->changes.list[i]->call;
        if (call >= DISK_UNLINK && call <= DISK_SYNC_PARENT)
            return true;
    }
    return false;
}

/* The end, if there is none. */
static size_t point_of_names(const struct history *history, uint64_t *random)
{
    size_t count = history->changes.count;
    size_t start = random_below(random, (uint32_t)count + 1);
    for (size_t i = 0; i < count; i++) {
        size_t point = (start + i) % count;
        if (near_names(history, point))
            return point;
    }
    return count;
}

static void cut(const struct disk *before, const struct ledger *ledger, int way, uint64_t random)
{
    struct disk *disk = left_over(before, way, &random);
    report_where(2, "%s", way_names[way]);
    struct history history;
    live_on(disk, ledger, random, random_below(&random, 4) == 0, random_below(&random, STEPS_AFTER),
            &history);
    counts.cuts++;
    cut_again(&history, random_below(&random, (uint32_t)history.changes.count + 1),
              (int)random_below(&random, WAYS), random);
    cut_again(&history, point_of_names(&history, &random), DISK_LOSE_SOME, random);
    history_free(&history);
    disk_free(disk);
}

/* One random pattern of loss, and one of the others in turn; more near changes of names; and as
 * many as wanted. */
static void cut_at(const struct disk *before, const struct ledger *ledger, uint64_t seed,
                   size_t point, bool near_names, unsigned patterns)
{
    static const int others[] = {DISK_LOSE_ALL, KILLED, DISK_LOSE_FILES, DISK_TEAR_LAST,
                                 DISK_KEEP_ALL};
    int other = others[point / STRIDE % (sizeof others / sizeof *others)];
    uint64_t random = mix(seed, point);
    cut(before, ledger, other, mix(random, 0));
    cut(before, ledger, DISK_LOSE_SOME, mix(random, 1));
    if (near_names)
        patterns += PATTERNS_OF_NAMES;
    for (unsigned i = 0; i < patterns; i++)
        cut(before, ledger, i % 4 == 0 ? KILLED : DISK_LOSE_SOME, mix(random, 2 + i));
    counts.points++;
}

/* The first of the points that this run tries. */
static size_t first_point(void)
{
    size_t first = (size_t)time(NULL) % STRIDE;
    printf("points from %zu on, each %d.\n", first, STRIDE);
    return first;
}

static void cut_everywhere(const struct history *history, uint64_t seed, unsigned patterns,
                           long only)
{
    struct disk *disk = disk_copy(history->start);
    size_t first = only == ALL_POINTS ? first_point() : 0;
    for (size_t point = 0; point <= history->changes.count; point++) {
        bool chosen = only == ALL_POINTS ? point % STRIDE == first : (long)point == only;
        report_where(1, "power cut before change %zu of %zu: test_power %" PRIu64 " %u %zu", point,
                     history->changes.count, seed, patterns, point);
        if (chosen)
            cut_at(disk, history_ledger(history, point), seed, point, near_names(history, point),
                   patterns);
        if (point < history->changes.count)
            disk_apply(disk, history->changes.list[point]);
    }
    disk_free(disk);
}

/* The files beside the old tree were removed, and the folder is synced next. */
static bool files_are_gone(const struct history *history, size_t point)
{
    return history->changes.list[point - 1]->call == DISK_UNLINK &&
           history->changes.list[point]->call == DISK_SYNC_FOLDER;
}

/* The hardest place: tree.db is torn, because the power was cut in the middle of a checkpoint, and
 * the node then gets a snapshot, which takes the tree's place in several steps. */
static void cut_installation(const struct disk *torn, const struct ledger *ledger, uint64_t random)
{
    struct disk *disk = disk_cut(torn, DISK_LOSE_SOME, &random);
    struct history history;
    live_on(disk, ledger, random, 2, 0, &history);
    counts.cuts++;
    for (size_t point = 1; point < history.changes.count; point++)
        for (unsigned i = 0; files_are_gone(&history, point) && i < INSTALLATION_PATTERNS; i++)
            cut_again(&history, point, DISK_LOSE_SOME, mix(random, point * WAYS + i));
    history_free(&history);
    disk_free(disk);
}

/* A whole page was written, and the database is synced next. */
static bool ends_checkpoint(const struct history *history, size_t point)
{
    const struct disk_change *const *changes =
        (const struct disk_change *const *)history->changes.list;
    return point > 0 && changes[point]->call == DISK_SYNC &&
           changes[point - 1]->call == DISK_WRITE && changes[point - 1]->offset % 4096 == 0 &&
           changes[point - 1]->file == changes[point]->file;
}

static void cut_installations(const struct history *history, uint64_t seed)
{
    struct disk *disk = disk_copy(history->start);
    size_t found = 0;
    for (size_t point = 0; point < history->changes.count; point++) {
        report_where(1, "checkpoint torn before change %zu: test_power %" PRIu64, point, seed);
        if (ends_checkpoint(history, point) && found++ % STRIDE == 0)
            cut_installation(disk, history_ledger(history, point), mix(seed, point));
        disk_apply(disk, history->changes.list[point]);
    }
    disk_free(disk);
}

static void print_counts(const struct life_counts *c, const struct history *history)
{
    printf("one life: %zu changes of the disk; %" PRIu64 " commits, %" PRIu64
           " truncations, %" PRIu64 " trims, %" PRIu64 " checkpoints of the log; %" PRIu64
           " entries applied, %" PRIu64 " checkpoints of the tree, %" PRIu64
           " pieces served, %" PRIu64 " snapshots installed; %" PRIu64 " restarts\n",
           history->changes.count, c->commits, c->truncations, c->trims, c->wal_checkpoints,
           c->applied, c->checkpoints, c->snapshots_served, c->snapshots_installed, c->restarts);
}

/* Everything that this is about must have happened. */
static void check_counts(const struct life_counts *c)
{
    report_unless(c->commits && c->truncations && c->trims && c->wal_checkpoints && c->applied &&
                      c->checkpoints && c->snapshots_served && c->snapshots_installed &&
                      c->restarts,
                  "a life without some of what it should have");
}

int main(int argc, char **argv)
{
    uint64_t seed = argc > 1 ? strtoull(argv[1], NULL, 0) : 1;
    unsigned patterns = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 0) : 0;
    long only = argc > 3 ? strtol(argv[3], NULL, 0) : ALL_POINTS;
    struct disk *disk = disk_new();
    struct ledger nothing = {0};
    disk_vfs_register();
    report_where(0, "seed %" PRIu64, seed);
    cluster_start(seed);
    struct life life;
    struct history history;
    if (life_begin(&life, disk, &nothing, seed, &history) < 0)
        report_failure("%s", life.node.text);
    life_go_on(&life, STEPS);
    report_unless(life.node.status == 0, "the node breaks: %s", life.node.text);
    life_end(&life);
    print_counts(&life.counts, &history);
    if (argc == 1)
        check_counts(&life.counts);
    cut_everywhere(&history, seed, patterns, only);
    if (only == ALL_POINTS)
        cut_installations(&history, seed);
    printf("%" PRIu64 " power-cut points, %" PRIu64 " cuts, %" PRIu64 " second cuts\n",
           counts.points, counts.cuts, counts.second_cuts);
    history_free(&history);
    disk_free(disk);
    cluster_end();
    return 0;
}
