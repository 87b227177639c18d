/* Watches: each change of the tree is told once, in the order of revisions, to whoever watches its
 * path; or else, once, that changes up to some revision are not known any more.
 *
 * A watch has no queue. It is a position in the history of changes (tree_events), so one that is
 * not read costs nothing, at the worst it falls behind the history. As long as a watch has taken
 * everything, it is told of a change while the entry is applied, before the entry's own caller gets
 * its result. One that takes nothing more, or begins in the past, goes on by replica_watch_go_on.
 *
 * Thread: the loop's. */
#ifndef QUORUMFS_REPLICA_WATCH_H
#define QUORUMFS_REPLICA_WATCH_H

#include "replica/replica.h"

enum replica_watch_scope {
    WATCH_PREFIX, /* paths that begin with these bytes */
    WATCH_BELOW,  /* this path and those below it; the root's is empty */
    WATCH_KEY,    /* this path alone */
};

/* Whatever the scope, a directory above the path that is moved is told as well: what is watched
 * goes away with it, or comes. */
struct replica_event {
    uint64_t revision;
    uint8_t kind; /* enum tree_change_kind; EVENT_LOST: events up to the revision may be missing */
    bool directory;
    bool more;         /* another event of the same revision follows at once */
    struct bytes path; /* valid during the call; empty: the root, or EVENT_LOST */
};

struct replica_watch {
    /* The watcher's, from replica_watch_begin on. */
    enum replica_watch_scope scope;
    struct bytes path; /* as long as the watch */
    /* False: it takes no more now, and wants this event again. It may read the tree, but not begin
     * or end watches. */
    bool (*tell)(void *arg, const struct replica_event *event);
    /* Whether the watcher may know of this path, as the tree is now; NULL: of all. */
    bool (*sees)(void *arg, struct bytes path);
    /* There is something to go on with, when the loop has time. NULL: the watcher finds out. */
    void (*ready)(void *arg);
    void *arg;

    /* watches.c */
    LIST_ENTRY(replica_watch) all, member; /* of the replica, of the group */
    struct watch_group *group;
    uint64_t since; /* everything up to this revision was told */
    uint32_t skip;  /* and so many events of the next one, also those that it may not see */
    bool behind;    /* the rest comes by replica_watch_go_on */
    uint64_t met;   /* the revision of an entry that concerns it */
};

#define REPLICA_WATCH_NOW UINT64_MAX

/* Tells of changes after the revision `since`, or of those after this call. Those that are past are
 * told by replica_watch_go_on. Returns 0, -ENOMEM, -ENOTSUP (the history of changes has not begun:
 * replica_unsupported says why), or -ESTALE (replica_watch_oldest is later). */
int replica_watch_begin(struct replica *replica, struct replica_watch *watch, uint64_t since);
void replica_watch_end(struct replica *replica, struct replica_watch *watch);

/* The lowest revision that a watch can begin at now. */
uint64_t replica_watch_oldest(struct replica *replica);

/* Tells a piece of what is past. Returns whether to call again, in a later turn of the loop: not if
 * the watcher takes no more, or has everything. */
bool replica_watch_go_on(struct replica *replica, struct replica_watch *watch);

/* How many there are. */
uint32_t replica_watch_count(const struct replica *replica);

/* The verb of an event, for people and programs. */
const char *replica_event_verb(uint8_t kind);

#endif
