#include "peer/handshake.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* With the colon, as lws_hdr_custom_copy wants them. */
static const char header_from[] = "x-quorumfs-node:";
static const char header_to[] = "x-quorumfs-to:";
static const char header_cluster[] = "x-quorumfs-cluster:";
static const char header_secret[] = "x-quorumfs-secret:";

enum { NUMBER_TEXT_MAX = 16, SCOPE_TEXT_MAX = 40 };

int handshake_set_secret(struct peer *peer, const char *secret)
{
    size_t len = strlen(secret);
    if (len >= PEER_SECRET_MAX)
        return -EINVAL;
    for (size_t i = 0; i < len; i++)
        snprintf(peer->secret + 2 * i, 3, "%02x", (unsigned char)secret[i]);
    return 0;
}

static void scope_text(const struct frame_scope *scope, char text[SCOPE_TEXT_MAX])
{
    snprintf(text, SCOPE_TEXT_MAX, "%016" PRIx64 "-%016" PRIx64, scope->cluster,
             scope->configuration);
}

int handshake_write(const struct link *link, char **at, size_t room)
{
    const struct peer *peer = link->peer;
    char scope[SCOPE_TEXT_MAX];
    scope_text(&peer->scope, scope);
    int len = snprintf(*at, room, "%s %u\r\n%s %u\r\n%s %s\r\n", header_from, peer->me, header_to,
                       link->pid, header_cluster, scope);
    if (len > 0 && (size_t)len < room && peer->secret[0])
        len += snprintf(*at + len, room - (size_t)len, "%s %s\r\n", header_secret, peer->secret);
    if (len < 0 || (size_t)len >= room)
        return -ENOSPC;
    *at += len;
    return 0;
}

/* The time it takes says nothing about where the texts differ. */
static bool equal_in_constant_time(const char *a, const char *b, size_t size)
{
    unsigned char difference = 0;
    for (size_t i = 0; i < size; i++)
        difference |= (unsigned char)(a[i] ^ b[i]);
    return difference == 0;
}

/* A missing header is an empty one. Returns false if it is too long. */
static bool read_header(struct lws *wsi, const char *name, char *value, size_t size)
{
    memset(value, 0, size);
    int nothing = lws_hdr_custom_length(wsi, name, (int)strlen(name)) < 0;
    return nothing || lws_hdr_custom_copy(wsi, value, (int)size, name, (int)strlen(name)) >= 0;
}

static bool header_is_number(struct lws *wsi, const char *name, uint32_t number)
{
    char value[NUMBER_TEXT_MAX], expected[NUMBER_TEXT_MAX];
    snprintf(expected, sizeof expected, "%u", number);
    return read_header(wsi, name, value, sizeof value) && strcmp(value, expected) == 0;
}

static bool cluster_is_mine(const struct peer *peer, struct lws *wsi)
{
    char value[SCOPE_TEXT_MAX], expected[SCOPE_TEXT_MAX];
    scope_text(&peer->scope, expected);
    return read_header(wsi, header_cluster, value, sizeof value) && strcmp(value, expected) == 0;
}

static bool secret_is_mine(const struct peer *peer, struct lws *wsi)
{
    char value[sizeof peer->secret];
    return read_header(wsi, header_secret, value, sizeof value) &&
           equal_in_constant_time(value, peer->secret, sizeof value);
}

static unsigned check_address(const struct peer *peer, const struct in6_addr *ip, const char **why)
{
    bool all_known = true;
    for (uint32_t i = 0; i < peer->count; i++) {
        if (address_has(&peer->links[i].address, ip))
            return 0;
        all_known = all_known && peer->links[i].address.count > 0;
    }
    *why =
        all_known ? "not the address of a configured peer" : "the peers' names are being looked up";
    return all_known ? HTTP_STATUS_FORBIDDEN : HTTP_STATUS_SERVICE_UNAVAILABLE;
}

unsigned handshake_check(struct peer *peer, struct lws *wsi, const struct in6_addr *ip,
                         struct link **link, const char **why)
{
    unsigned status = check_address(peer, ip, why);
    if (status != 0)
        return status;
    *why = "not a configured peer";
    *link = NULL;
    for (uint32_t i = 0; i < peer->count; i++) {
        if (header_is_number(wsi, header_from, peer->links[i].pid))
            *link = &peer->links[i];
    }
    if (!*link)
        return HTTP_STATUS_FORBIDDEN;
    *why = "another cluster or configuration";
    if (!cluster_is_mine(peer, wsi))
        return HTTP_STATUS_FORBIDDEN;
    *why = "meant for another node";
    if (!header_is_number(wsi, header_to, peer->me))
        return HTTP_STATUS_FORBIDDEN;
    *why = "wrong cluster_secret";
    if (!secret_is_mine(peer, wsi))
        return HTTP_STATUS_FORBIDDEN;
    return 0;
}
