/* Keys: paths without a leading slash, as the tree and every door understand them. Thread: any. */
#ifndef QUORUMFS_COMMAND_KEY_H
#define QUORUMFS_COMMAND_KEY_H

#include "base/buffer.h"

/* The name at the root that is no key: the mount's own files live there. */
#define KEY_RESERVED ".quorumfs"

/* Checks a whole key. Returns 0, -EINVAL (empty, an empty component, `.`, `..`, a NUL byte),
 * -ENAMETOOLONG, or -EPERM (reserved); `*why` is then a static English text for the user. */
int key_check(struct bytes key, const char **why);
/* Checks one component in the same way; at_root: the reserved name counts. */
int key_check_name(struct bytes name, bool at_root, const char **why);
/* Takes the first component off `*rest` (which then lies behind its slash, empty at the end). */
struct bytes key_next(struct bytes *rest);

#endif
