/* Private to the room: what a dialler says about itself in HTTP headers, and who is let in. */
#ifndef QUORUMFS_PEER_HANDSHAKE_H
#define QUORUMFS_PEER_HANDSHAKE_H

#include "peer/link.h"

/* Keeps the secret in the form in which it is sent. 0 or -EINVAL (too long). */
int handshake_set_secret(struct peer *peer, const char *secret);
/* Appends the headers at `*at`, which has `room` bytes. 0 or -ENOSPC. */
int handshake_write(const struct link *link, char **at, size_t room);
/* Looks at a request that came from `ip`. Returns 0 and the dialler's link, or the HTTP status to
 * refuse it with and why (static text). */
unsigned handshake_check(struct peer *peer, struct lws *wsi, const struct in6_addr *ip,
                         struct link **link, const char **why);

#endif
