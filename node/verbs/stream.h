/* Private to the room: the nodes of a mount, and answers that are read line by line as they come.
 */
#ifndef QUORUMFS_VERB_STREAM_H
#define QUORUMFS_VERB_STREAM_H

#include "base/buffer.h"
#include "base/fault.h"

#include <stdio.h>

enum { VERB_ADDRS_MAX = 16, VERB_ADDR_BYTES = 256, VERB_TIMEOUT_S = 40 };

/* Where a cluster is. */
struct verb_cluster {
    char addr[VERB_ADDRS_MAX][VERB_ADDR_BYTES]; /* HOST:PORT; the first one is asked first */
    uint32_t count, at;
};

/* Adds an address. 0 or a negative errno. */
int verb_add_addr(struct verb_cluster *cluster, const char *addr);
/* Finds the mount that a path lies in, the nodes as its status lists them, and the path's key. The
 * path itself need not exist. Returns 0 or a negative errno with the fault's text. */
int verb_find(const char *path, struct verb_cluster *cluster, struct buffer *key,
              struct fault *fault);

/* An answer of HTTP, whose body is read line by line. */
struct verb_stream {
    FILE *file; /* NULL: none */
    int status;
    char *line; /* without its end; valid until the next one */
    size_t cap;
};

/* GET of a path at the present node of the cluster. 0, or a negative errno with a text. */
int verb_get(struct verb_cluster *cluster, const char *path, struct verb_stream *stream,
             struct fault *fault);
/* The next line of the body; false: it has ended. */
bool verb_next_line(struct verb_stream *stream);
void verb_close(struct verb_stream *stream);
/* Takes the next node of the list, the first one after the last. */
void verb_next_node(struct verb_cluster *cluster);

#endif
