#include "replica/deadlines.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

enum { DEADLINES_MIN = 64, NONE = UINT32_MAX };

/* ---- The heap ---- */

static void place(struct deadlines *d, uint32_t at, uint32_t item)
{
    d->heap[at] = item;
    d->items[item].at = at;
}

static uint64_t due_at(const struct deadlines *d, uint32_t at)
{
    return d->items[d->heap[at]].due_ms;
}

/* Puts the item where it belongs, from this place on, which is free. */
static void sift(struct deadlines *d, uint32_t at, uint32_t item)
{
    uint64_t due = d->items[item].due_ms;
    for (; at > 0 && due_at(d, (at - 1) / 2) > due; at = (at - 1) / 2)
        place(d, at, d->heap[(at - 1) / 2]);
    for (;;) {
        uint32_t child = 2 * at + 1;
        child += child + 1 < d->count && due_at(d, child + 1) < due_at(d, child);
        if (child >= d->count || due_at(d, child) >= due)
            break;
        place(d, at, d->heap[child]);
        at = child;
    }
    place(d, at, item);
}

/* ---- The table ---- */

static uint32_t *chain_of(const struct deadlines *d, uint64_t key)
{
    return &d->chains[(key * UINT64_C(0x9e3779b97f4a7c15) >> 32) % d->max];
}

static uint32_t find(const struct deadlines *d, uint64_t key)
{
    uint32_t item = d->max > 0 ? *chain_of(d, key) : NONE;
    while (item != NONE && d->items[item].key != key)
        item = d->items[item].next;
    return item;
}

static void link_item(struct deadlines *d, uint32_t item)
{
    uint32_t *chain = chain_of(d, d->items[item].key);
    d->items[item].next = *chain;
    *chain = item;
}

/* Doubles the room; the chains are made anew. */
static int deadlines_grow(struct deadlines *d)
{
    uint32_t max = d->max > 0 ? 2 * d->max : DEADLINES_MIN;
    assert(max > d->max);
    struct deadline *items = realloc(d->items, max * sizeof *items);
    d->items = items ? items : d->items;
    uint32_t *heap = realloc(d->heap, max * sizeof *heap);
    d->heap = heap ? heap : d->heap;
    uint32_t *chains = realloc(d->chains, max * sizeof *chains);
    d->chains = chains ? chains : d->chains;
    if (!items || !heap || !chains)
        return -ENOMEM;
    for (uint32_t i = d->max; i < max; i++)
        items[i].next = i + 1 < max ? i + 1 : NONE;
    d->unused = d->max;
    d->max = max;
    for (uint32_t i = 0; i < max; i++)
        chains[i] = NONE;
    for (uint32_t i = 0; i < d->count; i++)
        link_item(d, d->heap[i]);
    return 0;
}

/* ---- All together ---- */

int deadlines_put(struct deadlines *d, uint64_t key, uint64_t revision, uint64_t due_ms)
{
    assert(key != 0);
    uint32_t item = find(d, key);
    if (item == NONE) {
        int status = d->count == d->max ? deadlines_grow(d) : 0;
        if (status < 0)
            return status;
        item = d->unused;
        d->unused = d->items[item].next;
        d->items[item] = (struct deadline){.key = key, .at = d->count++};
        link_item(d, item);
    }
    d->items[item].revision = revision;
    d->items[item].due_ms = due_ms;
    sift(d, d->items[item].at, item);
    return 0;
}

const struct deadline *deadlines_find(const struct deadlines *d, uint64_t key)
{
    uint32_t item = find(d, key);
    return item == NONE ? NULL : &d->items[item];
}

const struct deadline *deadlines_first(const struct deadlines *d)
{
    return d->count > 0 ? &d->items[d->heap[0]] : NULL;
}

void deadlines_remove(struct deadlines *d, uint64_t key)
{
    uint32_t item = find(d, key);
    if (item == NONE)
        return;
    uint32_t *link = chain_of(d, key), at = d->items[item].at;
    while (*link != item)
        link = &d->items[*link].next;
    *link = d->items[item].next;
    d->items[item].next = d->unused;
    d->unused = item;
    if (at < --d->count) /* the last one takes its place */
        sift(d, at, d->heap[d->count]);
}

void deadlines_free(struct deadlines *d)
{
    free(d->items);
    free(d->heap);
    free(d->chains);
    *d = (struct deadlines){0};
}
