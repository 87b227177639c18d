/* Private to the room: an address that may use this door does not speak for every page that a
 * browser has open there.
 *
 * A browser says with each request that could change something which page it comes from (Origin,
 * RFC 6454). One that does not come from this node itself is refused. Thread: any. */
#ifndef QUORUMFS_HTTP_ORIGIN_H
#define QUORUMFS_HTTP_ORIGIN_H

#include <stdbool.h>

#define HTTP_ORIGIN_REFUSED "a page of another origin may not use this node"

/* Both as the headers have them; NULL: there is none. */
bool http_origin_is_foreign(const char *origin, const char *host);

#endif
