#include "machine.h"

#include "hash.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* ---- sessions ---- */

static struct machine_kept *kept_at(struct machine_session *s, uint64_t sequence)
{
    return &s->kept[sequence % MACHINE_WINDOW];
}

static void begin(struct machine_session *s, uint32_t incarnation)
{
    *s = (struct machine_session){.incarnation = incarnation, .lowest = 1};
}

static void raise_lowest(struct machine_session *s, uint64_t lowest)
{
    for (; s->lowest < lowest && s->lowest <= s->highest; s->lowest++)
        *kept_at(s, s->lowest) = (struct machine_kept){0};
    if (s->lowest < lowest)
        s->lowest = lowest;
}

bool machine_recall(const struct machine *m, uint32_t node, uint32_t incarnation, uint64_t sequence,
                    struct machine_result *result)
{
    const struct machine_session *s = &m->sessions[node];
    const struct machine_kept *kept = &s->kept[sequence % MACHINE_WINDOW];
    if (s->incarnation != incarnation || kept->sequence != sequence)
        return false;
    *result = kept->result;
    return true;
}

/* ---- registers ---- */

static struct machine_result change(struct machine *m, const struct machine_operation *o)
{
    assert(o->key < MACHINE_KEYS && o->value != 0);
    struct machine_register *r = &m->registers[o->key];
    bool matches = o->kind != MACHINE_CAS || (r->present && r->value == o->expected);
    struct machine_result result = {.revision = m->applied, .done = matches, .seen = *r};
    if (matches)
        *r = (struct machine_register){o->kind != MACHINE_DELETE, o->value, m->applied};
    return result;
}

struct machine_result machine_get(const struct machine *m, uint32_t key)
{
    return (struct machine_result){.revision = m->applied, .done = true, .seen = m->registers[key]};
}

enum machine_verdict machine_apply(struct machine *m, const struct machine_command *c,
                                   struct machine_result *result)
{
    struct machine_session *s = &m->sessions[c->node];
    m->applied++;
    if (c->sequence < c->lowest || c->incarnation < s->incarnation)
        return MACHINE_IGNORED;
    if (c->incarnation > s->incarnation)
        begin(s, c->incarnation);
    if (c->sequence < s->lowest)
        return MACHINE_IGNORED;
    raise_lowest(s, c->lowest);
    if (machine_recall(m, c->node, c->incarnation, c->sequence, result))
        return MACHINE_REPEATED;
    assert(c->sequence - s->lowest < MACHINE_WINDOW);
    *result = change(m, &c->operation);
    *kept_at(s, c->sequence) = (struct machine_kept){c->sequence, *result};
    if (c->sequence > s->highest)
        s->highest = c->sequence;
    return MACHINE_NEW;
}

/* ---- digest ---- */

static uint64_t add_register(uint64_t hash, const struct machine_register *r)
{
    return hash_add(hash_add(hash, r->value), 2 * r->revision + r->present);
}

static uint64_t add_session(uint64_t hash, const struct machine_session *s)
{
    hash = hash_add(hash_add(hash, s->lowest), s->incarnation);
    for (uint64_t i = s->lowest; i <= s->highest; i++) {
        const struct machine_kept *kept = &s->kept[i % MACHINE_WINDOW];
        hash = hash_add(hash, kept->sequence);
        hash = hash_add(hash, 2 * kept->result.revision + kept->result.done);
        hash = add_register(hash, &kept->result.seen);
    }
    return hash;
}

uint64_t machine_digest(const struct machine *m)
{
    uint64_t hash = m->applied;
    for (uint32_t i = 0; i < MACHINE_KEYS; i++)
        hash = add_register(hash, &m->registers[i]);
    for (uint32_t i = 0; i < PAXOS_NODES_MAX; i++)
        if (m->sessions[i].incarnation)
            hash = add_session(hash, &m->sessions[i]);
    return hash;
}

/* ---- entries ---- */

struct machine_command machine_command_of(const struct paxos_entry *e)
{
    struct machine_command command;
    assert(e->len >= sizeof command);
    memcpy(&command, e->bytes, sizeof command);
    return command;
}

/* Made by hand, since paxos_entry_new would copy all of what is only there to be long. */
struct paxos_entry *machine_entry(const struct machine_command *command, uint32_t bytes)
{
    struct paxos_entry *e = malloc(sizeof *e + sizeof *command + bytes);
    assert(e);
    e->refs = 1;
    e->len = (uint32_t)sizeof *command + bytes;
    memcpy(e->bytes, command, sizeof *command);
    return e;
}
