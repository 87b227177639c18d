#include "fs/echo_queue.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* ---- Buckets ---- */

static uint32_t echo_hash(uint64_t number, struct bytes name)
{
    uint32_t hash = 2166136261; /* FNV-1a */
    for (size_t i = 0; i < sizeof number; i++)
        hash = (hash ^ (uint8_t)(number >> (8 * i))) * 16777619;
    for (size_t i = 0; i < name.len; i++)
        hash = (hash ^ name.data[i]) * 16777619;
    return hash % FS_ECHO_BUCKETS;
}

static uint32_t hash_of_ino(uint64_t ino)
{
    return echo_hash(ino, (struct bytes){0});
}

void fs_echo_queue_init(struct fs_echo_queue *queue)
{
    *queue = (struct fs_echo_queue){0};
    TAILQ_INIT(&queue->all);
    TAILQ_INIT(&queue->ready);
}

static void item_becomes(struct fs_echo_queue *queue, struct fs_echo_item *item,
                         enum fs_echo_state state)
{
    if (item->state == FS_ECHO_READY)
        TAILQ_REMOVE(&queue->ready, item, ready_entry);
    queue->undecided -= item->state == FS_ECHO_UNDECIDED;
    item->state = state;
    if (state == FS_ECHO_READY)
        TAILQ_INSERT_TAIL(&queue->ready, item, ready_entry);
}

static void item_free(struct fs_echo_queue *queue, struct fs_echo_item *item)
{
    item_becomes(queue, item, FS_ECHO_KEPT);
    for (uint32_t i = 0; i < item->name_count; i++) {
        LIST_REMOVE(&item->names[i], by_name);
        if (item->names[i].ino != 0)
            LIST_REMOVE(&item->names[i], by_ino);
    }
    TAILQ_REMOVE(&queue->all, item, entry);
    assert(queue->count > 0);
    queue->count--;
    free(item);
}

void fs_echo_queue_clear(struct fs_echo_queue *queue)
{
    while (!TAILQ_EMPTY(&queue->all))
        item_free(queue, TAILQ_FIRST(&queue->all));
    assert(queue->undecided == 0);
}

void fs_echo_queue_decide(struct fs_echo_queue *queue, struct fs_echo_item *item, bool repeated)
{
    assert(item->state == FS_ECHO_UNDECIDED);
    item_becomes(queue, item, repeated ? FS_ECHO_READY : FS_ECHO_KEPT);
}

void fs_echo_queue_done(struct fs_echo_queue *queue, struct fs_echo_item *item)
{
    struct fs_echo_item *before = item;
    assert(item->state == FS_ECHO_READY);
    while ((before = TAILQ_PREV(before, fs_echo_items, entry)))
        if (before->state == FS_ECHO_UNDECIDED && before->ino == item->ino)
            item_becomes(queue, before, FS_ECHO_KEPT);
    item_free(queue, item);
}

void fs_echo_queue_trim(struct fs_echo_queue *queue)
{
    struct fs_echo_item *item;
    while ((item = TAILQ_FIRST(&queue->all)) && item->state == FS_ECHO_KEPT)
        item_free(queue, item);
}

void fs_echo_queue_told(struct fs_echo_queue *queue, uint64_t revision)
{
    struct fs_echo_item *item;
    TAILQ_FOREACH_REVERSE(item, &queue->all, fs_echo_items, entry)
    {
        if (item->revision != revision)
            break;
        item->told = true;
        item_becomes(queue, item, FS_ECHO_KEPT);
    }
}

/* ---- From a list of changes to items ---- */

/* The record of a name is filled in but for its text. */
static void item_name(struct fs_echo_item *item, uint64_t parent, struct bytes name,
                      const struct tree_change *found)
{
    struct fs_echo_name *record = &item->names[item->name_count++];
    *record = (struct fs_echo_name){.item = item, .parent = parent, .name = name};
    if (!found)
        return;
    record->ino = found->ino;
    record->mode = found->mode;
    record->links = found->links;
}

static bool names_equal(uint64_t a_parent, struct bytes a, uint64_t b_parent, struct bytes b)
{
    return a_parent == b_parent && bytes_equal(a, b);
}

/* Whether the change removes the name that `from` moves to. */
static bool is_replaced(const struct tree_change *gone, const struct tree_change *from)
{
    return gone->kind == CHANGE_DELETED && from->kind == CHANGE_MOVED_FROM &&
           names_equal(gone->parent, gone->name, from->parent2, from->name2);
}

static bool is_exchange(const struct tree_change *a, const struct tree_change *b)
{
    return a->kind == CHANGE_MOVED_FROM && b->kind == CHANGE_MOVED_FROM &&
           names_equal(a->parent2, a->name2, b->parent, b->name) &&
           names_equal(b->parent2, b->name2, a->parent, a->name);
}

static void item_moves(struct fs_echo_item *item, enum fs_echo_kind kind,
                       const struct tree_change *from, const struct tree_change *found)
{
    item->kind = kind;
    item->ino = from->ino;
    item->mode = from->mode;
    item_name(item, from->parent, from->name, from);
    item_name(item, from->parent2, from->name2, found);
}

