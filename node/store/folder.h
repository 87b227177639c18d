/* A node's folder: who it belongs to, and that only one process uses it.
 *
 *   lock      held (flock) by the running process
 *   log.db    the replicated log and what consensus must not forget; the truth
 *   tree.db   the key tree that the log makes, at the applied index it carries
 *   damaged   what is wrong with them, if it is known: the folder is refused
 *   leases    the node takes part in read leases, or did so until its last start
 *
 * Thread: the loop's, before anything else of the store. */
#ifndef QUORUMFS_STORE_FOLDER_H
#define QUORUMFS_STORE_FOLDER_H

#include "base/fault.h"

#include <stdbool.h>
#include <stdint.h>

/* The format of each database. One of an older format is brought up to date when it is opened, in
 * the same transaction; from then on, earlier versions of quorumfs refuse it. */
enum { FOLDER_FORMAT = 4, FOLDER_FORMAT_OLDEST = 3 };

/* The cluster that a folder belongs to, and the node in it. Both databases store it and refuse to
 * open for another one. */
struct identity {
    uint64_t cluster; /* random, made when the cluster was founded; 0: not known yet. (Of a cluster
                         that was founded at feature level 1, a hash of its addresses.) */
    uint32_t node;    /* the node's id in the cluster, never given to another one; 0: not known */
    bool told;        /* by a member: the node must not believe that nobody took part before */
};

struct folder;

/* Makes the folder if it is missing, locks it. Returns 0, -EBUSY (another process uses it),
 * -EUCLEAN (it was condemned) or another negative errno, with the fault's text. */
int folder_open(const char *path, struct folder **folder, struct fault *fault);
const char *folder_path(const struct folder *folder);
/* Writes down what is wrong with the databases, durably: it is not opened again. Where even that
 * fails, whoever finds the damage will find it again. */
void folder_condemn(const struct folder *folder, const char *text);
/* Reads which cluster the folder belongs to: zeros if that is not known yet, or the folder is new.
 * `*format` is that of the database which says it. Returns 0, -EINVAL (a database that is not
 * quorumfs's, or of an unknown format) or another negative errno, with the fault's text. */
int identity_read(const struct folder *folder, struct identity *identity, int *format,
                  struct fault *fault);
/* Whether it is written down that the node takes part in leases. */
bool folder_has_leases(const struct folder *folder);
/* Writes that down, durably. Returns 0 or a negative errno, with the fault's text. */
int folder_keep_leases(const struct folder *folder, struct fault *fault);
/* Takes it back; if that fails it may still be there at the next start. */
void folder_forget_leases(const struct folder *folder);
/* Unlocks. Everything in the folder must be closed before. */
void folder_close(struct folder *folder);

#endif
