#include "replica/emptied.h"

#include <stdlib.h>

void emptied_begin(struct emptied *e, uv_loop_t *loop, struct tree *tree)
{
    *e = (struct emptied){.tree = tree};
    TAILQ_INIT(&e->waiters);
    uv_timer_init(loop, &e->timer);
    e->timer.data = e;
}

static struct emptied_file *emptied_find(struct emptied *e, uint64_t ino)
{
    for (uint32_t i = 0; i < EMPTIED_MAX; i++)
        if (e->files[i].ino == ino)
            return &e->files[i];
    return NULL;
}

static bool is_still_empty(const struct emptied *e, uint64_t ino)
{
    struct attr attr;
    return tree_getattr(e->tree, ino, &attr) == 0 && attr.size == 0;
}

static bool is_any(const struct emptied *e, const struct emptied_waiter *w)
{
    return true;
}

static bool has_waited(const struct emptied *e, const struct emptied_waiter *w)
{
    return w->until_ms <= replica_now_ms();
}

static bool need_not_wait(const struct emptied *e, const struct emptied_waiter *w)
{
    return !is_still_empty(e, w->ino);
}

/* Lets those go on for which it holds. They may begin to wait for other files meanwhile. */
static void let_go_on(struct emptied *e,
                      bool (*holds)(const struct emptied *, const struct emptied_waiter *))
{
    struct emptied_waiters over = TAILQ_HEAD_INITIALIZER(over);
    struct emptied_waiter *w, *next;
    for (w = TAILQ_FIRST(&e->waiters); w; w = next) {
        next = TAILQ_NEXT(w, entry);
        if (holds(e, w)) {
            TAILQ_REMOVE(&e->waiters, w, entry);
            TAILQ_INSERT_TAIL(&over, w, entry);
            e->waiter_count--;
        }
    }
    while ((w = TAILQ_FIRST(&over))) {
        TAILQ_REMOVE(&over, w, entry);
        w->done(w->arg);
        free(w);
    }
}

static void emptied_on_timer(uv_timer_t *timer);

/* The first one to have waited long enough need not be the first one that came. */
static void set_timer(struct emptied *e)
{
    uint64_t now_ms = replica_now_ms(), first_ms = UINT64_MAX;
    const struct emptied_waiter *w;
    TAILQ_FOREACH(w, &e->waiters, entry)
    {
        first_ms = w->until_ms < first_ms ? w->until_ms : first_ms;
    }
    if (first_ms == UINT64_MAX)
        uv_timer_stop(&e->timer);
    else
        uv_timer_start(&e->timer, emptied_on_timer, first_ms > now_ms ? first_ms - now_ms : 0, 0);
}

static void emptied_on_timer(uv_timer_t *timer)
{
    struct emptied *e = timer->data;
    let_go_on(e, has_waited);
    set_timer(e);
}

void emptied_applied(struct emptied *e)
{
    uint64_t ino = tree_emptied(e->tree);
    if (!TAILQ_EMPTY(&e->waiters))
        let_go_on(e, need_not_wait);
    if (ino == 0)
        return;
    struct emptied_file *file = emptied_find(e, ino);
    if (!file) {
        file = &e->files[e->next];
        e->next = (e->next + 1) % EMPTIED_MAX;
    }
    *file = (struct emptied_file){ino, replica_now_ms() + REPLICA_EMPTIED_MS};
}

bool emptied_await(struct emptied *e, uint64_t ino, void (*done)(void *arg), void *arg)
{
    const struct emptied_file *file = emptied_find(e, ino);
    if (!file || file->until_ms <= replica_now_ms() || !is_still_empty(e, ino) ||
        e->waiter_count == EMPTIED_WAITERS_MAX)
        return false;
    struct emptied_waiter *w = malloc(sizeof *w);
    if (!w)
        return false;
    *w = (struct emptied_waiter){.ino = ino, .until_ms = file->until_ms, .done = done, .arg = arg};
    TAILQ_INSERT_TAIL(&e->waiters, w, entry);
    e->waiter_count++;
    set_timer(e);
    return true;
}

static bool is_forgotten(const struct emptied *e, const struct emptied_waiter *w)
{
    return !emptied_find((struct emptied *)e, w->ino);
}

void emptied_stays(struct emptied *e, uint64_t ino)
{
    struct emptied_file *file = emptied_find(e, ino);
    if (!file)
        return;
    *file = (struct emptied_file){0};
    let_go_on(e, is_forgotten);
}

void emptied_end(struct emptied *e)
{
    for (uint32_t i = 0; i < EMPTIED_MAX; i++)
        e->files[i] = (struct emptied_file){0};
    let_go_on(e, is_any);
}
