/* For the tests of the peer room: up to three nodes in one process and on one loop, over real
 * sockets of the loopback.
 *
 * Every ordered pair of nodes has a gate of its own, a listening socket through which one dials
 * the other: closing it and the connections through it cuts that direction. A node that is away
 * lets no peer in.
 */
#ifndef QUORUMFS_TEST_PEER_CLUSTER_H
#define QUORUMFS_TEST_PEER_CLUSTER_H

#include "base/trace.h"
#include "peer/peer.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { NODES = 3, ROOMS_MAX = 16, PATIENCE_MS = 20000, BIG_BYTES = 8 * 1024 * 1024 + 64 * 1024 };

static const uint64_t cluster_id = UINT64_C(0xc1), configuration_id = 1;
static const char secret[] = "it's a \xc3\xa4 secret";

struct gate {
    uint32_t from, to;
    int fd; /* -1: cut */
    uint16_t port;
    uv_poll_t poll;
    int last;  /* a copy of the last connection let through, -1: none */
    bool mute; /* connections are accepted and not let through; `last` is the last one itself */
};

struct node {
    uint32_t pid;
    struct peer *peer; /* NULL: away */
    uint32_t linked;   /* a bit for each pid */
    uint32_t downs;
    uint64_t pieces, pings, beats; /* frames received */
    uint64_t wrong;                /* out of order, or with other bytes than were sent */
    uint64_t pieces_at_ping;
    uint32_t last_from;
    bool stop_at_frame;
    uint32_t greetings, moved;
    struct peer_greeting greeting;
    struct peer_greeting admitted; /* the last that asked */
    bool admits_nobody;            /* the last one */
};

static uv_loop_t loop;
/* Every start of a node. They all go at the end of a test: while a context is destroyed, nothing
 * else may open a descriptor, because libwebsockets 4.1.6 closes that of its event pipe twice. */
static struct room {
    struct lws_context *context;
    struct peer *peer; /* NULL: did not start */
} rooms[ROOMS_MAX];
static size_t room_count;
static struct gate gates[NODES + 1][NODES + 1];
static struct node nodes[NODES + 1]; /* by pid */
static uint8_t *pattern;             /* the bytes that pieces are cut from */

/* --- The loop --- */

static inline void on_patience_lost(uv_timer_t *timer)
{
    *(bool *)timer->data = true;
}

