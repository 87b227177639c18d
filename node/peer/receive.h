/* Private to the room: the connections that peers dial, to be listened to. */
#ifndef QUORUMFS_PEER_RECEIVE_H
#define QUORUMFS_PEER_RECEIVE_H

#include "peer/link.h"

/* Gives up the connections of peers that have been silent for too long, and of guests that have not
 * identified themselves. */
void receive_pulse(struct peer *peer);
/* Gives up the connection of a peer, if there is one. */
void receive_leave(struct link *link);
/* The callbacks of libwebsockets for connections that were accepted. */
int receive_event(struct peer *peer, struct lws *wsi, enum lws_callback_reasons reason, void *in,
                  size_t len);

#endif
