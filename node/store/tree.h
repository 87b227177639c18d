/* The key tree on disk (tree.db, synchronous=NORMAL): inodes, directory entries, data in chunks,
 * extended attributes, and the exactly-once results; always consistent in itself, at the applied
 * index that it carries. The log makes it, and brings it up to date after a crash.
 *
 * The loop applies decided entries inside an open write transaction and reads through the same
 * connection, so a read sees everything applied. tree_commit ends the transaction without a sync;
 * checkpoints make it durable, in the background, from a connection of their own.
 *
 * Every function that touches the disk returns 0 or a negative errno. If it is the database that
 * fails (-EIO, -ENOSPC, -ENOMEM, or -EUCLEAN: it is damaged), the node must stop; tree_fault has
 * the text. Answers about the contents (-ENOENT, -ENOTDIR, ...) are those of the man page of the
 * system call they serve.
 *
 * Thread: the loop's. */
#ifndef QUORUMFS_STORE_TREE_H
#define QUORUMFS_STORE_TREE_H

#include "base/fault.h"
#include "command/caller.h"
#include "command/command.h"
#include "store/folder.h"

#include <sys/queue.h>
#include <uv.h>

struct tree;

/* So many results are kept for one node. A command whose sequence is this far, or farther, beyond
 * the lowest that its node still waits for has no effect, and its result is -EAGAIN. */
enum { TREE_SESSION_WINDOW = 65536 };

/* Opens or makes tree.db. Returns 0, -EINVAL (another cluster, node, an unknown format), -EUCLEAN,
 * -EIO, ... */
int tree_open(const struct folder *folder, const struct identity *identity, struct tree **tree,
              struct fault *fault);
/* The cluster is known now: marks the database, which was opened without one. Durable like a
 * commit. Nothing must have been applied. Returns 0 or a negative errno, with the fault's text. */
int tree_identify(struct tree *tree, const struct identity *identity, struct fault *fault);
/* Commits and checkpoints. Background work must have ended (tree_busy is false); readers, views
 * and the writer must be closed. */
void tree_close(struct tree *tree);

/* Whether the database has failed, so that nothing is done any more. */
bool tree_broken(const struct tree *tree);
/* The text of the last error of the database, for the operator. */
const char *tree_fault(const struct tree *tree);

/* ---- Applying the log ---- */

/* Entries applied; visible to reads at once. */
uint64_t tree_applied(const struct tree *tree);

/* A digest of these entries and of their results: the same on every node at the same applied index,
 * also after restarts and snapshots (tree_history.c says what it covers). 0: none was applied. */
uint64_t tree_history(const struct tree *tree);
/* The time of the last command that took effect, ns since 1970. */
uint64_t tree_time(const struct tree *tree);

/* The index of the last snapshot that was installed here; 0: none was. */
uint64_t tree_snapshot(const struct tree *tree);

/* Applies the entry with index tree_applied(). `*result` is what became of its command.
 *
 * `*repeated`: the command does not take effect now, as its stamp says. If it has before, the
 * result is the stored one: its ops are there, but former values are not, and of a list of more
 * than 128 operations only `existed` and the revision. Otherwise it must not take effect any more
 * (-ESTALE: an older incarnation, or a sequence below the lowest) or not yet (-EAGAIN).
 *
 * `mine`: former values are collected where OP_WANT_OLD is set, each of up to VALUE_BYTES_MAX, 64
 * MiB in all. An entry that is no command changes only the applied index; its result is -EBADMSG.
 *
 * Returns 0, or a negative errno if the node must stop. With -EPROTONOSUPPORT, a later version of
 * this program may have written the entry: nothing has happened, and that version can go on with
 * this tree. Any other error is the database's. */
int tree_apply(struct tree *tree, struct bytes entry, bool mine, struct command_result *result,
               bool *repeated);

/* What an entry changed, in the verbs of a watch. A change of a name also changes the attributes of
 * the inode (links, ctime) and of the directory; only the change of the name is told. */
