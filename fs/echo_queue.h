/* Private to the room: changes that are to be repeated for programs that watch by inotify(7)
 * (echo.h), in the order in which they were applied.
 *
 * A change is repeated some time after it was applied, and only makes sense to the kernel if the
 * names that it is asked about are those of that time. The queue knows them: it has every later
 * change of a name, also those that need not be repeated since a program at this mount made them
 * (`told`). So what a name meant before a change is
 *
 *   - what the first item that has this name, from the change's own on, found there
 *   - what the tree has, if there is no such item
 *
 * An item is overtaken if a program at this mount has used one of its names since. The kernel has
 * told of that already, and must not say afterwards that the name is gone.
 *
 * Pure: no clock, no I/O. Thread: the loop's. */
#ifndef QUORUMFS_FS_ECHO_QUEUE_H
#define QUORUMFS_FS_ECHO_QUEUE_H

#include "store/tree.h"

#include <sys/queue.h>

enum {
    FS_ECHO_ITEMS_MAX = 8192, /* beyond, all are dropped */
    FS_ECHO_BUCKETS = 1024,
};

enum fs_echo_kind {
    FS_ECHO_CREATE,     /* the first name is made */
    FS_ECHO_DELETE,     /* the first name is removed */
    FS_ECHO_MOVE,       /* the first name becomes the second one, whose inode, if any, loses it */
    FS_ECHO_EXCHANGE,   /* the two names exchange their inodes */
    FS_ECHO_WRITTEN,    /* no name: the contents of the inode */
    FS_ECHO_ATTRIBUTES, /* likewise */
};

enum fs_echo_state {
    FS_ECHO_UNDECIDED, /* it is not known yet whether any program watches */
    FS_ECHO_READY,     /* it is to be repeated */
    FS_ECHO_KEPT,      /* it need not be: it tells those before it what names meant */
};

/* A name, and the inode that the change found there. */
struct fs_echo_name {
    LIST_ENTRY(fs_echo_name) by_name, by_ino;
    struct fs_echo_item *item;
    uint64_t parent;
    struct bytes name; /* the item's */
    uint64_t ino;      /* 0: none */
    uint32_t mode;     /* of that inode, with the type bits */
    uint32_t links;    /* that it had, if the change takes this name from it for good */
};

struct fs_echo_item {
    TAILQ_ENTRY(fs_echo_item) entry, ready_entry;
    enum fs_echo_kind kind;
    enum fs_echo_state state;
    bool told;  /* a program at this mount made the change */
    bool begun; /* it is being repeated */
    uint64_t sequence, revision;
    uint64_t since_ms; /* for the user of the queue */
    uint64_t ino;      /* whose name, contents, attributes */
    uint32_t mode;
    uint32_t links; /* CREATE: with this name */
    uint32_t name_count;
    struct fs_echo_name names[2];
    uint8_t text[];
};

TAILQ_HEAD(fs_echo_items, fs_echo_item);
LIST_HEAD(fs_echo_bucket, fs_echo_name);

struct fs_echo_queue {
    struct fs_echo_items all, ready;
    uint32_t count, undecided;
    uint64_t sequence;
    struct fs_echo_bucket by_name[FS_ECHO_BUCKETS]; /* the oldest last */
    struct fs_echo_bucket by_ino[FS_ECHO_BUCKETS];  /* of the inode that a change found */
};

void fs_echo_queue_init(struct fs_echo_queue *queue);
void fs_echo_queue_clear(struct fs_echo_queue *queue);

/* Adds what an entry changed, after all others. False: there is no room, or no memory, and some of
 * it is missing: clear the queue. */
bool fs_echo_queue_add(struct fs_echo_queue *queue, const struct tree_changes *changes,
                       uint64_t now_ms);
/* A program at this mount has made the changes of this revision, which were the last. */
void fs_echo_queue_told(struct fs_echo_queue *queue, uint64_t revision);
/* Whether an undecided item is to be repeated. */
void fs_echo_queue_decide(struct fs_echo_queue *queue, struct fs_echo_item *item, bool repeated);
/* It was repeated, or cannot be. What is still undecided of what came before to the same inode is
 * not repeated: whoever watches that now has begun after it. */
void fs_echo_queue_done(struct fs_echo_queue *queue, struct fs_echo_item *item);
/* Removes items that are kept for none before them. */
void fs_echo_queue_trim(struct fs_echo_queue *queue);

/* Whether a program at this mount has used a name of this item since, or it is told itself. */
bool fs_echo_overtaken(const struct fs_echo_queue *queue, const struct fs_echo_item *item);

/* What this name meant right before `item`: the record of the change that found it, which has
 * `ino` 0 if there was none. NULL: it means what it means in the tree. */
const struct fs_echo_name *fs_echo_found(const struct fs_echo_queue *queue,
                                         const struct fs_echo_item *item, uint64_t parent,
                                         struct bytes name);
/* A name that this inode had right before `item` and loses by it or later. NULL: it keeps those
 * that it has in the tree and that fs_echo_found does not deny. */
const struct fs_echo_name *fs_echo_loses(const struct fs_echo_queue *queue,
                                         const struct fs_echo_item *item, uint64_t ino);

#endif
