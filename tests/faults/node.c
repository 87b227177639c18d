#include "node.h"

#include "cluster.h"
#include "pool.h"
#include "report.h"
#include "store/log.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SERVE_BYTES = 4000 }; /* of a piece: small, so that there are several */

static const struct identity identity = {.cluster = 5, .node = NODE_PID};
static const uint32_t pids[] = {NODE_PID, LEADER_PID, SILENT_PID};

/* As replica_break. */
static void broken(struct node *node, int status, const char *what)
{
    if (node->status < 0)
        return;
    node->status = status;
    snprintf(node->text, sizeof node->text, "%s (%s)", what, strerror(-status));
}

static void node_step(struct node *node, const struct paxos_event *event)
{
    int status = node->status < 0 ? 0 : paxos_step(node->core, event);
    if (status < 0)
        broken(node, status, "consensus");
}

/* ---- Start and end ---- */

static int open_log(struct node *node, struct paxos_stored *stored)
{
    struct paxos_membership members = paxos_membership_of(pids, 3, PAXOS_FRESH);
    int status =
        log_db_open(&node->log, node->folder, &identity, &members, tree_applied(node->tree));
    if (status < 0)
        return status;
    node->log_open = true;
    status = log_db_load(&node->log, tree_applied(node->tree), tree_snapshot(node->tree), stored);
    if (status == 0)
        status = log_db_next_incarnation(&node->log, &node->incarnation);
    return status;
}

static void start_core(struct node *node, const struct paxos_stored *stored)
{
    struct paxos_config config = {.me = NODE_PID, .count = 3};
    memcpy(config.pids, pids, sizeof pids);
    node->core = paxos_new(&config, stored);
    assert(node->core);
    node->decided = tree_applied(node->tree);
}

int node_start(struct node *node, struct disk *disk, struct ledger *ledger)
{
    struct paxos_stored stored = {0};
    struct fault fault = {{0}};
    node->disk = disk;
    node->ledger = ledger;
    disk_mount(NODE_DISK, disk);
    int status = folder_open("/disk/0/node", &node->folder, &fault);
    if (status == 0)
        status = tree_open(node->folder, &identity, &node->tree, &fault);
    if (status < 0) {
        broken(node, status, fault.text);
        return status;
    }
    status = open_log(node, &stored);
    if (status < 0) {
        broken(node, status, node->log.sql.fault.text);
        goto clear;
    }
    status = ledger_check(ledger, &stored, node->incarnation, node->tree);
    if (status < 0) {
        broken(node, status, tree_fault(node->tree));
        goto clear;
    }
    ledger->incarnation = node->incarnation;
    start_core(node, &stored);

clear:
    log_stored_clear(&stored);
    return status;
}

static void close_all(struct node *node)
{
    if (node->reader)
        tree_reader_close(node->reader);
    if (node->writer)
        tree_writer_abort(node->writer);
    for (uint32_t i = 0; i < node->write_count; i++)
        paxos_write_clear(&node->writes[i]);
    paxos_free(node->core);
    if (node->log_open)
        log_db_close(&node->log);
    if (node->tree)
        tree_close(node->tree);
    if (node->folder)
        folder_close(node->folder);
    node->folder = NULL;
    node->tree = NULL;
    node->log_open = false;
    node->core = NULL;
    node->write_count = 0;
    node->durable_applied = 0;
    node->reader = NULL;
    node->writer = NULL;
    disk_mount(NODE_DISK, NULL);
}

void node_stop(struct node *node)
{
    pool_run();
    while (node->write_count > 0 && node->status == 0)
        node_store(node, false);
    node_commit(node);
    if (node->status == 0)
        close_all(node);
    else
        node_end(node);
}

void node_end(struct node *node)
{
    node->disk->dead = true;
    pool_run();
    close_all(node);
}

/* ---- The turn ---- */

static void say(struct node *node, const struct paxos_output *out)
{
    for (size_t i = 0; i < out->message_count; i++) {
        ledger_said(node->ledger, &out->messages[i]);
        if (node->said)
            node->said(node->said_arg, &out->messages[i]);
    }
}

