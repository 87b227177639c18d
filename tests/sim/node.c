/* A node: a core, a disk that is durable late and loses the rest in a crash, and a tree. */
#include "sim.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

uint64_t sim_entry_id(const struct paxos_entry *e)
{
    uint64_t id;
    assert(e->len >= sizeof id);
    memcpy(&id, e->bytes, sizeof id);
    return id;
}

static struct paxos_entry *entry_of(struct sim_world *w, uint64_t id)
{
    static uint8_t bytes[1 << 20];
    uint64_t more = sim_below(&w->random, w->options.entry_bytes_max);
    assert(more + sizeof id <= sizeof bytes);
    memcpy(bytes, &id, sizeof id);
    struct paxos_entry *e = paxos_entry_new(bytes, (uint32_t)(sizeof id + more));
    assert(e);
    return e;
}

/* ---- the disk ---- */

static void log_cut(struct sim_log *log, uint64_t end)
{
    while (log->end > end && log->end > log->base)
        paxos_entry_unref(log->entries[--log->end - log->base]);
}

static void log_compact(struct sim_log *log, uint64_t base)
{
    if (base <= log->base)
        return;
    uint64_t gone = base < log->end ? base - log->base : log->end - log->base;
    for (uint64_t i = 0; i < gone; i++)
        paxos_entry_unref(log->entries[i]);
    if (log->end > base)
        memmove(log->entries, log->entries + gone, (log->end - base) * sizeof *log->entries);
    log->base = base;
    if (log->end < base)
        log->end = base;
}

static void log_append(struct sim_log *log, struct paxos_entry *e)
{
    if (log->end - log->base == log->cap) {
        log->cap = log->cap ? 2 * log->cap : 64;
        log->entries = realloc(log->entries, log->cap * sizeof *log->entries);
        assert(log->entries);
    }
    log->entries[log->end++ - log->base] = paxos_entry_ref(e);
}

/* The oldest write under way reaches the disk, whole. */
static void write_through(struct sim_world *w, struct sim_node *n)
{
    struct sim_disk *d = &n->disk;
    struct paxos_write *write = &d->queue[0];
    sim_check(w, write->truncate || d->log.end <= write->first, "write over entries of node %u",
              n->pid);
    log_cut(&d->log, write->first);
    log_compact(&d->log, write->compacted);
    sim_check(w, d->log.end == write->first, "gap in the log of node %u", n->pid);
    for (uint32_t i = 0; i < write->entry_count; i++)
        log_append(&d->log, write->entries[i]);
    d->promise = write->promise;
    d->acc_round = write->acc_round;
    d->decided = write->decided;
    paxos_write_clear(write);
    memmove(d->queue, d->queue + 1, --d->count * sizeof *d->queue);
    sim_check_disk(w, n);
}

static void queue_write(struct sim_world *w, struct sim_node *n, struct paxos_write *write)
{
    struct sim_disk *d = &n->disk;
    if (d->count == d->cap) {
        d->cap = d->cap ? 2 * d->cap : 16;
        d->queue = realloc(d->queue, d->cap * sizeof *d->queue);
        assert(d->queue);
    }
    uint64_t at = w->now + 1 + sim_below(&w->random, w->options.disk_delay_max);
    d->last_at = at > d->last_at ? at : d->last_at;
    sim_note(w, "write", n->index, write->ticket, write->first, write->entry_count);
    sim_schedule(
        w, d->last_at - w->now,
        (struct sim_event){
            .type = SIM_WRITTEN, .node = n->index, .life = n->life, .number = write->ticket});
    d->queue[d->count++] = *write;
    *write = (struct paxos_write){0};
}

/* ---- start and crash ---- */

/* As the store opens its log: what a snapshot stands for is void, and where the tree is beyond the
 * log, the log is cut to it. */
static struct paxos_stored open_log(struct sim_node *n)
{
    struct sim_disk *d = &n->disk;
    log_compact(&d->log, n->tree.installed);
    log_compact(&d->log, n->tree.applied > d->log.end ? n->tree.applied : 0);
    if (d->decided < n->tree.applied)
        d->decided = n->tree.applied;
    return (struct paxos_stored){.promise = d->promise,
                                 .acc_round = d->acc_round,
                                 .decided = d->decided,
                                 .compacted = d->log.base,
                                 .entry_count = d->log.end - d->log.base,
                                 .entries = d->log.entries};
}

