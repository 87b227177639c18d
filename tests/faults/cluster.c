#include "cluster.h"

#include "../unit/tree_fixture.h"
#include "../unit/tree_workload.h"
#include "content.h"
#include "disk.h"
#include "pool.h"
#include "report.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { NODES = 3, OPS_MAX = 4, INODES = 60, SHORT_BYTES = 300, PIECE_BYTES = 30000, JUNK = 64 };

static const struct identity identity = {.cluster = 5, .node = LEADER_PID};

struct piece_list {
    struct buffer *pieces;
    size_t count, cap;
};

static struct cluster {
    uint64_t random;
    struct stamp stamps[NODES]; /* of the last command of each */
    struct paxos_entry *entries[CLUSTER_ENTRIES];
    struct paxos_entry *junk[JUNK];
    struct cluster_outcome outcomes[CLUSTER_ENTRIES];
    uint64_t digests[CLUSTER_ENTRIES + 1];
    struct piece_list snapshots[CLUSTER_ENTRIES / CLUSTER_SNAPSHOT_STEP + 1];
    struct disk *disk;
    struct folder *folder;
    struct tree *tree;
} cluster;

static uint32_t cluster_below(uint32_t n)
{
    return random_below(&cluster.random, n);
}

/* ---- Commands ---- */

static struct paxos_entry *encode(const struct stamp *stamp, const struct op *ops, uint32_t count)
{
    struct command command = {0};
    int status = 0;
    for (uint32_t i = 0; i < count && status == 0; i++)
        status = command_add(&command, &ops[i]);
    assert(status == 0);
    command_stamp(&command, stamp);
    struct paxos_entry *entry = paxos_entry_new(command.bytes.data, (uint32_t)command.bytes.len);
    assert(entry);
    command_free(&command);
    return entry;
}

/* The next stamp of a node; sometimes of its next life. */
static const struct stamp *next_stamp(void)
{
    uint32_t node = cluster_below(NODES);
    struct stamp *stamp = &cluster.stamps[node];
    stamp->node = node + 1;
    stamp->time += cluster_below(1000);
    stamp->sequence++;
    if (stamp->incarnation == 0 || cluster_below(20) == 0) {
        stamp->incarnation++;
        stamp->sequence = stamp->lowest = 1;
    } else if (cluster_below(3) == 0) {
        stamp->lowest += cluster_below((uint32_t)(stamp->sequence - stamp->lowest) + 1);
    }
    return stamp;
}

static struct paxos_entry *random_command(void)
{
    uint32_t count = cluster_below(4) == 0 ? 1 + cluster_below(OPS_MAX) : 1;
    bool large = cluster_below(6) == 0;
    struct op ops[OPS_MAX];
    for (uint32_t i = 0; i < count; i++) {
        ops[i] = workload_op(&cluster.random, INODES);
        if (!large && ops[i].data.len > SHORT_BYTES)
            ops[i].data.len = SHORT_BYTES;
    }
    return encode(next_stamp(), ops, count);
}

/* Also commands that come twice, and bytes that are no command. */
static struct paxos_entry *random_entry(uint64_t index)
{
    uint32_t kind = cluster_below(16);
    if (kind == 0 && index > 0)
        return paxos_entry_ref(
            cluster.entries[index - 1 - cluster_below((uint32_t)index) % 8 % index]);
    if (kind == 1)
        return paxos_entry_new("\1no command", 11);
    return random_command();
}

struct paxos_entry *cluster_entry(struct paxos_ballot ballot, uint64_t index)
{
    struct op op = make_put("junk", "never decided");
    uint64_t place = (ballot.n * 8 + index) % JUNK;
    struct stamp stamp = {.node = NODES + 1, .incarnation = 1 + place, .sequence = 1, .lowest = 1};
    if (index < ballot.priority)
        return cluster.entries[index];
    if (!cluster.junk[place])
        cluster.junk[place] = encode(&stamp, &op, 1);
    return cluster.junk[place];
}

