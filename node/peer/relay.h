/* Private to the room: frames that go by way of another node, sealed so that this one cannot change
 * them, or make some up, without the secret.
 *
 *   FRAME_SEALED: header | incarnation u64 | number u64 | length u32 | frame | code
 *
 * The code (tls_mac) is of all bytes before it, by a key for this pair of nodes and this direction.
 * The incarnation is that of the sender's start, and the number counts its sealed frames for this
 * receiver, so that both together only rise: what was recorded is refused, also after the sender
 * has started again. A receiver that has started again knows of the sender's last start only; what
 * was recorded since then is taken once more and in order, as if it had been under way for long,
 * which does no harm to any frame: the protocol expects that of networks. */
#ifndef QUORUMFS_PEER_RELAY_H
#define QUORUMFS_PEER_RELAY_H

#include "peer/link.h"

/* Whether frames for this peer that go by way of `relay` are to be sealed. */
bool relay_seals(const struct link *direct, const struct link *relay);
/* Whether unsealed frames by way of others are taken. */
bool relay_takes_plain(const struct peer *peer);
/* Queues the frame for `direct` at `relay`. Returns how many frames were dropped. */
uint32_t relay_put(struct link *direct, struct link *relay, const struct frame *frame);
/* Opens a frame of type FRAME_SEALED whose bytes are `bytes`. Returns the bytes of the frame in it,
 * which are borrowed; none if it is not believed. */
struct bytes relay_open(struct peer *peer, const struct frame *sealed, struct bytes bytes);

#endif
