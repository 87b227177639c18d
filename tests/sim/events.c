#include "events.h"

#include <assert.h>
#include <stdlib.h>

static bool earlier(const struct sim_event_place *a, const struct sim_event_place *b)
{
    return a->at != b->at ? a->at < b->at : a->order < b->order;
}

static struct sim_event *event_new(struct sim_events *q)
{
    struct sim_event *e = q->free;
    if (e)
        q->free = e->next_free;
    else
        e = malloc(sizeof *e);
    assert(e);
    return e;
}

static void push(struct sim_events *q, struct sim_event *event)
{
    if (q->count == q->cap) {
        q->cap = q->cap ? 2 * q->cap : 256;
        q->heap = realloc(q->heap, q->cap * sizeof *q->heap);
        assert(q->heap);
    }
    const struct sim_event_place place = {event->at, event->order, event};
    size_t at = q->count++;
    for (; at > 0 && earlier(&place, &q->heap[(at - 1) / 2]); at = (at - 1) / 2)
        q->heap[at] = q->heap[(at - 1) / 2];
    q->heap[at] = place;
}

void events_add(struct sim_events *q, const struct sim_event *event)
{
    struct sim_event *added = event_new(q);
    *added = *event;
    added->order = q->order++;
    push(q, added);
}

void events_put_off(struct sim_events *q, struct sim_event *event)
{
    push(q, event);
}

struct sim_event *events_take(struct sim_events *q, uint64_t end)
{
    if (q->count == 0 || q->heap[0].at > end)
        return NULL;
    struct sim_event *first = q->heap[0].event;
    const struct sim_event_place last = q->heap[--q->count];
    size_t at = 0;
    for (size_t next; (next = 2 * at + 1) < q->count; at = next) {
        next += next + 1 < q->count && earlier(&q->heap[next + 1], &q->heap[next]);
        if (!earlier(&q->heap[next], &last))
            break;
        q->heap[at] = q->heap[next];
    }
    q->heap[at] = last;
    return first;
}

void events_give_back(struct sim_events *q, struct sim_event *event)
{
    if (event->type == SIM_MESSAGE)
        paxos_message_clear(&event->message);
    event->next_free = q->free;
    q->free = event;
}

void events_free(struct sim_events *q)
{
    while (q->count > 0)
        events_give_back(q, q->heap[--q->count].event);
    for (struct sim_event *e = q->free, *next; e; e = next) {
        next = e->next_free;
        free(e);
    }
    free(q->heap);
}
