/* Private to the room: what a dialler says of itself, and of its cluster, in the headers of its
 * request.
 *
 *   X-Quorumfs-Node, -To     the ids of the two nodes
 *   X-Quorumfs-Cluster       the cluster's id and its configuration, in hexadecimal
 *   X-Quorumfs-Secret        the cluster_secret, in hexadecimal; in plain links only, as former
 *                            versions make them
 *   X-Quorumfs-Levels        the feature levels that the dialler speaks: "1-2"
 *   X-Quorumfs-Standing      "new", "founding" or "member": enum peer_standing
 *   X-Quorumfs-Start         the start in which the dialler runs:
 *                            "INCARNATION-TOKEN", in hexadecimal
 *   X-Quorumfs-Seen          the last start of the other node that the dialler has heard of
 *   X-Quorumfs-Process       a random number of the dialler's process, in hexadecimal
 *   X-Quorumfs-Settings      "heartbeat_ms=100 lease_ms=0 session_ms=10000 version=0.1.0"
 *   X-Quorumfs-Addr          where the dialler listens: "ADDR,PEER_ADDR"
 *   X-Quorumfs-Members       all members of the cluster, the dialler included, if it knows where
 *                            each of them is: "ID,ADDR,PEER_ADDR ID,ADDR,PEER_ADDR ..."
 *
 * A node of feature level 1 sends the first four and reads no others. */
#ifndef QUORUMFS_PEER_GREETING_H
#define QUORUMFS_PEER_GREETING_H

#include "peer/link.h"

extern const char greeting_header_secret[];

/* Appends the headers at `*at`, which has `room` bytes. 0 or -ENOSPC. */
int greeting_write(const struct link *link, char **at, size_t room);
/* Reads the headers of a request. Returns false for headers that no node writes. */
bool greeting_read(struct lws *wsi, struct peer_greeting *greeting);
/* The value of one header; a missing one is empty. Returns false if it is too long for `value`,
 * which is filled with zeros behind it. */
bool greeting_header(struct lws *wsi, const char *name, char *value, size_t size);

#endif
