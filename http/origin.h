/* Private to the room: protects against web pages that a browser has open at an address that may
 * use this door.
 *
 * With each request that could change something, a browser sends the origin of the page that makes
 * it (RFC 6454). A request from any page but this node's own is refused. Thread: any. */
#ifndef QUORUMFS_HTTP_ORIGIN_H
#define QUORUMFS_HTTP_ORIGIN_H

#include <stdbool.h>

#define HTTP_ORIGIN_REFUSED "a web page of another origin may not use this node"

/* Both as the headers have them; NULL: there is none. */
bool http_origin_is_foreign(const char *origin, const char *host);

#endif