void sim_start(struct sim_world *w, struct sim_node *n)
{
    assert(!n->up);
    struct paxos_config config = {.me = n->pid,
                                  .count = w->options.nodes,
                                  .read_quorum = w->options.read_quorum,
                                  .write_quorum = w->options.write_quorum,
                                  .priority = w->options.priorities[n->index]};
    for (uint32_t i = 0; i < config.count; i++)
        config.pids[i] = w->nodes[i].pid;
    struct paxos_stored stored = open_log(n);
    sim_check_stored(w, n);
    n->core = paxos_new(&config, &stored);
    assert(n->core);
    n->up = true;
    n->life++;
    n->read_last = n->reads_ready = (uint64_t)n->life << 32;
    n->emitted = n->tree.applied;
    sim_note(w, "start", n->index, stored.promise.n, stored.compacted, n->disk.log.end);
    sim_links_changed(w);
}

/* Some of what was under way may have become durable all the same; of the tree, anything between
 * what was synced and what was applied. */
void sim_crash(struct sim_world *w, struct sim_node *n)
{
    assert(n->up);
    sim_note(w, "crash", n->index, 0, 0, 0);
    struct sim_disk *d = &n->disk;
    for (uint64_t saved = sim_below(&w->random, d->count + 1); saved > 0; saved--)
        write_through(w, n);
    for (size_t i = 0; i < d->count; i++)
        paxos_write_clear(&d->queue[i]);
    d->count = 0;
    d->last_at = 0;
    struct sim_tree *t = &n->tree;
    t->applied = t->durable + sim_below(&w->random, t->applied - t->durable + 1);
    paxos_free(n->core);
    n->core = NULL;
    n->up = n->fetching = false;
    n->read_count = 0;
    sim_check_disk(w, n);
    sim_links_changed(w);
}

/* ---- the tree ---- */

static void done(struct sim_node *n, uint64_t id)
{
    for (size_t i = 0; i < n->waiting_count; i++)
        if (n->waiting[i] == id)
            n->waiting[i] = n->waiting[--n->waiting_count];
}

static void apply(struct sim_world *w, struct sim_node *n, uint64_t decided)
{
    struct paxos_status status;
    paxos_status(n->core, &status);
    while (n->tree.applied < decided) {
        sim_check(w, n->tree.applied >= status.compacted,
                  "node %u has trimmed what it did not apply", n->pid);
        uint64_t id = sim_entry_id(paxos_entry_at(n->core, n->tree.applied));
        sim_check_applied(w, n, n->tree.applied, id);
        n->tree.applied++;
        done(n, id);
    }
}

static void fetch_snapshot(struct sim_world *w, struct sim_node *n)
{
    if (n->fetching || !n->needed)
        return;
    n->fetching = true;
    sim_schedule(w, 1 + sim_below(&w->random, 4 * w->options.delay_max),
                 (struct sim_event){.type = SIM_FETCHED, .node = n->index, .life = n->life});
}

/* Any peer that is far enough will do. */
static void fetched(struct sim_world *w, struct sim_node *n)
{
    uint32_t start = (uint32_t)sim_below(&w->random, w->options.nodes);
    n->fetching = false;
    for (uint32_t k = 0; k < w->options.nodes; k++) {
        struct sim_node *source = &w->nodes[(start + k) % w->options.nodes];
        if (source == n || !source->up || w->cut[source->index][n->index] ||
            source->tree.applied < n->needed || source->tree.applied <= n->tree.applied)
            continue;
        uint64_t index = source->tree.applied;
        n->tree = (struct sim_tree){index, index, index};
        sim_note(w, "snapshot", n->index, index, source->pid, 0);
        n->fetching = true;
        sim_schedule(
            w, sim_below(&w->random, w->options.disk_delay_max),
            (struct sim_event){
                .type = SIM_INSTALLED, .node = n->index, .life = n->life, .number = index});
        return;
    }
    if (n->needed > n->tree.applied)
        fetch_snapshot(w, n);
}

/* What a snapshot has brought is done as well: its results travel with it. */
static void installed(struct sim_world *w, struct sim_node *n, uint64_t index)
{
    n->fetching = false;
    for (uint64_t i = 0; i < index; i++)
        done(n, w->checker.chosen[i]);
    sim_step(w, n, &(struct paxos_event){.type = PAXOS_SNAPSHOT_INSTALLED, .index = index});
}

static void trim(struct sim_world *w, struct sim_node *n)
{
    struct sim_tree *t = &n->tree;
    t->durable += sim_below(&w->random, t->applied - t->durable + 1);
    if (t->durable <= w->options.trim_tail || n->fetching)
        return;
    sim_step(w, n,
             &(struct paxos_event){.type = PAXOS_TRIM, .index = t->durable - w->options.trim_tail});
}

/* ---- the core ---- */

static void answer_reads(struct sim_world *w, struct sim_node *n, const struct paxos_output *out)
{
    size_t kept = 0;
    for (size_t i = 0; i < n->read_count; i++) {
        const struct sim_read *r = &n->reads[i];
        if (r->id > out->reads_ready)
            n->reads[kept++] = *r;
        else
            sim_check(w, out->reads_index >= r->floor,
                      "stale read at node %u: index %llu, but %llu was decided before", n->pid,
                      (unsigned long long)out->reads_index, (unsigned long long)r->floor);
    }
    n->read_count = kept;
    n->reads_ready = out->reads_ready;
}

