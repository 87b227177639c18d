/* Private to the room: entity tags and the conditions of a request (RFC 9110, 8.8.3 and 13).
 *
 * A tag is a revision and the form in which the value is sent: "41" is the bytes themselves, and
 * "+41" the JSON that holds them. To a request that changes a key both mean revision 41, and so
 * they do to a client that reads them as numbers, for the conditions of POST /txn.
 *
 * There is no Last-Modified: several changes share a second, and a key that is renamed or copied
 * with its time can get an earlier one. So If-Modified-Since is ignored, since 304 could hide a
 * change. If-Unmodified-Since is compared with the time of the last change, to the nanosecond, and
 * at worst fails where it need not. Thread: any. */
#ifndef QUORUMFS_HTTP_CONDITION_H
#define QUORUMFS_HTTP_CONDITION_H

#include "command/command.h"
#include "http_internal.h"

/* What a condition is compared with. */
struct http_selected {
    bool exists;
    uint64_t revision;
    int64_t changed; /* ns since 1970 */
    bool to_read;    /* GET and HEAD: in `form` */
    enum http_form form;
};

/* Whether the conditions are well-formed; if not, 400 was answered. */
bool http_conditions_ok(struct http_request *request);

/* Returns 0, HTTP_NOT_MODIFIED or HTTP_PRECONDITION_FAILED. */
unsigned int http_conditions_check(const struct http_head *head,
                                   const struct http_selected *selected);

/* Adds the conditions of a change to the operation, if it can hold them: `*`, or one tag to match.
 * False: they need a read first. */
bool http_conditions_add(const struct http_head *head, struct op *op);

/* The part of a value that the request asks for (RFC 9110, 14): sets `range_*` of its answer, with
 * HTTP_OK for the whole value, HTTP_PARTIAL_CONTENT or HTTP_RANGE_NOT_SATISFIABLE. */
void http_range_take(struct http_request *request, uint64_t revision, uint64_t size);

/* Whether Accept prefers the bytes themselves to JSON (RFC 9110, 12.5.1). */
enum http_form http_form_wanted(const struct http_head *head);

#endif
