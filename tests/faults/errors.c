/* test_errors [SEED [EVERY [IMAGE KIND AT]]]
 *
 * Every call to the disk that a node makes in a piece of its life fails once, and so does every
 * allocation of SQLite's. The node must stop with a text that names the cause; when all is well
 * again, it must find everything that it has told others, even if the power goes in between or
 * later.
 *
 *   SEED           of the life (default: 1)
 *   EVERY          1: every kind of error at every call (default: 0, they take turns)
 *   IMAGE KIND AT  only that one: what a failure prints */
#include "../unit/tree_fixture.h"
#include "cluster.h"
#include "life.h"
#include "pool.h"
#include "report.h"
#include "sqlite_memory.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#if defined(__SANITIZE_ADDRESS__)
enum { STRIDE = 18 }; /* points; sanitizers are slow */
#else
enum { STRIDE = 2 }; /* each run begins at another one */
#endif

enum { IMAGES = 10, STEPS_BETWEEN = 60, STEPS = 24, STEPS_AFTER = 4, CUTS_AFTER_SYNC = 6 };

#define CALL(call) (1u << (call))
#define CALLS_ALL ((1u << DISK_CALLS) - 1)
#define CALLS_FOR_ROOM (CALL(DISK_WRITE) | CALL(DISK_MAKE) | CALL(DISK_MAKE_FOLDER))
#define CALLS_FOR_SAFETY (CALL(DISK_SYNC) | CALL(DISK_SYNC_FOLDER) | CALL(DISK_SYNC_PARENT))

static const struct kind {
    const char *name;
    int error;
    bool stays;
    uint32_t calls;  /* of the disk, that can fail so; none: SQLite has no memory */
    uint64_t stride; /* points, when they take turns: there are many of some kinds */
    bool reserve;    /* there is one, and giving a piece of it helps */
} kinds[] = {
    {"EIO once", EIO, false, CALLS_ALL, 8, false},
    {"EIO from then on", EIO, true, CALLS_ALL, 8, false},
    {"full once", ENOSPC, false, CALLS_FOR_ROOM, 5, false},
    {"full from then on", ENOSPC, true, CALLS_FOR_ROOM, 5, false},
    {"full but for the reserve", ENOSPC, true, CALL(DISK_WRITE), 5, true},
    {"no sync once", EIO, false, CALLS_FOR_SAFETY, 1, false},
    {"no sync from then on", EIO, true, CALLS_FOR_SAFETY, 1, false},
    {"no memory once", ENOMEM, false, 0, 301, false},
    {"no memory from then on", ENOMEM, true, 0, 301, false},
};

enum { KINDS = sizeof kinds / sizeof *kinds };

static struct {
    uint64_t calls, allocations, stopped, unharmed;
} counts;

/* A disk, and the promises of its node, some way through a life. */
struct image {
    struct disk *disk;
    struct ledger ledger;
    uint64_t points[KINDS]; /* calls that can fail so in the piece of life from here */
};

/* ---- One error ---- */

/* Long enough for some pieces; but the first one makes all the room. */
static void make_reserve(struct disk *disk)
{
    int file = disk_open(disk, "reserve", true);
    assert_int_equal(disk_truncate(disk, (uint32_t)file, 64 << 20), 0);
}

static void arm(struct disk *disk, const struct kind *kind, uint64_t at)
{
    if (kind->reserve && disk->folder)
        make_reserve(disk);
    if (kind->calls)
        disk->fault = (struct disk_fault){.at = at,
                                          .stays = kind->stays,
                                          .error = kind->error,
                                          .calls = kind->calls,
                                          .gives = kind->reserve};
    else
        sqlite_memory_fail(at, kind->stays);
}

/* The place of the failure, and the system's text for it. */
static bool names_the_cause(const char *text, int error)
{
    bool where = strstr(text, "log.db") || strstr(text, "tree.db") || strstr(text, "/disk/0/node");
    return where && strstr(text, strerror(error));
}

