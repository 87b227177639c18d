/* libwebsockets' side of one client connection, without sockets. */
#ifndef QUORUMFS_TESTS_FUZZ_FAKE_LWS_H
#define QUORUMFS_TESTS_FUZZ_FAKE_LWS_H

#include "base/buffer.h"

#include <libwebsockets.h>

struct lws_vhost {
    lws_callback_function *callback;
    void *user;
    size_t session_bytes;
};

struct lws {
    struct lws_vhost *vhost;
    void *session; /* NULL: not established */
    bool final;    /* the bytes being received end a message */
    bool paused, wants_to_write;
    void *opaque;
    struct buffer writing; /* the fragments of a message */
    uint32_t messages;     /* written */
    void (*on_written)(struct bytes message);
};

extern struct lws_vhost fake_vhost; /* as the door has set it up */

/* The next connection that the door adopts is this one, which then shakes hands. */
void fake_lws_next(struct lws *wsi);
/* Each returns false when the connection has ended with it. */
bool fake_lws_receive(struct lws *wsi, struct bytes part, bool final);
bool fake_lws_write(struct lws *wsi); /* once, if the door asked for it */
void fake_lws_close(struct lws *wsi); /* by the client */

#endif
