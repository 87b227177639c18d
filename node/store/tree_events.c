/* Events: the history of changes, as watches tell it. An event is a change and the path that it had
 * at its revision, and the same on every node: it follows from the log alone.
 *
 * Events are kept in blocks, which are the rows of `event`. A block holds the events of whole
 * entries, about a page of them, and has the key `since`: it covers the revisions after that one,
 * up to the key of the next block. The last block is open: memory has it, and tree_commit writes it
 * again if it has changed, so that events are as durable as what they tell of. `number` and
 * `offset` are the changes and bytes that all blocks before had, also those that are forgotten;
 * with them, old blocks are found without counting.
 *
 *   block:  (revision u64, length u32, events) for each entry that changed something
 *   events: (kind u8, length u16, path) each
 *
 * History begins with the entry after the one that brought LEVEL_WATCH; or with the first entry, if
 * nothing had changed by then. */
#include "store/tree_internal.h"

#include "command/level.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
    EVENT_KIND = 0x0f,
    EVENT_DIRECTORY = 0x10,
    EVENT_BYTES = 3, /* of an event without its path, */
    HEAD_BYTES = 12, /* of an entry in a block without its events */
};

/* ---- What an entry changes ---- */

static int events_no_memory(struct tree *tree)
{
    return tree_fail(tree, -ENOMEM, "out of memory for the history of changes");
}

/* The events of the present entry, behind the block. */
static uint8_t *entry_events(const struct tree_events *e)
{
    return e->block.data + e->block.len + HEAD_BYTES;
}

/* `dir` is empty for the root, and for a name that is a whole path. */
static void event_put(struct tree_events *e, const struct tree_change *change, struct bytes dir,
                      struct bytes name)
{
    size_t slash = dir.len > 0 && name.len > 0, len = dir.len + slash + name.len;
    size_t room = HEAD_BYTES + e->entry_len + EVENT_BYTES + len;
    if (len > PATH_BYTES_MAX || !buffer_reserve(&e->block, room))
        return; /* a path that is longer than a key can be is left out */
    uint8_t *at = entry_events(e) + e->entry_len;
    *at++ = (uint8_t)(change->kind | (S_ISDIR(change->mode) ? EVENT_DIRECTORY : 0));
    *at++ = (uint8_t)len;
    *at++ = (uint8_t)(len >> 8);
    if (dir.len > 0)
        memcpy(at, dir.data, dir.len);
    if (slash)
        at[dir.len] = '/';
    if (name.len > 0)
        memcpy(at + dir.len + slash, name.data, name.len);
    e->entry_len += EVENT_BYTES + len;
    e->entry_count++;
}

/* The path of the event that was put last, at this place. */
static struct bytes last_path(const struct tree_events *e, size_t at)
{
    at += EVENT_BYTES;
    return bytes_of(entry_events(e) + at, e->entry_len - at);
}

/* A name in a directory whose path has to be found; -ENAMETOOLONG is left out. */
static int event_put_named(struct change *c, const struct tree_change *change, uint64_t parent,
                           struct bytes name)
{
    struct bytes dir;
    int status = paths_find(c->tree, parent, &dir);
    if (status == 0)
        event_put(&c->tree->events, change, dir, name);
    return status == -ENAMETOOLONG ? 0 : status;
}

/* Collects, as tree_names must be over before the paths of the directories are looked for. */
struct names {
    struct buffer bytes;
    uint32_t count;
};

static bool names_add(void *arg, uint64_t parent, struct bytes name)
{
    struct names *names = arg;
    buffer_put_u64(&names->bytes, parent);
    buffer_put_bytes(&names->bytes, name);
    return ++names->count <= EVENTS_NAMES_MAX;
}

/* A change of contents or attributes, of an inode that may have several names. */
static int event_put_names(struct change *c, const struct tree_change *change)
{
    struct names names = {.count = 0};
    int status = tree_names(c->tree, change->ino, names_add, &names);
    struct reader left = reader_of(bytes_of(names.bytes.data, names.bytes.len));
    if (names.count > EVENTS_NAMES_MAX) {
        c->tree->events.entry_lost = true;
        left = reader_of((struct bytes){0});
    }
    while (status == 0 && reader_left(&left) > 0) {
        uint64_t parent = reader_u64(&left);
        status = event_put_named(c, change, parent, reader_bytes(&left));
    }
    if (status == 0 && names.bytes.failed)
        status = events_no_memory(c->tree);
    buffer_free(&names.bytes);
    return status;
}