void node_turn(struct node *node)
{
    struct paxos_output out = {0};
    int status = node->status < 0 ? node->status : paxos_output(node->core, &out);
    if (status < 0) {
        broken(node, status, "consensus");
        return;
    }
    if (out.write.ticket != 0) {
        assert(node->write_count < NODE_WRITES_MAX);
        node->writes[node->write_count++] = out.write;
        out.write = (struct paxos_write){0};
    }
    say(node, &out);
    node->decided = out.decided;
    node->snapshot_needed = out.snapshot_needed;
    paxos_output_clear(&out);
}

void node_receive(struct node *node, const struct paxos_message *m)
{
    node_step(node, &(struct paxos_event){.type = PAXOS_RECEIVE, .message = m});
}

/* ---- The log ---- */

static int commit_writes(struct node *node)
{
    int status = log_db_begin(&node->log);
    for (uint32_t i = 0; i < node->write_count && status == 0; i++)
        status = log_db_put(&node->log, &node->writes[i]);
    return status == 0 ? log_db_commit(&node->log) : status;
}

void node_store(struct node *node, bool checkpoint)
{
    uint64_t ticket = node->write_count ? node->writes[node->write_count - 1].ticket : 0;
    int status = 0;
    if (node->status < 0 || (ticket == 0 && !log_db_has_dead_rows(&node->log) && !checkpoint))
        return;
    if (ticket != 0 || log_db_has_dead_rows(&node->log))
        status = commit_writes(node);
    for (uint32_t i = 0; i < node->write_count; i++)
        paxos_write_clear(&node->writes[i]);
    node->write_count = 0;
    if (status == 0 && ticket != 0)
        node_step(node, &(struct paxos_event){.type = PAXOS_DURABLE, .ticket = ticket});
    if (status == 0 && checkpoint)
        node->log.wal_pages = LOG_WAL_PAGES;
    if (status == 0)
        status = log_db_checkpoint(&node->log);
    if (status < 0)
        broken(node, status, node->log.sql.fault.text);
}

/* ---- The tree ---- */

static void apply_one(struct node *node)
{
    uint64_t index = tree_applied(node->tree);
    const struct paxos_entry *entry = paxos_entry_at(node->core, index);
    struct cluster_outcome right = cluster_outcome(index);
    struct command_result result;
    bool repeated;
    int status =
        tree_apply(node->tree, bytes_of(entry->bytes, entry->len), false, &result, &repeated);
    if (status < 0) {
        broken(node, status, tree_fault(node->tree));
        return;
    }
    report_unless(result.status == right.status && repeated == right.repeated &&
                      result.revision == right.revision,
                  "entry %" PRIu64 " has another result: %d, not %d", index, result.status,
                  right.status);
    command_result_free(&result);
}

void node_apply(struct node *node, uint64_t entries_max)
{
    for (uint64_t i = 0; i < entries_max; i++) {
        if (node->status < 0 || node->installing || tree_must_pause(node->tree) ||
            tree_applied(node->tree) >= node->decided)
            return;
        apply_one(node);
    }
}

void node_commit(struct node *node)
{
    int status = node->status < 0 || node->installing ? 0 : tree_shrink(node->tree, 1);
    if (status == 0)
        status = node->status < 0 ? 0 : tree_commit(node->tree);
    if (status < 0)
        broken(node, status, tree_fault(node->tree));
}

static void made_durable(struct node *node, uint64_t index)
{
    if (index > node->durable_applied)
        node->durable_applied = index;
    if (index > node->ledger->tree_durable)
        node->ledger->tree_durable = index;
}

static void checkpoint_done(void *arg, int status, uint64_t index)
{
    struct node *node = arg;
    if (status < 0)
        broken(node, status, tree_fault(node->tree));
    else
        made_durable(node, index);
}

