/* Private to the room: what the files tree*.c share.
 *
 * Invariants between two entries (fixture_check in the tests reads them back):
 *   1. Every inode but the root has a directory entry, or is in `held` and has nlink 0.
 *   2. A directory's size is the number of its entries, its nlink 2 + its subdirectories.
 *   3. A file's contents are in its inode's row (data 0, at most INLINE_BYTES_MAX), or in chunks.
 *   4. Behind the end of its file, a chunk stores only zeros.
 *   5. counters.inodes and counters.bytes are the number of inodes and the sum of their `used`.
 *   6. Every directory entry has its way (tree_ways.c), and only inodes that exist have ways.
 *   7. Every file that is marked as mortal has its row of `ttl`, a name, and if a lease is in the
 *      row, that lease and a row of `lease_file` (tree_mortal.c); and no others have.
 *   8. Counters, sessions and the open block of events on disk are those that were in memory at the
 *      last tree_commit.
 *
 * Errors: an internal function gives the errno of the operation (-ENOENT, ...), or that of the
 * database when that fails, which tree->broken remembers. An errno is the answer to an operation
 * only if the tree is not broken. */
#ifndef QUORUMFS_STORE_TREE_INTERNAL_H
#define QUORUMFS_STORE_TREE_INTERNAL_H

#include "command/level.h"
#include "store/tree_tables.h"

#include <sys/queue.h>
#include <sys/stat.h>

enum {
    CHUNK_BITS = 14,
    CHUNK_BYTES = 1 << CHUNK_BITS,
    CHUNK_ROUND = 4096,                  /* a chunk stores a multiple of it */
    CHUNK_NUMBER_BITS = 40 - CHUNK_BITS, /* of a file of FILE_BYTES_MAX */
    INLINE_BYTES_MAX = 3072,             /* kept in the inode's row: one page less per write */
    DROP_BYTES_MAX = 1 << 20,  /* more stored bytes than this are removed piece by piece, */
    REAP_CHUNKS = 64,          /* so many chunks with each commit */
    XATTR_BYTES_MAX = 1 << 20, /* names and values of one inode */
    XATTR_NAMES_MAX = 65536,   /* names with their NULs, as listxattr(2) can give them */
    OLD_BYTES_MAX = 64 << 20,  /* former values of one command; any more are left out */
};
/* Of the root, which is user 0's, as every node makes it: of all versions, and whichever user runs
 * it. Who founds a cluster then gives it an owner (op_level). */
enum { ROOT_MODE = S_IFDIR | 0777 };
#define LINKS_MAX INT32_MAX                       /* of an inode: EMLINK */
#define TIME_MAX (UINT64_C(1) << 62)              /* ns: the year 2116; clocks beyond are wrong */
#define TIME_BACK_MAX (UINT64_C(10) * 1000000000) /* ns by which entries may come out of order */
/* Numbers of contents in chunks; each larger file takes one. ENOSPC. */
#define DATA_MAX (UINT64_C(1) << (63 - CHUNK_NUMBER_BITS))

#define TREE_FILE "tree.db"

/* A commit writes each page that has changed, in about 3 µs. If the same rows change again and
 * again, it has fewer pages than changes: tree_commit finds out how many. */
enum {
    COMMIT_PAGES = 1000,
    COMMIT_CHANGES_MIN = COMMIT_PAGES / 2,
    COMMIT_CHANGES_MAX = 8 * COMMIT_PAGES, /* they may suddenly be all different ones */
};

enum {
    TREE_PAGE_BYTES = 4096,
    TREE_WAL_WANTED = 16 << 20, /* bytes of the WAL; tree_checkpoint.c says what they are for */
    TREE_WAL_PAUSED = 64 << 20,
    TREE_WAL_VIEWS = 128 << 20,
    TREE_WAL_READERS = 1 << 30,
    TREE_WAL_READERS_SHARE = 8, /* of the free disk, if that is more, */
    TREE_WAL_TIGHT = 4 << 20,   /* wanted when the disk is nearly full */
    TREE_AHEAD_BYTES = 1 << 20, /* of tree.db, set aside at a time */
};

#define TREE_WAL_READERS_MAX (UINT64_C(8) << 30) /* ... and not more than this */

/* The replicated numbers; one row, written by tree_commit. */
#define COUNTER_FIELD(name, first, format) uint64_t name;
struct counters {
    COUNTERS(COUNTER_FIELD, COUNTER_FIELD)
};

/* A row of the inode table (INODE_NUMBERS) without its inline contents. */
struct inode {
    struct attr attr;
    uint64_t parent; /* of a directory; 0 for anything else */
    uint64_t data;   /* names the chunks; 0: the contents are inline */
    bool kept;       /* it is gone: the row is the one in `kept` */
};

/* How many there are; follows from the tables `ttl` and `lease`. */
struct mortal_counts {
    uint64_t files, leases;
};

