/* Commands: the language in which doors ask for changes and the log records them.
 *
 * A command is a list of operations that take effect together or not at all. Its stamp says which
 * node asked for it. It is checked and applied from the replicated state alone, so every node gives
 * the same result. Commands carry the change, never the whole file.
 *
 *   stamp:          version u8 | node u32 | incarnation u64 | sequence u64 | lowest u64 | time u64
 *                   | count u32
 *   each operation: type u8 | mask of the fields that are not zero | those fields
 *
 * The mask is a u16 in version 1, which can say what exists at feature level 1, and a u32 in
 * version 2. A command is of version 1 whenever that can say it: nodes of level 1 read it then.
 *
 * Thread: none of its own. */
#ifndef QUORUMFS_COMMAND_COMMAND_H
#define QUORUMFS_COMMAND_COMMAND_H

#include "base/buffer.h"
#include "command/level.h"
#include "command/operations.h"

enum {
    COMMAND_VERSION_MAX = 2,
    COMMAND_BYTES_MAX = 8 * 1024 * 1024 + 64 * 1024, /* an 8 MiB value with its key and stamp */
    COMMAND_OPS_MAX = 16384,                         /* operations of one atomic list */
    COMMAND_NAMES_MAX = 40960, /* names in all keys of one list. A directory that is made on the
                                  way to a key, or is in its way, counts for
                                  COMMAND_DIRECTORY_NAMES of them */
    COMMAND_DIRECTORY_NAMES = 8,
    COMMAND_PRUNED_MAX = 4096, /* directories that go with the last keys in them; others stay,
                                  empty, and are in nobody's way */
    VALUE_BYTES_MAX = 8 * 1024 * 1024, /* one value through HTTP */
    NAME_BYTES_MAX = 255,              /* one component of a path */
    PATH_BYTES_MAX = 4095,             /* a key */
    SYMLINK_BYTES_MAX = 4095,
    XATTR_NAME_BYTES_MAX = 255,
    XATTR_VALUE_BYTES_MAX = 65536,
};
/* Files and leases that go away by themselves (store/tree_mortal.c). */
enum {
    TTL_MS_MIN = 100,
    MORTAL_FILES_MAX = 1000000, /* files that have a ttl or a lease */
    MORTAL_LINKS_MAX = 16,      /* names of one of them */
    LEASES_MAX = 100000,
    LEASE_FILES_MAX = 1000, /* of one lease, all of which go at once */
};
#define TTL_MS_MAX (UINT64_C(3660) * 86400000) /* ten years */
#define TTL_NONE UINT64_MAX
#define LEASE_ID_MAX ((UINT64_C(1) << 63) - 1) /* an id is 1 or more */
#define FILE_BYTES_MAX (UINT64_C(1) << 40)     /* 1 TiB by offset arithmetic */
#define LOCK_LAST_MAX INT64_MAX                /* the last byte of a lock to the end of the file */

enum { INO_ROOT = 1 };

#define OPERATION_NUMBER(name, number, function, level) OP_##name = number,
enum op_type { OPERATIONS(OPERATION_NUMBER) OP_TYPE_END };
#undef OPERATION_NUMBER

enum op_flags {
    OP_WANT_OLD = 1 << 0, /* PUT, DELETE: the proposer wants the former value */
    /* A condition. PUT, DELETE: -ECANCELED if it does not hold. IF: what follows is skipped. */
    OP_IF_ABSENT = 1 << 1,      /* IF, PUT: the key does not exist (If-None-Match: *) */
    OP_IF_EXISTS = 1 << 2,      /* IF, PUT, DELETE: it exists (If-Match: *) */
    OP_IF_REVISION = 1 << 3,    /* IF, PUT, DELETE: its revision is `revision` (If-Match) */
    OP_TRUNCATE_FIRST = 1 << 4, /* WRITE, APPEND: cut to 0 before. Former versions of the mount */
    OP_EXCLUSIVE = 1 << 5,      /* CREATE: -EEXIST if it exists */
    OP_NO_REPLACE = 1 << 6,     /* RENAME: -EEXIST if the target exists */
    OP_EXCHANGE = 1 << 7,       /* RENAME: both must exist and change places */
    OP_SET_MODE = 1 << 8,
    OP_SET_UID = 1 << 9,
    OP_SET_GID = 1 << 10,
    OP_SET_MTIME = 1 << 11,     /* to `mtime`; without it a change sets the command's time */
    OP_SET_MTIME_NOW = 1 << 12, /* to the command's time */
    OP_KILL_PRIV = 1 << 13,     /* PUT, WRITE, APPEND, TRUNCATE, SETATTR: clear setuid, and setgid
                                   where the group may execute or `outsider` is set (chown(2)) */
    OP_XATTR_CREATE = 1 << 14,
    OP_XATTR_REPLACE = 1 << 15,
    OP_SET_ATIME = 1 << 16, /* to `atime` */
    OP_SET_ATIME_NOW = 1 << 17,
    OP_FOR_OPEN = 1 << 18,   /* TRUNCATE: that of open(2), after which contents are likely to follow
                                soon (tree_emptied). It changes nothing else */
    OP_LOCK_FLOCK = 1 << 19, /* LOCK, UNLOCK, UNWAIT: of flock(2), whole files; else fcntl(2) */
    OP_LOCK_SHARED = 1 << 20, /* LOCK: others may share it */
    OP_LOCK_WAIT = 1 << 21,   /* LOCK: waits if it is not free */
    OP_READ_ONLY = 1 << 22,   /* TOKEN_ADD: it may change nothing */
};

