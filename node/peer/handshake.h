/* Private to the room: which dialler is let in. */
#ifndef QUORUMFS_PEER_HANDSHAKE_H
#define QUORUMFS_PEER_HANDSHAKE_H

#include "peer/link.h"

/* Keeps the secret in the form in which it is sent over plain links. 0 or -EINVAL (too long). */
int handshake_set_secret(struct peer *peer, const char *secret);
/* Looks at the request of a guest. Returns 0 and the dialler's link, or the HTTP status to
 * refuse it with and why (text valid until the next call). After 503 the dialler tries again. */
unsigned handshake_check(struct peer *peer, struct lws *wsi, const struct guest *guest,
                         struct link **link, const char **why);

#endif
