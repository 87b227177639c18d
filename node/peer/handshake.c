#include "peer/handshake.h"

#include "base/trace.h"
#include "peer/dial.h"
#include "peer/greeting.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

int handshake_set_secret(struct peer *peer, const char *secret)
{
    size_t len = strlen(secret);
    if (len >= PEER_SECRET_MAX)
        return -EINVAL;
    for (size_t i = 0; i < len; i++)
        snprintf(peer->secret + 2 * i, 3, "%02x", (unsigned char)secret[i]);
    return 0;
}

/* The time that it takes does not depend on where the texts differ. */
static bool equal_in_constant_time(const char *a, const char *b, size_t size)
{
    unsigned char difference = 0;
    for (size_t i = 0; i < size; i++)
        difference |= (unsigned char)(a[i] ^ b[i]);
    return difference == 0;
}

/* Without a secret the address is all that tells a member from a stranger. */
static unsigned check_address(const struct peer *peer, const struct in6_addr *ip, const char **why)
{
    bool all_known = true;
    for (uint32_t i = 0; i < peer->count; i++) {
        if (address_has(&peer->links[i].address, ip))
            return 0;
        all_known = all_known && peer->links[i].address.count > 0;
    }
    *why = all_known ? "not the address of a peer, and it knows no secret"
                     : "this node does not know all addresses of its peers yet";
    return all_known ? HTTP_STATUS_FORBIDDEN : HTTP_STATUS_SERVICE_UNAVAILABLE;
}

/* A plain link, as of a former version, or of a node that has no secret yet. One that sends the
 * secret may come from any address. */
static unsigned check_plain(const struct peer *peer, struct lws *wsi, const struct in6_addr *ip,
                            const char **why)
{
    char value[sizeof peer->secret];
    *why = "its link is not encrypted, and this node takes none that is not (plain_peers)";
    if (!peer->plain)
        return HTTP_STATUS_FORBIDDEN;
    *why = "wrong cluster_secret";
    if (!greeting_header(wsi, greeting_header_secret, value, sizeof value))
        return HTTP_STATUS_FORBIDDEN;
    if (!peer->secret[0] || !value[0])
        return check_address(peer, ip, why);
    return equal_in_constant_time(value, peer->secret, sizeof value) ? 0 : HTTP_STATUS_FORBIDDEN;
}

static struct link *link_named(struct peer *peer, const char *addr)
{
    for (uint32_t i = 0; i < peer->count; i++) {
        if (strcmp(peer->links[i].name, addr) == 0)
            return &peer->links[i];
    }
    return NULL;
}

/* This node has dialled itself: an address that it takes for that of a peer is its own. */
static unsigned check_itself(struct peer *peer, const struct peer_greeting *greeting,
                             const char **why)
{
    struct link *link = link_of(peer, greeting->to);
    if (link && !link->own)
        trace_warn("peer", "%s, which is taken for node %u, leads to this node itself: correct it",
                   link->addr, link->pid);
    if (link)
        link->own = true;
    *why = "this node itself";
    return HTTP_STATUS_CONFLICT;
}

/* Nodes that are new give ids to the addresses of their peers. One that takes this node for two of
 * them has two addresses that lead here. */
static void note_name(struct link *link, const struct peer_greeting *greeting)
{
    bool again = link->process == greeting->process && greeting->process != 0;
    if (again && link->called_as != greeting->to && !link->doubled) {
        trace_warn("peer",
                   "%s takes this node for two of its peers: one of them is another "
                   "spelling of this node's addr",
                   link->name);
        link->doubled = true;
    }
    link->process = greeting->process;
    link->called_as = greeting->to;
}

/* This node is new and hears from the other for the first time. It dials the other at once, so that
 * the founding of a cluster does not wait for the next attempt. */
static void call_back(struct peer *peer, const struct peer_greeting *greeting)
{
    struct link *link = link_named(peer, greeting->dialler.addr);
    uint64_t now = uv_now(peer->loop);
    if (!link)
        return;
    if (greeting->standing == PEER_NEW)
        note_name(link, greeting);
    if (link->greeted_ms == 0 || now - link->greeted_ms > 2 * PEER_BACKOFF_MS_MAX)
        dial_now(link);
    link->greeted_ms = now;
}

/* The folder of the dialler is new. If it belongs to the cluster, this node dials it, by which it
 * learns who it is. */
static unsigned check_new(struct peer *peer, const struct peer_greeting *greeting, const char **why)
{
    struct link *link = link_named(peer, greeting->dialler.addr);
    *why = "its folder is new, and its addr is not that of a member of this cluster";
    if (!link)
        return HTTP_STATUS_FORBIDDEN;
    dial_now(link);
    *why = "this node will tell it who it is";
    return HTTP_STATUS_SERVICE_UNAVAILABLE;
}

static unsigned check_levels(struct peer *peer, const struct peer_levels *levels, const char **why)
{
    if (levels->max >= peer->level && levels->min <= peer->levels.max)
        return 0;
    snprintf(peer->refusal, sizeof peer->refusal,
             "it speaks the feature levels %u to %u, and the cluster is at level %u: run another "
             "version of quorumfs there",
             levels->min, levels->max, peer->level);
    *why = peer->refusal;
    return HTTP_STATUS_FORBIDDEN;
}

static unsigned check_member(struct peer *peer, const struct peer_greeting *greeting,
                             struct link **link, const char **why)
{
    *link = link_of(peer, greeting->dialler.pid);
    *why = "not a peer of this cluster";
    if (!*link)
        return HTTP_STATUS_FORBIDDEN;
    *why = "another cluster or configuration";
    if (greeting->scope.cluster != peer->scope.cluster ||
        greeting->scope.configuration != peer->scope.configuration)
        return HTTP_STATUS_FORBIDDEN;
    *why = "meant for another node";
    if (greeting->to != peer->me)
        return HTTP_STATUS_FORBIDDEN;
    unsigned status = check_levels(peer, &greeting->levels, why);
    if (status != 0)
        return status;
    *why = peer->callbacks.admit(peer->callbacks.arg, greeting);
    if (*why)
        return HTTP_STATUS_FORBIDDEN;
    link_greeted(*link, greeting);
    return 0;
}

unsigned handshake_check(struct peer *peer, struct lws *wsi, const struct guest *guest,
                         struct link **link, const char **why)
{
    unsigned status = guest->secure ? 0 : check_plain(peer, wsi, &guest->ip, why);
    if (status != 0)
        return status;
    struct peer_greeting greeting;
    *why = "not the headers of a node";
    if (!greeting_read(wsi, &greeting))
        return HTTP_STATUS_FORBIDDEN;
    if (greeting.process != 0 && greeting.process == peer->process)
        return check_itself(peer, &greeting, why);
    if (peer->standing == PEER_NEW) {
        *why = "this node does not know its cluster yet";
        call_back(peer, &greeting);
        peer->callbacks.greeted(peer->callbacks.arg, &greeting);
        return HTTP_STATUS_SERVICE_UNAVAILABLE;
    }
    if (greeting.standing == PEER_NEW)
        return check_new(peer, &greeting, why);
    return check_member(peer, &greeting, link, why);
}
