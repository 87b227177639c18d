/* Watches (replica/watch.h): which of them an entry concerns.
 *
 * Watches with the same path form a group. Groups are found by a hash of the path: the hash of a
 * changed path is made byte by byte, and wherever a group has a path of that length, the group is
 * looked for. So an entry costs the same however many others watch other paths. */
#include "replica/replica_internal.h"

#include "replica/watch.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
    /* An entry with more events than this is not told at once, while the loop waits for it. */
    ENTRY_BYTES_AT_ONCE = 16 * 1024,
};

struct watch_group {
    LIST_ENTRY(watch_group) bucket;
    LIST_HEAD(, replica_watch) members;
    uint64_t hash;
    size_t len;
    uint8_t path[];
};

#define HASH_FIRST UINT64_C(0xcbf29ce484222325) /* FNV-1a */

static uint64_t hash_next(uint64_t hash, uint8_t byte)
{
    return (hash ^ byte) * UINT64_C(0x100000001b3);
}

static uint64_t hash_of(struct bytes path)
{
    uint64_t hash = HASH_FIRST;
    for (size_t i = 0; i < path.len; i++)
        hash = hash_next(hash, path.data[i]);
    return hash;
}

static struct watch_group *group_find(struct replica_watches *w, struct bytes path, uint64_t hash)
{
    struct watch_group *group;
    LIST_FOREACH(group, &w->buckets[hash % WATCH_BUCKETS], bucket)
    {
        if (group->hash == hash && bytes_equal(bytes_of(group->path, group->len), path))
            return group;
    }
    return NULL;
}

/* Finds or makes the group, and puts the watch into it. */
static bool group_join(struct replica_watches *w, struct replica_watch *watch)
{
    uint64_t hash = hash_of(watch->path);
    struct watch_group *group = group_find(w, watch->path, hash);
    if (!group) {
        group = malloc(sizeof *group + watch->path.len);
        if (!group)
            return false;
        LIST_INIT(&group->members);
        group->hash = hash;
        group->len = watch->path.len;
        if (group->len > 0)
            memcpy(group->path, watch->path.data, group->len);
        LIST_INSERT_HEAD(&w->buckets[hash % WATCH_BUCKETS], group, bucket);
        w->lengths[group->len]++;
    }
    LIST_INSERT_HEAD(&group->members, watch, member);
    watch->group = group;
    return true;
}

static void group_leave(struct replica_watches *w, struct replica_watch *watch)
{
    struct watch_group *group = watch->group;
    LIST_REMOVE(watch, member);
    if (!LIST_EMPTY(&group->members))
        return;
    LIST_REMOVE(group, bucket);
    assert(w->lengths[group->len] > 0);
    w->lengths[group->len]--;
    free(group);
}

/* ---- Whom an event concerns ---- */

static bool begins_with(struct bytes path, struct bytes with)
{
    return path.len >= with.len && (with.len == 0 || memcmp(path.data, with.data, with.len) == 0);
}

static bool is_move(const struct tree_event *event)
{
    return event->directory && (event->kind == CHANGE_MOVED_FROM || event->kind == CHANGE_MOVED_TO);
}

/* Whether the watched path lies below the directory. */
static bool is_above(struct bytes dir, struct bytes path)
{
    return begins_with(path, dir) && path.len > dir.len && path.data[dir.len] == '/';
}

/* `path` begins with the watch's path. */
static bool is_in_scope(const struct replica_watch *watch, struct bytes path)
{
    size_t len = watch->path.len;
    if (watch->scope == WATCH_PREFIX || path.len == len)
        return true;
    return watch->scope == WATCH_BELOW && (len == 0 || path.data[len] == '/');
}

static bool concerns(const struct replica_watch *watch, const struct tree_event *event)
{
    if (event->kind == EVENT_LOST)
        return true;
    return (begins_with(event->path, watch->path) && is_in_scope(watch, event->path)) ||
           (is_move(event) && is_above(event->path, watch->path));
}

