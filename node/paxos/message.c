/* Entries, and messages on their way out. */
#include "paxos/state.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

struct paxos_entry *paxos_entry_new(const void *bytes, uint32_t len)
{
    struct paxos_entry *e = malloc(sizeof *e + len);
    if (!e)
        return NULL;
    e->refs = 1;
    e->len = len;
    if (len)
        memcpy(e->bytes, bytes, len);
    return e;
}

struct paxos_entry *paxos_entry_ref(struct paxos_entry *e)
{
    assert(e->refs > 0);
    assert(e->refs < UINT32_MAX);
    e->refs++;
    return e;
}

void paxos_entry_unref(struct paxos_entry *e)
{
    if (!e)
        return;
    assert(e->refs > 0);
    if (--e->refs == 0)
        free(e);
}

const char *paxos_message_type_name(uint8_t type)
{
#define MESSAGE_NAME(NAME, number, name, fields) [number] = name,
    static const char *const names[PAXOS_MESSAGE_TYPE_END] = {PAXOS_MESSAGES(MESSAGE_NAME)};
#undef MESSAGE_NAME
    assert(type > 0 && type < PAXOS_MESSAGE_TYPE_END);
    return names[type];
}

static void free_entries(struct paxos_entry **entries, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        paxos_entry_unref(entries[i]);
    free(entries);
}

void paxos_message_clear(struct paxos_message *m)
{
    free_entries(m->entries, m->entry_count);
    *m = (struct paxos_message){0};
}

void paxos_write_clear(struct paxos_write *w)
{
    free_entries(w->entries, w->entry_count);
    *w = (struct paxos_write){0};
}

void paxos_output_clear(struct paxos_output *out)
{
    paxos_write_clear(&out->write);
    for (size_t i = 0; i < out->message_count; i++)
        paxos_message_clear(&out->messages[i]);
    free(out->messages);
    *out = (struct paxos_output){0};
}

struct paxos_message *paxos_send(struct paxos *p, enum paxos_message_type type, uint32_t to)
{
    assert(to != p->me);
    struct paxos_message *m = &p->spare;
    if (p->outbox_count == p->outbox_cap) {
        size_t cap = p->outbox_cap ? 2 * p->outbox_cap : 32;
        struct paxos_message *outbox = realloc(p->outbox, cap * sizeof *outbox);
        if (outbox) {
            p->outbox = outbox;
            p->outbox_cap = cap;
        }
    }
    if (p->outbox_count < p->outbox_cap)
        m = &p->outbox[p->outbox_count++];
    else
        p->failed = true;
    if (p->failed)
        paxos_message_clear(&p->spare);
    *m = (struct paxos_message){.type = (uint8_t)type, .from = p->me, .to = to};
    return m;
}

/* At least one entry, then as many as fit. */
static uint64_t message_end(const struct paxos_log *log, uint64_t first, uint64_t end)
{
    uint64_t bytes = 0;
    uint64_t at = first;
    while (at < end) {
        bytes += PAXOS_ENTRY_COST(paxos_log_at(log, at));
        if (at > first && bytes > PAXOS_MESSAGE_BYTES_MAX)
            break;
        at++;
    }
    return at;
}

uint64_t paxos_attach(struct paxos *p, struct paxos_message *m, uint64_t first, uint64_t end)
{
    assert(first >= p->log.base);
    assert(end <= p->log.end);
    m->first = first;
    uint64_t stop = message_end(&p->log, first, end);
    if (stop == first)
        return stop;
    struct paxos_entry **entries = p->failed ? NULL : malloc((stop - first) * sizeof *entries);
    if (!entries) {
        p->failed = true;
        return end;
    }
    for (uint64_t i = first; i < stop; i++)
        entries[i - first] = paxos_entry_ref(paxos_log_at(&p->log, i));
    m->entries = entries;
    m->entry_count = (uint32_t)(stop - first);
    return stop;
}

bool paxos_reserve(struct paxos *p, struct paxos_entry ***entries, size_t count, size_t *cap)
{
    if (count < *cap)
        return true;
    size_t more = *cap ? 2 * *cap : 64;
    struct paxos_entry **grown = realloc(*entries, more * sizeof *grown);
    if (!grown) {
        p->failed = true;
        return false;
    }
    *entries = grown;
    *cap = more;
    return true;
}
