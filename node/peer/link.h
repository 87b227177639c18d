/* Private to the room: one link to each peer, and what all links share.
 *
 *             dial.c: connect, 101           receive.c: 101 given to the peer
 *   out:  NULL ------> out ------> out_up        in:  NULL ------> in
 *           ^           |            |                  ^           |  silent, closed, replaced
 *           '-----------'------------'                  '-----------'
 *             dial_lost, then again
 *
 * The link is up while out_up and in both stand. A connection that is no longer `out` or `in` of
 * its link has been given up: whatever libwebsockets still says about it is ignored. */
#ifndef QUORUMFS_PEER_LINK_H
#define QUORUMFS_PEER_LINK_H

#include "peer/address.h"
#include "peer/peer.h"
#include "peer/pieces.h"

enum { LINK_WARNINGS_MAX = 16, LINK_GUESTS_MAX = 32 };

struct lookup;
struct wire;

struct link {
    struct peer *peer;
    uint32_t pid;
    bool up;                  /* as last told */
    char name[PEER_ADDR_MAX]; /* struct peer_member's addr */
    char addr[PEER_ADDR_MAX]; /* to dial: its peer_addr */
    struct address address;
    bool fixed;                    /* struct peer_member */
    struct peer_levels levels;     /* as the peer said when it connected last */
    struct start seen;             /* struct peer_member */
    struct peer_settings settings; /* as the peer said when it connected last */
    uint64_t process;              /* likewise; 0: it has not connected */
    bool answers;                  /* a node refused the last attempt to dial it */
    bool own;                      /* that node was this one */
    bool doubled;                  /* the peer dials this node at two addresses */
    uint32_t called_as;            /* whom it took this node for when it connected last */

    /* The connection that this node dials, to talk (dial.c). */
    struct wire *out;
    bool out_up;
    bool out_secure;      /* it is encrypted, and the other end has proved that it is a node */
    uint32_t way;         /* to be tried next: the secrets, a certificate, plain */
    bool seals;           /* the peer has had an encrypted connection, so it knows sealed frames */
    bool out_wants;       /* something is in the outbox */
    bool out_waits;       /* for a writeable callback, as the kernel takes no more */
    uint32_t out_pulses;  /* since it last made progress that it owes */
    struct outbox outbox; /* empty unless out_up */
    uv_timer_t redial;
    struct lookup *lookup; /* under way */
    uint32_t next_ip;      /* of the address, to be tried next */
    uint32_t failures;     /* since it last was up */
    uint64_t down_ms;      /* of the loop: since when there is no connection */
    bool called;           /* the peer connected while this node was dialling it */
    bool refusal_told;
    uint64_t greeted_ms; /* of the loop: when it last connected to this node while that was new */
    uint32_t relay;      /* the peer by way of which frames last went there; 0: none, directly */

    /* The connection that the peer dialled, to listen (receive.c). */
    struct lws *in;
    struct in6_addr in_ip;
    bool in_secure;     /* it is encrypted, and the peer has proved that it is a node */
    uint32_t in_pulses; /* since the peer was last heard */
    struct inbox inbox;
    uint32_t reach_count; /* the nodes that the peer reaches, as it last said (route.c) */
    uint32_t reach[PAXOS_NODES_MAX];

    /* Sealed frames (relay.c). */
    uint64_t sealed; /* how many were sent */
    struct {
        uint64_t incarnation, number;
    } opened; /* the last that came */
};

/* An accepted connection whose dialler has not identified itself. */
struct guest {
    struct lws *wsi; /* NULL: none */
    struct in6_addr ip;
    bool secure;
    uint32_t pulses; /* since it came */
};

/* A source that the operator was warned of lately. */
struct warning {
    struct in6_addr ip;
    uint64_t at_ms; /* of the loop; 0: none */
};

struct peer {
    uv_loop_t *loop;
    struct lws_context *context;
    struct lws_vhost *vhost;
    struct frame_scope scope;
    enum peer_standing standing;
    struct start start; /* struct peer_identity */
    struct peer_callbacks callbacks;
    uint32_t me;
    struct peer_member self;
    struct peer_levels levels;
    struct peer_settings settings;
    uint64_t process;                 /* a random number, by which this node knows itself */
    uint32_t level;                   /* of the cluster */
    char refusal[160];                /* text of the last one that names numbers */
    struct tls *tls;                  /* NULL: none */
    bool plain;                       /* links without encryption are taken, and tried last */
    char secret[2 * PEER_SECRET_MAX]; /* in hexadecimal, for plain links; empty: none */
    bool stopping;
    uint32_t handles; /* of libuv, not yet closed */
    uv_timer_t pulse;
    uv_prepare_t flush;    /* sends what a turn of the loop has queued */
    uv_idle_t flush_awake; /* keeps the loop from sleeping before it */
    struct buffer message; /* LWS_PRE and PEER_PIECE_BYTES, to compose in */
    struct guest guests[LINK_GUESTS_MAX];
    struct warning warnings[LINK_WARNINGS_MAX];
    struct peer_metrics metrics;
    uint32_t count;
    struct link links[PAXOS_NODES_MAX];
};

/* The name of the WebSocket protocol, for libwebsockets to find its callback; it is not sent. */
#define LINK_PROTOCOL "omnipax"

/* For libwebsockets: no pings of its own, the pulse does it. */
extern const lws_retry_bo_t link_without_pings;

/* NULL for a pid that is no peer's. */
struct link *link_of(struct peer *peer, uint32_t pid);
/* To be called when `out_up` or `in` has changed: reports it if the link is up or down by that. */
void link_update(struct link *link);
/* The peer connects: takes over where it is and which levels it speaks. */
void link_greeted(struct link *link, const struct peer_greeting *greeting);
/* Gives a connection up, from anywhere: libwebsockets finds it closed in its next turn. */
void link_cut(struct lws *wsi);
/* Outboxes have something: they are flushed before the loop sleeps. */
void link_flush_soon(struct peer *peer);
/* Counted in `handles` until it is closed. */
void link_close_handle(struct peer *peer, uv_handle_t *handle);

#endif