enum tree_query {
    QUERY_BEGIN,
    QUERY_READ,
    QUERY_COMMIT,
    QUERY_SAVE,
    QUERY_UNDO,
    QUERY_UNSAVE,
    QUERY_PAGES,
    QUERY_FREE_PAGES,
    QUERY_SHRINK,
    QUERY_META_SET,
    QUERY_INODE,
    QUERY_INODE_ADD,
    QUERY_INODE_SET,
    QUERY_INODE_SET_INLINE,
    QUERY_INODE_SET_NAME,
    QUERY_INODE_DELETE,
    QUERY_INLINE,
    QUERY_LOOKUP,
    QUERY_DENTRY_ADD,
    QUERY_DENTRY_SET,
    QUERY_DENTRY_DELETE,
    QUERY_WAYS,
    QUERY_WAY,
    QUERY_WAY_ADD,
    QUERY_WAY_DELETE,
    QUERY_WAY_CLEAR,
    QUERY_LIST,
    QUERY_HELD_ADD,
    QUERY_HELD_DELETE,
    QUERY_HELD_FIRST,
    QUERY_KEPT,
    QUERY_KEPT_INLINE,
    QUERY_KEPT_ADD,
    QUERY_KEPT_DELETE,
    QUERY_CHUNK,
    QUERY_CHUNK_RANGE,
    QUERY_CHUNK_LENGTHS,
    QUERY_CHUNK_ADD,
    QUERY_CHUNK_SET,
    QUERY_CHUNK_SUM,
    QUERY_CHUNK_DELETE,
    QUERY_TRASH_ADD,
    QUERY_TRASH_FIRST,
    QUERY_TRASH_WITHIN,
    QUERY_TRASH_REAP,
    QUERY_TRASH_DELETE,
    QUERY_XATTR,
    QUERY_XATTR_LIST,
    QUERY_XATTR_SUM,
    QUERY_XATTR_SET,
    QUERY_XATTR_DELETE,
    QUERY_XATTR_CLEAR,
    QUERY_SESSION_SET,
    QUERY_RESULT_SET,
    QUERY_RESULT_CUT,
    QUERY_TTL,
    QUERY_TTL_SET,
    QUERY_TTL_DELETE,
    QUERY_TTL_LIST,
    QUERY_LEASE,
    QUERY_LEASE_SET,
    QUERY_LEASE_DELETE,
    QUERY_LEASE_LIST,
    QUERY_LEASE_FILE_ADD,
    QUERY_LEASE_FILE_DELETE,
    QUERY_LEASE_FILES,
    QUERY_LEVEL_SET,
    QUERY_MEMBER_SET,
    QUERY_EVENT_SET,
    QUERY_EVENT_AT,
    QUERY_EVENT_FIRST,
    QUERY_EVENT_DELETE,
    QUERY_LOCK_CONFLICT,
    QUERY_LOCK_OWN,
    QUERY_LOCK_ADD,
    QUERY_LOCK_DELETE,
    QUERY_LOCK_WAIT_CONFLICT,
    QUERY_LOCK_WAIT_NEXT,
    QUERY_LOCK_WAIT_OF,
    QUERY_LOCK_WAIT_NAMED,
    QUERY_LOCK_WAIT_ADD,
    QUERY_LOCK_WAIT_DELETE,
    QUERY_LOCK_OF_NODE,
    QUERY_LOCK_NODE_DELETE,
    QUERY_LOCK_WAIT_NODE_DELETE,
    QUERY_LOCK_CLEAR,
    QUERY_LOCK_COUNT,
    QUERY_LOCK_LIST,
    QUERY_LOCK_WAIT_LIST,
    QUERY_LOCK_SESSION,
    QUERY_LOCK_SESSION_ADD,
    QUERY_LOCK_SESSION_DELETE,
    QUERY_EPHEMERAL,
    QUERY_EPHEMERAL_ADD,
    QUERY_EPHEMERAL_DELETE,
    QUERY_EPHEMERAL_OF_NODE,
    QUERY_EPHEMERAL_COUNT,
    QUERY_TOKEN,
    QUERY_TOKEN_HASH,
    QUERY_TOKEN_NEXT,
    QUERY_TOKEN_NAME,
    QUERY_TOKEN_HASHES,
    QUERY_TOKEN_COUNT,
    QUERY_TOKEN_ADD,
    QUERY_TOKEN_EXPIRE,
    QUERY_TOKEN_REMOVE,
    QUERY_COUNT,
};

extern const char *const tree_queries[QUERY_COUNT];

struct told_name {
    SLIST_ENTRY(told_name) next;
    uint8_t bytes[];
};
SLIST_HEAD(told_names, told_name);

