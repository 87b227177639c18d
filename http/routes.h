/* Private to the room: the one list of the API's paths and methods.
 *
 * The declarations of the handlers, the table in which a request is looked up, the methods that a
 * 405 names and the paths that a 404 names all follow from it: a new route is a row here and its
 * handler. */
#ifndef QUORUMFS_HTTP_ROUTES_H
#define QUORUMFS_HTTP_ROUTES_H

#include "http.h"

enum {
    HTTP_JSON_BYTES_MAX = 2 * HTTP_BODY_BYTES_MAX,
    HTTP_LEASE_BYTES_MAX = 1024,
    HTTP_TOKEN_BYTES_MAX = 64 * 1024
};

/* X(method, path, most bytes of a body, shape of the answers, who may ask, handler). A path that
 * ends with a slash stands for every key, or every lease, below it. The rows of one path follow
 * each other. HEAD goes where GET goes; the body of the answer is then left out. */
#define HTTP_ROUTES(X)                                                                             \
    /* reads.c, writes.c */                                                                        \
    X("GET", "/key/", 0, HTTP_SINGLE, HTTP_USERS, http_read_key)                                   \
    X("PUT", "/key/", HTTP_BODY_BYTES_MAX, HTTP_SINGLE, HTTP_USERS, http_put_key)                  \
    X("DELETE", "/key/", 0, HTTP_SINGLE, HTTP_USERS, http_delete_key)                              \
    X("POST", "/key", HTTP_JSON_BYTES_MAX, HTTP_SINGLE, HTTP_USERS, http_post_key)                 \
    X("GET", "/keys", HTTP_JSON_BYTES_MAX, HTTP_MULTIPLE, HTTP_USERS, http_read_keys)              \
    X("POST", "/keys", HTTP_JSON_BYTES_MAX, HTTP_MULTIPLE, HTTP_USERS, http_post_keys)             \
    X("DELETE", "/keys", HTTP_JSON_BYTES_MAX, HTTP_MULTIPLE, HTTP_USERS, http_delete_keys)         \
    X("POST", "/txn", HTTP_JSON_BYTES_MAX, HTTP_TRANSACTION, HTTP_USERS, http_post_txn)            \
    /* lease.c */                                                                                  \
    X("POST", "/lease", HTTP_LEASE_BYTES_MAX, HTTP_SINGLE, HTTP_USERS, http_post_lease)            \
    X("GET", "/lease/", 0, HTTP_SINGLE, HTTP_USERS, http_read_lease)                               \
    X("POST", "/lease/", 0, HTTP_SINGLE, HTTP_USERS, http_renew_lease)                             \
    X("DELETE", "/lease/", 0, HTTP_SINGLE, HTTP_USERS, http_end_lease)                             \
    X("GET", "/leases", 0, HTTP_MULTIPLE, HTTP_USERS, http_list_leases)                            \
    /* watch.c */                                                                                  \
    X("GET", "/watch", 0, HTTP_SINGLE, HTTP_USERS, http_watch)                                     \
    /* tokens.c */                                                                                 \
    X("GET", "/tokens", 0, HTTP_MULTIPLE, HTTP_ROOT, http_list_tokens)                             \
    X("POST", "/tokens", HTTP_TOKEN_BYTES_MAX, HTTP_SINGLE, HTTP_ROOT, http_post_token)            \
    X("DELETE", "/tokens/", 0, HTTP_SINGLE, HTTP_ROOT, http_delete_token)                          \
    /* meta.c */                                                                                   \
    X("GET", "/locks", 0, HTTP_MULTIPLE, HTTP_USERS, http_read_locks) /* locks.c */                \
    X("GET", "/ping", 0, HTTP_MULTIPLE, HTTP_USERS, http_ping)                                     \
    X("GET", "/status", 0, HTTP_SINGLE, HTTP_USERS, http_status)                                   \
    X("GET", "/healthz", 0, HTTP_SINGLE, HTTP_OPEN, http_healthz)                                  \
    X("GET", "/readyz", 0, HTTP_SINGLE, HTTP_OPEN, http_readyz)                                    \
    X("GET", "/metrics", 0, HTTP_SINGLE, HTTP_USERS, http_metrics)                                 \
    /* client_handshake.c */                                                                       \
    X("GET", "/client", 0, HTTP_SINGLE, HTTP_USERS, http_client_refused)                           \
    X("GET", "/omnipax", 0, HTTP_SINGLE, HTTP_USERS, http_omnipax)

#endif