/* ---- Telling ---- */

/* An event that waits until it is known whether another one follows. */
struct telling {
    bool any;
    uint32_t number; /* of those of its entry that concern the watch, from 0 */
    struct replica_event event;
};

/* False: the watch takes no more. */
static bool tell_one(struct replica_watch *watch, const struct telling *t)
{
    if (!t->any || t->number < watch->skip || watch->tell(watch->arg, &t->event))
        return true;
    watch->skip = t->number;
    return false;
}

static bool may_see(const struct replica_watch *watch, const struct tree_event *event)
{
    return !watch->sees || event->kind == EVENT_LOST || watch->sees(watch->arg, event->path);
}

/* Tells what it has not been told of this entry. */
static bool tell_entry(struct replica_watch *watch, uint64_t revision, struct bytes events)
{
    struct telling waiting = {.any = false};
    struct reader left = reader_of(events);
    struct tree_event event;
    uint32_t number = 0;
    while (tree_event_next(&left, &event)) {
        if (!concerns(watch, &event) || (number++, !may_see(watch, &event)))
            continue;
        waiting.event.more = true;
        if (!tell_one(watch, &waiting))
            return false;
        waiting = (struct telling){
            true, number - 1, {revision, event.kind, event.directory, false, event.path}};
    }
    if (!tell_one(watch, &waiting))
        return false;
    watch->since = revision;
    watch->skip = 0;
    return true;
}

static void watch_falls_behind(struct replica_watch *watch, uint64_t since)
{
    if (!watch->behind && watch->since < since)
        watch->since = since;
    watch->behind = true;
    if (watch->ready)
        watch->ready(watch->arg);
}

/* A watch that is concerned hears of the whole entry, once. */
static void watch_meets(struct replica_watch *watch, const struct tree_changes *changes)
{
    if (watch->behind || watch->met == changes->revision || changes->revision <= watch->since)
        return;
    watch->met = changes->revision;
    if (changes->events.len > ENTRY_BYTES_AT_ONCE)
        watch_falls_behind(watch, changes->revision - 1);
    else if (!tell_entry(watch, changes->revision, changes->events)) {
        watch->behind = true; /* until it asks for the rest */
        watch->since = changes->revision - 1;
    }
}

static void watches_meet_all(struct replica_watches *w, const struct tree_changes *changes,
                             const struct tree_event *event)
{
    struct replica_watch *watch;
    LIST_FOREACH(watch, &w->all, all)
    {
        if (concerns(watch, event))
            watch_meets(watch, changes);
    }
}

static void watches_meet(struct replica_watches *w, const struct tree_changes *changes,
                         const struct tree_event *event)
{
    struct bytes path = event->path;
    uint64_t hash = HASH_FIRST;
    for (size_t len = 0; len <= path.len; len++) {
        if (len > 0)
            hash = hash_next(hash, path.data[len - 1]);
        struct watch_group *group =
            w->lengths[len] > 0 ? group_find(w, bytes_of(path.data, len), hash) : NULL;
        struct replica_watch *watch = group ? LIST_FIRST(&group->members) : NULL;
        for (; watch; watch = LIST_NEXT(watch, member))
            if (is_in_scope(watch, path))
                watch_meets(watch, changes);
    }
}

/* An observer's. */
static void on_changed(void *arg, const struct tree_changes *changes)
{
    struct replica_watches *w = arg;
    struct reader left = reader_of(changes->events);
    struct tree_event event;
    w->applied = changes->revision;
    while (tree_event_next(&left, &event)) {
        if (event.kind == EVENT_LOST || is_move(&event))
            watches_meet_all(w, changes, &event);
        else
            watches_meet(w, changes, &event);
    }
}

/* A snapshot took the tree's place. Its history has what came in between, or the watch hears that
 * something is lost. */