/* The same of a directory, or of a file with one name: its path may be known. */
static int event_put_inode(struct change *c, const struct tree_change *change)
{
    struct tree_events *e = &c->tree->events;
    struct bytes path;
    size_t at = e->entry_len;
    if (change->links == 0)
        return 0; /* it has no names any more */
    if (S_ISDIR(change->mode)) {
        int status = paths_find(c->tree, change->ino, &path);
        if (status == 0)
            event_put(e, change, path, (struct bytes){0});
        return status == -ENAMETOOLONG ? 0 : status;
    }
    if (change->links == 1 && paths_known(e->paths, change->ino, &path)) {
        event_put(e, change, path, (struct bytes){0});
        return 0;
    }
    struct way way;
    int status = change->links == 1 ? way_of_file(c->tree, change->ino, &way) : -ENOENT;
    if (status == 0)
        status = event_put_named(c, change, way.parent, bytes_of(way.name, way.len));
    else if (status == -ENOENT)
        status = event_put_names(c, change);
    if (status == 0 && change->links == 1 && e->entry_len > at)
        paths_keep(e->paths, change->ino, last_path(e, at));
    return status;
}

/* The whole key is known of what a key operation changes: what it tells of is the key, or a
 * directory on its way. No operation runs while a node's session ends because it starts again. */
static bool is_of_key(const struct op *op, struct bytes name)
{
    return op && (op->type == OP_PUT || op->type == OP_DELETE) && name.data >= op->name.data &&
           name.data + name.len <= op->name.data + op->name.len;
}

/* A change of a name makes known paths wrong: those of a file, or all if a directory is moved. A
 * new file is probably written next. */
static void follow_name(struct tree_events *e, const struct tree_change *change, size_t at)
{
    bool gone = change->kind == CHANGE_DELETED || change->kind == CHANGE_MOVED_FROM;
    if (S_ISDIR(change->mode) && change->kind == CHANGE_MOVED_FROM)
        paths_clear(e->paths);
    else if (gone || change->links != 1)
        paths_forget(e->paths, change->ino);
    else if (!S_ISDIR(change->mode) && e->entry_len > at)
        paths_keep(e->paths, change->ino, last_path(e, at));
}

void events_add(struct change *c, const struct tree_change *change)
{
    struct tree_events *e = &c->tree->events;
    struct bytes name = change->name, none = {0};
    size_t at = e->entry_len;
    int status = 0;
    if (e->entry_lost || c->tree->broken)
        return;
    if (!change->parent && change->links == 1 && c->op && c->op->type == OP_PUT) {
        event_put(e, change, none, c->op->name);
    } else if (!change->parent) {
        status = event_put_inode(c, change);
    } else if (is_of_key(c->op, name)) {
        event_put(e, change, none,
                  bytes_of(c->op->name.data, (size_t)(name.data + name.len - c->op->name.data)));
        if (change->kind == CHANGE_DELETED || change->links != 1)
            paths_forget(e->paths, change->ino);
    } else {
        status = event_put_named(c, change, change->parent, name);
        follow_name(e, change, at);
    }
    e->entry_lost |= e->entry_len > EVENTS_ENTRY_BYTES_MAX;
    if (status < 0 && !c->tree->broken)
        tree_damaged(c->tree, "what changes in it has no path");
    else if (e->block.failed)
        events_no_memory(c->tree);
}

/* ---- Blocks ---- */

static void block_open(struct tree_events *e, uint64_t since)
{
    e->on = true;
    e->since = e->last = since;
    e->block.len = 0;
    e->count = 0;
    e->changed = true;
}

static void entry_begin(struct tree_events *e)
{
    e->entry_len = 0;
    e->entry_count = 0;
    e->entry_lost = false;
}

void events_begin(struct tree *tree)
{
    entry_begin(&tree->events);
}

struct events_mark events_mark(const struct tree *tree)
{
    const struct tree_events *e = &tree->events;
    return (struct events_mark){e->entry_len, e->entry_count, e->entry_lost};
}

void events_undo(struct tree *tree, struct events_mark mark)
{
    struct tree_events *e = &tree->events;
    assert(mark.len <= e->entry_len && mark.count <= e->entry_count);
    e->entry_len = mark.len;
    e->entry_count = mark.count;
    e->entry_lost = mark.lost;
    paths_clear(e->paths);
}

static int block_store(struct tree *tree)
{
    struct tree_events *e = &tree->events;
    sqlite3_stmt *query = tree_query(tree, QUERY_EVENT_SET);
    bind_number(query, 1, e->since);
    bind_number(query, 2, e->number);
    bind_number(query, 3, e->offset);
    sql_bind_bytes(query, 4, bytes_of(e->block.data, e->block.len));
    e->changed = false;
    return tree_run(tree, query);
}

int events_store(struct tree *tree)
{
    return tree->events.changed ? block_store(tree) : 0;
}