enum tree_change_kind {
    CHANGE_CREATED,    /* the inode got a name: it was made, with its contents, or linked */
    CHANGE_WRITTEN,    /* its contents were written, even if they are as before */
    CHANGE_ATTRIBUTES, /* its attributes or extended attributes were written */
    CHANGE_DELETED,    /* it lost a name */
    CHANGE_MOVED_FROM, /* its name became another one: this tells the old name; */
    CHANGE_MOVED_TO,   /* this the new one. An exchange tells both old names, then both new ones */
    /* These are told whether or not the tree is observed, and are no changes of keys. */
    CHANGE_LOCK_GRANTED,  /* of `ino`, to this waiter of this node */
    CHANGE_LOCK_GONE,     /* `ino` is gone: this waiter of this node waits in vain */
    CHANGE_SESSION_ENDED, /* of this node: its locks are lost, and its ephemeral files are gone */
    CHANGE_EPHEMERAL      /* `ino` is a new file that goes with the session of this node, which
                             asked for it by this number of a waiter */
};
struct tree_change {
    enum tree_change_kind kind;
    uint32_t mode; /* of the inode, with the type bits */
    uint64_t ino;
    uint64_t parent; /* of the name; 0 if the change is not one of a name: see tree_names */
    struct bytes name;
    uint64_t parent2; /* moved: the other name */
    struct bytes name2;
    uint32_t links; /* names of the inode; 0: moved, or it has none */
    uint32_t node;  /* of a lock, a session, an ephemeral file */
    uint64_t waiter;
};
struct tree_changes {
    uint64_t revision;
    uint32_t node; /* whose command it was */
    uint32_t count;
    const struct tree_change *list; /* in the order in which they happened */
    struct bytes events;            /* the same, for tree_event_next; from LEVEL_WATCH on */
};

/* Says whether tree_apply collects what the entries change; at first it does not. */
void tree_observe(struct tree *tree, bool observed);
/* What the last entry changed, the same on every node; nothing if its command failed or was
 * repeated. Valid until the next tree_apply, and its names only as long as the bytes of the entry.
 * Replaying the changes of names gives the names that the tree has after the entry; an inode or a
 * directory that is told may be gone by then. */
const struct tree_changes *tree_changes(const struct tree *tree);

/* ---- Events: changes with their paths, which are kept for a while ---- */

/* Instead of an entry that changed too much: what it changed is not known. */
enum { EVENT_LOST = CHANGE_MOVED_TO + 1 };

struct tree_event {
    uint8_t kind; /* enum tree_change_kind, or EVENT_LOST */
    bool directory;
    /* At that revision; of a change of contents or attributes, each path of the inode has an event.
     * Empty: the root. A path that is longer than a key can be is left out. */
    struct bytes path;
};

/* Reads the events of an entry one by one; false: there are no more. */
bool tree_event_next(struct reader *events, struct tree_event *event);

/* The history, which is the same on every node, survives restarts and snapshots, and begins with
 * the entry that brought LEVEL_WATCH, has everything after this revision: the last 100,000 changes
 * at least, or 16 MiB of them. UINT64_MAX: it has not begun. */
uint64_t tree_events_since(struct tree *tree);

/* Calls `each` for entries after `since`, in their order and with their events, until it returns
 * false; that entry counts as not given. `each` may read the tree. `*upto`: all events up to this
 * revision were given; as some of them come at a time, call again until it is tree_applied.
 * -ESTALE: `since` is before tree_events_since. */
typedef bool tree_events_cb(void *arg, uint64_t revision, struct bytes events);
int tree_events(struct tree *tree, uint64_t since, tree_events_cb *each, void *arg, uint64_t *upto);

/* The file that the last entry has emptied for an open(2) (OP_FOR_OPEN), and that had contents
 * before; 0: none. */
uint64_t tree_emptied(const struct tree *tree);

/* ---- What goes away by itself ---- */

