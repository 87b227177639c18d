#include "cluster.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SETTLE_DELIVERIES_MAX = 400, PROPOSALS_MAX = 16, TICK_US = 30000 };

/* Two windows of entries, one to each peer, and some more: the most that one event can send. */
enum { MESSAGES_MAX = 128 };

static void on_fault(void *arg, const char *text)
{
    fprintf(stderr, "%s\n", text);
    abort();
}

void cluster_init(struct cluster *c, const struct paxos_config *config, bool honest,
                  void (*outsider)(const struct paxos_message *m))
{
    assert(config->count == CLUSTER_NODES);
    *c = (struct cluster){.config = *config, .honest = honest, .outsider = outsider};
    checker_init(&c->checker, config, on_fault, NULL);
    for (uint32_t i = 0; i < CLUSTER_NODES; i++) {
        c->nodes[i].index = i;
        c->nodes[i].pid = config->pids[i];
        cluster_start(c, &c->nodes[i]);
    }
}

void cluster_free(struct cluster *c)
{
    for (uint32_t i = 0; i < CLUSTER_NODES; i++) {
        paxos_free(c->nodes[i].core);
        disk_free(&c->nodes[i].disk);
    }
    mail_free(c);
    checker_free(&c->checker);
}

/* ---- Start and crash ---- */

void cluster_start(struct cluster *c, struct node *n)
{
    bool is_outsider = c->outsider && n->index == CLUSTER_NODES - 1;
    if (n->core || is_outsider)
        return;
    struct paxos_config config = c->config;
    config.me = n->pid;
    config.start = (uint64_t)n->life << 32;
    config.now = c->now;
    struct paxos_stored stored = disk_open(n);
    struct checker_view view = disk_view(n, 0);
    if (c->honest)
        checker_start(&c->checker, n->index, &view);
    n->core = paxos_new(&config, &stored);
    assert(n->core);
    n->life++;
    n->read = (uint64_t)n->life << 32;
    n->read_count = 0;
    n->emitted = stored.decided;
    n->needed = n->written = 0;
}

void cluster_crash(struct cluster *c, struct node *n, size_t writes, uint64_t applied)
{
    if (!n->core)
        return;
    for (; writes > 0 && n->disk.count > 0; writes--)
        disk_write(c, n);
    disk_forget(n);
    paxos_free(n->core);
    n->core = NULL;
    n->events = 0;
    n->tree.installing = false;
    uint64_t lost = n->tree.applied - n->tree.durable;
    n->tree.applied = n->tree.durable + (applied < lost ? applied : lost);
}

static uint32_t losses_max(const struct cluster *c)
{
    uint32_t majority = CLUSTER_NODES / 2 + 1;
    uint32_t read = c->config.read_quorum ? c->config.read_quorum : majority;
    uint32_t write = c->config.write_quorum ? c->config.write_quorum : majority;
    return CLUSTER_NODES - (read > write ? read : write);
}

void cluster_empty_folder(struct cluster *c, struct node *n)
{
    uint32_t without = disk_of_member(&n->disk);
    for (uint32_t i = 0; i < CLUSTER_NODES; i++)
        without += !disk_of_member(&c->nodes[i].disk);
    if (without > losses_max(c))
        return;
    cluster_crash(c, n, 0, 0);
    disk_free(&n->disk);
    *n = (struct node){
        .index = n->index, .pid = n->pid, .life = n->life, .bytes_given = n->bytes_given};
    n->disk.membership.standing = PAXOS_FRESH;
    n->disk.folder = (uint64_t)n->life * CLUSTER_NODES + n->index + 1;
    checker_lost(&c->checker, n->index);
    cluster_start(c, n);
}

/* ---- Output ---- */

static void answer_reads(struct cluster *c, struct node *n, const struct paxos_output *out)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < n->read_count; i++) {
        if (n->reads[i].id > out->reads_ready)
            n->reads[kept++] = n->reads[i];
        else if (c->honest)
            checker_read_answered(&c->checker, n->index, n->reads[i].least, out->reads_index);
    }
    n->read_count = kept;
}