void node_checkpoint(struct node *node)
{
    int status = node->status < 0 || node->installing
                     ? 0
                     : tree_checkpoint(node->tree, NULL, checkpoint_done, node);
    if (status < 0 && status != -EBUSY)
        broken(node, status, tree_fault(node->tree));
}

void node_trim(struct node *node, uint64_t index)
{
    if (node->status < 0)
        return;
    struct paxos_status status;
    paxos_status(node->core, &status);
    if (index > node->durable_applied)
        index = node->durable_applied;
    if (index > status.compacted)
        node_step(node, &(struct paxos_event){.type = PAXOS_TRIM, .index = index});
}

/* ---- Snapshots ---- */

static void node_piece_read(void *arg, int status, struct bytes piece, bool last)
{
    struct node *node = arg;
    node->reading = false;
    if (status < 0 || last) {
        tree_reader_close(node->reader);
        node->reader = NULL;
    }
}

void node_serve(struct node *node)
{
    if (node->status < 0 || node->reading || node->installing)
        return;
    int status;
    uint64_t index;
    if (!node->reader) {
        status = tree_reader_open(node->tree, RECORD_FORMAT, &node->reader, &index);
        if (status < 0) {
            node->reader = NULL; /* refused; the next commit tells if something is broken */
            return;
        }
    }
    node->reading = true;
    status = tree_reader_next(node->reader, NULL, SERVE_BYTES, node_piece_read, node);
    if (status < 0)
        node_piece_read(node, status, (struct bytes){0}, false);
}

static void installed(void *arg, int status)
{
    struct node *node = arg;
    node->installing = false;
    node->writer = NULL;
    if (status == -ENOSPC && !tree_broken(node->tree)) {
        ledger_not_installed(node->ledger);
        return;
    }
    if (status < 0) {
        broken(node, status, tree_fault(node->tree));
        return;
    }
    assert(tree_applied(node->tree) == node->writer_index);
    ledger_installed(node->ledger);
    node->durable_applied = node->writer_index;
    if (node->decided < node->writer_index)
        node->decided = node->writer_index;
    node_step(node,
              &(struct paxos_event){.type = PAXOS_SNAPSHOT_INSTALLED, .index = node->writer_index});
}

static void end_fetching(struct node *node)
{
    tree_writer_abort(node->writer);
    node->writer = NULL;
}

/* Without room, it is fetched again from the start. */
static void piece_written(void *arg, int status)
{
    struct node *node = arg;
    node->writing = false;
    node->writer_piece++;
    if (status == -ENOSPC)
        end_fetching(node);
    else if (status < 0)
        broken(node, status, tree_fault(node->tree));
}

static void begin_fetching(struct node *node)
{
    uint64_t step_count =
        (node->snapshot_needed + CLUSTER_SNAPSHOT_STEP - 1) / CLUSTER_SNAPSHOT_STEP;
    node->writer_index = step_count * CLUSTER_SNAPSHOT_STEP;
    node->writer_piece = 0;
    if (node->writer_index <= tree_applied(node->tree))
        return;
    int status = tree_writer_open(node->tree, node->writer_index, &node->writer);
    if (status < 0) {
        node->writer = NULL;
        if (status != -ENOSPC)
            broken(node, status, tree_fault(node->tree));
    }
}

void node_fetch(struct node *node)
{
    if (node->status < 0 || node->writing || node->installing)
        return;
    if (node->writer &&
        (node->snapshot_needed == 0 || node->writer_index <= tree_applied(node->tree))) {
        end_fetching(node);
    } else if (!node->writer && node->snapshot_needed != 0) {
        begin_fetching(node);
    } else if (node->writer && node->writer_piece < cluster_piece_count(node->writer_index)) {
        node->writing = true;
        tree_writer_add(node->writer, NULL, cluster_piece(node->writer_index, node->writer_piece),
                        piece_written, node);
    } else if (node->writer) {
        node->installing = true;
        ledger_installing(node->ledger, node->writer_index);
        tree_writer_install(node->writer, NULL, installed, node);
    }
}