/* A file that is removed some time after its last change (its ttl), or a lease, which ends some
 * time after it was renewed. A file that goes with its lease is none. The tree measures no time:
 * expiry.c of the replica does. */
struct tree_mortal {
    uint64_t key;      /* the inode's number; for a lease, its id and TREE_LEASE */
    uint64_t ms;       /* its ttl */
    uint64_t revision; /* of the change from which the time counts */
};
#define TREE_LEASE (UINT64_C(1) << 63)

/* Those that the last entry has changed or removed, and perhaps others: to be looked at with
 * tree_mortal_get. Valid until the next tree_apply. */
const uint64_t *tree_stirred(const struct tree *tree, uint32_t *count);
/* 0, or -ENOENT: there is none. */
int tree_mortal_get(struct tree *tree, uint64_t key, struct tree_mortal *mortal);
/* Gives up to `max` of all, in the order of their keys, those after `after` (0: from the first). */
int tree_mortals(struct tree *tree, uint64_t after, uint32_t max, struct tree_mortal *list,
                 uint32_t *count);

struct tree_lease {
    uint64_t id, ms, revision;
    uint32_t files; /* that go with it */
    uint32_t uid;   /* of the caller who made it, */
    uint64_t token; /* and the token by which it came, or 0 */
};
/* Whether the caller may see, use and end it: root may, its user, and by a token only what this
 * token has made. */
bool tree_lease_may(const struct caller *caller, const struct tree_lease *lease);
/* 0, or -ENOENT: it is over, or never was. */
int tree_lease_get(struct tree *tree, uint64_t id, struct tree_lease *lease);
/* Gives up to `max` of the leases, in the order of their ids, those after `after`. */
int tree_leases(struct tree *tree, uint64_t after, uint32_t max, struct tree_lease *list,
                uint32_t *count);
/* Gives the files of a lease: at most LEASE_FILES_MAX. */
int tree_lease_files(struct tree *tree, uint64_t id, uint64_t list[], uint32_t *count);
/* What takes this inode away: its ttl in ms, or its lease; both are 0 for an inode that stays. */
int tree_ttl(struct tree *tree, const struct attr *attr, uint64_t *ms, uint64_t *lease);

/* The stored result of a command of this node (after a snapshot took the place of its entry).
 * Returns 0, or -ENOENT: it is not in the tree. */
int tree_recall(struct tree *tree, uint32_t node, uint64_t incarnation, uint64_t sequence,
                struct command_result *result);

/* Ends the open transaction, if any. Cheap when nothing was applied. */
int tree_commit(struct tree *tree);
/* The open transaction has changed as many pages as a commit should write: call tree_commit. */
bool tree_wants_commit(const struct tree *tree);

/* ---- The cluster, as its log says ---- */

enum {
    TREE_ADDR_MAX = 256,  /* bytes with the NUL */
    TREE_MEMBERS_MAX = 9, /* members that have told their addresses */
};

struct tree_member {
    uint32_t node; /* its id */
    char addr[TREE_ADDR_MAX], peer_addr[TREE_ADDR_MAX];
};

struct tree_cluster {
    uint64_t version; /* changes whenever something else here does */
    uint32_t level;   /* the feature level (command/level.h) that every member reads */
    uint32_t count;
    struct tree_member members[TREE_MEMBERS_MAX];
};

/* Valid until the next entry is applied, or a snapshot takes the tree's place. */
const struct tree_cluster *tree_cluster(const struct tree *tree);

/* ---- Durability and snapshots, in the background ---- */

/* Commits, and makes the state durable, on libuv's thread pool: in tree.db itself or, as long as a
 * snapshot or a view is being read or there is no room for it, in its write-ahead log.
 * `done(status, index)`: the tree is durable at least up to the applied index `index`. One at a
 * time; -EBUSY otherwise, and while a snapshot is being installed. */
int tree_checkpoint(struct tree *tree, uv_loop_t *loop,
                    void (*done)(void *arg, int status, uint64_t index), void *arg);
