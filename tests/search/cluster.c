/* A state: made, shared, fingerprinted, freed. */
#include "cluster_internal.h"

#include "core.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

struct cluster *cluster_copy(const struct cluster *c)
{
    struct cluster *copy = malloc(sizeof *copy);
    assert(copy);
    *copy = *c;
    for (uint32_t i = 0; i < NODES; i++)
        copy->nodes[i]->refs++;
    for (uint32_t i = 0; i < c->message_count; i++)
        copy->messages[i]->refs++;
    copy->history->refs++;
    return copy;
}

void flying_unref(struct flying *f)
{
    if (--f->refs > 0)
        return;
    paxos_message_clear(&f->message);
    free(f);
}

static void node_unref(struct node *n)
{
    if (--n->refs > 0)
        return;
    paxos_free(n->core);
    free(n);
}

static void history_unref(struct history *h)
{
    if (--h->refs > 0)
        return;
    checker_free(&h->checker);
    free(h);
}

void cluster_free(struct cluster *c)
{
    for (uint32_t i = 0; i < NODES; i++)
        node_unref(c->nodes[i]);
    for (uint32_t i = 0; i < c->message_count; i++)
        flying_unref(c->messages[i]);
    history_unref(c->history);
    free(c);
}

struct node *cluster_change_node(struct cluster *c, uint32_t i)
{
    struct node *n = c->nodes[i];
    if (n->refs > 1) {
        struct node *own = malloc(sizeof *own);
        assert(own);
        *own = *n;
        own->refs = 1;
        own->core = core_copy(n->core);
        n->refs--;
        c->nodes[i] = n = own;
    }
    n->fingerprint = 0;
    return n;
}

struct checker *cluster_change_history(struct cluster *c)
{
    struct history *h = c->history;
    if (h->refs > 1) {
        struct history *own = malloc(sizeof *own);
        assert(own);
        own->refs = 1;
        checker_copy(&own->checker, &h->checker);
        h->refs--;
        c->history = h = own;
    }
    h->fingerprint = 0;
    return &h->checker;
}

/* ---- fingerprints ---- */

static struct buffer text;

static uint64_t fingerprint(void)
{
    assert(!text.failed);
    uint64_t print = XXH3_64bits(text.data, text.len);
    text.len = 0;
    return print;
}

static void cluster_put_ballot(struct paxos_ballot b)
{
    buffer_append(&text, &b, sizeof b); /* no padding */
}

static void put_ids(const uint64_t *ids, uint64_t first, uint64_t end)
{
    const uint64_t range[] = {first, end};
    buffer_append(&text, range, sizeof range);
    buffer_append(&text, ids, (size_t)(end - first) * sizeof *ids);
}

static void cluster_put_disk(const struct node *n)
{
    cluster_put_ballot(n->promise);
    cluster_put_ballot(n->acc_round);
    put_ids(n->ids, n->base, n->end);
    buffer_append(&text, &n->membership, sizeof n->membership);
    for (uint32_t i = 0; i < n->write_count; i++) {
        const struct queued_write *w = &n->writes[i];
        const uint64_t numbers[] = {w->decided, w->compacted};
        cluster_put_ballot(w->promise);
        cluster_put_ballot(w->acc_round);
        buffer_append(&text, numbers, sizeof numbers);
        put_ids(w->ids, w->first, w->end);
        buffer_append(&text, &w->membership, sizeof w->membership);
    }
}

static void node_fingerprint(struct node *n)
{
    core_encode(n->core, &text);
    cluster_put_disk(n);
    const uint64_t numbers[] = {n->life,   n->applied,   n->tree_durable, n->installed,  n->decided,
                                n->needed, n->read_last, n->installing,   n->write_count};
    buffer_append(&text, numbers, sizeof numbers);
    buffer_append(&text, n->reads, n->read_count * sizeof n->reads[0]);
    n->fingerprint = fingerprint();
}

static void flying_fingerprint(struct flying *f)
{
    const struct paxos_message *m = &f->message;
    const uint64_t numbers[] = {
        m->type,    m->sync,    m->happy, m->from,  m->to,   m->decided,  m->accepted, m->psid,
        m->session, m->counter, m->first, m->round, m->read, m->standing, m->life,     m->folder};
    buffer_append(&text, numbers, sizeof numbers);
    buffer_append(&text, m->lives, sizeof m->lives);
    buffer_append(&text, m->folders, sizeof m->folders);
    cluster_put_ballot(m->n);
    cluster_put_ballot(m->acc_round);
    cluster_put_ballot(m->leader);
    for (uint32_t i = 0; i < m->entry_count; i++)
        buffer_append(&text, m->entries[i]->bytes, sizeof(uint64_t));
    f->fingerprint = fingerprint();
}

static void history_fingerprint(struct history *h)
{
    checker_encode(&h->checker, &text);
    h->fingerprint = fingerprint();
}

void cluster_settle(struct cluster *c)
{
    for (uint32_t i = 0; i < NODES; i++)
        if (c->nodes[i]->fingerprint == 0)
            node_fingerprint(c->nodes[i]);
    if (c->history->fingerprint == 0)
        history_fingerprint(c->history);
}

uint64_t cluster_fingerprint(const struct cluster *c)
{
    buffer_append(&text, &c->left, sizeof c->left);
    buffer_put_u8(&text, c->next_id);
    if (c->scope->session)
        buffer_append(&text, &c->session, sizeof c->session);
    for (uint32_t i = 0; i < NODES; i++)
        buffer_put_u64(&text, c->nodes[i]->fingerprint);
    for (uint32_t i = 0; i < c->message_count; i++)
        buffer_put_u64(&text, c->messages[i]->fingerprint);
    buffer_put_u64(&text, c->history->fingerprint);
    return fingerprint();
}

/* ---- messages under way ---- */

static uint32_t link_of(const struct paxos_message *m)
{
    return m->from * (NODES + 1) + m->to;
}

static bool goes_before(const struct cluster *c, const struct flying *a, const struct flying *b)
{
    if (link_of(&a->message) != link_of(&b->message))
        return link_of(&a->message) < link_of(&b->message);
    return !c->scope->ordered && a->fingerprint < b->fingerprint;
}

bool cluster_first_on_link(const struct cluster *c, uint32_t at)
{
    return at == 0 || link_of(&c->messages[at - 1]->message) != link_of(&c->messages[at]->message);
}

void cluster_add_message(struct cluster *c, struct paxos_message *m)
{
    assert(c->message_count < MESSAGES_MAX);
    struct flying *f = malloc(sizeof *f);
    assert(f);
    f->refs = 1;
    f->message = *m;
    *m = (struct paxos_message){0};
    flying_fingerprint(f);
    uint32_t at = c->message_count++;
    for (; at > 0 && goes_before(c, f, c->messages[at - 1]); at--)
        c->messages[at] = c->messages[at - 1];
    c->messages[at] = f;
}

struct flying *cluster_take_message(struct cluster *c, uint32_t at)
{
    assert(at < c->message_count);
    struct flying *f = c->messages[at];
    c->message_count--;
    memmove(c->messages + at, c->messages + at + 1,
            (c->message_count - at) * sizeof c->messages[0]);
    return f;
}

void cluster_lose_messages(struct cluster *c, uint32_t from, uint32_t to)
{
    for (uint32_t at = c->message_count; at > 0; at--) {
        const struct paxos_message *m = &c->messages[at - 1]->message;
        if (m->from == from + 1 && m->to == to + 1)
            flying_unref(cluster_take_message(c, at - 1));
    }
}