#define wait_for(condition)                                                                        \
    do {                                                                                           \
        bool lost = false;                                                                         \
        uv_timer_t timer;                                                                          \
        uv_timer_init(&loop, &timer);                                                              \
        timer.data = &lost;                                                                        \
        uv_timer_start(&timer, on_patience_lost, PATIENCE_MS, 0);                                  \
        while (!(condition) && !lost)                                                              \
            uv_run(&loop, UV_RUN_ONCE);                                                            \
        uv_close((uv_handle_t *)&timer, NULL);                                                     \
        uv_run(&loop, UV_RUN_NOWAIT);                                                              \
        if (lost)                                                                                  \
            fail_msg("waited in vain for " #condition);                                            \
    } while (0)

/* --- Gates --- */

static inline void on_knock(uv_poll_t *poll, int status, int events)
{
    struct gate *gate = poll->data;
    struct sockaddr_storage from;
    socklen_t len = sizeof from;
    int fd = accept4(gate->fd, (struct sockaddr *)&from, &len, SOCK_CLOEXEC);
    if (fd < 0)
        return;
    if (!gate->mute && !nodes[gate->to].peer) {
        close(fd);
        return;
    }
    int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (gate->last >= 0)
        close(gate->last);
    gate->last = gate->mute ? fd : dup(fd);
    if (!gate->mute)
        peer_adopt(nodes[gate->to].peer, fd, (struct sockaddr *)&from, false);
}

/* The same port again when it was open before. */
static inline void gate_open(struct gate *gate)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(gate->port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t len = sizeof address;
    int on = 1;
    gate->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    setsockopt(gate->fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    assert_int_equal(bind(gate->fd, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(gate->fd, 256), 0);
    assert_int_equal(getsockname(gate->fd, (struct sockaddr *)&address, &len), 0);
    gate->port = ntohs(address.sin_port);
    uv_poll_init(&loop, &gate->poll, gate->fd);
    gate->poll.data = gate;
    uv_poll_start(&gate->poll, UV_READABLE, on_knock);
}

static inline void gate_cut(struct gate *gate)
{
    if (gate->last >= 0) {
        shutdown(gate->last, SHUT_RDWR);
        close(gate->last);
        gate->last = -1;
    }
    if (gate->fd < 0)
        return;
    uv_close((uv_handle_t *)&gate->poll, NULL);
    uv_run(&loop, UV_RUN_NOWAIT);
    close(gate->fd);
    gate->fd = -1;
}

/* The connection stands and nothing comes through, as with a cut cable. */
static inline void gate_mute(struct gate *gate)
{
    struct sock_filter nothing = BPF_STMT(BPF_RET | BPF_K, 0);
    struct sock_fprog filter = {.len = 1, .filter = &nothing};
    int fd = gate->last;
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof filter), 0);
}

/* --- Nodes --- */

static inline void on_frame(void *arg, struct frame *frame)
{
    struct node *node = arg;
    node->last_from = frame->from;
    if (frame->to != node->pid)
        node->wrong++;
    if (frame->type == FRAME_PING) {
        node->pings++;
        node->pieces_at_ping = node->pieces;
    } else if (frame->type == FRAME_PAXOS) {
        node->beats++;
    } else if (frame->type == FRAME_SNAPSHOT_PIECE) {
        if (frame->piece != node->pieces++ || frame->data.len != frame->index ||
            memcmp(frame->data.data, pattern + frame->id, frame->data.len) != 0)
            node->wrong++;
    }
    if (node->stop_at_frame)
        peer_stop(node->peer);
}

static inline void on_link(void *arg, uint32_t pid, bool up)
{
    struct node *node = arg;
    assert_int_equal(!(node->linked & (1u << pid)), up);
    node->linked ^= 1u << pid;
    node->downs += up ? 0 : 1;
}

static inline void on_greeted(void *arg, const struct peer_greeting *greeting)
{
    struct node *node = arg;
    node->greetings++;
    node->greeting = *greeting;
}

static inline const char *on_admit(void *arg, const struct peer_greeting *greeting)
{
    struct node *node = arg;
    node->admitted = *greeting;
    return node->admits_nobody ? "nobody is" : NULL;
}

static inline void on_moved(void *arg, const struct peer_member *member)
{
    struct node *node = arg;
    node->moved = member->pid;
}

static inline struct room *make_room(void)
{
    assert_true(room_count < ROOMS_MAX);
    struct room *room = &rooms[room_count++];
    void *loops[] = {&loop};
    struct lws_context_creation_info info = {
        .options = LWS_SERVER_OPTION_LIBUV | LWS_SERVER_OPTION_EXPLICIT_VHOSTS,
        .foreign_loops = loops,
        .pcontext = &room->context,
        .pt_serv_buf_size = PEER_PIECE_BYTES,
        .max_http_header_data = PEER_HEADERS_MAX,
    };
    *room = (struct room){.context = lws_create_context(&info)};
    assert_non_null(room->context);
    return room;
}

static inline struct peer_config config_of(uint32_t pid, uint32_t count)
{
    struct peer_config config = {
        .identity = {.scope = {cluster_id, configuration_id}, .me = pid, .standing = PEER_MEMBER},
        .levels = {1, 2},
        .settings = {100, 0, 10000, "0.1.0"},
        .level = 1,
        .plain = true,
        .secret = secret};
    for (uint32_t other = 1; other <= count; other++) {
        if (other == pid)
            continue;
        struct peer_member *member = &config.identity.members[config.identity.count++];
        member->pid = other;
        snprintf(member->addr, sizeof member->addr, "127.0.0.%u:1", other);
        snprintf(member->peer_addr, sizeof member->peer_addr, "127.0.0.1:%u",
                 gates[pid][other].port);
    }
    return config;
}

static inline void node_start_as(uint32_t pid, const struct peer_config *config)
{
    struct node *node = &nodes[pid];
    struct peer_callbacks callbacks = {on_frame, on_link, on_greeted, on_admit, on_moved, node};
    struct fault fault;
    *node = (struct node){.pid = pid};
    struct room *room = make_room();
    assert_int_equal(peer_start(&loop, room->context, config, &callbacks, &room->peer, &fault), 0);
    node->peer = room->peer;
}

static inline void node_start(uint32_t pid, uint32_t count)
{
    struct peer_config config = config_of(pid, count);
    node_start_as(pid, &config);
}

static inline void node_stop(uint32_t pid)
{
    if (nodes[pid].peer)
        peer_stop(nodes[pid].peer);
    nodes[pid].peer = NULL;
}

/* libwebsockets closes its handles in the loop; only then does a second call free the context. */
static inline void stop_all(void)
{
    for (uint32_t pid = 1; pid <= NODES; pid++)
        node_stop(pid);
    for (size_t i = 0; i < room_count; i++)
        lws_context_destroy(rooms[i].context);
    for (int turn = 0; turn < 4; turn++)
        uv_run(&loop, UV_RUN_NOWAIT);
    for (; room_count > 0; room_count--) {
        struct room *room = &rooms[room_count - 1];
        if (room->context)
            lws_context_destroy(room->context);
        assert_null(room->context);
        peer_free(room->peer);
    }
}

static inline int set_up(void **state)
{
    uv_loop_init(&loop);
    for (uint32_t from = 1; from <= NODES; from++) {
        for (uint32_t to = 1; to <= NODES; to++) {
            gates[from][to] = (struct gate){.from = from, .to = to, .last = -1};
            gate_open(&gates[from][to]);
        }
    }
    return 0;
}

static inline int tear_down(void **state)
{
    stop_all();
    for (uint32_t from = 1; from <= NODES; from++) {
        for (uint32_t to = 1; to <= NODES; to++)
            gate_cut(&gates[from][to]);
    }
    uv_run(&loop, UV_RUN_DEFAULT);
    return uv_loop_close(&loop);
}

static inline void start_pair(void)
{
    node_start(1, 2);
    node_start(2, 2);
    wait_for(peer_linked(nodes[1].peer, 2) && peer_linked(nodes[2].peer, 1));
}

static inline void start_three(void)
{
    for (uint32_t pid = 1; pid <= NODES; pid++)
        node_start(pid, NODES);
    wait_for(nodes[1].linked == 0xc && nodes[2].linked == 0xa && nodes[3].linked == 0x6);
}

static inline void send_piece(uint32_t from, uint32_t to, uint64_t number, size_t len)
{
    size_t offset = (size_t)number % 1024;
    struct frame frame = {.type = FRAME_SNAPSHOT_PIECE,
                          .to = to,
                          .id = offset,
                          .index = len,
                          .piece = number,
                          .data = bytes_of(pattern + offset, len)};
    peer_send(nodes[from].peer, &frame);
}

static inline void send_ping(uint32_t from, uint32_t to)
{
    peer_send(nodes[from].peer, &(struct frame){.type = FRAME_PING, .to = to});
}

static inline uint64_t dropped(uint32_t pid)
{
    struct peer_metrics metrics;
    peer_metrics(nodes[pid].peer, &metrics);
    return metrics.frames_dropped;
}

static inline void prepare(void)
{
    lws_set_log_level(0, NULL);
    trace_level = TRACE_ERROR;
    setenv("http_proxy", "http://192.0.2.1:3128", 1); /* peers are not reached through one */
    pattern = malloc(BIG_BYTES * 2);
    for (size_t i = 0; i < BIG_BYTES * 2; i++)
        pattern[i] = (uint8_t)(i * 2654435761u >> 13);
}

#define nodes_test(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

#endif