/* Gives a few pages that hold nothing back to the file system, if they are `free_min` bytes and a
 * quarter of tree.db or more; to be called now and then, between entries. The file becomes shorter
 * with the next checkpoint: tree_has_shrunk says that there is something to be cut. */
int tree_shrink(struct tree *tree, uint64_t free_min);
bool tree_has_shrunk(const struct tree *tree);

/* The write-ahead log has become long: call tree_checkpoint soon. It is enough to ask after each
 * tree_commit. */
bool tree_wants_checkpoint(const struct tree *tree);
/* The write-ahead log cannot be used again because the loop never paused: apply nothing, and call
 * tree_checkpoint as soon as tree_busy is false, until this is false again (some milliseconds). */
bool tree_must_pause(const struct tree *tree);
/* The disk is nearly full, or no longer: commits and the write-ahead log stay short, and snapshots
 * that are being read are ended sooner. `disk_free`: bytes that the disk has left. */
void tree_tighten(struct tree *tree, bool tight, uint64_t disk_free);
/* A checkpoint or a piece of a snapshot is under way. */
bool tree_busy(const struct tree *tree);

/* Serving a snapshot: a consistent view of the tree at one applied index, read in pieces. It keeps
 * the write-ahead log from being used again, so it is ended when that becomes too long (1 GiB, or
 * an eighth of the free disk, up to 8 GiB), or when another snapshot takes the place of the tree:
 * then tree_reader_next gives -ESTALE. */
struct tree_reader;
enum { RECORD_FORMAT_OLDEST = 3, RECORD_FORMAT = 6 }; /* of snapshots that are written and read */
/* `format`: of the snapshot, one that the receiver reads. */
int tree_reader_open(struct tree *tree, uint32_t format, struct tree_reader **reader,
                     uint64_t *index);
/* Reads the next piece, of about `bytes_max` bytes (it can be 1 MiB more), on libuv's thread pool;
 * `last` is set with the final one. The piece stays valid until the next call or the close. Returns
 * 0, -EBUSY (one is under way, or a snapshot is being installed), -ESTALE or -ENODATA (there is
 * none after the last); done(-EUCLEAN): the tree is damaged, and the node must stop. */
int tree_reader_next(struct tree_reader *reader, uv_loop_t *loop, size_t bytes_max,
                     void (*done)(void *arg, int status, struct bytes piece, bool last), void *arg);
void tree_reader_close(struct tree_reader *reader); /* not while a piece is under way */

/* A view is the tree at the index that is applied when it is opened. tree_getattr, tree_lookup,
 * tree_read, tree_list, tree_resolve and tree_keys read it as they read the tree, on the loop,
 * whatever is applied meanwhile; inodes that were gone are not in it. An error of the database is
 * one of the tree. A view keeps the write-ahead log from being used again, so all views are ended
 * when that becomes long (128 MiB), or when a snapshot takes the place of the tree. */
struct tree_view;
/* 0, or -EBUSY: there is no memory or descriptor for one more. */
int tree_view_open(struct tree *tree, struct tree_view **view);
/* Valid until the loop's next turn. NULL: the view has ended. */
struct tree *tree_view_tree(struct tree_view *view);
void tree_view_close(struct tree_view *view);

/* Receiving one: pieces go into a new database beside tree.db, which replaces it in one step. */
struct tree_writer;
/* `index`: of the snapshot. -EBUSY if there is another writer. */
int tree_writer_open(struct tree *tree, uint64_t index, struct tree_writer **writer);
/* Adds a piece, in their order; it must stay valid until done. done(-EBADMSG) for one that does not
 * parse or does not fit: abort, and start again. */
int tree_writer_add(struct tree_writer *writer, uv_loop_t *loop, struct bytes piece,
                    void (*done)(void *arg, int status), void *arg);
