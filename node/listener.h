/* One port for everything: accepts, waits until the first bytes can be seen, and hands the socket,
 * with nothing read from it, to the room that serves the request. A connection that begins with a
 * ClientHello of TLS is decrypted first (tls/channel.h): the room gets a socket of this process. A
 * Unix socket is served likewise.
 *
 * A slow or silent connection blocks nobody and is closed after LISTENER_PEEK_MS. Thread: the
 * loop's. */
#ifndef QUORUMFS_LISTENER_H
#define QUORUMFS_LISTENER_H

#include "base/fault.h"
#include "base/owner.h"
#include "tls/channel.h"

#include <stdbool.h>
#include <sys/socket.h>
#include <uv.h>

enum {
    LISTENER_PEEK_MS = 10000,
    LISTENER_PEEKING_MAX = 4096, /* connections that have said nothing yet; the oldest is closed */
    LISTENER_ROUTES_MAX = 4,
};

/* The other end of a connection. */
struct listener_from {
    struct sockaddr_storage address; /* of a Unix socket, only the family */
    socklen_t len;
    enum tls_who who;
    struct owner owner; /* looked up when the first bytes are there, if the route asks for it or the
                           connection is encrypted */
};

struct listener_route {
    const char *prefix; /* of the first line, such as "GET /omnipax"; followed by a space or '?'.
                           NULL, as the last route: everything else; without it, that is closed */
    void (*adopt)(void *arg, int fd, const struct listener_from *from); /* takes fd */
    void *arg;
    bool asks_owner;
    uint32_t (*count)(void *arg); /* connections of clients that the route has; NULL: none counts */
};

struct listener;

/* Listens on HOST:PORT (port 0: a free one). The prefixes must stay valid. `adopt` is
 * called from the loop and never after listener_stop; its socket is non-blocking, and nothing of
 * the loop is attached to it. `channels` may be NULL: then there is no encryption. Returns 0, or a
 * negative errno (-EADDRINUSE, ...) with the fault's text. */
int listener_start(uv_loop_t *loop, const char *addr, const struct listener_route *routes,
                   uint32_t count, struct channels *channels, struct listener **listener,
                   struct fault *fault);
/* Likewise at the Unix socket `name` in a folder, without encryption. One that a former process has
 * left there is replaced; every user may connect to the new one. */
int listener_start_in(uv_loop_t *loop, const char *folder, const char *name,
                      const struct listener_route *routes, uint32_t count,
                      struct listener **listener, struct fault *fault);
int listener_port(const struct listener *listener);
/* Stops accepting and closes what has not been handed on; frees itself once the loop has run. */
void listener_stop(struct listener *listener);

#endif
