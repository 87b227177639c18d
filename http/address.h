/* Private to the room: the share of an address.
 *
 * An address may have a half of the connections of a kind, or a few where there are not many at
 * all. A part of them is kept for this machine, whose health checks are to get through. Of IPv6,
 * the network of a host (64 bits) is one address.
 *
 * Thread: the loop's. */
#ifndef QUORUMFS_HTTP_ADDRESS_H
#define QUORUMFS_HTTP_ADDRESS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>
#include <sys/socket.h>

enum {
    HTTP_ADDRESSES_MIN = 2,      /* so many it takes to have all connections */
    HTTP_ADDRESS_SHARE_MIN = 64, /* however few there are */
    HTTP_LOCAL_PART = 16,        /* one of so many is for this machine only */
    HTTP_ADDRESS_BUCKETS = 1024,
};

enum http_kind { HTTP_KIND_CONNECTION, HTTP_KIND_WEBSOCKET, HTTP_KINDS };

struct http;
struct http_address;
LIST_HEAD(http_address_list, http_address);

/* The address of one more connection; NULL: out of memory. It is the same for all of them, and
 * stays until the last has left. */
struct http_address *http_address_join(struct http *http, const struct sockaddr *from);
void http_address_leave(struct http_address *address);

/* One more connection has it; http_address_leave. */
void http_address_stay(struct http_address *address);

/* Counts one of this kind more (1) or fewer (-1). */
void http_address_count(struct http_address *address, enum http_kind kind, int by);

/* Whether it is of this machine. */
bool http_address_is_local(const struct http_address *address);

/* Whether it may have one more, of so many that all may have. */
bool http_address_has_share(const struct http_address *address, enum http_kind kind, uint32_t of);

/* How many of so many are not for this address. */
uint32_t http_kept_from(const struct http_address *address, uint32_t of);

#endif