/* After the last piece: makes it durable, checks it, and then, on the loop, when all other
 * background work has ended, lets it take the place of the tree (tree_applied is then its index).
 * The writer is freed. done(0), or done(error): -EBADMSG (incomplete, or no tree), -ESTALE (the
 * tree is beyond it); then the tree is as it was. */
void tree_writer_install(struct tree_writer *writer, uv_loop_t *loop,
                         void (*done)(void *arg, int status), void *arg);
void tree_writer_abort(struct tree_writer *writer); /* not while a piece is under way */

/* ---- Inodes that are gone ---- */

/* A keeper is a part of this node that may still use an inode when it goes away, that is, when any
 * node removes its last name and no node holds it. If a keeper wants it, its attributes and
 * contents stay readable by number until tree_let_go, a restart, or a snapshot that takes the
 * tree's place. */
struct tree_keeper {
    LIST_ENTRY(tree_keeper) entry; /* the tree's */
    bool (*wants)(void *arg, uint64_t ino);
    void *arg;
};
void tree_keep(struct tree *tree, struct tree_keeper *keeper);
void tree_keep_end(struct tree_keeper *keeper);
/* Frees an inode that is gone unless a keeper wants it. Does nothing for any other inode. */
int tree_let_go(struct tree *tree, uint64_t ino);

/* ---- Reading ---- */

/* Reads between these two calls lock the database once for all of them; reads outside lock it one
 * by one. Nothing may be applied or committed between the two. */
int tree_read_begin(struct tree *tree);
int tree_read_end(struct tree *tree);

/* ---- Reading, by inode ---- */

int tree_getattr(struct tree *tree, uint64_t ino, struct attr *attr);
int tree_lookup(struct tree *tree, uint64_t parent, struct bytes name, struct attr *attr);
/* The directory that holds this directory (the root's is the root). */
int tree_parent(struct tree *tree, uint64_t ino, uint64_t *parent);
/* Calls `each` for every name of an inode, in the order of parents and then of names. An inode with
 * hard links has several names; the root and an inode that is gone have none. `each` must not use
 * the tree; it returns false to end. */
typedef bool tree_name_cb(void *arg, uint64_t parent, struct bytes name);
int tree_names(struct tree *tree, uint64_t ino, tree_name_cb *each, void *arg);
/* Appends the key of a name in the directory `parent`, whether or not the name is there. -ESTALE:
 * the directory does not exist; -ENOENT: it is gone, but held; -ENAMETOOLONG: the path is longer
 * than a key can be. */
int tree_path(struct tree *tree, uint64_t parent, struct bytes name, struct buffer *out);
/* Calls `each` for every key of an inode, in the order of tree_names. A path that is longer than a
 * key can be is left out. `each` may use the tree; the key is valid during the call. */
typedef void tree_path_cb(void *arg, struct bytes key);
int tree_paths(struct tree *tree, uint64_t ino, tree_path_cb *each, void *arg);
/* Appends up to `len` bytes from `offset` to `out`, fewer at the end of the file. Holes are 0. */
int tree_read(struct tree *tree, uint64_t ino, uint64_t offset, size_t len, struct buffer *out);
int tree_readlink(struct tree *tree, uint64_t ino, struct buffer *out);
/* SEEK_DATA and SEEK_HOLE of lseek(2): where the next data or hole at or after `offset` is. */
int tree_seek(struct tree *tree, uint64_t ino, uint64_t offset, bool hole, uint64_t *found);

/* Calls `each` for the entries of a directory in the order of their names, those after `after`
 * (empty: from the start), until it returns false or `max` were given. The name is valid during the
 * call, which must not use the tree. */
typedef bool tree_entry_cb(void *arg, struct bytes name, const struct attr *attr);
int tree_list(struct tree *tree, uint64_t ino, struct bytes after, uint32_t max,
              tree_entry_cb *each, void *arg);

int tree_getxattr(struct tree *tree, uint64_t ino, struct bytes name, struct buffer *out);
int tree_listxattr(struct tree *tree, uint64_t ino,
                   struct buffer *out); /* names, each with a NUL */

