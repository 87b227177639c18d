#include "peer/peer.h"

#include "base/trace.h"
#include "peer/dial.h"
#include "peer/handshake.h"
#include "peer/link.h"
#include "peer/receive.h"
#include "peer/route.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

const lws_retry_bo_t link_without_pings = {0};

struct link *link_of(struct peer *peer, uint32_t pid)
{
    for (uint32_t i = 0; i < peer->count; i++) {
        if (peer->links[i].pid == pid)
            return &peer->links[i];
    }
    return NULL;
}

void link_update(struct link *link)
{
    struct peer *peer = link->peer;
    bool up = link->out_up && link->in;
    if (up == link->up || peer->stopping)
        return;
    link->up = up;
    trace_info("peer", "link to node %u (%s) is %s", link->pid, link->addr, up ? "up" : "down");
    route_tell_reach(peer);
    peer->callbacks.link(peer->callbacks.arg, link->pid, up);
}

void link_cut(struct lws *wsi)
{
    int fd = lws_get_socket_fd(wsi);
    if (fd >= 0)
        shutdown(fd, SHUT_RDWR);
}

static void on_handle_closed(uv_handle_t *handle)
{
    struct peer *peer = handle->data;
    assert(peer->handles > 0);
    peer->handles--;
}

void link_close_handle(struct peer *peer, uv_handle_t *handle)
{
    handle->data = peer;
    uv_close(handle, on_handle_closed);
}

static int on_event(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
                    size_t len)
{
    struct peer *peer = lws_vhost_user(lws_get_vhost(wsi));
    return receive_event(peer, wsi, reason, in, len);
}

/* The buffer takes a whole message of a link; it also bounds what one send(2) may take. */
static const struct lws_protocols protocols[] = {
    {.name = LINK_PROTOCOL, .callback = on_event, .rx_buffer_size = PEER_PIECE_BYTES},
    {0},
};

static int make_vhost(struct peer *peer, struct fault *fault)
{
    struct lws_context_creation_info info = {
        .port = CONTEXT_PORT_NO_LISTEN,
        .vhost_name = "omnipax",
        .protocols = protocols,
        .user = peer,
        .retry_and_idle_policy = &link_without_pings,
    };
    peer->vhost = lws_create_vhost(peer->context, &info);
    return peer->vhost ? 0
                       : fault_set(fault, -EIO, "the WebSocket server for peers does not start");
}

static int copy_config(struct peer *peer, const struct peer_config *config, struct fault *fault)
{
    peer->self = config->self;
    peer->levels = config->levels;
    peer->settings = config->settings;
    while (peer->process == 0) {
        int status = uv_random(NULL, NULL, &peer->process, sizeof peer->process, 0, NULL);
        if (status < 0)
            return fault_set(fault, status, "peers: no random number: %s", uv_strerror(status));
    }
    peer->level = config->level;
    peer->tls = config->tls;
    peer->plain = config->plain;
    if (config->secret && handshake_set_secret(peer, config->secret) < 0)
        return fault_set(fault, -EINVAL, "cluster_secret: longer than %d bytes",
                         PEER_SECRET_MAX - 1);
    return 0;
}

static void on_pulse(uv_timer_t *timer)
{
    struct peer *peer = timer->data;
    for (uint32_t i = 0; i < peer->count && !peer->stopping; i++)
        dial_pulse(&peer->links[i]);
    if (!peer->stopping)
        receive_pulse(peer);
    if (!peer->stopping)
        route_tell_reach(peer);
}

static void on_flush(uv_prepare_t *flush)
{
    struct peer *peer = flush->data;
    uv_idle_stop(&peer->flush_awake);
    for (uint32_t i = 0; i < peer->count; i++)
        dial_flush(&peer->links[i]);
}

static void flush_keep_awake(uv_idle_t *idle)
{
    /* Nothing: the loop comes round again without sleeping. */
}

/* From an earlier callback of this turn, or a prepare handle that runs before this one (libuv runs
 * the last started first), it leaves in this turn; otherwise in the next, which comes at once. */
void link_flush_soon(struct peer *peer)
{
    uv_idle_start(&peer->flush_awake, flush_keep_awake);
}