/* Makes an item of the first changes of a list. Returns of how many; those of keys only count. */
static uint32_t item_make(struct fs_echo_item *item, const struct tree_change *list, uint32_t count)
{
    const struct tree_change *first = &list[0], *second = count > 1 ? &list[1] : NULL;
    item->ino = first->ino;
    item->mode = first->mode;
    item->links = first->links;
    if (second && is_replaced(first, second)) {
        item_moves(item, FS_ECHO_MOVE, second, first);
        return count > 2 ? 3 : 2;
    }
    if (second && is_exchange(first, second)) {
        item_moves(item, FS_ECHO_EXCHANGE, first, second);
        return count > 3 ? 4 : count;
    }
    switch (first->kind) {
    case CHANGE_CREATED:
        item->kind = FS_ECHO_CREATE;
        item_name(item, first->parent, first->name, NULL);
        return 1;
    case CHANGE_DELETED:
        item->kind = FS_ECHO_DELETE;
        item_name(item, first->parent, first->name, first);
        return 1;
    case CHANGE_MOVED_FROM:
        item_moves(item, FS_ECHO_MOVE, first, NULL);
        return second ? 2 : 1;
    default:
        item->kind = first->kind == CHANGE_WRITTEN ? FS_ECHO_WRITTEN : FS_ECHO_ATTRIBUTES;
        return 1;
    }
}

/* Whether it is like the last one, which waits still: then both are one event, as for inotify. */
static bool is_again(const struct fs_echo_queue *queue, const struct fs_echo_item *made)
{
    const struct fs_echo_item *last = TAILQ_LAST(&queue->all, fs_echo_items);
    return last && made->name_count == 0 && last->kind == made->kind && last->ino == made->ino &&
           !last->told && !last->begun;
}

/* The texts of an item lie behind it. */
static struct fs_echo_item *item_keep(const struct fs_echo_item *made)
{
    size_t len = 0;
    for (uint32_t i = 0; i < made->name_count; i++)
        len += made->names[i].name.len;
    struct fs_echo_item *item = malloc(sizeof *item + len);
    if (!item)
        return NULL;
    *item = *made;
    uint8_t *at = item->text;
    for (uint32_t i = 0; i < item->name_count; i++) {
        struct fs_echo_name *record = &item->names[i];
        memcpy(at, record->name.data, record->name.len);
        record->name.data = at;
        record->item = item;
        at += record->name.len;
    }
    return item;
}

static void queue_insert(struct fs_echo_queue *queue, struct fs_echo_item *item)
{
    item->sequence = ++queue->sequence;
    TAILQ_INSERT_TAIL(&queue->all, item, entry);
    queue->count++;
    queue->undecided++;
    for (uint32_t i = 0; i < item->name_count; i++) {
        struct fs_echo_name *record = &item->names[i];
        uint32_t bucket = echo_hash(record->parent, record->name);
        LIST_INSERT_HEAD(&queue->by_name[bucket], record, by_name);
        if (record->ino != 0)
            LIST_INSERT_HEAD(&queue->by_ino[hash_of_ino(record->ino)], record, by_ino);
    }
}

bool fs_echo_queue_add(struct fs_echo_queue *queue, const struct tree_changes *changes,
                       uint64_t now_ms)
{
    for (uint32_t at = 0; at < changes->count;) {
        if (changes->list[at].kind > CHANGE_MOVED_TO) {
            at++;
            continue;
        }
        struct fs_echo_item made = {.revision = changes->revision, .since_ms = now_ms};
        at += item_make(&made, &changes->list[at], changes->count - at);
        if (is_again(queue, &made))
            continue;
        struct fs_echo_item *item = queue->count < FS_ECHO_ITEMS_MAX ? item_keep(&made) : NULL;
        if (!item)
            return false;
        queue_insert(queue, item);
    }
    return true;
}

/* ---- What names meant ---- */

static bool is_name(const struct fs_echo_name *record, uint64_t parent, struct bytes name)
{
    return names_equal(record->parent, record->name, parent, name);
}

static bool is_used_since(const struct fs_echo_queue *queue, const struct fs_echo_item *item,
                          const struct fs_echo_name *mine)
{
    const struct fs_echo_name *record;
    LIST_FOREACH(record, &queue->by_name[echo_hash(mine->parent, mine->name)], by_name)
    {
        if (record->item->sequence <= item->sequence)
            return false;
        if (record->item->told && is_name(record, mine->parent, mine->name))
            return true;
    }
    return false;
}

bool fs_echo_overtaken(const struct fs_echo_queue *queue, const struct fs_echo_item *item)
{
    bool overtaken = item->told;
    for (uint32_t i = 0; i < item->name_count; i++)
        overtaken |= is_used_since(queue, item, &item->names[i]);
    return overtaken;
}

const struct fs_echo_name *fs_echo_found(const struct fs_echo_queue *queue,
                                         const struct fs_echo_item *item, uint64_t parent,
                                         struct bytes name)
{
    const struct fs_echo_name *record, *first = NULL;
    LIST_FOREACH(record, &queue->by_name[echo_hash(parent, name)], by_name)
    {
        if (record->item->sequence < item->sequence)
            break;
        if (is_name(record, parent, name))
            first = record;
    }
    return first;
}

const struct fs_echo_name *fs_echo_loses(const struct fs_echo_queue *queue,
                                         const struct fs_echo_item *item, uint64_t ino)
{
    const struct fs_echo_name *record, *first = NULL;
    LIST_FOREACH(record, &queue->by_ino[hash_of_ino(ino)], by_ino)
    {
        if (record->item->sequence < item->sequence)
            break;
        if (record->ino == ino)
            first = record;
    }
    return first;
}
