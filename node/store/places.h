/* Whether the files of a folder are still where they were opened.
 *
 * A process keeps what it has open even if somebody moves or deletes the path, and on Linux no call
 * ever fails for it: a node would go on acknowledging what its next start cannot find. So the paths
 * are looked at from time to time; if one of them does not lead to the same file any more, the node
 * must stop.
 *
 * Thread: the loop's. Looking is a few calls of stat(2), which hardly ever reach a disk. */
#ifndef QUORUMFS_STORE_PLACES_H
#define QUORUMFS_STORE_PLACES_H

#include "base/fault.h"
#include "store/folder.h"

#include <sys/types.h>

enum { PLACES_MAX = 7 };

/* Zeroed: nothing is remembered. */
struct places {
    struct place {
        dev_t device;
        ino_t inode; /* 0: not remembered */
    } of[PLACES_MAX];
};

/* Remembers where the folder and its lock are. */
void places_remember_folder(struct places *places, const struct folder *folder);
/* Remember a database that has just been opened, and the files that SQLite keeps beside it. */
void places_remember_log(struct places *places, const struct folder *folder);
void places_remember_tree(struct places *places, const struct folder *folder);
/* Looks at all that was remembered. 0, or -ESTALE with the fault's text: a path leads elsewhere, or
 * nowhere. A path that cannot be looked at (EIO, ...) says nothing. */
int places_look(const struct places *places, const struct folder *folder, struct fault *fault);

#endif