static void start_handles(struct peer *peer)
{
    uv_timer_init(peer->loop, &peer->pulse);
    uv_prepare_init(peer->loop, &peer->flush);
    uv_idle_init(peer->loop, &peer->flush_awake);
    peer->pulse.data = peer->flush.data = peer;
    peer->handles += 3;
    uv_timer_start(&peer->pulse, on_pulse, PEER_PULSE_MS, PEER_PULSE_MS);
    uv_prepare_start(&peer->flush, on_flush);
}

/* ---- Who the peers are ---- */

static int check_addresses(const struct peer_identity *identity, struct fault *fault)
{
    assert(identity->count < PAXOS_NODES_MAX);
    for (uint32_t i = 0; i < identity->count; i++) {
        const struct peer_member *member = &identity->members[i];
        struct address address;
        assert(member->pid != identity->me);
        if (member->peer_addr[0] && address_parse(member->peer_addr, &address) < 0)
            return fault_set(fault, -EINVAL, "peer address \"%s\": not HOST:PORT",
                             member->peer_addr);
    }
    return 0;
}

/* The addresses have been checked. */
static void link_move(struct link *link, const char *name, const char *addr)
{
    memmove(link->name, name, strlen(name) + 1);
    if (strcmp(link->addr, addr) == 0)
        return;
    memmove(link->addr, addr, strlen(addr) + 1);
    link->address = (struct address){0};
    link->answers = link->own = false;
    dial_leave(link);
    if (!addr[0])
        return;
    int status = address_parse(link->addr, &link->address);
    assert(status == 0);
    dial_now(link);
}

static void link_set(struct link *link, const struct peer_member *member, bool same_cluster)
{
    if (link->pid != member->pid || !same_cluster) {
        dial_leave(link);
        receive_leave(link);
        link->pid = member->pid;
        link->levels = (struct peer_levels){0};
        link->settings = (struct peer_settings){0};
        link->process = link->greeted_ms = 0;
        link->answers = link->own = link->doubled = false;
        link->relay = 0;
        link->seals = false;
        link->sealed = link->opened.incarnation = link->opened.number = 0;
    }
    link->fixed = member->fixed;
    link->seen = member->seen;
    link_move(link, member->addr, member->peer_addr);
    dial_now(link);
}

static void links_set(struct peer *peer, const struct peer_identity *identity)
{
    bool same_cluster = peer->scope.cluster == identity->scope.cluster &&
                        peer->scope.configuration == identity->scope.configuration &&
                        peer->me == identity->me;
    peer->scope = identity->scope;
    peer->me = identity->me;
    peer->standing = identity->standing;
    peer->start = identity->start;
    for (uint32_t i = identity->count; i < peer->count; i++) {
        dial_leave(&peer->links[i]);
        receive_leave(&peer->links[i]);
    }
    peer->count = identity->count;
    for (uint32_t i = 0; i < peer->count; i++)
        link_set(&peer->links[i], &identity->members[i], same_cluster);
}

int peer_identify(struct peer *peer, const struct peer_identity *identity, struct fault *fault)
{
    int status = check_addresses(identity, fault);
    if (status == 0)
        links_set(peer, identity);
    return status;
}

/* A member that comes back under another address is dialled there from now on. */
void link_greeted(struct link *link, const struct peer_greeting *greeting)
{
    const struct peer_member *dialler = &greeting->dialler;
    bool same_name = strcmp(link->name, dialler->addr) == 0;
    bool same_addr = link->fixed || strcmp(link->addr, dialler->peer_addr) == 0;
    link->levels = greeting->levels;
    link->settings = greeting->settings;
    link->process = greeting->process;
    if (!dialler->addr[0] || (same_name && same_addr))
        return;
    trace_info("peer", "node %u is at %s, not at %s", link->pid, dialler->peer_addr,
               link->addr[0] ? link->addr : "a known address");
    link_move(link, dialler->addr, dialler->peer_addr);
    link->peer->callbacks.moved(link->peer->callbacks.arg, dialler);
}

void peer_set_level(struct peer *peer, uint32_t level)
{
    peer->level = level;
}

