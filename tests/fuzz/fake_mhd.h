/* libmicrohttpd's side of a request, without sockets: it takes the place of the functions that the
 * HTTP door calls during one. The daemon is the real one, and idle. */
#ifndef QUORUMFS_TESTS_FUZZ_FAKE_MHD_H
#define QUORUMFS_TESTS_FUZZ_FAKE_MHD_H

#include "base/buffer.h"

#include <microhttpd.h>

enum { FAKE_HEADERS_MAX = 8 };

struct MHD_Response {
    struct buffer body;
    char *content_type; /* the header; allocated */
    bool cut;           /* its callback gave up */
    uint32_t refs;
};

struct MHD_Connection {
    void *context; /* of the connection: struct http_connection */
    struct {
        const char *name;
        char *value;
    } headers[FAKE_HEADERS_MAX];
    size_t header_count;
    bool suspended;
    unsigned int status; /* 0: nothing was queued */
    struct MHD_Response *response;
};

/* Gives the response back. */
void fake_mhd_end(struct MHD_Connection *connection);

#endif
