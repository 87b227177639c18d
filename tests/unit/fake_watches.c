#include "fake_watches.h"
#include "fake_replica.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static struct fake_event {
    struct replica_event event;
    uint8_t *key;
} * events;
static size_t count;
static LIST_HEAD(, replica_watch) watches = LIST_HEAD_INITIALIZER(watches);
static uint32_t watch_count;

/* In place of a position in the history, `skip` is one in the list. */
static void fake_tell(struct replica_watch *watch)
{
    watch->behind = false;
    for (; watch->skip < count; watch->skip++) {
        const struct replica_event *event = &events[watch->skip].event;
        bool matches = event->path.len >= watch->path.len && event->revision > watch->since &&
                       (watch->path.len == 0 ||
                        memcmp(event->path.data, watch->path.data, watch->path.len) == 0);
        matches = matches && (!watch->sees || watch->sees(watch->arg, event->path));
        watch->behind = matches && !watch->tell(watch->arg, event);
        if (watch->behind)
            return;
    }
}

void fake_changed(uint64_t revision, uint8_t kind, struct bytes key, bool more)
{
    events = realloc(events, (count + 1) * sizeof *events);
    assert(events);
    struct fake_event *new = &events[count];
    new->key = malloc(key.len + 1);
    assert(new->key);
    memcpy(new->key, key.data, key.len);
    new->event = (struct replica_event){revision, kind, false, more, bytes_of(new->key, key.len)};
    count++;
    struct replica_watch *watch;
    LIST_FOREACH(watch, &watches, all)
    {
        if (!watch->behind)
            fake_tell(watch);
    }
}

void fake_watches_clear(void)
{
    struct replica_watch *watch;
    LIST_FOREACH(watch, &watches, all)
    {
        watch->skip = 0;
        watch->since = 0;
    }
    while (count > 0)
        free(events[--count].key);
    free(events);
    events = NULL;
}

int replica_watch_begin(struct replica *replica, struct replica_watch *watch, uint64_t since)
{
    if (fake.watches_unsupported)
        return -ENOTSUP;
    if (since < (uint64_t)fake.watches_oldest)
        return -ESTALE;
    watch->since = since == REPLICA_WATCH_NOW ? tree_applied(replica_tree(replica)) : since;
    watch->skip = 0;
    watch->behind = true;
    LIST_INSERT_HEAD(&watches, watch, all);
    watch_count++;
    return 0;
}

void replica_watch_end(struct replica *replica, struct replica_watch *watch)
{
    assert(watch_count > 0);
    watch_count--;
    LIST_REMOVE(watch, all);
}

uint64_t replica_watch_oldest(struct replica *replica)
{
    return (uint64_t)fake.watches_oldest;
}

bool replica_watch_go_on(struct replica *replica, struct replica_watch *watch)
{
    if (watch->behind)
        fake_tell(watch);
    return false;
}

uint32_t replica_watch_count(const struct replica *replica)
{
    return watch_count;
}

const char *replica_event_verb(uint8_t kind)
{
    static const char *const verbs[] = {"created",    "written",  "attributes", "deleted",
                                        "moved-from", "moved-to", "lost"};
    assert(kind < sizeof verbs / sizeof *verbs);
    return verbs[kind];
}
