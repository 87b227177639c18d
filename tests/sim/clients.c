/* Clients, and the unanswered requests of a node: proposed again and again until the tree of this
 * node shows that they took effect (as node/replica/writes.c and node/replica/reads.c do). */
#include "sim.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define NONE SIZE_MAX /* operation of a client that waits for nothing */

/* ---- the history ---- */

static size_t record(struct sim_world *w, struct machine_operation asked)
{
    if (w->history_count == w->history_cap) {
        w->history_cap = w->history_cap ? 2 * w->history_cap : 256;
        w->history = realloc(w->history, w->history_cap * sizeof *w->history);
        assert(w->history);
    }
    size_t operation = w->history_count++;
    if (asked.kind != MACHINE_GET)
        asked.value = operation + 1;
    w->history[operation] = (struct linear_operation){.asked = asked, .invoked = ++w->moment};
    return operation;
}

static void wake(struct sim_world *w, uint32_t client, uint64_t delay)
{
    sim_schedule(w, delay,
                 (struct sim_event){
                     .type = SIM_CLIENT, .peer = client, .number = w->clients[client].operation});
}

static void think(struct sim_world *w, uint32_t client)
{
    w->clients[client].operation = NONE;
    if (!w->clients_stop)
        wake(w, client, 1 + sim_below(&w->random, w->options.think_max));
}

static void answer(struct sim_world *w, struct sim_node *n, size_t operation, uint32_t client,
                   const struct machine_result *result)
{
    struct linear_operation *o = &w->history[operation];
    assert(o->returned == 0);
    o->returned = ++w->moment;
    o->result = *result;
    sim_note(w, SIM_ANSWERED, n->index, operation, result->revision, result->seen.value);
    if (client == SIM_NOBODY)
        return;
    bool changed = o->asked.kind != MACHINE_GET && result->done;
    w->clients[client].known[o->asked.key] = changed ? o->asked.value : result->seen.value;
    think(w, client);
}

/* The client will not learn the outcome; it asks another node next. */
static void leave(struct sim_world *w, uint32_t client)
{
    if (client == SIM_NOBODY)
        return;
    w->clients[client].node = (uint32_t)sim_below(&w->random, w->options.nodes);
    think(w, client);
}

/* ---- writes ---- */

static void propose(struct sim_world *w, struct sim_node *n, uint32_t first)
{
    struct sim_requests *r = &n->requests;
    struct paxos_entry *entries[MACHINE_WINDOW];
    uint32_t count = 0;
    for (uint32_t i = first; i < r->write_count; i++)
        entries[count++] = r->writes[i].entry;
    if (count > 0)
        sim_step(
            w, n,
            &(struct paxos_event){.type = PAXOS_PROPOSE, .entries = entries, .entry_count = count});
}

static bool has_room(const struct sim_requests *r)
{
    return r->write_count == 0 || r->next_sequence - r->writes[0].sequence < MACHINE_WINDOW;
}

static void add_write(struct sim_world *w, struct sim_node *n, size_t operation, uint32_t client)
{
    struct sim_requests *r = &n->requests;
    assert(has_room(r));
    struct machine_command command = {
        .node = n->index,
        .incarnation = sim_incarnation(n),
        .sequence = r->next_sequence++,
        .operation = w->history[operation].asked,
    };
    command.id = command.operation.value;
    command.lowest = r->write_count ? r->writes[0].sequence : command.sequence;
    checker_proposed(&w->checker, command.id);
    uint32_t bytes = (uint32_t)sim_below(&w->random, w->options.entry_bytes_max);
    r->writes[r->write_count++] =
        (struct sim_write){command.sequence, operation, client, machine_entry(&command, bytes)};
    sim_note(w, SIM_ASKED, n->index, operation, command.operation.kind, command.operation.key);
}

static void remove_write(struct sim_requests *r, uint32_t i)
{
    paxos_entry_unref(r->writes[i].entry);
    r->write_count--;
    memmove(&r->writes[i], &r->writes[i + 1], (r->write_count - i) * sizeof *r->writes);
}