static void output(struct sim_world *w, struct sim_node *n)
{
    struct paxos_output out;
    int status = paxos_output(n->core, &out);
    assert(status == 0);
    if (out.write.ticket)
        queue_write(w, n, &out.write);
    for (size_t i = 0; i < out.message_count; i++) {
        sim_check_message(w, n, &out.messages[i]);
        sim_send(w, &out.messages[i]);
    }
    sim_check(w, out.decided >= n->emitted, "decided went back at node %u", n->pid);
    n->emitted = out.decided;
    apply(w, n, out.decided);
    answer_reads(w, n, &out);
    n->needed = out.snapshot_needed;
    fetch_snapshot(w, n);
    sim_check_node(w, n);
    paxos_output_clear(&out);
}

void sim_step(struct sim_world *w, struct sim_node *n, const struct paxos_event *event)
{
    int status = paxos_step(n->core, event);
    assert(status == 0);
    output(w, n);
}

static void propose_ids(struct sim_world *w, struct sim_node *n, const uint64_t *ids, size_t count)
{
    struct paxos_entry *entries[16];
    assert(count <= 16);
    for (size_t i = 0; i < count; i++)
        entries[i] = entry_of(w, ids[i]);
    sim_step(w, n,
             &(struct paxos_event){
                 .type = PAXOS_PROPOSE, .entries = entries, .entry_count = (uint32_t)count});
    for (size_t i = 0; i < count; i++)
        paxos_entry_unref(entries[i]);
}

void sim_propose(struct sim_world *w, struct sim_node *n, uint32_t count)
{
    uint64_t ids[16];
    assert(count <= 16);
    if (n->waiting_count + count > n->waiting_cap) {
        n->waiting_cap = 2 * n->waiting_cap + 64;
        n->waiting = realloc(n->waiting, n->waiting_cap * sizeof *n->waiting);
        assert(n->waiting);
    }
    for (uint32_t i = 0; i < count; i++)
        ids[i] = n->waiting[n->waiting_count++] = w->next_id++;
    propose_ids(w, n, ids, count);
}

void sim_propose_again(struct sim_world *w, struct sim_node *n)
{
    uint64_t ids[16];
    size_t count = n->waiting_count < 16 ? n->waiting_count : 16;
    if (count == 0)
        return;
    memcpy(ids, n->waiting, count * sizeof *ids);
    propose_ids(w, n, ids, count);
}

void sim_read(struct sim_world *w, struct sim_node *n)
{
    if (n->read_count == n->read_cap) {
        n->read_cap = 2 * n->read_cap + 16;
        n->reads = realloc(n->reads, n->read_cap * sizeof *n->reads);
        assert(n->reads);
    }
    n->reads[n->read_count++] = (struct sim_read){++n->read_last, w->checker.emitted};
    sim_step(w, n, &(struct paxos_event){.type = PAXOS_READ, .read = n->read_last});
}

static void ticked(struct sim_world *w, struct sim_node *n)
{
    sim_schedule(w, SIM_TICK - 5 + sim_below(&w->random, 11),
                 (struct sim_event){.type = SIM_TICKED, .node = n->index});
    if (!n->up)
        return;
    sim_step(w, n, &(struct paxos_event){.type = PAXOS_TICK});
    if (w->options.trim_tail != UINT32_MAX)
        trim(w, n);
    if (sim_chance(&w->random, 250))
        sim_propose_again(w, n);
}

void sim_node_event(struct sim_world *w, struct sim_node *n, const struct sim_event *event)
{
    if (event->type == SIM_TICKED) {
        ticked(w, n);
        return;
    }
    if (!n->up || event->life != n->life)
        return;
    struct sim_event told = *event;
    switch (event->type) {
    case SIM_WRITTEN:
        write_through(w, n);
        told.type = SIM_TOLD;
        sim_schedule(w, sim_below(&w->random, 20), told);
        break;
    case SIM_TOLD:
        sim_step(w, n, &(struct paxos_event){.type = PAXOS_DURABLE, .ticket = event->number});
        break;
    case SIM_FETCHED:
        fetched(w, n);
        break;
    case SIM_INSTALLED:
        installed(w, n, event->number);
        break;
    default:
        assert(0);
    }
}

void sim_node_free(struct sim_node *n)
{
    log_cut(&n->disk.log, 0);
    free(n->disk.log.entries);
    for (size_t i = 0; i < n->disk.count; i++)
        paxos_write_clear(&n->disk.queue[i]);
    free(n->disk.queue);
    free(n->waiting);
    free(n->reads);
    paxos_free(n->core);
}