static void on_replaced(void *arg, uint64_t index)
{
    struct replica_watches *w = arg;
    struct replica_watch *watch;
    LIST_FOREACH(watch, &w->all, all)
    watch_falls_behind(watch, w->applied);
    w->applied = index;
}

/* ---- Going on ---- */

struct taking {
    struct replica_watch *watch;
    bool full; /* it takes no more */
};

static bool take_entry(void *arg, uint64_t revision, struct bytes events)
{
    struct taking *taking = arg;
    taking->full = !tell_entry(taking->watch, revision, events);
    return !taking->full;
}

/* The history does not reach back to it any more. */
static bool watch_has_lost(struct replica *r, struct replica_watch *watch)
{
    struct replica_event lost = {.kind = EVENT_LOST, .revision = tree_events_since(r->tree)};
    assert(lost.revision > watch->since && lost.revision != UINT64_MAX);
    if (!watch->tell(watch->arg, &lost))
        return false;
    watch->since = lost.revision;
    watch->skip = 0;
    return true;
}

bool replica_watch_go_on(struct replica *r, struct replica_watch *watch)
{
    struct taking taking = {.watch = watch};
    uint64_t upto;
    if (!watch->behind)
        return false;
    int status = tree_events(r->tree, watch->since, take_entry, &taking, &upto);
    if (status == -ESTALE)
        return watch_has_lost(r, watch);
    if (status < 0) {
        replica_break(r, tree_fault(r->tree), status);
        return false;
    }
    assert(upto >= watch->since);
    watch->since = upto;
    watch->behind = taking.full || upto < tree_applied(r->tree);
    return watch->behind && !taking.full;
}

/* ---- Beginning and ending ---- */

void watches_begin(struct replica *r)
{
    struct replica_watches *w = &r->watches;
    LIST_INIT(&w->all);
    for (size_t i = 0; i < WATCH_BUCKETS; i++)
        LIST_INIT(&w->buckets[i]);
    w->observer =
        (struct replica_observer){.changed = on_changed, .replaced = on_replaced, .arg = w};
}

uint64_t replica_watch_oldest(struct replica *r)
{
    return tree_events_since(r->tree);
}

int replica_watch_begin(struct replica *r, struct replica_watch *watch, uint64_t since)
{
    struct replica_watches *w = &r->watches;
    uint64_t oldest = tree_events_since(r->tree), applied = tree_applied(r->tree);
    assert(watch->path.len <= PATH_BYTES_MAX);
    if (oldest == UINT64_MAX)
        return -ENOTSUP;
    since = since == REPLICA_WATCH_NOW ? applied : since;
    if (since < oldest)
        return -ESTALE;
    if (!group_join(w, watch))
        return -ENOMEM;
    watch->since = since;
    watch->skip = 0;
    watch->met = 0;
    watch->behind = since < applied;
    LIST_INSERT_HEAD(&w->all, watch, all);
    if (w->count++ > 0)
        return 0;
    w->applied = applied;
    replica_observe(r, &w->observer);
    return 0;
}

void replica_watch_end(struct replica *r, struct replica_watch *watch)
{
    struct replica_watches *w = &r->watches;
    group_leave(w, watch);
    LIST_REMOVE(watch, all);
    assert(w->count > 0);
    if (--w->count == 0)
        replica_observe_end(r, &w->observer);
}

uint32_t replica_watch_count(const struct replica *r)
{
    return r->watches.count;
}

const char *replica_event_verb(uint8_t kind)
{
    static const char *const verbs[] = {
        [CHANGE_CREATED] = "created",
        [CHANGE_WRITTEN] = "written",
        [CHANGE_ATTRIBUTES] = "attributes",
        [CHANGE_DELETED] = "deleted",
        [CHANGE_MOVED_FROM] = "moved-from",
        [CHANGE_MOVED_TO] = "moved-to",
        [EVENT_LOST] = "lost",
    };
    assert(kind < sizeof verbs / sizeof *verbs);
    return verbs[kind];
}
