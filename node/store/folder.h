/* A node's folder: who it belongs to, and that only one process uses it.
 *
 *   lock      held (flock) by the running process
 *   log.db    the replicated log and what consensus must not forget; the truth
 *   tree.db   the key tree that the log makes, at the applied index it carries
 *
 * Thread: the loop's, before anything else of the store. */
#ifndef QUORUMFS_STORE_FOLDER_H
#define QUORUMFS_STORE_FOLDER_H

#include "base/fault.h"

#include <stdint.h>

enum { FOLDER_FORMAT = 3 }; /* of both databases; any other is refused */

/* The cluster that a folder belongs to, and the node in it. Both databases store it when they are
 * made and refuse to open for another one. */
struct identity {
    uint64_t cluster; /* hash of the members' addresses at the first start */
    uint32_t node;    /* pid: position in the sorted addresses, from 1 */
};

struct folder;

/* Makes the folder if it is missing, locks it. Returns 0, -EBUSY (another process uses it) or
 * another negative errno, with the fault's text. */
int folder_open(const char *path, struct folder **folder, struct fault *fault);
const char *folder_path(const struct folder *folder);
/* Unlocks. Everything in the folder must be closed before. */
void folder_close(struct folder *folder);

#endif
