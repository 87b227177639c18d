/* From where the connections of both doors come, and how many from each address: no client may have
 * so many that nobody else is served. */
#include "address.h"

#include "http_internal.h"

#include <assert.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

/* The first bytes of an IPv6 address are those of the network that its host has. */
enum { KEY_BYTES = 8 };

struct http_address {
    LIST_ENTRY(http_address) next;
    uint8_t key[KEY_BYTES];
    bool local;
    uint32_t users; /* connections of both kinds */
    uint32_t counts[HTTP_KINDS];
};

static void key_of_v4(const uint8_t v4[4], uint8_t key[KEY_BYTES], bool *local)
{
    memset(key, 0, KEY_BYTES); /* no network of IPv6 that hosts have */
    memcpy(key + 4, v4, 4);
    *local = v4[0] == 127;
}

static void key_of(const struct sockaddr *from, uint8_t key[KEY_BYTES], bool *local)
{
    if (from->sa_family == AF_INET) {
        const struct sockaddr_in *in = (const struct sockaddr_in *)(const void *)from;
        key_of_v4((const uint8_t *)&in->sin_addr.s_addr, key, local);
    } else if (from->sa_family == AF_INET6) {
        const struct in6_addr *in = &((const struct sockaddr_in6 *)(const void *)from)->sin6_addr;
        if (IN6_IS_ADDR_V4MAPPED(in)) {
            key_of_v4(in->s6_addr + 12, key, local);
            return;
        }
        memcpy(key, in->s6_addr, KEY_BYTES);
        *local = IN6_IS_ADDR_LOOPBACK(in);
    } else {
        memset(key, 0, KEY_BYTES);
        *local = true;
    }
}

static uint32_t bucket_of(const uint8_t key[KEY_BYTES])
{
    uint32_t hash = 2166136261u; /* FNV-1a */
    for (int i = 0; i < KEY_BYTES; i++)
        hash = (hash ^ key[i]) * 16777619u;
    return hash % HTTP_ADDRESS_BUCKETS;
}

struct http_address *http_address_join(struct http *http, const struct sockaddr *from)
{
    uint8_t key[KEY_BYTES];
    bool local;
    key_of(from, key, &local);
    struct http_address_list *list = &http->addresses[bucket_of(key)];
    struct http_address *address;
    LIST_FOREACH(address, list, next)
    {
        if (memcmp(address->key, key, KEY_BYTES) == 0 && address->local == local)
            break;
    }
    if (!address) {
        address = calloc(1, sizeof *address);
        if (!address)
            return NULL;
        memcpy(address->key, key, KEY_BYTES);
        address->local = local;
        LIST_INSERT_HEAD(list, address, next);
    }
    http_address_stay(address);
    return address;
}

void http_address_stay(struct http_address *address)
{
    address->users++;
}

void http_address_leave(struct http_address *address)
{
    assert(address->users > 0);
    if (--address->users > 0)
        return;
    LIST_REMOVE(address, next);
    free(address);
}

void http_address_count(struct http_address *address, enum http_kind kind, int by)
{
    assert(by > 0 || address->counts[kind] > 0);
    address->counts[kind] += (uint32_t)by;
}

bool http_address_is_local(const struct http_address *address)
{
    return address->local;
}

bool http_address_has_share(const struct http_address *address, enum http_kind kind, uint32_t of)
{
    uint32_t share = of / HTTP_ADDRESSES_MIN;
    return address->counts[kind] <
           (share < HTTP_ADDRESS_SHARE_MIN ? HTTP_ADDRESS_SHARE_MIN : share);
}

uint32_t http_kept_from(const struct http_address *address, uint32_t of)
{
    return address->local ? 0 : of / HTTP_LOCAL_PART;
}
