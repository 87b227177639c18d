#include "exchange.h"

#include "alloc.h"
#include "content.h"
#include "paxos/paxos.h"
#include "report.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum {
    CORES = 3,
    INDEX_MAX = 1024,
    SETTLE_TICKS = 20,       /* enough for an election and a sync */
    LARGE_BYTES = 60 * 1024, /* five do not fit in a message */
};

/* A core and its disk. */
struct core {
    uint32_t pid;
    struct paxos *p;
    struct paxos_ballot promise, acc_round;
    struct paxos_membership membership;
    uint64_t decided, base, end;
    struct paxos_entry *log[INDEX_MAX]; /* [base, end) */
    uint64_t applied, snapshot;         /* of its tree, durable at once */
    uint64_t needed;                    /* a snapshot of this index */
    uint64_t read, reads_ready;
};

struct exchange {
    struct core cores[CORES];
    bool cut[CORES]; /* hears nothing and is not heard */
    struct paxos_message *messages;
    size_t message_count, message_cap;
    uint64_t truth[INDEX_MAX]; /* decided entries, by their numbers; 0: none yet */
    uint64_t proposed;
    struct exchange_counts counts;
};

/* ---- Entries ---- */

static uint64_t number_of(const struct paxos_entry *entry)
{
    uint64_t number;
    memcpy(&number, entry->bytes, sizeof number);
    return number;
}

static struct paxos_entry *entry_new(uint64_t number, uint32_t len)
{
    uint8_t *bytes = must_alloc(len);
    assert(len >= sizeof number);
    memcpy(bytes, &number, sizeof number);
    struct paxos_entry *entry = paxos_entry_new(bytes, len);
    assert(entry);
    free(bytes);
    return entry;
}

/* ---- A core's disk ---- */

static void disk_cut(struct core *c, uint64_t end)
{
    while (c->end > end && c->end > c->base)
        paxos_entry_unref(c->log[--c->end]);
}

static void disk_compact(struct core *c, uint64_t base)
{
    for (; c->base < base; c->base++)
        if (c->base < c->end)
            paxos_entry_unref(c->log[c->base]);
    if (c->end < c->base)
        c->end = c->base;
}

static void disk_write(struct core *c, const struct paxos_write *write)
{
    if (write->truncate)
        disk_cut(c, write->first);
    disk_compact(c, write->compacted);
    report_unless(c->end == write->first, "a write leaves a gap");
    for (uint32_t i = 0; i < write->entry_count; i++)
        c->log[c->end++] = paxos_entry_ref(write->entries[i]);
    c->promise = write->promise;
    c->acc_round = write->acc_round;
    c->decided = write->decided;
    c->membership = write->membership;
}

/* ---- Steps; any of them may find no memory ---- */

static void start(struct exchange *x, struct core *c)
{
    struct paxos_config config = {.me = c->pid, .count = CORES, .pids = {1, 2, 3}};
    disk_compact(c, c->snapshot);
    if (c->decided < c->applied)
        c->decided = c->applied;
    struct paxos_stored stored = {.promise = c->promise,
                                  .acc_round = c->acc_round,
                                  .decided = c->decided,
                                  .compacted = c->base,
                                  .entry_count = c->end - c->base,
                                  .entries = c->log + c->base,
                                  .membership = c->membership,
                                  .folder = c->pid};
    while (!c->p) {
        alloc_begin();
        c->p = paxos_new(&config, &stored);
        alloc_end();
        x->counts.failures += !c->p;
        if (!c->p)
            alloc_fail(0, false);
    }
    c->read = ++x->proposed << 32; /* above those of earlier lives */
    c->needed = 0;
}

/* It must say no more. Memory is there again for the next life. */
static void die(struct exchange *x, struct core *c)
{
    report_unless(alloc_failed(), "no memory, it says");
    alloc_begin();
    struct paxos_output out;
    int status = paxos_output(c->p, &out);
    alloc_end();
    report_unless(status == -ENOMEM, "a core forgets that it has failed");
    report_unless(out.message_count == 0 && out.write.ticket == 0 && !out.messages,
                  "a core without memory says something");
    paxos_free(c->p);
    c->p = NULL;
    alloc_fail(0, false);
    x->counts.failures++;
    start(x, c);
}

