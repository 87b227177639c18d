/* Private to the room: the connection that this node dials, to talk to a peer. */
#ifndef QUORUMFS_PEER_DIAL_H
#define QUORUMFS_PEER_DIAL_H

#include "peer/link.h"

void dial_start(struct link *link); /* what dialling needs; it begins with dial_now */
/* The peer is evidently there: dials now rather than later. Not without an address. */
void dial_now(struct link *link);
/* Something is in the outbox. */
void dial_write(struct link *link);
/* Sends it, or waits until the kernel takes more. */
void dial_flush(struct link *link);
/* Gives the connection up when it has not come to stand, or has taken nothing, for too long. */
void dial_pulse(struct link *link);
/* Gives up the connection and what waits for it, and dials no more. */
void dial_leave(struct link *link);
void dial_stop(struct link *link);

#endif