static void finish_write(struct sim_world *w, struct sim_node *n, uint32_t i,
                         const struct machine_result *result)
{
    struct sim_write write = n->requests.writes[i];
    remove_write(&n->requests, i);
    answer(w, n, write.operation, write.client, result);
}

void sim_requests_applied(struct sim_world *w, struct sim_node *n,
                          const struct machine_command *command,
                          const struct machine_result *result)
{
    struct sim_requests *r = &n->requests;
    if (command->node != n->index || command->incarnation != sim_incarnation(n))
        return;
    for (uint32_t i = 0; i < r->write_count; i++) {
        if (r->writes[i].sequence == command->sequence) {
            finish_write(w, n, i, result);
            return;
        }
    }
}

/* Commands that a snapshot contains are done as well: their results travel with it. */
void sim_requests_recall(struct sim_world *w, struct sim_node *n)
{
    struct sim_requests *r = &n->requests;
    struct machine_result result;
    uint32_t incarnation = sim_incarnation(n);
    for (uint32_t i = r->write_count; i-- > 0;)
        if (machine_recall(&n->tree.now, n->index, incarnation, r->writes[i].sequence, &result))
            finish_write(w, n, i, &result);
}

void sim_propose_again(struct sim_world *w, struct sim_node *n)
{
    propose(w, n, 0);
}

/* Another leader may know nothing of what the one before was told. */
void sim_requests_tick(struct sim_world *w, struct sim_node *n)
{
    struct sim_requests *r = &n->requests;
    if (r->write_count == 0)
        return;
    struct paxos_status status;
    paxos_status(n->core, &status);
    bool other = status.has_leader && paxos_ballot_compare(status.promise, r->proposed_to) != 0;
    if (other)
        r->proposed_to = status.promise;
    if (other || sim_chance(&w->random, w->options.repeats))
        propose(w, n, 0);
}

/* ---- reads ---- */

static void add_read(struct sim_world *w, struct sim_node *n, size_t operation, uint32_t client)
{
    struct sim_requests *r = &n->requests;
    assert(r->read_count < SIM_READS_MAX);
    uint64_t least_id = (uint64_t)sim_incarnation(n) << 32;
    r->next_read = r->next_read > least_id ? r->next_read : least_id;
    r->reads[r->read_count++] = (struct sim_read){.id = ++r->next_read,
                                                  .operation = operation,
                                                  .client = client,
                                                  .least = checker_read_begins(&w->checker)};
    sim_note(w, SIM_ASKED, n->index, operation, MACHINE_GET, w->history[operation].asked.key);
    sim_step(w, n,
             &(struct paxos_event){
                 .type = PAXOS_READ, .read = r->next_read, .lease = w->options.leases});
}

void sim_reads_confirmed(struct sim_world *w, struct sim_node *n, const struct paxos_output *out)
{
    for (uint32_t i = 0; i < n->requests.read_count; i++) {
        struct sim_read *r = &n->requests.reads[i];
        if (r->confirmed || r->id > out->reads_ready)
            continue;
        checker_read_answered(&w->checker, n->index, r->least, out->reads_index);
        r->confirmed = true;
        r->index = out->reads_index;
        w->leased += r->id > out->reads_confirmed;
    }
}

static struct sim_read remove_read(struct sim_requests *r, uint32_t i)
{
    struct sim_read read = r->reads[i];
    r->reads[i] = r->reads[--r->read_count];
    return read;
}

void sim_reads_answer(struct sim_world *w, struct sim_node *n)
{
    struct sim_requests *r = &n->requests;
    if (n->tree.installing)
        return;
    for (uint32_t i = r->read_count; i-- > 0;) {
        if (!r->reads[i].confirmed || r->reads[i].index > n->tree.now.applied)
            continue;
        struct sim_read read = remove_read(r, i);
        struct machine_result result =
            machine_get(&n->tree.now, w->history[read.operation].asked.key);
        answer(w, n, read.operation, read.client, &result);
    }
}