/* A core holds what it was given and no more, whatever it is told. */
static void check_bounds(const struct node *n, const struct paxos_output *out)
{
    struct paxos_status status;
    paxos_status(n->core, &status);
    assert(status.log_bytes <= n->bytes_given);
    assert(status.compacted <= status.decided && status.decided <= status.accepted);
    assert(out->decided >= n->emitted);
    assert(out->message_count <= (size_t)MESSAGES_MAX * n->events);
}

static void output(struct cluster *c, struct node *n)
{
    struct paxos_output out;
    int status = paxos_output(n->core, &out);
    assert(status == 0);
    check_bounds(n, &out);
    n->events = 0;
    struct checker_view view = disk_view(n, n->disk.end);
    if (c->honest)
        checker_output(&c->checker, n->index, n->core, &out);
    for (size_t i = 0; i < out.message_count; i++) {
        if (c->honest)
            checker_message(&c->checker, n->index, &view, &out.messages[i]);
        mail_post(c, &out.messages[i]);
    }
    if (out.write.ticket)
        disk_queue(n, &out.write);
    n->emitted = out.decided;
    n->needed = out.snapshot_needed;
    tree_take_decided(c, n);
    answer_reads(c, n, &out);
    paxos_output_clear(&out);
}

/* ---- Events ---- */

static uint64_t cost_of(struct paxos_entry *const *entries, uint32_t count)
{
    uint64_t cost = 0;
    for (uint32_t i = 0; i < count; i++)
        cost += sizeof *entries[i] + entries[i]->len;
    return cost;
}

void cluster_step_only(struct cluster *c, struct node *n, const struct paxos_event *event)
{
    if (!n->core)
        return;
    n->bytes_given += cost_of(event->entries, event->entry_count);
    if (event->message)
        n->bytes_given += cost_of(event->message->entries, event->message->entry_count);
    struct paxos_event timed = *event;
    c->now += event->type == PAXOS_TICK ? TICK_US : 0;
    timed.now = c->now;
    int status = paxos_step(n->core, &timed);
    assert(status == 0);
    n->events++;
}

void cluster_step(struct cluster *c, struct node *n, const struct paxos_event *event)
{
    cluster_step_only(c, n, event);
    if (n->core)
        output(c, n);
}

static struct paxos_entry *new_entry(struct cluster *c, uint32_t bytes)
{
    static uint8_t contents[1 << 20];
    uint64_t id = ++c->proposed;
    if (c->honest)
        checker_proposed(&c->checker, id);
    memcpy(contents, &id, sizeof id);
    assert(sizeof id + bytes <= sizeof contents);
    struct paxos_entry *e = paxos_entry_new(contents, (uint32_t)sizeof id + bytes);
    assert(e);
    return e;
}

void cluster_propose(struct cluster *c, struct node *n, uint32_t count, uint32_t bytes)
{
    struct paxos_entry *entries[PROPOSALS_MAX];
    count = count < PROPOSALS_MAX ? count : PROPOSALS_MAX;
    for (uint32_t i = 0; i < count; i++)
        entries[i] = new_entry(c, bytes);
    cluster_step(
        c, n,
        &(struct paxos_event){.type = PAXOS_PROPOSE, .entries = entries, .entry_count = count});
    for (uint32_t i = 0; i < count; i++)
        paxos_entry_unref(entries[i]);
}

void cluster_read(struct cluster *c, struct node *n)
{
    if (!n->core || n->read_count == CLUSTER_READS_MAX)
        return;
    n->reads[n->read_count].id = ++n->read;
    n->reads[n->read_count++].least = checker_read_begins(&c->checker);
    cluster_step(c, n, &(struct paxos_event){.type = PAXOS_READ, .read = n->read});
}

void cluster_settle(struct cluster *c, uint32_t rounds)
{
    for (; rounds > 0; rounds--) {
        for (uint32_t i = 0; i < CLUSTER_NODES; i++)
            cluster_step(c, &c->nodes[i], &(struct paxos_event){.type = PAXOS_TICK});
        for (int left = SETTLE_DELIVERIES_MAX; left > 0 && c->mail_count > 0; left--) {
            mail_deliver(c, 0, false);
            for (uint32_t i = 0; i < CLUSTER_NODES; i++)
                cluster_disk(c, &c->nodes[i], SIZE_MAX);
        }
    }
}
