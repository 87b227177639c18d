#include "linear.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* An operation as it is judged: the client's view, and the judge's own findings. */
struct placed {
    const struct linear_operation *o;
    uint64_t revision; /* at which it took effect; 0: perhaps never */
    uint64_t after;    /* the highest revision that had been answered when it was invoked */
};

struct order {
    const struct linear_operation *history;
    struct placed *placed; /* in the order of the history, then by revision */
    size_t count;
};

static char text[300];

static const char *fault(const char *format, ...) __attribute__((format(printf, 1, 2)));

static const char *fault(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    return text;
}

static bool is_change(const struct linear_operation *o)
{
    return o->asked.kind != MACHINE_GET;
}

/* ---- real time ---- */

static int by_return(const void *a, const void *b)
{
    const struct placed *x = a, *y = b;
    return x->o->returned < y->o->returned ? -1 : x->o->returned > y->o->returned;
}

/* An operation that begins after another was answered takes effect after it. */
static const char *real_time(struct order *order)
{
    struct placed *returned = malloc((order->count + 1) * sizeof *returned);
    assert(returned);
    memcpy(returned, order->placed, order->count * sizeof *returned);
    qsort(returned, order->count, sizeof *returned, by_return);
    size_t next = 0;
    uint64_t highest = 0;
    const char *wrong = NULL;
    for (size_t i = 0; i < order->count && !wrong; i++) {
        struct placed *p = &order->placed[i];
        for (; next < order->count && returned[next].o->returned < p->o->invoked; next++)
            if (returned[next].revision > highest)
                highest = returned[next].revision;
        p->after = highest;
        if (p->o->returned && p->revision < p->after + is_change(p->o))
            wrong = fault("operation %zu has revision %lu, but %lu had been answered before", i,
                          p->revision, p->after);
    }
    free(returned);
    return wrong;
}

/* ---- what was seen must come from somewhere ---- */

/* The operation that wrote what `by` has seen took effect where it was seen, and only there. */
static const char *place_writer(struct order *order, const struct linear_operation *by)
{
    const struct machine_register *seen = &by->result.seen;
    if (seen->value == 0)
        return seen->present || seen->revision ? fault("a value out of nothing") : NULL;
    if (seen->value > order->count)
        return fault("value %lu was never written", seen->value);
    struct placed *writer = &order->placed[seen->value - 1];
    const struct linear_operation *o = writer->o;
    bool its_own = is_change(o) && o->asked.key == by->asked.key &&
                   seen->present == (o->asked.kind != MACHINE_DELETE);
    if (!its_own || (o->returned && !o->result.done) || o->invoked > by->returned)
        return fault("value %lu was not written so", seen->value);
    if (writer->revision && writer->revision != seen->revision)
        return fault("value %lu took effect at %lu and at %lu", seen->value, writer->revision,
                     seen->revision);
    if (seen->revision <= writer->after)
        return fault("value %lu took effect at %lu, before it was asked for", seen->value,
                     seen->revision);
    writer->revision = seen->revision;
    return NULL;
}

/* ---- the sequential history ---- */

/* At one revision: the change, then the reads of it. */
static int by_revision(const void *a, const void *b)
{
    const struct placed *x = a, *y = b;
    if (x->revision != y->revision)
        return x->revision < y->revision ? -1 : 1;
    return (int)is_change(y->o) - (int)is_change(x->o);
}

static bool equal(const struct machine_register *a, const struct machine_register *b)
{
    return a->present == b->present && a->value == b->value && a->revision == b->revision;
}

/* One operation after what is `there`; an operation without an answer is there because its value
 * was seen, so it took effect. */
static const char *follow(const struct placed *p, struct machine_register *there)
{
    const struct machine_operation *asked = &p->o->asked;
    bool answered = p->o->returned != 0;
    if (answered && !equal(&p->o->result.seen, there))
        return fault("at revision %lu value %lu of %lu was seen, not %lu of %lu", p->revision,
                     p->o->result.seen.value, p->o->result.seen.revision, there->value,
                     there->revision);
    bool matches =
        asked->kind != MACHINE_CAS || (there->present && there->value == asked->expected);
    if (matches != (answered ? p->o->result.done : true))
        return fault("a compare-and-set at revision %lu was judged wrong", p->revision);
    if (is_change(p->o) && matches)
        *there =
            (struct machine_register){asked->kind != MACHINE_DELETE, asked->value, p->revision};
    return NULL;
}

static const char *sequential(struct order *order)
{
    struct machine_register there[MACHINE_KEYS] = {0};
    const struct placed *before = NULL;
    qsort(order->placed, order->count, sizeof *order->placed, by_revision);
    for (size_t i = 0; i < order->count; i++) {
        const struct placed *p = &order->placed[i];
        if (p->revision == 0 && (!p->o->returned || is_change(p->o)))
            continue;
        if (before && is_change(before->o) && is_change(p->o) && before->revision == p->revision)
            return fault("two changes at revision %lu", p->revision);
        const char *wrong = follow(p, &there[p->o->asked.key]);
        if (wrong)
            return wrong;
        before = p;
    }
    return NULL;
}

const char *linear_fault(const struct linear_operation *history, size_t count)
{
    struct order order = {history, malloc((count + 1) * sizeof *order.placed), count};
    assert(order.placed);
    for (size_t i = 0; i < count; i++)
        order.placed[i] = (struct placed){
            .o = &history[i], .revision = history[i].returned ? history[i].result.revision : 0};
    const char *wrong = real_time(&order);
    for (size_t i = 0; i < count && !wrong; i++)
        if (history[i].returned)
            wrong = place_writer(&order, &history[i]);
    if (!wrong)
        wrong = sequential(&order);
    free(order.placed);
    return wrong;
}
