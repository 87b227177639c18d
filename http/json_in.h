/* Private to the room: reads the JSON that clients send (RFC 8259): keys, and keys with values.
 *
 * It is stricter than the parser that it uses: the text must be UTF-8, and a string cannot hold a
 * NUL, at which the parser's string would silently end. Thread: any. */
#ifndef QUORUMFS_HTTP_JSON_IN_H
#define QUORUMFS_HTTP_JSON_IN_H

#include "base/buffer.h"
#include "base/fault.h"
#include "command/command.h"

#include <cjson/cJSON.h>

/* A key, and its value if there is one; the bytes belong to the JSON that they were read from. In a
 * transaction an item is an operation of the command; ELSE has no key. */
struct http_item {
    struct bytes key, value;
    uint8_t type; /* enum op_type */
    uint32_t flags;
    uint64_t revision;
    uint64_t ttl, lease; /* as in an op (command/operations.h) */
};

struct http_items {
    struct http_item *list;
    size_t count;
    cJSON *json; /* owns the bytes */
};

void http_items_free(struct http_items *items);

/* Values in one text: more than the largest useful list has, so that it bounds the memory only. */
enum { HTTP_JSON_NODES_MAX = 4 * COMMAND_OPS_MAX };

/* Parses the whole text as one JSON value, which the caller frees with cJSON_Delete. Returns 0, or
 * -EINVAL or -E2BIG (HTTP_JSON_NODES_MAX) with the fault's text and `*json` NULL. */
int http_json_parse(struct bytes text, cJSON **json, struct fault *fault);

/* How many bytes a parsed text takes, besides its strings; at most, with the items made of it. */
size_t http_json_bytes(const cJSON *json);

/* Reads {"key":"K","value":"V"}, or "value_base64", which is decoded in place; "ttl" or "lease" may
 * come with it. Other fields are ignored. Returns 0, or -EINVAL with the fault's text. */
int http_json_pair(cJSON *object, struct http_item *item, struct fault *fault);

/* Reads a whole body, whose parts become 1 to COMMAND_OPS_MAX items. Returns 0, or -EINVAL or
 * -E2BIG with the fault's text, or -ENOMEM. */
typedef int http_items_parser(struct bytes text, struct http_items *items, struct fault *fault);

http_items_parser http_items_pair;          /* one pair */
http_items_parser http_items_pairs;         /* a list of pairs, no key twice */
http_items_parser http_items_keys;          /* a list of keys */
http_items_parser http_items_distinct_keys; /* no key twice */
http_items_parser http_items_txn;           /* a transaction: json_txn.c */

#endif
