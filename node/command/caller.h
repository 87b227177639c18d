/* The caller of a command or of a read: with whose rights it looks at the tree and changes it.
 *
 * A door finds out who its caller is. Root without a token may do everything: nothing is checked,
 * and its commands are as they would be without all this. The commands of any other caller begin
 * with AS, and every operation behind it is checked when it is applied (store/tree_rights.c). Reads
 * are checked by tree_may and its neighbours in store/tree.h.
 *
 * Thread: any. */
#ifndef QUORUMFS_COMMAND_CALLER_H
#define QUORUMFS_COMMAND_CALLER_H

#include "command/command.h"

enum {
    /* Supplementary groups. A caller with more is refused by its door: to leave some out could give
     * rights as well, since a mode of 0604 keeps a group out. */
    CALLER_GROUPS_MAX = 256,
    TOKEN_NAME_BYTES_MAX = 64,
    TOKEN_HASH_BYTES = 32, /* SHA-256 of a token */
};

struct caller {
    uint32_t uid, gid;
    uint32_t group_count;
    uint32_t groups[CALLER_GROUPS_MAX];
    uint64_t token; /* the id of the token by which it came; 0: by none */
};

/* What a caller wants to do with a file or a directory: the bits of a mode. */
enum caller_want { CALLER_SEARCH = 1, CALLER_WRITE = 2, CALLER_READ = 4 };

/* Nothing is checked for this caller. */
static inline bool caller_is_root(const struct caller *caller)
{
    return caller->uid == 0 && caller->token == 0;
}

bool caller_in_group(const struct caller *caller, uint32_t gid);
/* Whether owner, group and mode let the caller do all of `want`, as for the kernel: the first of
 * owner, group and others that it belongs to decides. User 0 may do everything, with a token as
 * well. */
bool caller_may(const struct caller *caller, const struct attr *attr, uint32_t want);
/* Whether the mode of a directory lets the caller remove or replace a name of `inode` in it, beyond
 * writing and searching it: the sticky bit. */
bool caller_may_unlink(const struct caller *caller, const struct attr *dir,
                       const struct attr *inode);

/* Adds AS to a command that is empty; for root, nothing. Returns 0, -E2BIG (too many groups),
 * or an error of command_add. */
int command_as(struct command *command, const struct caller *caller);
/* Reads the caller of an AS. 0 or -EINVAL. */
int caller_read(const struct op *as, struct caller *caller);

/* The groups of `caller` as AS and TOKEN_ADD have them, behind what `out` holds. */
void caller_put_groups(struct buffer *out, const struct caller *caller);
/* Reads them. 0 or -EINVAL. */
int caller_take_groups(struct bytes groups, struct caller *caller);

/* Checks a token's name: letters, digits, `.`, `_` and `-`, at most TOKEN_NAME_BYTES_MAX. 0 or
 * -EINVAL; `*why` is then a static English text for the user. */
int token_name_check(struct bytes name, const char **why);

#endif
