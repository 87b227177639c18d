/* A node's state as text: for GET /status, /metrics and for .quorumfs/status. Thread: the loop's.
 */
#ifndef QUORUMFS_REPLICA_STATUS_H
#define QUORUMFS_REPLICA_STATUS_H

#include "base/buffer.h"
#include "replica/replica.h"

void status_json(struct replica *replica, struct buffer *out);
/* Prometheus text format, https://prometheus.io/docs/instrumenting/exposition_formats/ */
void status_metrics(struct replica *replica, struct buffer *out);
/* The sentence of .quorumfs/why with a newline; nothing when writes are accepted. */
void status_why(struct replica *replica, struct buffer *out);
/* replica_session_left_ms with a newline. */
void status_session(struct replica *replica, struct buffer *out);

#endif