bool peer_speaks(const struct peer *peer, uint32_t pid, struct peer_levels *levels)
{
    for (uint32_t i = 0; i < peer->count; i++) {
        const struct link *link = &peer->links[i];
        if (link->pid != pid || !link->up)
            continue;
        *levels = link->levels;
        return true;
    }
    return false;
}

bool peer_settings(const struct peer *peer, uint32_t pid, struct peer_settings *settings)
{
    for (uint32_t i = 0; i < peer->count; i++) {
        const struct link *link = &peer->links[i];
        if (link->pid != pid || link->settings.heartbeat_ms == 0)
            continue;
        *settings = link->settings;
        return true;
    }
    return false;
}

enum peer_address peer_address(const struct peer *peer, uint32_t pid)
{
    for (uint32_t i = 0; i < peer->count; i++) {
        const struct link *link = &peer->links[i];
        if (link->pid != pid)
            continue;
        if (link->own)
            return PEER_ADDRESS_OWN;
        return link->answers && link->process == 0 ? PEER_ADDRESS_FOREIGN : PEER_ADDRESS_FINE;
    }
    return PEER_ADDRESS_FINE;
}

int peer_start(uv_loop_t *loop, struct lws_context *context, const struct peer_config *config,
               const struct peer_callbacks *callbacks, struct peer **started, struct fault *fault)
{
    struct peer *peer = calloc(1, sizeof *peer);
    if (!peer || !buffer_reserve(&peer->message, LWS_PRE + PEER_PIECE_BYTES)) {
        free(peer);
        return fault_set(fault, -ENOMEM, "peers: %s", strerror(ENOMEM));
    }
    peer->loop = loop;
    peer->context = context;
    peer->callbacks = *callbacks;
    int status = check_addresses(&config->identity, fault);
    if (status == 0)
        status = copy_config(peer, config, fault);
    if (status == 0) /* the last step that can fail: a vhost goes with its context only */
        status = make_vhost(peer, fault);
    if (status < 0) {
        peer_free(peer);
        return status;
    }
    start_handles(peer);
    for (uint32_t i = 0; i < PAXOS_NODES_MAX; i++) {
        peer->links[i].peer = peer;
        dial_start(&peer->links[i]);
    }
    links_set(peer, &config->identity);
    *started = peer;
    return 0;
}

bool peer_linked(const struct peer *peer, uint32_t pid)
{
    for (uint32_t i = 0; i < peer->count; i++) {
        if (peer->links[i].pid == pid)
            return peer->links[i].up;
    }
    return false;
}

bool peer_is_encrypted(const struct peer *peer, uint32_t pid)
{
    for (uint32_t i = 0; i < peer->count; i++) {
        const struct link *link = &peer->links[i];
        if (link->pid == pid)
            return link->up && link->out_secure && link->in_secure;
    }
    return false;
}

void peer_metrics(const struct peer *peer, struct peer_metrics *metrics)
{
    *metrics = peer->metrics;
    metrics->queued_bytes = 0;
    for (uint32_t i = 0; i < peer->count; i++)
        metrics->queued_bytes += outbox_bytes(&peer->links[i].outbox);
}

void peer_stop(struct peer *peer)
{
    if (peer->stopping)
        return;
    peer->stopping = true;
    link_close_handle(peer, (uv_handle_t *)&peer->pulse);
    link_close_handle(peer, (uv_handle_t *)&peer->flush);
    link_close_handle(peer, (uv_handle_t *)&peer->flush_awake);
    for (uint32_t i = 0; i < PAXOS_NODES_MAX; i++) {
        struct link *link = &peer->links[i];
        link->up = false;
        dial_stop(link);
        if (link->in)
            link_cut(link->in);
    }
    for (size_t i = 0; i < LINK_GUESTS_MAX; i++) {
        if (peer->guests[i].wsi)
            link_cut(peer->guests[i].wsi);
    }
}

void peer_free(struct peer *peer)
{
    if (!peer)
        return;
    assert(peer->handles == 0);
    for (uint32_t i = 0; i < PAXOS_NODES_MAX; i++) {
        outbox_clear(&peer->links[i].outbox);
        inbox_clear(&peer->links[i].inbox);
    }
    buffer_free(&peer->message);
    free(peer);
}