/* ---- Locks (tree_locks.c says what they are) ---- */

enum {
    TREE_LOCKS_MAX = 32768, /* locks, and waits for locks, of the whole cluster: then ENOLCK */
};

struct tree_lock {
    uint64_t ino;
    bool flock;           /* of flock(2), whole files; else of fcntl(2) */
    bool shared;          /* others may share it */
    uint32_t node;        /* its owner: a node, */
    uint64_t owner;       /* and a number that this node has for an open file or a process */
    uint64_t first, last; /* bytes */
    uint32_t pid;         /* for people: the process at that node, */
    uint64_t since;       /* and when it was granted or asked for, ns since 1970 */
    uint64_t token;       /* the revision that granted it; 0: it waits, */
    uint64_t waiter;      /* by this number of its node, */
    uint64_t ticket;      /* since this revision */
};

/* A lock of another owner because of which `want` would not be free. 1, 0 (it would be), or an
 * error. */
int tree_lock_conflict(struct tree *tree, const struct tree_lock *want, struct tree_lock *found);
/* Whether `lock` waits under its number, or else is held by its owner, wholly and in this way.
 * LOCK_BUSY: neither. Or an error. */
int tree_lock_state(struct tree *tree, const struct tree_lock *lock);
/* Whether its owner has any lock in its range. */
bool tree_lock_any(struct tree *tree, const struct tree_lock *lock);
/* As tree_lock_any: 1 with the first such lock in `*held`, 0, or an error. */
int tree_lock_held(struct tree *tree, const struct tree_lock *lock, struct tree_lock *held);
/* Calls `each` for all locks, and then for all waits, until it returns false. `each` must not use
 * the tree. */
typedef bool tree_lock_cb(void *arg, const struct tree_lock *lock);
int tree_locks(struct tree *tree, tree_lock_cb *each, void *arg);

enum {
    TREE_LOCK_LINES_MAX = 4096, /* of one list, which must not hold the loop up; */
    TREE_LOCK_PATHS_MAX = 4,    /* of the names of each file */
};
/* A lock or a wait, for people. Valid during the call. */
struct tree_lock_line {
    const struct tree_lock *lock;
    uint32_t place;     /* of one that waits, from 1, among those for this file and kind; 0: held */
    struct bytes paths; /* the keys of the file, each with a NUL behind it; empty: it is removed */
};
/* Calls `each` for locks and waits, file by file, the holders first and then the queue, until it
 * returns false. `*more`: so many were not given, or not taken. `each` may use the tree. 0, -ENOMEM
 * or an error of the database. */
typedef bool tree_lock_line_cb(void *arg, const struct tree_lock_line *line);
int tree_lock_lines(struct tree *tree, tree_lock_line_cb *each, void *arg, uint64_t *more);
/* How many locks and waits there are. */
uint64_t tree_locks_count(const struct tree *tree);
/* The number of the node's session; 0: it has none, as it has had no lock and no ephemeral file
 * since the last one ended. */
uint64_t tree_lock_session(struct tree *tree, uint32_t node);

/* ---- Files that go with the session of a node (tree_ephemeral.c) ---- */

enum { EPHEMERALS_MAX = 8192 /* of the whole cluster: then EDQUOT */ };

bool tree_is_ephemeral(struct tree *tree, uint64_t ino);
/* Calls `each` for the ephemeral files of a node until it returns false, with the number of the
 * waiter that asked for it. `each` must not use the tree. */
typedef bool tree_ephemeral_cb(void *arg, uint64_t ino, uint64_t waiter);
int tree_ephemerals(struct tree *tree, uint32_t node, tree_ephemeral_cb *each, void *arg);

/* ---- Callers and their tokens ----
 *
 * To be called where a read is answered, that is, after it was confirmed. For root, none of these
 * functions does anything. */