/* How a field of each kind is held. */
typedef uint32_t op_u32;
typedef uint64_t op_u64;
typedef int64_t op_time;
typedef struct bytes op_bytes; /* borrowed */

#define OPERATION_MEMBER(name, kind, bit, level) op_##kind name;
struct op {
    uint8_t type; /* enum op_type */
    OPERATION_FIELDS(OPERATION_MEMBER)
};
#undef OPERATION_MEMBER

/* The node that asked, and when. */
struct stamp {
    uint32_t node;
    uint64_t incarnation; /* of the node; each start is a higher one */
    uint64_t sequence;    /* of this command in the incarnation, from 1 */
    uint64_t lowest;      /* the lowest sequence that still waits for its result: below it all are
                             forgotten */
    uint64_t time;        /* of the cluster when it was proposed, ns since 1970 (level.h) */
};

/* A command under construction. A zeroed one is empty. */
struct command {
    struct buffer bytes;
    uint32_t count;
    uint32_t names; /* in its keys */
    uint32_t level; /* the highest that one of its parts needs (level.h); 0: it is empty. Set
                       before the first part: at least this */
    bool grows;     /* one of its parts may need room for what it stores */
};

void command_free(struct command *c);
/* Adds an operation, copying its bytes. Returns 0, -ENOMEM, -EFBIG (COMMAND_BYTES_MAX, and
 * VALUE_BYTES_MAX of a PUT) or -E2BIG (COMMAND_OPS_MAX, COMMAND_NAMES_MAX). */
int command_add(struct command *c, const struct op *op);
/* Writes the stamp; the bytes are then complete. */
void command_stamp(struct command *c, const struct stamp *stamp);
/* Gives a complete command another time. */
void command_date(uint8_t *bytes, uint64_t time);

/* A command as read from the log. */
struct command_view {
    struct stamp stamp;
    uint8_t version;
    uint32_t count;
    struct reader ops;
};

/* Both return 0, -EBADMSG for bytes that are no command, the same in every version of this program,
 * or -EPROTONOSUPPORT for what a later one may have written: a later version of commands, and in
 * version 2 an operation or a field of a later level. */
int command_read(struct bytes bytes, struct command_view *view);
/* The next operation; its bytes are borrowed from the command's. Call `count` times. */
int command_next(struct command_view *view, struct op *op);

/* As command_read, having looked at every operation: command_next will not fail. */
int command_check(struct bytes bytes, struct command_view *view);

/* The attributes of an inode, as in stat(2). */
struct attr {
    uint64_t ino;
    uint32_t mode; /* with the type bits */
    uint32_t nlink, uid, gid;
    uint32_t rdev;     /* of a device; that of directories and files is the tree's own
                          (store/tree_implied.c, store/tree_mortal.c) */
    uint64_t size;     /* bytes */
    uint64_t used;     /* bytes that are stored: holes do not count */
    uint64_t revision; /* log index + 1 of the last change; the ETag */
    int64_t atime;     /* ns since 1970, like the others; as it was set: reading leaves it alone */
    int64_t mtime, ctime;
};

/* The result of one operation; zeros if it was skipped. */
struct op_result {
    bool existed;     /* PUT, DELETE, CREATE: there was one before; IF: the condition holds;
                         UNLOCK, UNWAIT, EPHEMERAL_END: there was one; END_SESSION: it has ended by
                         this */
    bool old_present; /* the former value is at old_at, old_len of the result's `old` */
    size_t old_at, old_len;
    struct attr attr; /* of the inode that the operation made or changed, afterwards; WRITE/APPEND:
                         its size tells where the end is */
    uint64_t offset;  /* APPEND: where the bytes went; LOCK: enum lock_answer. Of a lock that was
                         granted, attr.revision is the token, and attr.size the session.
                         EPHEMERAL: the session */
};

enum lock_answer { LOCK_GRANTED, LOCK_WAITS, LOCK_BUSY };

/* The result of a command. A zeroed one is empty. */
struct command_result {
    int status; /* 0, or the negative errno of the operation that failed: then nothing has happened
                 */
    uint32_t failed_op; /* which one */
    uint64_t revision;  /* log index + 1 */
    uint32_t count;
    struct op_result *ops; /* `count` of them; NULL if status != 0 */
    struct buffer old;     /* former values, only at the proposer */
    bool old_forgotten; /* recalled from the exactly-once rows, which do not keep former values */
};

void command_result_free(struct command_result *r);
/* The result of the operations from `first` on, as if they were the whole command: for a door that
 * has put others before those of its caller. Borrowed from `r`; not to be freed. If an operation
 * before them failed, failed_op is none of theirs. */
struct command_result command_result_behind(const struct command_result *r, uint32_t first);
struct bytes command_result_old(const struct command_result *r, uint32_t i);

#endif