static void exchange_step(struct exchange *x, struct core *c, const struct paxos_event *event)
{
    alloc_begin();
    int status = paxos_step(c->p, event);
    alloc_end();
    report_unless(status == 0 || status == -ENOMEM, "a step gives %d", status);
    if (status < 0)
        die(x, c);
}

static void exchange_apply(struct exchange *x, struct core *c, uint64_t decided)
{
    for (; c->applied < decided; c->applied++) {
        uint64_t number = number_of(paxos_entry_at(c->p, c->applied));
        uint64_t *truth = &x->truth[c->applied];
        if (*truth == 0)
            x->counts.decided++;
        report_unless(*truth == 0 || *truth == number, "entry %" PRIu64 " was decided otherwise",
                      c->applied);
        *truth = number;
    }
}

static void send(struct exchange *x, struct paxos_output *out)
{
    for (size_t i = 0; i < out->message_count; i++) {
        x->messages =
            must_grow(x->messages, x->message_count, &x->message_cap, sizeof *x->messages);
        x->messages[x->message_count++] = out->messages[i];
        out->messages[i] = (struct paxos_message){0};
    }
    x->counts.messages += out->message_count;
}

/* Returns whether the core had something to write: then there may be more to say. */
static bool output(struct exchange *x, struct core *c)
{
    alloc_begin();
    struct paxos_output out;
    int status = paxos_output(c->p, &out);
    alloc_end();
    if (status < 0) {
        die(x, c);
        return true;
    }
    uint64_t ticket = out.write.ticket;
    if (ticket) {
        disk_write(c, &out.write);
        x->counts.writes++;
    }
    send(x, &out);
    exchange_apply(x, c, out.decided);
    c->needed = out.snapshot_needed;
    x->counts.reads += out.reads_ready > c->reads_ready;
    c->reads_ready = out.reads_ready;
    paxos_output_clear(&out);
    if (ticket)
        exchange_step(x, c, &(struct paxos_event){.type = PAXOS_DURABLE, .ticket = ticket});
    return ticket != 0;
}

/* From the core that is furthest. */
static void exchange_fetch(struct exchange *x, struct core *c)
{
    uint64_t index = 0;
    for (size_t i = 0; i < CORES; i++)
        if (x->cores[i].applied > index)
            index = x->cores[i].applied;
    if (c->needed == 0 || index < c->needed || index <= c->applied)
        return;
    c->applied = c->snapshot = index;
    x->counts.snapshots++;
    exchange_step(x, c, &(struct paxos_event){.type = PAXOS_SNAPSHOT_INSTALLED, .index = index});
}

static void deliver(struct exchange *x, struct paxos_message *m)
{
    if (!x->cut[m->from - 1] && !x->cut[m->to - 1])
        exchange_step(x, &x->cores[m->to - 1],
                      &(struct paxos_event){.type = PAXOS_RECEIVE, .message = m});
    paxos_message_clear(m);
}

/* Until no core has anything to say. */
static void exchange_talk(struct exchange *x)
{
    do {
        struct paxos_message *messages = x->messages;
        size_t count = x->message_count;
        x->messages = NULL;
        x->message_count = x->message_cap = 0;
        for (size_t i = 0; i < count; i++)
            deliver(x, &messages[i]);
        free(messages);
        for (size_t i = 0; i < CORES; i++) {
            while (output(x, &x->cores[i])) {
            }
        }
    } while (x->message_count > 0);
}

static void settle(struct exchange *x)
{
    for (int i = 0; i < SETTLE_TICKS; i++) {
        for (size_t j = 0; j < CORES; j++)
            exchange_step(x, &x->cores[j], &(struct paxos_event){.type = PAXOS_TICK});
        exchange_talk(x);
        for (size_t j = 0; j < CORES; j++)
            exchange_fetch(x, &x->cores[j]);
        exchange_talk(x);
    }
}