/* Whether the caller may do this with a key: everything on the way is searched, and with what the
 * key names, all of `want` (enum caller_want; 0: whether it exists, as for stat(2)). 0: it may, or
 * the key is not there, which reading it says; -EACCES; -EROFS (it wants to write, by a token for
 * reading); -EKEYREVOKED (its token is not there any more, or has expired by tree_time). */
int tree_may(struct tree *tree, const struct caller *caller, struct bytes key, uint32_t want);
/* Whether the caller could see the path (empty: the root) in the list of its directory, for watches
 * and lists of paths: as tree_may. If that directory is not there any more, the last one on the way
 * that is there counts. */
int tree_may_see(struct tree *tree, const struct caller *caller, struct bytes path);

enum { TOKENS_MAX = 4096 };

/* A token acts as a user. Its own bytes are not kept, only their hash. */
struct tree_token {
    struct caller caller; /* as whom it acts; caller.token is its id: the revision that made it */
    bool read_only;
    int64_t made, expires; /* ns since 1970; expires 0: never */
    uint8_t hash[TOKEN_HASH_BYTES];
    size_t name_len, path_len;
    uint8_t name[TOKEN_NAME_BYTES_MAX];
    uint8_t path[PATH_BYTES_MAX]; /* the only keys that it may use are this one and those below it;
                                     empty: it may use all */
};
/* The token with this hash: 0, or -ENOENT. One that has expired is given as long as it is kept:
 * compare `expires` with replica_time. */
int tree_token_find(struct tree *tree, const uint8_t hash[TOKEN_HASH_BYTES],
                    struct tree_token *token);
/* The first token with a name behind `after` (empty: the first): 0, or -ENOENT. */
int tree_token_next(struct tree *tree, struct bytes after, struct tree_token *token);

/* ---- Reading, by key ---- */

/* Symlinks are not followed. -ENOENT also without a parent, and for a directory that was made for
 * keys and has none below it any more; -ENOTDIR where a parent is a file. */
int tree_resolve(struct tree *tree, struct bytes key, struct attr *attr);

/* Keys (files and symlinks) that begin with `prefix`, in byte order of the whole key, after
 * `after`, until `each` returns false. A path that is longer than a key can be (PATH_BYTES_MAX) is
 * given as well: that of a file, or that of a directory, with a slash at its end, for everything in
 * it. Visits at most `visits_max` directory entries and then sets
 * `*more`, with the key to go on after in `*resume` (work in pieces). `each` must not use the tree.
 * A place to go on after can also be a directory, with a slash at the end.
 *
 * `caller` (NULL: root) is given what ls(1) would show it: nothing in directories that it may not
 * read or reach, and with `attr` NULL what is in those that it may read, but not search. Whether it
 * may read a file that is given with `attr`, caller_may says. -EACCES, -EKEYREVOKED: it may not
 * list the directory of the prefix (tree_may). */
enum { LISTED_BYTES_MAX = PATH_BYTES_MAX + NAME_BYTES_MAX + 1 }; /* of such a path */
typedef bool tree_key_cb(void *arg, struct bytes key, const struct attr *attr);
int tree_keys(struct tree *tree, const struct caller *caller, struct bytes prefix,
              struct bytes after, uint32_t visits_max, tree_key_cb *each, void *arg, bool *more,
              struct buffer *resume);

struct tree_counts {
    uint64_t inodes;
    uint64_t bytes;   /* stored data, holes not counted */
    uint64_t mortals; /* files that go away by themselves */
    uint64_t leases;
    uint64_t file_bytes; /* tree.db and its WAL */
    uint64_t wal_bytes;  /* of these, the WAL's */
    uint64_t free_bytes; /* pages that hold nothing, and are used before the file grows */
    uint64_t owed_bytes; /* tree.db grows by these at the next checkpoint */
};
int tree_counts(struct tree *tree, struct tree_counts *counts);

/* A hash of the whole replicated contents (not of the file's layout), the same on every node at the
 * same applied index. Reads everything: for tests. */
int tree_digest(struct tree *tree, uint64_t *digest);

#endif