/* ---- nodes that go down, clients that lose patience ---- */

void sim_requests_lost(struct sim_world *w, struct sim_node *n)
{
    struct sim_requests *r = &n->requests;
    for (; r->write_count > 0; remove_write(r, 0))
        leave(w, r->writes[0].client);
    while (r->read_count > 0)
        leave(w, remove_read(r, 0).client);
}

void sim_requests_free(struct sim_node *n)
{
    while (n->requests.write_count > 0)
        remove_write(&n->requests, 0);
}

static void clients_give_up(struct sim_world *w, uint32_t client)
{
    struct sim_requests *r = &w->nodes[w->clients[client].node].requests;
    for (uint32_t i = r->write_count; i-- > 0;)
        if (r->writes[i].client == client)
            remove_write(r, i);
    for (uint32_t i = r->read_count; i-- > 0;)
        if (r->reads[i].client == client)
            remove_read(r, i);
    leave(w, client);
}

/* ---- clients ---- */

static struct machine_operation clients_choose(struct sim_world *w, const struct sim_client *c)
{
    static const enum machine_kind kinds[] = {MACHINE_GET, MACHINE_GET, MACHINE_GET,
                                              MACHINE_PUT, MACHINE_PUT, MACHINE_PUT,
                                              MACHINE_CAS, MACHINE_CAS, MACHINE_DELETE};
    struct machine_operation o = {.kind =
                                      kinds[sim_below(&w->random, sizeof kinds / sizeof *kinds)],
                                  .key = (uint32_t)sim_below(&w->random, MACHINE_KEYS)};
    if (o.kind == MACHINE_CAS && !c->known[o.key])
        o.kind = MACHINE_PUT;
    if (o.kind == MACHINE_CAS)
        o.expected = c->known[o.key];
    return o;
}

static void ask(struct sim_world *w, uint32_t client)
{
    struct sim_client *c = &w->clients[client];
    struct sim_node *n = &w->nodes[c->node];
    if (!n->up || !has_room(&n->requests) || n->requests.read_count == SIM_READS_MAX ||
        n->paused_until > w->now || !sim_serves(n)) {
        leave(w, client);
        return;
    }
    struct machine_operation operation = clients_choose(w, c);
    c->operation = record(w, operation);
    wake(w, client, w->options.patience);
    if (operation.kind == MACHINE_GET) {
        add_read(w, n, c->operation, client);
    } else {
        add_write(w, n, c->operation, client);
        propose(w, n, n->requests.write_count - 1);
    }
}

void sim_client_event(struct sim_world *w, const struct sim_event *event)
{
    const struct sim_client *c = &w->clients[event->peer];
    if (event->number != c->operation || w->clients_stop)
        return; /* answered meanwhile; or waiting as long as it takes */
    if (c->operation != NONE)
        clients_give_up(w, event->peer);
    else
        ask(w, event->peer);
}

void sim_clients_start(struct sim_world *w)
{
    for (uint32_t i = 0; i < w->options.clients; i++) {
        w->clients[i].node = i % w->options.nodes;
        think(w, i);
    }
}

/* ---- for scenarios ---- */

void sim_propose(struct sim_world *w, struct sim_node *n, uint32_t count)
{
    uint32_t before = n->requests.write_count;
    for (uint32_t i = 0; i < count; i++) {
        struct machine_operation put = {.kind = MACHINE_PUT,
                                        .key = (uint32_t)sim_below(&w->random, MACHINE_KEYS)};
        add_write(w, n, record(w, put), SIM_NOBODY);
    }
    propose(w, n, before);
}

void sim_read(struct sim_world *w, struct sim_node *n)
{
    struct machine_operation get = {.kind = MACHINE_GET,
                                    .key = (uint32_t)sim_below(&w->random, MACHINE_KEYS)};
    add_read(w, n, record(w, get), SIM_NOBODY);
}