/* ---- The exchange ---- */

static void propose(struct exchange *x, struct core *c, uint32_t count, uint32_t len)
{
    for (uint32_t i = 0; i < count; i++) {
        struct paxos_entry *entry = entry_new(++x->proposed, len);
        exchange_step(
            x, c,
            &(struct paxos_event){.type = PAXOS_PROPOSE, .entries = &entry, .entry_count = 1});
        paxos_entry_unref(entry);
    }
    while (output(x, c)) {
    }
}

static void read_at(struct exchange *x, struct core *c)
{
    exchange_step(x, c, &(struct paxos_event){.type = PAXOS_READ, .read = ++c->read});
    exchange_talk(x);
}

static struct core *leader(struct exchange *x)
{
    struct paxos_status status;
    for (size_t i = 0; i < CORES; i++) {
        paxos_status(x->cores[i].p, &status);
        if (!x->cut[i] && status.role == PAXOS_LEADER && status.phase == PAXOS_PHASE_ACCEPT)
            return &x->cores[i];
    }
    return NULL;
}

/* There must be one soon. */
static struct core *some_leader(struct exchange *x)
{
    settle(x);
    if (!leader(x))
        settle(x);
    report_unless(leader(x), "there is no leader");
    return leader(x);
}

static struct core *somebody_else(struct exchange *x, const struct core *c)
{
    return &x->cores[c->pid % CORES];
}

static void trim_all(struct exchange *x)
{
    for (size_t i = 0; i < CORES; i++) {
        struct paxos_status status;
        paxos_status(x->cores[i].p, &status);
        if (!x->cut[i] && x->cores[i].applied > status.compacted)
            exchange_step(x, &x->cores[i],
                          &(struct paxos_event){.type = PAXOS_TRIM, .index = x->cores[i].applied});
    }
}

/* One node misses more than the others keep. */
static void miss_a_lot(struct exchange *x)
{
    struct core *first = some_leader(x), *away = somebody_else(x, first);
    x->cut[away->pid - 1] = true;
    propose(x, first, 70, 100);
    settle(x);
    trim_all(x);
    propose(x, some_leader(x), 3, 100);
    settle(x);
    x->cut[away->pid - 1] = false;
    exchange_step(x, away, &(struct paxos_event){.type = PAXOS_LINK_UP, .pid = first->pid});
    settle(x);
}

/* A leader is cut off with entries that no other core has; the others decide different ones. */
static void lose_a_leader(struct exchange *x)
{
    struct core *first = some_leader(x);
    x->cut[first->pid - 1] = true;
    propose(x, first, 6, LARGE_BYTES);
    propose(x, some_leader(x), 12, LARGE_BYTES);
    settle(x);
    read_at(x, somebody_else(x, first));
    x->cut[first->pid - 1] = false;
    settle(x);
}

static void end_and_check(struct exchange *x)
{
    propose(x, some_leader(x), 2, 16);
    settle(x);
    for (size_t i = 0; i < CORES; i++) {
        struct core *c = &x->cores[i];
        report_unless(c->applied == x->cores[0].applied, "node %u is behind at the end", c->pid);
        disk_cut(c, c->base);
        paxos_free(c->p);
    }
    for (size_t i = 0; i < x->message_count; i++)
        paxos_message_clear(&x->messages[i]);
    free(x->messages);
}

struct exchange_counts exchange_run(void)
{
    struct exchange *x = must_alloc(sizeof *x);
    for (uint32_t i = 0; i < CORES; i++) {
        x->cores[i].pid = i + 1;
        x->cores[i].membership.standing = PAXOS_FRESH;
        start(x, &x->cores[i]);
    }
    propose(x, some_leader(x), 5, 16);
    settle(x);
    propose(x, somebody_else(x, some_leader(x)), 5, 16);
    read_at(x, somebody_else(x, some_leader(x)));
    miss_a_lot(x);
    lose_a_leader(x);
    end_and_check(x);
    struct exchange_counts counts = x->counts;
    free(x);
    return counts;
}
