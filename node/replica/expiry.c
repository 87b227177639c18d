#include "replica/expiry.h"

#include <errno.h>

static uint64_t clock_at(const struct expiry *e, uint64_t now_ms)
{
    return e->clock_ms + (e->counts && now_ms > e->seen_ms ? now_ms - e->seen_ms : 0);
}

static void scan_from_now(struct expiry *e, uint64_t now_ms)
{
    e->scans = true;
    e->scan_after = 0;
    e->scan_clock_ms = clock_at(e, now_ms);
}

void expiry_begin(struct expiry *e, struct tree *tree, uint64_t now_ms)
{
    *e = (struct expiry){.tree = tree, .seen_ms = now_ms};
    scan_from_now(e, now_ms);
}

void expiry_end(struct expiry *e)
{
    deadlines_free(&e->deadlines);
}

void expiry_replaced(struct expiry *e, uint64_t now_ms)
{
    deadlines_free(&e->deadlines);
    scan_from_now(e, now_ms);
}

static int count_from(struct expiry *e, const struct tree_mortal *mortal, uint64_t clock_ms)
{
    return deadlines_put(&e->deadlines, mortal->key, mortal->revision,
                         clock_ms + mortal->ms + EXPIRY_SPARE_MS);
}

int expiry_applied(struct expiry *e, uint64_t now_ms)
{
    uint32_t count;
    const uint64_t *stirred = tree_stirred(e->tree, &count);
    int status = 0;
    for (uint32_t i = 0; status == 0 && i < count; i++) {
        struct tree_mortal mortal;
        status = tree_mortal_get(e->tree, stirred[i], &mortal);
        if (status == 0) {
            status = count_from(e, &mortal, clock_at(e, now_ms));
        } else if (status == -ENOENT) {
            deadlines_remove(&e->deadlines, stirred[i]);
            status = 0;
        }
    }
    return status;
}

/* A piece of what the tree had before this node began to count. What has changed since is known. */
static int scan(struct expiry *e)
{
    struct tree_mortal list[EXPIRY_SCAN_MAX];
    uint32_t count;
    int status = tree_mortals(e->tree, e->scan_after, EXPIRY_SCAN_MAX, list, &count);
    for (uint32_t i = 0; status == 0 && i < count; i++) {
        e->scan_after = list[i].key;
        if (!deadlines_find(&e->deadlines, list[i].key))
            status = count_from(e, &list[i], e->scan_clock_ms);
    }
    e->scans = status < 0 || count > 0;
    return status;
}

int expiry_tick(struct expiry *e, uint64_t now_ms, bool counts)
{
    e->clock_ms = clock_at(e, now_ms);
    e->seen_ms = now_ms;
    e->counts = counts;
    return e->scans ? scan(e) : 0;
}

bool expiry_due(const struct expiry *e, uint64_t now_ms, struct tree_mortal *mortal)
{
    const struct deadline *first = deadlines_first(&e->deadlines);
    if (!first || first->due_ms > clock_at(e, now_ms))
        return false;
    *mortal = (struct tree_mortal){.key = first->key, .revision = first->revision};
    return true;
}

int expiry_asked(struct expiry *e, uint64_t now_ms, const struct tree_mortal *mortal)
{
    return deadlines_put(&e->deadlines, mortal->key, mortal->revision,
                         clock_at(e, now_ms) + EXPIRY_AGAIN_MS);
}

uint64_t expiry_left_ms(const struct expiry *e, uint64_t now_ms, uint64_t key)
{
    const struct deadline *found = deadlines_find(&e->deadlines, key);
    uint64_t until = clock_at(e, now_ms) + EXPIRY_SPARE_MS;
    if (!found)
        return UINT64_MAX;
    return found->due_ms > until ? found->due_ms - until : 0;
}
