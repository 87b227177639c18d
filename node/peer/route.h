/* Private to the room: which way a frame goes. Directly while the peer is heard, otherwise by way
 * of one that says it reaches it: one hop, never two, and never a heartbeat, so that elections see
 * the links as they are. */
#ifndef QUORUMFS_PEER_ROUTE_H
#define QUORUMFS_PEER_ROUTE_H

#include "peer/link.h"

/* Takes a frame that came over this link: delivers it, passes it on, or drops it. Returns 0, or
 * -EBADMSG for bytes that are no frame. */
int route_receive(struct link *link, struct bytes bytes);
/* Tells every peer whom this node reaches; also the sign of life of an idle link. */
void route_tell_reach(struct peer *peer);

#endif