/* No node survives a failure of the databases themselves. It may refuse, retry or leave everything
 * else: removing files, serving and receiving snapshots, and checkpoints that find no room. */
static bool must_stop(const struct disk_fault *fault)
{
    bool wal = strstr(fault->hit_name, "-wal");
    if (fault->error == ENOSPC && !wal)
        return false;
    bool database = strncmp(fault->hit_name, "log.db", 6) == 0 ||
                    strcmp(fault->hit_name, "tree.db") == 0 ||
                    strcmp(fault->hit_name, "tree.db-wal") == 0;
    bool change =
        CALL(fault->hit_call) & (CALL(DISK_WRITE) | CALL(DISK_SYNC) | CALL(DISK_TRUNCATE));
    return fault->hit && database && change;
}

static void errors_check_end(const struct life *life, const struct kind *kind)
{
    const struct disk_fault *fault = &life->disk->fault;
    const struct node *node = &life->node;
    report_unless(!kind->reserve || node->status == 0,
                  "the node stops with %d although there is a reserve: %s", node->status,
                  node->text);
    if (node->status == 0) {
        report_unless(kind->reserve || !must_stop(fault) || life->failed_at_stop,
                      "the node goes on although call %d on %s failed", fault->hit_call,
                      fault->hit_name);
        counts.unharmed++;
        return;
    }
    report_unless(fault->hit || sqlite_memory_failed(), "the node breaks without an error: %s",
                  node->text);
    report_unless(node->status == -kind->error, "the node stops with %d, not %d: %s", node->status,
                  -kind->error, node->text);
    report_unless(names_the_cause(node->text, kind->error),
                  "the node does not say why it stops with %d after call %d on %s: \"%s\"",
                  node->status, fault->hit_call, fault->hit_name, node->text);
    counts.stopped++;
}

static struct disk *after_power_cut(const struct disk *disk, uint64_t *random)
{
    return disk_cut(disk, (enum disk_loss)random_below(random, DISK_LOSSES), random);
}

/* All is well again. */
static void live_on(struct disk *disk, const struct ledger *ledger, uint64_t seed,
                    struct history *history)
{
    struct life life;
    if (life_begin(&life, disk, ledger, seed, history) < 0)
        report_failure("the node does not start again: %s", life.node.text);
    life_recover(&life);
    node_checkpoint(&life.node); /* which counts on what is in the WAL */
    pool_run();
    life_go_on(&life, STEPS_AFTER);
    report_unless(life.node.status == 0, "the node breaks again: %s", life.node.text);
    life_kill(&life);
}

/* The power is cut in the second life, or at its end. */
static void live_again(const struct history *history, size_t point, uint64_t random)
{
    struct disk *before = history_disk(history, point);
    struct disk *disk = after_power_cut(before, &random);
    report_where(3, "and a power cut before change %zu of %zu", point, history->changes.count);
    live_on(disk, history_ledger(history, point), random, NULL);
    disk_free(disk);
    disk_free(before);
}

/* With a power cut at once or not, and others later: several if a sync has failed, because reads
 * then show data that is not on the disk. */
static void live_twice(const struct disk *disk, const struct ledger *ledger,
                       const struct kind *kind, uint64_t random)
{
    unsigned cuts = kind->calls == CALLS_FOR_SAFETY ? CUTS_AFTER_SYNC : 1;
    bool cut = random_below(&random, 2);
    struct disk *second = cut ? after_power_cut(disk, &random) : disk_copy(disk);
    report_where(2, "call %d on %s failed; then %s", disk->fault.hit_call, disk->fault.hit_name,
                 cut ? "a power cut" : "started again");
    struct history history;
    live_on(second, ledger, random, &history);
    live_again(&history, history.changes.count, random);
    for (unsigned i = 0; i < cuts; i++)
        live_again(&history, random_below(&random, (uint32_t)history.changes.count + 1), random);
    history_free(&history);
    disk_free(second);
}

