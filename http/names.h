/* Private to the room: the names of this node, which decide whether a request was meant for it.
 *
 * A web page whose author gives its name the address of this node (DNS rebinding) sends requests
 * that are this node's own to the browser; only their Host tells. With each request that could
 * change something, a browser also sends the origin of the page that makes it (RFC 6454). Both are
 * compared with one list: `addr`, `hosts`, localhost, and literal addresses, which no page can
 * take. Thread: any. */
#ifndef QUORUMFS_HTTP_NAMES_H
#define QUORUMFS_HTTP_NAMES_H

#include "config/config.h"
#include "head.h"

/* Whether HOST or HOST:PORT names this node, at whatever port. */
bool http_host_is_ours(const struct config *config, struct bytes authority);

/* Whether the page of this origin is one of this node: it has the authority that the request went
 * to, or a name of the list at a port of this node. A name in `hosts` also stands for the default
 * ports, or for the port that it is given with: the node may be behind a proxy. */
bool http_origin_is_ours(const struct config *config, const char *origin, struct bytes authority);

/* Whether a request is none that a page of another origin makes a browser send: its Origin is one
 * of this node; or it has none, and then the browser says that it comes from no other page
 * (Sec-Fetch-Site), or it is a link that somebody follows, whose answer the page does not get. Old
 * browsers say nothing of all this with a form, but what a form sends has a type that says so. */
bool http_page_may(const struct config *config, const struct http_head *head);

#endif
