/* Private to the room: the connection that a node dials, from the socket to the WebSocket that
 * stands.
 *
 *   CONNECTING --> SHAKING (TLS) --> ASKING --> ANSWER --101--> OPEN
 *
 * Nothing is said to the other end before it has proved that it is a node. Only one direction of
 * the WebSocket is used, so there is nothing to be read from it. */
#ifndef QUORUMFS_PEER_WIRE_H
#define QUORUMFS_PEER_WIRE_H

#include "base/buffer.h"
#include "peer/link.h"

struct wire;

struct wire_target {
    const struct in6_addr *ip;
    uint16_t port;
    const char *host; /* which its certificate must name */
    const char *name; /* for the header Host */
    struct tls *tls;  /* NULL: plain */
    uint32_t way;     /* tls_session_dial */
};

/* Called from the loop. */
struct wire_events {
    /* The other end is a node: appends the headers of the request. 0 or a negative errno. */
    int (*greet)(void *arg, char **at, size_t room);
    void (*open)(void *arg);
    /* It has ended by itself; `http_status` is 0 unless the other end has refused. `wrong_way`: it
     * was reached, and another way may lead in. The wire is gone. */
    void (*lost)(void *arg, unsigned http_status, bool wrong_way, const char *why);
    void (*writable)(void *arg); /* once, after wire_wait */
    void *arg;
};

/* NULL: it cannot be connected. */
struct wire *wire_open(struct peer *peer, const struct wire_target *target,
                       const struct wire_events *events);
/* Without calling back. */
void wire_close(struct wire *wire);
/* Has it end soon, by `lost`. */
void wire_cut(struct wire *wire);
/* Takes all bytes: what the kernel does not take now waits in the wire. */
int wire_write(struct wire *wire, struct bytes bytes);
/* Whether something waits in the wire, or the kernel has enough. */
bool wire_is_choked(const struct wire *wire);
void wire_wait(struct wire *wire);
int wire_socket(const struct wire *wire);

#endif
