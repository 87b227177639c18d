/* The checker's memory: copied, encoded, and forgotten when nothing depends on it any
 * more. */
#include "checker_internal.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

void checker_init(struct checker *c, const struct paxos_config *config, checker_fail *fail,
                  void *arg)
{
    assert(config->count >= 1 && config->count <= PAXOS_NODES_MAX);
    *c = (struct checker){.fail = fail, .arg = arg, .count = config->count};
    c->write_quorum = config->write_quorum ? config->write_quorum : config->count / 2 + 1;
    for (uint32_t i = 0; i < config->count; i++)
        c->nodes[i].pid = config->pids[i];
}

void checker_free(struct checker *c)
{
    for (size_t i = 0; i < c->round_count; i++)
        free(c->rounds[i].log.at);
    free(c->rounds);
    free(c->chosen.at);
    *c = (struct checker){0};
}

/* ---- ids ---- */

static void reserve(struct checker_ids *ids, size_t count)
{
    if (count <= ids->cap)
        return;
    ids->cap = count + count / 2 + 8;
    ids->at = realloc(ids->at, ids->cap * sizeof *ids->at);
    assert(ids->at);
}

uint64_t checker_ids_at(const struct checker_ids *ids, uint64_t index)
{
    return index < ids->count ? ids->at[index] : 0;
}

void checker_ids_set(struct checker_ids *ids, uint64_t index, uint64_t id)
{
    assert(id != 0);
    reserve(ids, (size_t)index + 1);
    while (ids->count <= index)
        ids->at[ids->count++] = 0;
    ids->at[index] = id;
}

static struct checker_ids ids_copy(const struct checker_ids *from)
{
    struct checker_ids to = {0};
    reserve(&to, from->count);
    if (from->count)
        memcpy(to.at, from->at, from->count * sizeof *from->at);
    to.count = from->count;
    return to;
}

static void ids_encode(const struct checker_ids *ids, struct buffer *b)
{
    buffer_put_u64(b, ids->count);
    buffer_append(b, ids->at, ids->count * sizeof *ids->at);
}

/* ---- rounds ---- */

struct checker_round *checker_round_of(struct checker *c, struct paxos_ballot ballot)
{
    size_t at = c->round_count;
    while (at > 0 && paxos_ballot_compare(c->rounds[at - 1].ballot, ballot) > 0)
        at--;
    if (at > 0 && paxos_ballot_compare(c->rounds[at - 1].ballot, ballot) == 0)
        return &c->rounds[at - 1];
    if (c->round_count == c->round_cap) {
        c->round_cap = c->round_cap ? 2 * c->round_cap : 4;
        c->rounds = realloc(c->rounds, c->round_cap * sizeof *c->rounds);
        assert(c->rounds);
    }
    memmove(c->rounds + at + 1, c->rounds + at, (c->round_count++ - at) * sizeof *c->rounds);
    c->rounds[at] = (struct checker_round){.ballot = ballot};
    return &c->rounds[at];
}

/* Every disk is beyond this round, and none goes back: all that still matters is what it chose. */
static bool is_over(const struct checker *c, const struct checker_round *r)
{
    for (uint32_t i = 0; i < c->count; i++)
        if (paxos_ballot_compare(c->nodes[i].acc_round, r->ballot) <= 0)
            return false;
    return true;
}

void checker_forget_rounds(struct checker *c)
{
    size_t over = 0;
    while (over < c->round_count && is_over(c, &c->rounds[over])) {
        if (c->rounds[over].chosen > c->chosen_floor)
            c->chosen_floor = c->rounds[over].chosen;
        free(c->rounds[over].log.at);
        over++;
    }
    if (over == 0)
        return;
    c->round_count -= over;
    memmove(c->rounds, c->rounds + over, c->round_count * sizeof *c->rounds);
}

/* ---- copy, encode ---- */

void checker_copy(struct checker *to, const struct checker *from)
{
    *to = *from;
    to->chosen = ids_copy(&from->chosen);
    to->round_cap = from->round_count;
    to->rounds = malloc((from->round_count + 1) * sizeof *to->rounds);
    assert(to->rounds);
    for (size_t i = 0; i < from->round_count; i++) {
        to->rounds[i] = from->rounds[i];
        to->rounds[i].log = ids_copy(&from->rounds[i].log);
    }
}

static void encode_ballot(struct paxos_ballot ballot, struct buffer *b)
{
    buffer_append(b, &ballot, sizeof ballot); /* no padding */
}

static void encode_node(const struct checker_node *n, struct buffer *b)
{
    const struct paxos_ballot ballots[] = {n->promise, n->acc_round,   n->claim_round,
                                           n->used,    n->used_before, n->leads};
    const uint64_t numbers[] = {n->claim_accepted, n->decided, n->reads_ready};
    buffer_append(b, ballots, sizeof ballots);
    buffer_append(b, numbers, sizeof numbers);
}

/* `leaders` only counts, and a round's `chosen` follows from its `durable`. */
void checker_encode(const struct checker *c, struct buffer *b)
{
    for (uint32_t i = 0; i < c->count; i++)
        encode_node(&c->nodes[i], b);
    buffer_put_u64(b, c->proposed);
    buffer_put_u64(b, c->emitted);
    ids_encode(&c->chosen, b);
    buffer_put_u64(b, c->chosen_floor);
    buffer_put_u64(b, c->round_count);
    for (size_t i = 0; i < c->round_count; i++) {
        const struct checker_round *r = &c->rounds[i];
        encode_ballot(r->ballot, b);
        buffer_append(b, r->durable, c->count * sizeof r->durable[0]);
        ids_encode(&r->log, b);
    }
}