/* ---- The tree that never crashes ---- */

static void cluster_apply(uint64_t index)
{
    const struct paxos_entry *entry = cluster.entries[index];
    struct command_result result;
    bool repeated;
    int status =
        tree_apply(cluster.tree, bytes_of(entry->bytes, entry->len), false, &result, &repeated);
    report_unless(status == 0, "the cluster's own tree: %s", tree_fault(cluster.tree));
    cluster.outcomes[index] = (struct cluster_outcome){result.status, repeated, result.revision};
    command_result_free(&result);
}

static void cluster_piece_read(void *arg, int status, struct bytes piece, bool last)
{
    struct piece_list *list = arg;
    struct buffer copy = {0};
    report_unless(status == 0, "the cluster's own snapshot: %s", tree_fault(cluster.tree));
    buffer_append(&copy, piece.data, piece.len);
    list->pieces = must_grow(list->pieces, list->count, &list->cap, sizeof *list->pieces);
    list->pieces[list->count++] = copy;
}

static void keep_snapshot(struct piece_list *list)
{
    struct tree_reader *reader;
    uint64_t index;
    int status = tree_reader_open(cluster.tree, RECORD_FORMAT, &reader, &index);
    assert(status == 0);
    while (tree_reader_next(reader, NULL, PIECE_BYTES, cluster_piece_read, list) == 0)
        pool_run();
    tree_reader_close(reader);
}

static void look(uint64_t applied)
{
    int status = tree_digest(cluster.tree, &cluster.digests[applied]);
    assert(status == 0);
    if (applied > 0 && applied % CLUSTER_SNAPSHOT_STEP == 0)
        keep_snapshot(&cluster.snapshots[applied / CLUSTER_SNAPSHOT_STEP]);
}

void cluster_start(uint64_t seed)
{
    memset(&cluster, 0, sizeof cluster);
    cluster.random = seed;
    cluster.disk = disk_new();
    disk_mount(CLUSTER_DISK, cluster.disk);
    struct fault fault;
    int status = folder_open("/disk/1/node", &cluster.folder, &fault);
    assert(status == 0);
    status = tree_open(cluster.folder, &identity, &cluster.tree, &fault);
    assert(status == 0);
    look(0);
    for (uint64_t i = 0; i < CLUSTER_ENTRIES; i++) {
        cluster.entries[i] = random_entry(i);
        cluster_apply(i);
        look(i + 1);
    }
}

void cluster_end(void)
{
    for (size_t i = 0; i < CLUSTER_ENTRIES; i++)
        paxos_entry_unref(cluster.entries[i]);
    for (size_t i = 0; i < JUNK; i++)
        paxos_entry_unref(cluster.junk[i]);
    for (size_t i = 0; i < sizeof cluster.snapshots / sizeof *cluster.snapshots; i++) {
        for (size_t j = 0; j < cluster.snapshots[i].count; j++)
            buffer_free(&cluster.snapshots[i].pieces[j]);
        free(cluster.snapshots[i].pieces);
    }
    tree_close(cluster.tree);
    folder_close(cluster.folder);
    disk_mount(CLUSTER_DISK, NULL);
    disk_free(cluster.disk);
}

struct cluster_outcome cluster_outcome(uint64_t index)
{
    assert(index < CLUSTER_ENTRIES);
    return cluster.outcomes[index];
}

uint64_t cluster_digest(uint64_t applied)
{
    assert(applied <= CLUSTER_ENTRIES);
    return cluster.digests[applied];
}

size_t cluster_piece_count(uint64_t index)
{
    assert(index % CLUSTER_SNAPSHOT_STEP == 0);
    return cluster.snapshots[index / CLUSTER_SNAPSHOT_STEP].count;
}

struct bytes cluster_piece(uint64_t index, size_t number)
{
    const struct piece_list *list = &cluster.snapshots[index / CLUSTER_SNAPSHOT_STEP];
    assert(number < list->count);
    return bytes_of(list->pieces[number].data, list->pieces[number].len);
}
