/* The key tree as it should be, in memory and as plainly as possible, for random tests to compare
 * with. It has everything that a command changes and answers, except how many bytes of a file in
 * chunks are stored. */
#ifndef QUORUMFS_TESTS_TREE_MODEL_H
#define QUORUMFS_TESTS_TREE_MODEL_H

#include "tree_workload.h"

#include "command/caller.h"

enum {
    MODEL_INODES = 16384,
    MODEL_NAMES = 4096,
    MODEL_XATTRS = 8,
    MODEL_NODES = 4,
    MODEL_INLINE_MAX = 3072, /* bytes; longer files are in chunks */
    MODEL_LEASES = WORKLOAD_LEASES,
    MODEL_TOKENS = 64,
};
#define MODEL_USED_UNKNOWN UINT64_MAX

struct model_inode {
    struct attr attr;    /* ino 0: it does not exist */
    bool chunks;         /* its contents are not inline: attr.used is MODEL_USED_UNKNOWN */
    uint32_t holder;     /* the node that holds it without a name; 0: none */
    uint32_t bound;      /* the node with whose session it goes; 0: none */
    uint64_t parent;     /* of a directory */
    uint64_t ttl, lease; /* with which it goes away; one of them, or neither */
    uint8_t *bytes;      /* WORKLOAD_FILE_MAX of them, unless it is a directory */
    struct buffer *xattr[MODEL_XATTRS]; /* by model_xattr; NULL: there is none */
};

struct model_name {
    uint64_t parent, ino; /* ino 0: unused */
    char name[16];
};

struct model_lease {
    uint64_t ttl, revision; /* ttl 0: there is none */
    uint32_t uid;
    uint64_t token;
};

struct model_token {
    struct caller caller; /* token 0: there is none */
    bool read_only;
    uint64_t expires;
    char name[8], path[8];
    uint8_t hash;
};

struct model {
    uint64_t inodes; /* the next number */
    uint64_t applied;
    uint64_t last_time;
    uint32_t level; /* of the cluster */
    uint64_t incarnation[MODEL_NODES];
    uint64_t session[MODEL_NODES];              /* its number; 0: there is none */
    struct model_lease lease[MODEL_LEASES + 1]; /* by id */
    struct model_inode inode[MODEL_INODES];
    struct model_name name[MODEL_NAMES];
    struct model_token token[MODEL_TOKENS];
    /* The command under way. */
    uint32_t node;
    uint64_t time;
    struct buffer *old;
    bool first;            /* its first operation is carried out; behind it: */
    bool checked;          /* the operations are checked, */
    struct caller caller;  /* with the rights of this caller, */
    struct model_token by; /* who came by this token */
};

struct model *model_new(void);
void model_free(struct model *m);
/* Carries out a command that has not been applied before: all of it or nothing. `*m` may then be
 * another model. The caller frees the result. */
void model_apply(struct model **m, struct bytes entry, struct command_result *result);
/* The inode with this name, or 0. */
uint64_t model_find(const struct model *m, uint64_t parent, struct bytes name);
/* The place of an extended attribute with this name, which is one of the workload's. */
uint32_t model_xattr(struct bytes name);

/* ---- For the operations ---- */

/* The inode got the command's revision and a ctime; model_touch_contents: an mtime as well. */
void model_touch(struct model *m, uint64_t ino);
void model_touch_contents(struct model *m, uint64_t ino);
struct model_name *model_name_of(struct model *m, uint64_t parent, struct bytes name);
bool model_exists(const struct model *m, uint64_t ino);
bool model_is_dir(const struct model *m, uint64_t ino);
/* It is used as a directory by somebody: it is not one that a PUT made in passing any more. */
void model_claim(struct model *m, uint64_t ino);
/* 0, -ESTALE, -ENOTDIR or -ENOENT: whether entries can be made there. */
int model_check_dir(const struct model *m, uint64_t ino);
/* 0, -ESTALE, -EISDIR or -EINVAL. */
int model_check_file(const struct model *m, uint64_t ino);
/* Makes an inode with these attributes (mode with type, uid, gid, rdev) and its name. */
uint64_t model_make(struct model *m, uint64_t parent, struct bytes name, struct attr attr);
/* Adds or takes away a name; the inode itself stays as it is. */
void model_enter(struct model *m, uint64_t parent, struct bytes name, uint64_t ino);
void model_leave(struct model *m, struct model_name *n);
/* Takes a name away, and with the last one the inode unless `hold` is its number. Gives its
 * attributes afterwards. */
struct attr model_drop(struct model *m, struct model_name *n, uint64_t hold);
struct attr model_unmake(struct model *m, uint64_t ino);
/* Drops the directories that a PUT made in passing and that are empty now, from this one on up. */
void model_prune(struct model *m, uint64_t dir);
/* A PUT: whether the file (0: a new one) may have the ttl or the lease; then it has. */
int model_check_mortal(const struct model *m, const struct op *op, uint64_t ino);
void model_put_mortal(struct model *m, const struct op *op, uint64_t ino);
/* It goes away with this ttl or this lease, or, if both are 0, does not. */
void model_set_mortal(struct model *m, uint64_t ino, uint64_t ttl, uint64_t lease);
void model_replace(struct model *m, uint64_t ino, struct bytes data);

/* 0 or the negative errno; then nothing has changed. */
int model_apply_data(struct model *m, const struct op *op, struct op_result *out);
int model_apply_name(struct model *m, const struct op *op, struct op_result *out);
int model_apply_ephemeral(struct model *m, const struct op *op, struct op_result *out);
void model_end_session(struct model *m, uint32_t node);
int model_apply_mortal(struct model *m, const struct op *op, struct op_result *out);
int model_apply_rights(struct model *m, const struct op *op, struct op_result *out);

/* ---- Rights of the command's caller ---- */

/* Whether the operation may be asked for at all: 0, -EPERM, -EROFS or -EACCES. */
int model_check_rights(const struct model *m, const struct op *op);
/* These bits of the inode's mode: 0 or -EACCES. */
int model_may(const struct model *m, uint64_t ino, uint32_t want);
int model_may_remove(const struct model *m, const struct model_name *n);
/* Every name of the inode; every name from this one on down. */
int model_may_remove_all(const struct model *m, uint64_t ino);
int model_may_remove_below(const struct model *m, const struct model_name *n);
bool model_may_use(const struct model *m, const struct model_lease *lease);
void model_kill_priv(struct model *m, const struct op *op, uint64_t ino);

#endif