/* Forgets the first block if the blocks after it have enough. `*forgot`: it did. */
static int forget_first(struct tree *tree, bool *forgot)
{
    struct tree_events *e = &tree->events;
    sqlite3_stmt *query = tree_query(tree, QUERY_EVENT_FIRST);
    int status = tree_step(tree, query);
    uint64_t first = 0, offset = 0, kept = UINT64_MAX;
    if (status > 0) {
        first = column_number(query, 0);
        offset = column_number(query, 2);
        status = tree_step(tree, query);
    }
    if (status > 0)
        kept = column_number(query, 1); /* of the second one */
    sqlite3_reset(query);
    *forgot =
        status > 0 && (e->number - kept >= EVENTS_MAX || e->offset - offset > EVENTS_BYTES_MAX);
    if (status < 0 || !*forgot)
        return status < 0 ? status : 0;
    query = tree_query(tree, QUERY_EVENT_DELETE);
    bind_number(query, 1, first);
    return tree_run(tree, query);
}

/* The open block is full. The next one covers what comes after `since`, and begins with the present
 * entry. */
static int block_close(struct tree *tree, uint64_t since)
{
    struct tree_events *e = &tree->events;
    size_t len = e->block.len;
    bool forgot;
    int status = block_store(tree);
    e->number += e->count;
    e->offset += len;
    block_open(e, since);
    memmove(e->block.data, e->block.data + len, HEAD_BYTES + e->entry_len);
    do
        status = status < 0 ? status : forget_first(tree, &forgot);
    while (status == 0 && forgot);
    return status;
}

/* Too much has changed to be told: one event says so. */
static void entry_is_lost(struct tree_events *e)
{
    static const struct tree_change lost = {.kind = (enum tree_change_kind)EVENT_LOST};
    e->entry_len = 0;
    e->entry_count = 0;
    event_put(e, &lost, (struct bytes){0}, (struct bytes){0});
    paths_clear(e->paths);
}

/* The entry brought the level. If nothing had changed before, all of it is known. */
static int history_begin(struct tree *tree, uint64_t revision)
{
    struct inode root;
    int status = inode_get(tree, INO_ROOT, &root);
    bool anything = tree->counters.next_ino > INO_ROOT + 1 || root.attr.revision > 0;
    block_open(&tree->events, anything ? revision : 0);
    return status;
}

int events_end(struct change *c)
{
    struct tree *tree = c->tree;
    struct tree_events *e = &tree->events;
    int status = 0;
    if (!e->on && tree->cluster.level >= LEVEL_WATCH)
        return history_begin(tree, c->revision);
    if (e->entry_lost)
        entry_is_lost(e);
    if (e->entry_count == 0)
        return 0;
    if (e->block.failed)
        return events_no_memory(tree);
    assert(e->on && c->revision > e->last);
    if (e->block.len > 0 && e->block.len + HEAD_BYTES + e->entry_len > EVENTS_BLOCK_BYTES)
        status = block_close(tree, c->revision - 1);
    tree->told.revision = c->revision;
    tree->told.node = c->node;
    tree->told.events = bytes_of(entry_events(e), e->entry_len);
    buffer_put_u64(&e->block, c->revision);
    buffer_put_u32(&e->block, (uint32_t)e->entry_len);
    e->block.len += e->entry_len;
    e->last = c->revision;
    e->count += e->entry_count;
    e->changed = true;
    return status;
}

/* ---- Reading ---- */

bool tree_event_next(struct reader *events, struct tree_event *event)
{
    if (reader_left(events) == 0)
        return false;
    uint8_t kind = reader_u8(events);
    size_t len = reader_u16(events);
    if (events->bad || reader_left(events) < len) {
        events->bad = true;
        return false;
    }
    event->kind = kind & EVENT_KIND;
    event->directory = kind & EVENT_DIRECTORY;
    event->path = bytes_of(events->at, len);
    events->at += len;
    return true;
}

uint64_t tree_events_since(struct tree *tree)
{
    uint64_t since = tree->events.since;
    if (!tree->events.on)
        return UINT64_MAX;
    sqlite3_stmt *query = tree_query(tree, QUERY_EVENT_FIRST);
    if (tree_step(tree, query) > 0)
        since = column_number(query, 0);
    sqlite3_reset(query);
    return since;
}

