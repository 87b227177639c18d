/* Links between nodes: real frames, in order, which are late, lost, or come by a third node. */
#include "nodes.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NOTICED_US = 2500 * NODES_MS, LINK_US_MAX = 30 * NODES_MS };

struct peer {
    struct node *node;
    struct peer_config config;
    struct frame_scope scope;
};

struct letter {
    uint32_t from, to;
    size_t len;
    uint8_t bytes[];
};

/* ---- Whether a link stands ---- */

static bool hears(const struct world *w, uint32_t from, uint32_t to)
{
    return from != to && !w->cut[from][to] && w->nodes[from].up && w->nodes[to].up;
}

static bool stands(const struct world *w, uint32_t a, uint32_t b)
{
    return a != b && !w->told_cut[a][b] && !w->told_cut[b][a] && w->nodes[a].up && w->nodes[b].up;
}

/* The node hears what became of its links. */
static void links_follow(struct world *w, struct node *n, void *arg)
{
    for (uint32_t i = 0; i < w->options.nodes; i++) {
        bool linked = stands(w, n->index, i);
        if (n->linked[i] == linked)
            continue;
        n->linked[i] = linked;
        n->links.link(n->links.arg, w->nodes[i].pid, linked);
    }
}

void links_changed(struct world *w)
{
    for (uint32_t i = 0; i < w->options.nodes; i++)
        if (w->nodes[i].up)
            world_at(w, &w->nodes[i], 1 + sim_below(&w->random, LINK_US_MAX), links_follow, NULL);
}

struct cutting {
    uint32_t from, to;
};

static void cut_noticed(struct world *w, struct node *n, void *arg)
{
    struct cutting cutting = *(struct cutting *)arg;
    free(arg);
    w->told_cut[cutting.from][cutting.to] = w->cut[cutting.from][cutting.to];
    links_changed(w);
}

void links_cut(struct world *w, uint32_t from, uint32_t to, bool cut)
{
    if (from == to || w->cut[from][to] == cut)
        return;
    world_note(w, "node %u %s node %u", w->nodes[to].pid, cut ? "no longer hears" : "hears",
               w->nodes[from].pid);
    w->cut[from][to] = cut;
    struct cutting *cutting = malloc(sizeof *cutting);
    assert(cutting);
    *cutting = (struct cutting){from, to};
    bool late = cut && w->options.silent_cuts;
    world_at(w, NULL, late ? NOTICED_US : 1, cut_noticed, cutting);
}

void links_isolate(struct world *w, uint32_t node)
{
    for (uint32_t i = 0; i < w->options.nodes; i++) {
        links_cut(w, node, i, true);
        links_cut(w, i, node, true);
    }
}

void links_mend(struct world *w)
{
    for (uint32_t i = 0; i < w->options.nodes; i++)
        for (uint32_t j = 0; j < w->options.nodes; j++)
            links_cut(w, i, j, false);
}

/* ---- Letters ---- */

static void letter_arrives(struct world *w, struct node *n, void *arg)
{
    struct letter *letter = arg;
    const struct node *from = &w->nodes[letter->from];
    struct frame frame;
    struct frame_scope scope = {n->replica->cluster.scope.cluster,
                                n->replica->cluster.scope.configuration};
    if (from->up && frame_decode(bytes_of(letter->bytes, letter->len), &scope, &frame) == 0) {
        n->links.frame(n->links.arg, &frame);
        frame_clear(&frame);
    }
    free(letter);
}

static void letter_goes(struct world *w, struct letter *letter, uint32_t from, uint32_t to)
{
    if (!hears(w, from, to) || sim_chance(&w->random, w->options.loss)) {
        free(letter);
        return;
    }
    uint64_t at = w->now + 1 + sim_below(&w->random, w->options.delay_max);
    uint64_t *before = &w->last_delivery[from][to];
    *before = at > *before ? at : *before + 1;
    world_at(w, &w->nodes[to], *before - w->now, letter_arrives, letter);
}

/* Passed on at once: its second half may be cut. */
static void letter_post(struct world *w, struct letter *letter, bool urgent)
{
    if (stands(w, letter->from, letter->to) || !w->options.relay || urgent) {
        letter_goes(w, letter, letter->from, letter->to);
        return;
    }
    for (uint32_t i = 0; i < w->options.nodes; i++) {
        if (!stands(w, letter->from, i) || !stands(w, i, letter->to))
            continue;
        if (w->nodes[i].stopped_until > w->now || !hears(w, letter->from, i))
            break;
        letter_goes(w, letter, i, letter->to);
        return;
    }
    free(letter);
}

static bool is_heartbeat(const struct frame *frame)
{
    return frame->type == FRAME_PAXOS && (frame->paxos.type == PAXOS_HEARTBEAT_REQUEST ||
                                          frame->paxos.type == PAXOS_HEARTBEAT_REPLY);
}

/* ---- peer.h ---- */

int peer_start(uv_loop_t *loop, struct lws_context *context, const struct peer_config *config,
               const struct peer_callbacks *callbacks, struct peer **peer, struct fault *fault)
{
    struct peer *p = calloc(1, sizeof *p);
    assert(p && world->here);
    p->node = world->here;
    p->config = *config;
    p->scope = config->identity.scope;
    p->node->links = *callbacks;
    *peer = p;
    return 0;
}

int peer_identify(struct peer *peer, const struct peer_identity *identity, struct fault *fault)
{
    peer->scope = identity->scope;
    return 0;
}

void peer_set_level(struct peer *peer, uint32_t level)
{
}

bool peer_linked(const struct peer *peer, uint32_t pid)
{
    return peer->node->linked[node_of(peer->node->world, pid)->index];
}

bool peer_speaks(const struct peer *peer, uint32_t pid, struct peer_levels *levels)
{
    *levels = peer->config.levels;
    return peer_linked(peer, pid);
}

bool peer_settings(const struct peer *peer, uint32_t pid, struct peer_settings *settings)
{
    const struct node *n = node_of(peer->node->world, pid);
    *settings = (struct peer_settings){.heartbeat_ms = n->config.heartbeat_ms,
                                       .lease_ms = n->config.lease_time_ms,
                                       .session_ms = n->config.session_time_ms};
    snprintf(settings->version, sizeof settings->version, "%s", QUORUMFS_VERSION);
    return true;
}

bool peer_is_encrypted(const struct peer *peer, uint32_t pid)
{
    return true;
}

enum peer_address peer_address(const struct peer *peer, uint32_t pid)
{
    return PEER_ADDRESS_FINE;
}

void peer_send(struct peer *peer, const struct frame *frame)
{
    struct node *n = peer->node;
    struct frame sent = *frame;
    struct buffer bytes = {0};
    sent.from = n->pid;
    if (sent.type == FRAME_PAXOS) {
        sent.paxos.from = n->pid;
        sent.paxos.to = sent.to;
    }
    frame_encode(&sent, &peer->scope, &bytes);
    struct letter *letter = malloc(sizeof *letter + bytes.len);
    assert(letter && !bytes.failed);
    *letter = (struct letter){.from = n->index, .len = bytes.len};
    letter->to = node_of(n->world, sent.to)->index;
    memcpy(letter->bytes, bytes.data, bytes.len);
    buffer_free(&bytes);
    letter_post(n->world, letter, is_heartbeat(frame));
}

void peer_metrics(const struct peer *peer, struct peer_metrics *metrics)
{
    *metrics = (struct peer_metrics){0};
}

void peer_stop(struct peer *peer)
{
}

void peer_free(struct peer *peer)
{
    free(peer);
}