/* tree_events.c */
enum {
    EVENTS_MAX = 100000,              /* as many changes at least can be told again, */
    EVENTS_BYTES_MAX = 16 << 20,      /* unless they are longer than this */
    EVENTS_BLOCK_BYTES = 3900,        /* a block with its row fits on a page */
    EVENTS_ENTRY_BYTES_MAX = 4 << 20, /* what changes more than this, or has more names, */
    EVENTS_NAMES_MAX = 1024,          /* is told as lost */
};
struct path_cache;
struct tree_events {
    bool on;             /* there is a block */
    struct buffer block; /* the last one; behind it, the present entry is collected */
    uint64_t since, number, offset;
    uint32_t count;       /* changes in it */
    uint64_t last;        /* revision of the last one of them; `since`: there is none */
    bool changed;         /* the block, since the last commit */
    size_t entry_len;     /* bytes of what the present entry has changed so far, */
    uint32_t entry_count; /* and how many events that is */
    bool entry_lost;      /* that is too much */
    struct path_cache *paths;
};

struct session;
LIST_HEAD(session_list, session);
LIST_HEAD(reader_list, tree_reader);
LIST_HEAD(view_list, tree_view);
LIST_HEAD(keeper_list, tree_keeper);

struct tree_checkpoint {
    uv_work_t work;
    struct tree *tree;
    void (*done)(void *arg, int status, uint64_t index);
    void *arg;
    /* Set before the work starts. */
    uint64_t index;
    int frames; /* in the log when it started */
    bool paused;
    /* The thread's. */
    struct sql sql;
    int status;
    int backfilled; /* frames of the WAL that are in tree.db */
    bool reached;   /* the commit that it began with is durable */
};

struct tree {
    const struct folder *folder;
    struct identity identity;
    struct sql sql;
    const char *file; /* its name in the folder */
    sqlite3_stmt *queries[QUERY_COUNT];
    int broken;               /* the database failed: nothing is done any more */
    bool writing;             /* a write transaction is open */
    bool reading;             /* a read transaction is open: tree_read_begin */
    bool trash;               /* there may be chunks to reap */
    bool kept;                /* there may be inodes that are gone and kept */
    uint32_t changes;         /* rows and pages that were written since the last commit */
    uint32_t changes_max;     /* as many as one commit should have */
    uint64_t ways_last;       /* no inode above has rows in `way` */
    struct tree_cache *cache; /* NULL: a view has none */
    struct counters counters;
    struct tree_cluster cluster; /* tree_cluster.c */
    uint64_t snapshot;           /* index of the last snapshot that was installed */
    struct session_list sessions;
    uint64_t locks;      /* and waits for locks: rows of the two tables */
    uint64_t ephemerals; /* files that go with a session: rows of `ephemeral` */
    struct keeper_list keepers;
    uint8_t scratch[CHUNK_BYTES];
    struct buffer outcome; /* history_add's */

    uint32_t names;          /* that the entry has walked so far: COMMAND_NAMES_MAX; */
    uint32_t pruned;         /* and directories that it has pruned: COMMAND_PRUNED_MAX */
    struct caller caller;    /* of the command that is applied, as its AS has it */
    struct tree_token token; /* the one that was used last (tree_tokens.c); id 0: none */

    /* tree_mortal.c */
    struct mortal_counts mortals;
    uint64_t *stirred; /* room for `stirred_max`: tree_stirred */
    uint32_t stirred_count, stirred_max;

    /* tree_changes.c */
    bool observed;
    struct tree_changes told;   /* of the last entry; its list is the next one */
    struct tree_change *report; /* room for `report_max` */
    uint32_t report_max;
    struct told_names told_names; /* which no entry has */
    uint64_t emptied;             /* tree_emptied */
    struct tree_events events;

    int wal_frames;
    bool pause;
    bool tight;         /* tree_tighten */
    uint64_t disk_free; /* likewise */
    int fd;             /* of tree.db, for set_aside; negative: none */
    bool shrinks;       /* tree.db can; */
    bool shrunk;        /* and has, since the last checkpoint */
    bool compact;       /* since the last commit: it need not be looked at again */
    uint64_t set_aside; /* bytes of tree.db that have their place on the disk */
    uint64_t durable;
    struct tree_checkpoint checkpoint;
    uint32_t background; /* jobs on the thread pool */
    struct reader_list readers;
    struct view_list views;
    struct tree *viewed; /* a view's: the tree; NULL: this is the tree itself */
    struct tree_writer *writer;
};

/* With whose rights something is done. */
struct rights {
    const struct caller *caller;    /* NULL: root's, nothing is checked */
    const struct tree_token *token; /* NULL: it came by none */
};

/* The command that is being applied, as its operations see it. */
struct change {
    struct tree *tree;
    const struct op *op; /* the operation that runs */
    uint32_t node;       /* whose command it is */
    uint64_t time;       /* what it is dated with, ns since 1970 */
    uint64_t revision;
    bool mine;
    bool skipping; /* tree_branch.c: operations up to the next ELSE do not run */
    struct rights as;
    struct command_result *result;
};

/* ---- tree.c ---- */

/* The connection failed, and its fault has the text: remembers it. If it is that of a view, the
 * tree fails. */
