/* A node's folder: which cluster and node it belongs to, and the lock that lets one process use it.
 *
 *   lock      held (flock) by the running process
 *   log.db    the replicated log and what consensus must not forget; the truth
 *   tree.db   the key tree that the log makes, at the applied index it carries
 *   damaged   says what is wrong with the databases; a folder that has this file is refused
 *   leases    is there if the node takes part in read leases, or did so until its last start
 *
 * Thread: the loop's. The folder is opened before anything else of the store. */
#ifndef QUORUMFS_STORE_FOLDER_H
#define QUORUMFS_STORE_FOLDER_H

#include "base/fault.h"

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

/* The format of each database. Opening one of an older format brings it up to date, in one
 * transaction; from then on, earlier versions of quorumfs refuse it. */
enum { FOLDER_FORMAT = 6, FOLDER_FORMAT_OLDEST = 3 };

/* The cluster that a folder belongs to, and the node in it. Both databases store it and refuse to
 * open for another one. */
struct identity {
    uint64_t cluster; /* random, made when the cluster was founded; 0: not known yet. (Of a cluster
                         that was founded at feature level 1, a hash of its addresses.) */
    uint32_t node;    /* the node's id in the cluster, never given to another one; 0: not known */
    bool told; /* by a member: others took part before this node, which cannot be a founder */
};

struct folder;

/* What to do with a folder that has forgotten something: in sentences, after a colon or the like.
 * Without such a majority, emptying it may destroy the only copy. */
#define FOLDER_REMEDY                                                                              \
    "if a majority of the other nodes have their data, empty the whole folder to join as a new "   \
    "node"

/* Whether the folder, if it is there, is the user's alone that runs this process: nothing of the
 * node in it is a link or another user's. Closes to others what is open to them. To be called
 * before folder_open. Returns 0, -EPERM or another negative errno, with the fault's text. */
int folder_check_owner(const char *path, struct fault *fault);
/* Makes the folder if it is missing, locks it. Returns 0, -EBUSY (another process uses it),
 * -EUCLEAN (it was condemned) or another negative errno, with the fault's text. */
int folder_open(const char *path, struct folder **folder, struct fault *fault);
const char *folder_path(const struct folder *folder);
/* Writes down durably what is wrong with the databases, so that the folder is not opened again. If
 * even that fails, the next start finds the damage by itself. */
void folder_condemn(const struct folder *folder, const char *text);
/* Reads which cluster the folder belongs to: zeros if that is not known yet, or the folder is new.
 * `*format` is the format of the database that says so. Returns 0, -EINVAL (a database that is not
 * quorumfs's, or of an unknown format) or another negative errno, with the fault's text. */
int identity_read(const struct folder *folder, struct identity *identity, int *format,
                  struct fault *fault);
/* Whether the file `leases` is there. */
bool folder_has_leases(const struct folder *folder);
/* Makes it, durably. Returns 0 or a negative errno, with the fault's text. */
int folder_keep_leases(const struct folder *folder, struct fault *fault);
/* Removes it. If that fails, the file may still be there at the next start. */
void folder_forget_leases(const struct folder *folder);
/* For the room: puts the path of a file in a folder together; makes durable which files a folder
 * has. 0 or a negative errno. `path` is that of the folder. Thread: any. */
int folder_file(const char *path, const char *name, char file[PATH_MAX], struct fault *fault);
int folder_sync(const char *path);
/* Unlocks. Everything in the folder must be closed before. */
void folder_close(struct folder *folder);

#endif
