/* Private to the room: path and query of a request's URI, percent-decoded (RFC 3986).
 *
 * A decoded path may hold any byte, also NUL: the caller must check a key that it takes from it. In
 * the query a `+` is a space, as in HTML forms. Thread: any. */
#ifndef QUORUMFS_HTTP_URI_H
#define QUORUMFS_HTTP_URI_H

#include "base/buffer.h"
#include "base/fault.h"

enum {
    HTTP_LIST_KEYS = 1000,       /* GET /keys without a limit */
    HTTP_LIST_KEYS_MAX = 10000,  /* the largest limit */
    HTTP_WAIT_SECONDS_MAX = 300, /* of a long poll */
};

/* The bytes lie in the text that was parsed. */
struct http_uri {
    struct bytes path;
    struct bytes consistency, prefix, after; /* data is NULL where the query does not give them, */
    struct bytes ttl, lease;                 /* these likewise */
    uint32_t limit;
    uint64_t revision; /* 0: none is asked for */
    uint64_t since;    /* of a watch, if `has_since` */
    bool has_since;
    uint32_t wait_ms; /* of a watch; 0: it is no long poll */
};

/* Decodes in place. Returns 0, or -EINVAL with the fault's text and the path as far as it could be
 * read. */
int http_uri_parse(char *text, struct http_uri *uri, struct fault *fault);

/* A revision, or 0. Returns 0 or -EINVAL. */
int http_number(struct bytes text, uint64_t *number);

/* The value of a hexadecimal digit, or -1. */
int http_hex_value(char c);

/* Percent-encodes for a query. Letters, digits and -._~/ stay as they are. */
void http_uri_encode(struct buffer *out, struct bytes bytes);

#endif