void tree_break(struct tree *tree, int status);
/* Remembers a failure and gives it back. The text is for the operator. */
int tree_fail(struct tree *tree, int status, const char *text);
/* The same for rows that contradict one another: -EUCLEAN. */
int tree_damaged(struct tree *tree, const char *what);
/* Makes the statement when it is first needed: an open tree needs few of them. NULL: out of memory,
 * which tree_step and tree_run then report. */
sqlite3_stmt *tree_prepare(struct tree *tree, enum tree_query query);
/* The statement, ready for its parameters. */
static inline sqlite3_stmt *tree_query(struct tree *tree, enum tree_query query)
{
    sqlite3_stmt *statement = tree->queries[query];
    return statement ? statement : tree_prepare(tree, query);
}
/* Steps a reading statement: 1 for a row (reset it after use), 0 or an error when there are no
 * more. */
int tree_step(struct tree *tree, sqlite3_stmt *statement);
/* Steps a changing statement to its end. */
int tree_run(struct tree *tree, sqlite3_stmt *statement);
int tree_begin(struct tree *tree);
int counters_store(struct tree *tree); /* at tree_commit */
/* Takes the room now that tree.db needs at the next checkpoint: a full disk then shows before
 * anything is promised to it. A failure has no effect. */
int tree_set_aside(struct tree *tree);
/* Counts the pages, or those that hold nothing, in bytes. */
int tree_count_pages(struct tree *tree, enum tree_query which, uint64_t *bytes);
/* Finds out whether tree.db can shrink (tree_shrink.c). */
int shrink_open(struct tree *tree);
static inline void bind_number(sqlite3_stmt *statement, int parameter, uint64_t value)
{
    sqlite3_bind_int64(statement, parameter, (int64_t)value);
}
static inline uint64_t column_number(sqlite3_stmt *statement, int column)
{
    return (uint64_t)sqlite3_column_int64(statement, column);
}

/* Opens the incoming file as a tree of its own, for the thread that fills it; a crash may damage
 * it. */
int tree_open_incoming(const struct tree *tree, struct tree **incoming, struct fault *fault);
/* Closes it; what is not committed is lost. */
void tree_discard(struct tree *incoming);

/* Opens, and closes, everything that depends on tree.db: connections, counters, sessions. */
int tree_attach(struct tree *tree);
/* Reads into memory what tables have of which memory keeps a copy. Sessions must be forgotten. */
int tree_remember(struct tree *tree);
void tree_detach(struct tree *tree);
/* Makes the tables in an empty database, or checks whose it is and brings it up to date. Inside a
 * transaction. */
int tree_make(struct sql *sql, const struct identity *identity, bool *made);

/* ---- tree_inode.c ---- */

/* 0 or -ESTALE. */
int inode_get(struct tree *tree, uint64_t ino, struct inode *inode);
/* Reads the columns of QUERY_INODE, QUERY_LOOKUP and QUERY_LIST from `column` on. */
void inode_read(sqlite3_stmt *statement, int column, struct inode *inode);
/* Binds them to a statement that ends with `ino`. */
void inode_bind(sqlite3_stmt *statement, const struct inode *inode);
/* With its first name. */
int inode_add(struct change *c, struct inode *inode, struct bytes contents, uint64_t parent,
              struct bytes name);
/* Its contents change, or its entries: gives it the command's time as mtime. It has to be written
 * then. */
void inode_touch(const struct change *c, struct inode *inode);
/* Writes a changed inode; gives it the command's revision and time. */
int inode_set(struct change *c, struct inode *inode);
/* So many bytes are stored for it now; the counters follow. */
void inode_set_used(struct change *c, struct inode *inode, uint64_t used);
/* Writes it like inode_set, and its first name. */
int inode_set_name(struct change *c, struct inode *inode, uint64_t parent, struct bytes name);
int inode_set_inline(struct change *c, struct inode *inode, struct bytes contents);
/* Takes one name away; the last one frees the inode unless `hold` is its number. */
int inode_unlink(struct change *c, struct inode *inode, uint64_t hold);
/* Frees everything that `node` holds without a name. */
int inode_release_all(struct change *c, uint32_t node);

static inline bool inode_is(const struct inode *inode, uint32_t type)
{
    return (inode->attr.mode & S_IFMT) == type;
}
/* chown(2), write(2): clears what must not survive a change by another user. */
void inode_kill_priv(struct inode *inode, const struct op *op);

/* ---- tree_data.c: contents; each writes the inode too ---- */

/* 0, -EISDIR or -EINVAL. */
int data_check_regular(const struct inode *inode);
/* Whether a file may become `size` bytes long: 0, -EFBIG, -ENOSPC. */
int data_check_size(const struct tree *tree, uint64_t size);
int data_replace(struct change *c, struct inode *inode, struct bytes contents);
int data_write(struct change *c, struct inode *inode, uint64_t offset, struct bytes contents);
int data_resize(struct change *c, struct inode *inode, uint64_t size);
int data_punch(struct change *c, struct inode *inode, uint64_t offset, uint64_t len);
/* Gives up the contents; the inode is not written. */
int data_drop(struct change *c, struct inode *inode);
/* The same, but all chunks are removed piece by piece, beginning when the inode is not kept any
 * more. */
