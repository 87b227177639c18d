/* Private to the room: the one list of the API's paths and methods.
 *
 * The declarations of the handlers, the table in which a request is looked up, the methods that a
 * 405 names and the paths that a 404 names all follow from it: a new route is a row here and its
 * handler. */
#ifndef QUORUMFS_HTTP_ROUTES_H
#define QUORUMFS_HTTP_ROUTES_H

#include "http.h"

enum { HTTP_JSON_BYTES_MAX = 2 * HTTP_BODY_BYTES_MAX, HTTP_LEASE_BYTES_MAX = 1024 };

/* X(method, path, most bytes of a body, shape of the answers, handler). A path that ends with a
 * slash stands for every key, or every lease, below it. The rows of one path follow each other.
 * HEAD goes where GET goes; the body of the answer is then left out. */
#define HTTP_ROUTES(X)                                                                             \
    /* reads.c, writes.c */                                                                        \
    X("GET", "/key/", 0, HTTP_SINGLE, http_read_key)                                               \
    X("PUT", "/key/", HTTP_BODY_BYTES_MAX, HTTP_SINGLE, http_put_key)                              \
    X("DELETE", "/key/", 0, HTTP_SINGLE, http_delete_key)                                          \
    X("POST", "/key", HTTP_JSON_BYTES_MAX, HTTP_SINGLE, http_post_key)                             \
    X("GET", "/keys", HTTP_JSON_BYTES_MAX, HTTP_MULTIPLE, http_read_keys)                          \
    X("POST", "/keys", HTTP_JSON_BYTES_MAX, HTTP_MULTIPLE, http_post_keys)                         \
    X("DELETE", "/keys", HTTP_JSON_BYTES_MAX, HTTP_MULTIPLE, http_delete_keys)                     \
    X("POST", "/txn", HTTP_JSON_BYTES_MAX, HTTP_TRANSACTION, http_post_txn)                        \
    /* lease.c */                                                                                  \
    X("POST", "/lease", HTTP_LEASE_BYTES_MAX, HTTP_SINGLE, http_post_lease)                        \
    X("GET", "/lease/", 0, HTTP_SINGLE, http_read_lease)                                           \
    X("POST", "/lease/", 0, HTTP_SINGLE, http_renew_lease)                                         \
    X("DELETE", "/lease/", 0, HTTP_SINGLE, http_end_lease)                                         \
    X("GET", "/leases", 0, HTTP_MULTIPLE, http_list_leases)                                        \
    /* watch.c */                                                                                  \
    X("GET", "/watch", 0, HTTP_SINGLE, http_watch)                                                 \
    /* meta.c */                                                                                   \
    X("GET", "/ping", 0, HTTP_MULTIPLE, http_ping)                                                 \
    X("GET", "/status", 0, HTTP_SINGLE, http_status)                                               \
    X("GET", "/healthz", 0, HTTP_SINGLE, http_healthz)                                             \
    X("GET", "/readyz", 0, HTTP_SINGLE, http_readyz)                                               \
    X("GET", "/metrics", 0, HTTP_SINGLE, http_metrics)                                             \
    /* client_handshake.c */                                                                       \
    X("GET", "/client", 0, HTTP_SINGLE, http_client_refused)                                       \
    X("GET", "/omnipax", 0, HTTP_SINGLE, http_omnipax)

#endif