static void fail_at(const struct image *image, const struct kind *kind, uint64_t at, uint64_t seed)
{
    struct disk *disk = disk_copy(image->disk);
    arm(disk, kind, at);
    struct life life;
    if (life_begin(&life, disk, &image->ledger, seed, NULL) == 0)
        life_go_on(&life, STEPS);
    node_commit(&life.node); /* tells, if serving a snapshot broke the tree */
    errors_check_end(&life, kind);
    life_kill(&life);
    sqlite_memory_fail(0, false);
    if (kind->calls)
        counts.calls++;
    else
        counts.allocations++;
    live_twice(disk, &life.ledger, kind, seed + at);
    disk_free(disk);
}

/* ---- All of them ---- */

static uint64_t count_points(const struct image *image, const struct kind *kind, uint64_t seed)
{
    struct disk *disk = disk_copy(image->disk);
    arm(disk, kind, UINT64_MAX);
    struct life life;
    if (life_begin(&life, disk, &image->ledger, seed, NULL) < 0)
        report_failure("%s", life.node.text);
    life_go_on(&life, STEPS);
    uint64_t points = kind->calls ? disk->fault.seen : sqlite_memory_count();
    life_kill(&life);
    disk_free(disk);
    return points;
}

static void make_images(struct image *images, uint64_t seed)
{
    struct disk *disk = disk_new();
    struct ledger ledger = {0};
    struct life life;
    for (size_t i = 0; i < IMAGES; i++) {
        images[i] = (struct image){.disk = disk_copy(disk), .ledger = ledger};
        for (size_t kind = 0; kind < KINDS; kind++)
            images[i].points[kind] = count_points(&images[i], &kinds[kind], seed + i);
        if (life_begin(&life, disk, &ledger, seed + i, NULL) < 0)
            report_failure("%s", life.node.text);
        life_go_on(&life, STEPS_BETWEEN);
        if (i % 2)
            life_end(&life);
        else
            life_kill(&life);
        disk->dead = false;
        ledger = life.ledger;
    }
    disk_free(disk);
}

static void fail_with(const struct image *image, size_t number, size_t kind, uint64_t at,
                      uint64_t seed)
{
    report_where(1, "%s at %" PRIu64 " of %" PRIu64 ": test_errors %" PRIu64 " 0 %zu %zu %" PRIu64,
                 kinds[kind].name, at, image->points[kind], seed, number, kind, at);
    fail_at(image, &kinds[kind], at, seed + number);
}

static void fail_everywhere(const struct image *image, size_t number, uint64_t seed, bool every)
{
    uint64_t run = (uint64_t)time(NULL) / 3600; /* another one each hour */
    for (size_t i = 0; i < KINDS; i++) {
        if (kinds[i].reserve && !image->disk->folder)
            continue; /* the first start makes it */
        uint64_t stride = every ? 1 : STRIDE * kinds[i].stride;
        for (uint64_t at = 1 + (number + i + run) % stride; at <= image->points[i]; at += stride)
            fail_with(image, number, i, at, seed);
    }
}

int main(int argc, char **argv)
{
    uint64_t seed = argc > 1 ? strtoull(argv[1], NULL, 0) : 1;
    bool every = argc > 2 && strtoul(argv[2], NULL, 0) > 0;
    sqlite_memory_register();
    disk_vfs_register();
    report_where(0, "seed %" PRIu64, seed);
    cluster_start(seed);
    struct image images[IMAGES];
    make_images(images, seed);
    if (argc > 5) {
        size_t image = strtoul(argv[3], NULL, 0) % IMAGES, kind = strtoul(argv[4], NULL, 0) % KINDS;
        fail_with(&images[image], image, kind, strtoull(argv[5], NULL, 0), seed);
    }
    for (size_t i = 0; i < IMAGES; i++) {
        if (argc <= 5)
            fail_everywhere(&images[i], i, seed, every);
        disk_free(images[i].disk);
    }
    printf("%" PRIu64 " fault points and %" PRIu64 " allocation points: %" PRIu64
           " times the node stopped and said why, %" PRIu64 " times it could go on\n",
           counts.calls, counts.allocations, counts.stopped, counts.unharmed);
    cluster_end();
    return 0;
}