int data_drop_later(struct change *c, struct inode *inode);

/* ---- tree_chunks.c: contents in chunks; the inode is not written ---- */

int chunk_store(struct change *c, struct inode *inode, uint64_t number, uint32_t old_len,
                struct bytes bytes);
int chunks_write(struct change *c, struct inode *inode, uint64_t offset, struct bytes bytes);
/* Removes the chunks from number `first` to `last`, at once. */
int chunks_delete(struct change *c, struct inode *inode, uint64_t first, uint64_t last);
/* Removes what is stored behind `size`, which is not 0, of a file that was `old_size` long. */
int chunks_cut(struct change *c, struct inode *inode, uint64_t old_size, uint64_t size);
int chunks_punch(struct change *c, struct inode *inode, uint64_t offset, uint64_t end);

static inline uint32_t rounded(uint32_t len)
{
    return (len + CHUNK_ROUND - 1) / CHUNK_ROUND * CHUNK_ROUND;
}
static inline uint64_t smaller(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* ---- tree_trash.c: chunks, by their ids, that belong to no file any more ---- */

int trash_add(struct tree *tree, uint64_t first, uint64_t last);
/* Removes a piece of the trash, or of this range of it. */
int data_reap(struct tree *tree);
int trash_reap_range(struct tree *tree, uint64_t first, uint64_t last);
/* Removes those of these chunks of one file that are in the trash, at once, before they are written
 * again. */
int trash_clear(struct tree *tree, uint64_t from, uint64_t to);

/* ---- tree_read.c ---- */

/* For reading: also an inode that is gone and kept. 0 or -ESTALE. */
int inode_find(struct tree *tree, uint64_t ino, struct inode *inode);
/* Copies inline contents. `to` has room for CHUNK_BYTES. -EUCLEAN if the row does not hold exactly
 * `len` bytes. */
int data_inline(struct tree *tree, const struct inode *inode, uint8_t *to, size_t len);
int data_read(struct tree *tree, const struct inode *inode, uint64_t offset, size_t len,
              struct buffer *out);

#define CHUNK_NUMBER_MAX ((FILE_BYTES_MAX >> CHUNK_BITS) - 1)

static inline uint64_t chunk_id(uint64_t data, uint64_t number)
{
    return data << CHUNK_NUMBER_BITS | number;
}

/* ---- tree_kept.c ---- */

bool kept_wanted(const struct tree *tree, uint64_t ino);
/* Before the inode's row is deleted, as it is now. */
int kept_add(struct change *c, const struct inode *inode);
/* 0 or -ESTALE. */
int kept_get(struct tree *tree, uint64_t ino, struct inode *inode);

/* ---- tree_names.c ---- */

/* 0 or -ENOENT. */
int name_lookup(struct tree *tree, uint64_t parent, struct bytes name, struct inode *inode);
/* A directory that entries can be made in, and a valid name: -ESTALE, -ENOTDIR, -ENOENT (removed,
 * but held), -EINVAL, -ENAMETOOLONG, -EPERM. */
int name_parent(struct tree *tree, uint64_t ino, struct bytes name, struct inode *dir);
/* Makes an inode with a name. Its mode (with type), uid, gid, rdev are set by the caller, the rest
 * here. Writes the directory too. */
int name_make(struct change *c, struct inode *dir, struct bytes name, struct inode *inode,
              struct bytes contents);
int name_add(struct change *c, uint64_t parent, struct bytes name, uint64_t ino);
int name_set(struct change *c, uint64_t parent, struct bytes name, uint64_t ino);
int name_delete(struct change *c, uint64_t parent, struct bytes name);
/* Takes a name of `inode` away from `dir` and writes both. */
int name_remove(struct change *c, struct inode *dir, struct bytes name, struct inode *inode,
                uint64_t hold);

/* ---- tree_rights.c: what callers may do ---- */

/* Gives the caller's rights at this time, valid as long as the caller, and until the next entry or
 * the next use of a token. 0 or -EKEYREVOKED. */
int rights_of(struct tree *tree, const struct caller *caller, uint64_t time, struct rights *rights);
/* 0 or -EACCES. */
static inline int rights_check(const struct rights *rights, const struct attr *attr, uint32_t want)
{
    return rights->caller && !caller_may(rights->caller, attr, want) ? -EACCES : 0;
}
/* Whether the token, if there is one, is for this path. */
bool rights_cover(const struct rights *rights, struct bytes path);
/* Whether a name of `inode` in `dir` may go: 0, -EACCES or -EPERM. */
int rights_remove(const struct rights *rights, const struct attr *dir, const struct attr *inode);
/* The same for all its names. */
int rights_remove_all(struct change *c, const struct inode *inode);
/* Whether the caller may list the directory of a path, or the last one on the way to it that is
 * there: 0, -EACCES, or an error. */
int rights_list(struct tree *tree, const struct rights *rights, struct bytes path);
/* Before an operation that is checked: 0, -EPERM (it is none that a caller with rights can ask
 * for), -EROFS, -EACCES. */
int rights_operation(const struct change *c, const struct op *op);
/* The caller writes the file: as inode_kill_priv. */
void rights_kill_priv(const struct change *c, const struct op *op, struct inode *inode);

/* ---- tree_keys.c ---- */

/* As tree_resolve, for a caller: also -EACCES. */
int key_find(struct tree *tree, const struct rights *rights, struct bytes key, struct attr *attr);

/* ---- tree_tokens.c ---- */

/* Valid until the next entry, or the next call. 0 or -ENOENT. */
int token_get(struct tree *tree, uint64_t id, const struct tree_token **token);
/* Tokens have changed, or may have. */
void token_forget(struct tree *tree);
static inline bool token_is_over(const struct tree_token *token, uint64_t time)
{
    return token->expires != 0 && (uint64_t)token->expires <= time;
}
int tokens_check(struct sql *sql); /* tree_check's part */

/* The command has walked, made and removed more than one may (from LEVEL_BOUNDS on). */
static inline bool names_exceeded(const struct tree *tree)
{
    return tree->names > COMMAND_NAMES_MAX && tree->cluster.level >= LEVEL_BOUNDS;
}

/* ---- tree_implied.c: directories that a PUT made on its way ---- */

/* The `rdev` of such a directory that is made now. */
uint32_t implied_rdev(const struct tree *tree);
/* Somebody uses it as a directory: from now on it is like one of mkdir(2). Anything but a directory
 * stays as it is. The inode is not written. */
void inode_claim(struct inode *inode);
/* 0 if the directory is not there for keys: it is implied, and so is everything below it. -EISDIR:
 * it is there. */
int implied_check(struct tree *tree, const struct attr *dir);
/* Whether the caller of the command may remove such a directory with all that is below it: 0,
 * -EACCES or -EPERM. */
int implied_may_remove(struct change *c, const struct inode *dir);
/* Removes it. */
int implied_remove(struct change *c, const struct inode *dir);
/* Removes the directory if it is implied and empty, and then its parents likewise, as far as the
 * caller may remove them. `*dir` is then the lowest one that stays. */
int implied_prune(struct change *c, struct inode *dir);

/* ---- tree_mortal.c: files and leases whose time runs out ---- */

/* The `rdev` of a regular file that has a row in `ttl`. */
enum { RDEV_MORTAL = 1 };
static inline bool inode_is_mortal(const struct inode *inode)
{
    return inode->attr.rdev == RDEV_MORTAL && inode_is(inode, S_IFREG);
}

int mortals_load(struct tree *tree); /* at tree_attach */
/* The file or lease was written, or goes away: tree_stirred has it. */
int mortal_stir(struct tree *tree, uint64_t key);
/* Whether a PUT may give the file what it asks for; `inode` is NULL for a new one: 0, -EINVAL,
 * -EKEYEXPIRED, -EDQUOT, -EMLINK. Changes nothing. */
int mortal_check_put(struct change *c, const struct op *op, const struct inode *inode);
/* Before a PUT writes the inode: the mark that it is to have. */
void mortal_mark_put(const struct op *op, struct inode *inode, bool leased);
/* Behind that: its rows. */
int mortal_put(struct change *c, const struct op *op, const struct inode *inode);
/* Whether a lease is what takes the file away. */
int mortal_is_leased(struct tree *tree, const struct inode *inode, bool *leased);
/* A mortal file goes away, or has no name any more: it is mortal no longer. The inode is not
 * written. */
int mortal_forget(struct change *c, struct inode *inode);

/* ---- tree_ways.c: from an inode to its names ---- */

/* The name of a directory, or the first one of a file, and the parent that it is in. */
struct way {
    uint64_t parent;
    size_t len;
    uint8_t name[NAME_BYTES_MAX];
};
/* 0 or -ENOENT: it has none. */
int way_first(struct tree *tree, uint64_t ino, struct way *way);
/* Of a file with one name, if its row has that: it is found sooner than by tree_names. */
int way_of_file(struct tree *tree, uint64_t ino, struct way *way);
/* As way_first, for a directory, which has one name: usually its row has that. */
int way_of_dir(struct tree *tree, uint64_t ino, struct way *way);

/* In a transaction: gives the ways to a new tree, and to one of format 3. */
int ways_make(struct sql *sql);
/* Puts all names into `way`, after the rows of a snapshot have come. */
int ways_fill(struct sql *sql);
int ways_load(struct tree *tree); /* at tree_attach */
/* The inode, which has a name, got one more. */
int way_add(struct change *c, const struct inode *inode, uint64_t parent, struct bytes name);
/* It lost one of several. 1 if there was a row of `way`, 0 if not, or an error. */
int way_delete(struct tree *tree, uint64_t ino, uint64_t parent, struct bytes name);
/* It goes away, and has no names any more. */
int ways_clear(struct tree *tree, uint64_t ino);
/* The first name became the second one. Writes the inode. */
int way_move(struct change *c, struct inode *inode, uint64_t parent, struct bytes name,
             uint64_t parent2, struct bytes name2);

/* ---- tree_cache.c: names and inodes that were used lately ---- */

struct tree_cache *cache_new(void); /* freed with free(3) */
void cache_clear(struct tree_cache *cache);
bool cache_find_name(struct tree_cache *cache, uint64_t parent, struct bytes name, uint64_t *ino);
void cache_name(struct tree_cache *cache, uint64_t parent, struct bytes name, uint64_t ino);
void cache_forget_name(struct tree_cache *cache, uint64_t parent, struct bytes name);
bool cache_find_inode(struct tree_cache *cache, uint64_t ino, struct inode *inode);
void cache_inode(struct tree_cache *cache, const struct inode *inode);
void cache_forget_inode(struct tree_cache *cache, uint64_t ino);

/* ---- tree_session.c ---- */

enum session_verdict { SESSION_NEW, SESSION_REPEATED, SESSION_IGNORED };

/* Whether a command may take effect now. If not, the change's result is its answer. */
int session_enter(struct change *c, const struct stamp *stamp, enum session_verdict *verdict);
/* Keeps the result of a command that took effect. */
int session_keep(struct tree *tree, const struct stamp *stamp, const struct command_result *result);
int session_store(struct tree *tree); /* at tree_commit */
int session_load(struct tree *tree);  /* at tree_attach */
void session_forget(struct tree *tree);
int session_check(struct sql *sql); /* tree_check's part */

/* ---- tree_locks.c ---- */

int locks_load(struct tree *tree); /* at tree_attach, and after a list was undone */
/* Gives the session of the node that asks, which begins now unless it has one. */
int session_ensure(struct change *c, uint64_t *number);
/* The node's session has ended, if it had one: it loses its locks, and the others get them. */
int locks_end_session(struct change *c, uint32_t node);
/* The inode goes away: its locks do, and waiters are told. */
int locks_clear(struct change *c, uint64_t ino);

/* ---- tree_lock_rows.c: locks and waits in the database ---- */

/* Each 1 for a row, 0 or an error. `want` names the owner, the range and the way. */
int lock_own(struct tree *tree, const struct tree_lock *want, bool unlocks,
             struct tree_lock *found);
/* Calls `each` for all locks of other owners that are in the way, until it returns true: then 1. */
int lock_each_conflict(struct tree *tree, const struct tree_lock *want,
                       bool (*each)(void *arg, const struct tree_lock *lock), void *arg);
/* The first that waits, with a ticket between these two, and would be in the way of `want`. */
int lock_wait_conflict(struct tree *tree, const struct tree_lock *want, uint64_t after,
                       uint64_t before, struct tree_lock *found);
/* The next that waits for this file, for any; the next of this owner, for locks of fcntl(2). */
int lock_wait_next(struct tree *tree, uint64_t ino, bool flock, uint64_t after,
                   struct tree_lock *found);
int lock_wait_of(struct tree *tree, uint32_t node, uint64_t owner, uint64_t after,
                 struct tree_lock *found);
int lock_wait_named(struct tree *tree, const struct tree_lock *named, struct tree_lock *found);
/* A file with locks or waits of the node. */
int lock_of_node(struct tree *tree, uint32_t node, uint64_t *ino, bool *flock);
/* 0 or an error. */
int lock_add(struct tree *tree, const struct tree_lock *lock);
int lock_delete(struct tree *tree, const struct tree_lock *lock);
int lock_delete_of_node(struct tree *tree, uint64_t ino, bool flock, uint32_t node);
int lock_clear(struct tree *tree, uint64_t ino); /* of all that hold */

/* ---- tree_ephemeral.c: files that go with the session of a node ---- */

int ephemerals_load(struct tree *tree); /* as locks_load */
/* The node's session has ended: its files go. */
int ephemerals_end(struct change *c, uint32_t node);
/* The file loses its last name: it is bound no longer. 1 if it was, 0 or an error. */
int ephemeral_forget(struct change *c, const struct inode *inode);

/* ---- tree_cluster.c ---- */

int cluster_load(struct tree *tree); /* at tree_attach, and after a list was undone */

/* ---- tree_events.c: the history of changes ---- */

/* A new entry begins; its command was undone, and what was told before the mark stays (a session
 * has ended); it took effect. */
struct events_mark {
    size_t len;
    uint32_t count;
    bool lost;
};
void events_begin(struct tree *tree);
struct events_mark events_mark(const struct tree *tree);
void events_undo(struct tree *tree, struct events_mark mark);
int events_end(struct change *c);
/* Before the effects of the change, or after them: the paths are the same. */
void events_add(struct change *c, const struct tree_change *change);
int events_store(struct tree *tree); /* at tree_commit */
int events_load(struct tree *tree);  /* at tree_attach */
void events_free(struct tree *tree);
int events_check(struct sql *sql); /* tree_check's part */

/* ---- tree_path_cache.c ---- */

struct path_cache *paths_new(void); /* freed with free(3) */
void paths_clear(struct path_cache *cache);
/* The path of a directory; empty for the root. Valid until the next call of these functions. As
 * tree_path. */
int paths_find(struct tree *tree, uint64_t ino, struct bytes *path);
/* Whether the path of a directory, or of a file with one name, is at hand. */
bool paths_known(const struct path_cache *cache, uint64_t ino, struct bytes *path);
/* Keeps it, and gives the copy, which is valid as that of paths_find. */
struct bytes paths_keep(struct path_cache *cache, uint64_t ino, struct bytes path);
void paths_forget(struct path_cache *cache, uint64_t ino);

/* ---- tree_changes.c: what entries change, for observers ---- */

/* A new entry begins. */
void changes_forget(struct tree *tree);
/* The command was undone. What was told before it, `count` changes, stands: a new session of its
 * node has begun. */
void changes_undo(struct tree *tree, uint32_t count);
/* Tells it to observers; of keys, only if there are some: change_tell. */
void changes_add(struct change *c, const struct tree_change *change);
/* The entry does not have this name, which may be told: makes it last as long. */
int changes_keep_name(struct change *c, struct bytes *name);
/* Every operation tells each change of a name, of contents and of attributes. If nothing observes
 * the tree, this test is all that it costs. */
static inline void change_tell(struct change *c, struct tree_change change)
{
    if (c->tree->observed)
        changes_add(c, &change);
    if (c->tree->events.on)
        events_add(c, &change);
}
static inline void change_name(struct change *c, enum tree_change_kind kind,
                               const struct inode *inode, uint64_t parent, struct bytes name)
{
    change_tell(c, (struct tree_change){.kind = kind,
                                        .mode = inode->attr.mode,
                                        .ino = inode->attr.ino,
                                        .links = inode->attr.nlink,
                                        .parent = parent,
                                        .name = name});
}
static inline void change_inode(struct change *c, enum tree_change_kind kind,
                                const struct inode *inode)
{
    change_name(c, kind, inode, 0, (struct bytes){0});
}

/* ---- tree_history.c ---- */

/* Mixes an entry that was just applied, and its result, into the digest. */
int history_add(struct tree *tree, struct bytes entry, const struct command_result *result);

/* ---- tree_check.c ---- */

/* Whether the tables hold a tree, as between two entries. 0, -EBADMSG, or the database's error. */
int tree_check(struct sql *sql);

/* ---- tree_result.c: results as bytes ---- */

void result_encode(const struct command_result *result, struct buffer *out);
int result_decode(struct bytes bytes, struct command_result *result);

/* ---- Operations: one function each, in tree_apply.c's table ---- */

typedef int operation(struct change *c, const struct op *op, struct op_result *out);
#define OPERATION_DECLARED(name, number, function, level) operation op_##function;
/* Of tree_keys.c, tree_file.c, tree_names.c, tree_rename.c, tree_attr.c, tree_inode.c,
 * tree_branch.c, tree_locks.c, tree_ephemeral.c, tree_mortal.c, tree_rights.c and tree_tokens.c. */
OPERATIONS(OPERATION_DECLARED)
#undef OPERATION_DECLARED

/* ---- tree_checkpoint.c ---- */

int checkpoint_open(struct tree *tree);
/* On the caller's thread, for a tree that nobody else reads. */
int tree_checkpoint_now(struct tree *tree);
void checkpoint_close(struct tree *tree);
void checkpoint_watch(struct tree *tree);  /* after each commit */
void checkpoint_before(struct tree *tree); /* before each transaction that writes */

/* ---- tree_reader.c, tree_writer.c ---- */

/* Ends the snapshots that are being read: they hold back the WAL. Their next piece is -ESTALE. */
void readers_end(struct tree *tree);
/* Ends all views (tree_view.c), for the same reason. */
void views_end(struct tree *tree);
/* Whether a snapshot is about to take the tree's place: nothing new may begin in the background. */
bool writer_installing(const struct tree *tree);
/* A job on the thread pool is over; lets the snapshot that waits for that take the tree's place. */
void background_end(struct tree *tree);

/* ---- tree_incoming.c: the file that a snapshot is received into, and its installation ---- */

#define INCOMING_FILE TREE_FILE ".incoming"
/* It need not exist. */
int incoming_remove(const struct folder *folder);
/* Returns a descriptor for reading, or a negative errno. */
int incoming_open(const struct folder *folder);
int incoming_sync(const struct folder *folder);
/* The step: from here on, durably, the file is the tree. What is left is to close tree.db and to
 * call incoming_settle. */
int incoming_install(const struct folder *folder);
/* Before tree.db is opened: finishes an installation that was decided, removes one that was not. */
int incoming_settle(const struct folder *folder, struct fault *fault);

#endif