/* The block that covers the revision after `since`, in `*block`, and how far it goes. */
static int block_find(struct tree *tree, uint64_t since, struct buffer *block, uint64_t *upto)
{
    struct tree_events *e = &tree->events;
    if (!e->on || since >= e->since) {
        *upto = tree->counters.applied;
        buffer_append(block, e->block.data, e->on ? e->block.len : 0);
        return e->on ? 0 : -ESTALE;
    }
    sqlite3_stmt *query = tree_query(tree, QUERY_EVENT_AT);
    bind_number(query, 1, since);
    int status = tree_step(tree, query);
    if (status > 0) {
        struct bytes bytes = sql_column_bytes(query, 0);
        buffer_append(block, bytes.data, bytes.len);
        *upto = sqlite3_column_type(query, 1) == SQLITE_NULL ? e->since : column_number(query, 1);
        if (*upto > e->since) /* the row of the open block, as it was committed last */
            *upto = e->since;
    }
    sqlite3_reset(query);
    return status > 0 ? 0 : status < 0 ? status : -ESTALE;
}

int tree_events(struct tree *tree, uint64_t since, tree_events_cb *each, void *arg, uint64_t *upto)
{
    struct buffer block = {0};
    int status = block_find(tree, since, &block, upto);
    struct reader left = reader_of(bytes_of(block.data, block.len));
    bool more = status == 0;
    if (block.failed)
        status = -ENOMEM;
    while (status == 0 && more && reader_left(&left) > 0) {
        uint64_t revision = reader_u64(&left);
        struct bytes events = reader_bytes(&left);
        if (revision <= since)
            continue;
        more = !left.bad && each(arg, revision, events);
        if (!more)
            *upto = revision - 1;
    }
    if (left.bad)
        status = tree_damaged(tree, "a block of its history of changes cannot be read");
    buffer_free(&block);
    return status;
}

/* ---- Opening, and checking what came with a snapshot ---- */

/* Counts the changes in a block, and finds the revision of the last one. False: it is malformed. */
static bool block_measure(struct bytes bytes, uint64_t since, uint64_t *last, uint32_t *count)
{
    struct reader left = reader_of(bytes);
    struct tree_event event;
    *last = since;
    *count = 0;
    while (reader_left(&left) > 0) {
        uint64_t revision = reader_u64(&left);
        struct reader events = reader_of(reader_bytes(&left));
        if (left.bad || revision <= *last || reader_left(&events) == 0)
            return false;
        *last = revision;
        while (tree_event_next(&events, &event)) {
            bool root = event.directory && event.kind == CHANGE_ATTRIBUTES;
            if (event.kind > EVENT_LOST || event.path.len > PATH_BYTES_MAX ||
                (event.path.len == 0 && event.kind != EVENT_LOST && !root))
                return false;
            ++*count;
        }
        if (events.bad)
            return false;
    }
    return true;
}

int events_load(struct tree *tree)
{
    struct tree_events *e = &tree->events;
    struct path_cache *paths = e->paths;
    buffer_free(&e->block);
    *e = (struct tree_events){.paths = paths};
    paths_clear(paths);
    sqlite3_stmt *query;
    int status = sql_prepare(&tree->sql,
                             "SELECT since, number, offset, bytes FROM event"
                             " ORDER BY since DESC LIMIT 1",
                             &query);
    if (status < 0)
        return status;
    status = sql_step(&tree->sql, query);
    if (status > 0) {
        struct bytes bytes = sql_column_bytes(query, 3);
        block_open(e, column_number(query, 0));
        e->number = column_number(query, 1);
        e->offset = column_number(query, 2);
        e->changed = false;
        buffer_append(&e->block, bytes.data, bytes.len);
        if (!block_measure(bytes, e->since, &e->last, &e->count))
            status = sql_damaged(&tree->sql, "a block of its history of changes cannot be read");
        else if (e->block.failed)
            status = fault_set(&tree->sql.fault, -ENOMEM, "%s: out of memory", TREE_FILE);
    }
    sqlite3_finalize(query);
    return status < 0 ? status : 0;
}

void events_free(struct tree *tree)
{
    buffer_free(&tree->events.block);
    free(tree->events.paths);
}

int events_check(struct sql *sql)
{
    sqlite3_stmt *query;
    int status = sql_prepare(sql,
                             "SELECT since, number, offset, bytes, (SELECT applied FROM meta)"
                             " FROM event ORDER BY since",
                             &query);
    if (status < 0)
        return status;
    uint64_t last = 0, number = 0, offset = 0;
    bool sound = true, any = false;
    while (sound && (status = sql_step(sql, query)) > 0) {
        uint32_t count;
        struct bytes bytes = sql_column_bytes(query, 3);
        uint64_t since = column_number(query, 0);
        bool follows = !any || (since >= last && column_number(query, 1) == number &&
                                column_number(query, 2) == offset);
        sound = follows && block_measure(bytes, since, &last, &count) &&
                last <= column_number(query, 4) && since <= column_number(query, 4);
        number = column_number(query, 1) + count;
        offset = column_number(query, 2) + bytes.len;
        any = true;
    }
    sqlite3_finalize(query);
    return sound ? status : -EBADMSG;
}
