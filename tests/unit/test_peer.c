/* Peer links between up to three nodes in one process and on one loop, over real sockets of the
 * loopback.
 *
 * Every ordered pair of nodes has a gate of its own, a listening socket through which one dials the
 * other: closing it and what came through cuts that direction. A node that is away lets nobody in.
 */
#include "base/trace.h"
#include "peer/peer.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
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
static const char cluster_text[] = "00000000000000c1-0000000000000001";
static const char secret[] = "it's a \xc3\xa4 secret";
static const char secret_text[] = "69742773206120c3a420736563726574";

struct gate {
    uint32_t from, to;
    int fd; /* -1: cut */
    uint16_t port;
    uv_poll_t poll;
    int last; /* a copy of the last connection let through, -1: none */
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
static uint8_t *pattern;             /* what pieces are cut from */

/* --- The loop --- */

static void on_patience_lost(uv_timer_t *timer)
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

static void on_knock(uv_poll_t *poll, int status, int events)
{
    struct gate *gate = poll->data;
    int fd = accept4(gate->fd, NULL, NULL, SOCK_CLOEXEC);
    if (fd < 0)
        return;
    if (!nodes[gate->to].peer) {
        close(fd);
        return;
    }
    int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (gate->last >= 0)
        close(gate->last);
    gate->last = dup(fd);
    peer_adopt(nodes[gate->to].peer, fd);
}

/* The same port again when it was open before. */
static void gate_open(struct gate *gate)
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

static void gate_cut(struct gate *gate)
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

/* --- Nodes --- */

static void on_frame(void *arg, struct frame *frame)
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

static void on_link(void *arg, uint32_t pid, bool up)
{
    struct node *node = arg;
    assert_int_equal(!(node->linked & (1u << pid)), up);
    node->linked ^= 1u << pid;
    node->downs += up ? 0 : 1;
}

static struct room *make_room(void)
{
    assert_true(room_count < ROOMS_MAX);
    struct room *room = &rooms[room_count++];
    void *loops[] = {&loop};
    struct lws_context_creation_info info = {
        .options = LWS_SERVER_OPTION_LIBUV | LWS_SERVER_OPTION_EXPLICIT_VHOSTS,
        .foreign_loops = loops,
        .pcontext = &room->context,
        .pt_serv_buf_size = PEER_PIECE_BYTES,
    };
    *room = (struct room){.context = lws_create_context(&info)};
    assert_non_null(room->context);
    return room;
}

static struct peer_config config_of(uint32_t pid, uint32_t count)
{
    struct peer_config config = {
        .scope = {cluster_id, configuration_id}, .me = pid, .secret = secret};
    for (uint32_t other = 1; other <= count; other++) {
        if (other == pid)
            continue;
        struct peer_member *member = &config.members[config.count++];
        member->pid = other;
        snprintf(member->addr, sizeof member->addr, "127.0.0.1:%u", gates[pid][other].port);
    }
    return config;
}

static void node_start_as(uint32_t pid, const struct peer_config *config)
{
    struct node *node = &nodes[pid];
    struct peer_callbacks callbacks = {on_frame, on_link, node};
    struct fault fault;
    *node = (struct node){.pid = pid};
    struct room *room = make_room();
    assert_int_equal(peer_start(&loop, room->context, config, &callbacks, &room->peer, &fault), 0);
    node->peer = room->peer;
}

static void node_start(uint32_t pid, uint32_t count)
{
    struct peer_config config = config_of(pid, count);
    node_start_as(pid, &config);
}

static void node_stop(uint32_t pid)
{
    if (nodes[pid].peer)
        peer_stop(nodes[pid].peer);
    nodes[pid].peer = NULL;
}

/* libwebsockets closes its handles in the loop; only then does a second call free the context. */
static void stop_all(void)
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

static int set_up(void **state)
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

static int tear_down(void **state)
{
    stop_all();
    for (uint32_t from = 1; from <= NODES; from++) {
        for (uint32_t to = 1; to <= NODES; to++)
            gate_cut(&gates[from][to]);
    }
    uv_run(&loop, UV_RUN_DEFAULT);
    return uv_loop_close(&loop);
}

static void start_pair(void)
{
    node_start(1, 2);
    node_start(2, 2);
    wait_for(peer_linked(nodes[1].peer, 2) && peer_linked(nodes[2].peer, 1));
}

static void start_three(void)
{
    for (uint32_t pid = 1; pid <= NODES; pid++)
        node_start(pid, NODES);
    wait_for(nodes[1].linked == 0xc && nodes[2].linked == 0xa && nodes[3].linked == 0x6);
}

static void send_piece(uint32_t from, uint32_t to, uint64_t number, size_t len)
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

static void send_ping(uint32_t from, uint32_t to)
{
    peer_send(nodes[from].peer, &(struct frame){.type = FRAME_PING, .to = to});
}

static uint64_t dropped(uint32_t pid)
{
    struct peer_metrics metrics;
    peer_metrics(nodes[pid].peer, &metrics);
    return metrics.frames_dropped;
}

/* --- Tests --- */

static void frames_of_every_size_arrive_whole_and_in_order(void **state)
{
    static const size_t sizes[] = {0,      1,      100,    65535,  65536,    131000,    131040,
                                   131072, 131100, 262144, 300000, 10000000, BIG_BYTES, 5};
    start_pair();
    uint64_t count = 0;
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
        send_piece(1, 2, count++, sizes[i]);
    wait_for(nodes[2].pieces == count);
    for (size_t i = 0; i < 5000; i++)
        send_piece(1, 2, count++, i % 700);
    wait_for(nodes[2].pieces == count);
    assert_int_equal(nodes[2].wrong, 0);
    assert_int_equal(nodes[2].last_from, 1);
    assert_int_equal(dropped(1), 0);
}

static void what_is_urgent_overtakes(void **state)
{
    start_pair();
    uint64_t count = 0;
    for (; count < 3; count++)
        send_piece(1, 2, count, BIG_BYTES);
    send_ping(1, 2);
    wait_for(nodes[2].pings == 1);
    assert_int_equal(nodes[2].pieces_at_ping, 0);
    wait_for(nodes[2].pieces == count);
    /* Also what is queued when the bulk is already on its way. */
    send_piece(1, 2, count++, BIG_BYTES);
    send_piece(1, 2, count++, BIG_BYTES);
    for (int turn = 0; turn < 3; turn++)
        uv_run(&loop, UV_RUN_ONCE);
    send_ping(1, 2);
    wait_for(nodes[2].pings == 2);
    assert_true(nodes[2].pieces_at_ping < count);
    wait_for(nodes[2].pieces == count);
    assert_int_equal(nodes[2].wrong, 0);
}

static void what_waits_is_bounded(void **state)
{
    start_pair();
    for (int i = 0; i < 6; i++)
        send_piece(1, 2, (uint64_t)i, BIG_BYTES);
    struct peer_metrics metrics;
    peer_metrics(nodes[1].peer, &metrics);
    assert_int_equal(metrics.frames_dropped, 3);
    assert_true(metrics.queued_bytes <= PEER_QUEUE_BYTES_MAX + 1024);
    for (int i = 0; i < 100000; i++)
        send_ping(1, 2);
    peer_metrics(nodes[1].peer, &metrics);
    assert_true(metrics.queued_bytes <= PEER_QUEUE_BYTES_MAX + 128 * 1024);
    wait_for(nodes[2].pieces == 3);
    assert_int_equal(nodes[2].wrong, 0);
    assert_true(nodes[2].pings > 0);
    peer_metrics(nodes[1].peer, &metrics);
    assert_int_equal(metrics.queued_bytes, 0);
}

static void a_node_that_returns_is_linked_again(void **state)
{
    start_pair();
    for (int round = 1; round <= 3; round++) {
        node_stop(2);
        wait_for(!peer_linked(nodes[1].peer, 2));
        assert_int_equal(nodes[1].downs, round);
        send_piece(1, 2, 0, 10); /* nobody can have it */
        node_start(2, 2);
        wait_for(nodes[1].linked && nodes[2].linked);
        send_ping(1, 2);
        wait_for(nodes[2].pings == 1);
        assert_int_equal(nodes[2].pieces, 0);
    }
    assert_true(dropped(1) >= 3);
}

static void a_cut_direction_takes_the_link_down(void **state)
{
    start_pair();
    gate_cut(&gates[1][2]);
    wait_for(!nodes[1].linked && !nodes[2].linked);
    send_ping(2, 1); /* the other direction still stands */
    wait_for(nodes[1].pings == 1);
    gate_open(&gates[1][2]);
    wait_for(nodes[1].linked && nodes[2].linked);
}

static void frames_go_round_a_cut_link(void **state)
{
    start_three();
    gate_cut(&gates[1][3]);
    gate_cut(&gates[3][1]);
    wait_for(!(nodes[1].linked & 8) && !(nodes[3].linked & 2));
    send_piece(1, 3, 0, BIG_BYTES);
    send_ping(1, 3);
    wait_for(nodes[3].pieces == 1 && nodes[3].pings == 1);
    assert_int_equal(nodes[3].last_from, 1);
    assert_int_equal(nodes[3].wrong, 0);
    struct peer_metrics metrics;
    peer_metrics(nodes[2].peer, &metrics);
    assert_int_equal(metrics.frames_relayed, 2);

    uint64_t before = dropped(1);
    struct frame beat = {.type = FRAME_PAXOS, .to = 3, .paxos.type = PAXOS_HEARTBEAT_REQUEST};
    peer_send(nodes[1].peer, &beat);
    assert_int_equal(dropped(1), before + 1);

    gate_open(&gates[1][3]);
    gate_open(&gates[3][1]);
    wait_for((nodes[1].linked & 8) && (nodes[3].linked & 2));
    peer_send(nodes[1].peer, &beat);
    wait_for(nodes[3].beats == 1);
    peer_metrics(nodes[2].peer, &metrics);
    assert_int_equal(metrics.frames_relayed, 2);
}

static void without_a_second_link_nothing_is_relayed(void **state)
{
    start_three();
    gate_cut(&gates[1][3]);
    gate_cut(&gates[3][1]);
    gate_cut(&gates[2][3]);
    gate_cut(&gates[3][2]);
    wait_for(nodes[1].linked == 4 && nodes[3].linked == 0);
    wait_for((send_ping(1, 3), dropped(1) > 0)); /* once 2 has said that it does not reach 3 */
    assert_int_equal(nodes[3].pings, 0);
}

/* --- A stranger with a socket --- */

static int stranger_dial(struct gate *gate)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(gate->port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    return fd;
}

/* Returns the HTTP status. */
static int stranger_asks(int fd, const char *upgrade, const char *headers)
{
    char text[2048];
    int len = snprintf(text, sizeof text,
                       "GET /omnipax HTTP/1.1\r\nHost: x\r\n%sSec-WebSocket-Version: 13\r\n"
                       "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n%s\r\n",
                       upgrade, headers);
    assert_int_equal(send(fd, text, (size_t)len, MSG_NOSIGNAL), len);
    ssize_t got;
    wait_for((got = recv(fd, text, sizeof text - 1, MSG_DONTWAIT)) >= 0);
    text[got] = 0;
    return got > 12 ? atoi(text + 9) : 0;
}

static bool is_closed(int fd)
{
    char byte;
    ssize_t got = recv(fd, &byte, 1, MSG_DONTWAIT);
    return got == 0 || (got < 0 && errno != EAGAIN);
}

static const char *headers(const char *from, const char *to, const char *cluster, const char *key)
{
    static char text[1024];
    snprintf(text, sizeof text,
             "X-Quorumfs-Node: %s\r\nX-Quorumfs-To: %s\r\nX-Quorumfs-Cluster: %s\r\n"
             "X-Quorumfs-Secret: %s\r\n",
             from, to, cluster, key);
    return text;
}

static const char websocket[] = "Connection: Upgrade\r\nUpgrade: websocket\r\n";

static void assert_refused(const char *upgrade, const char *text)
{
    int fd = stranger_dial(&gates[2][1]);
    assert_int_equal(stranger_asks(fd, upgrade, text), 403);
    wait_for(is_closed(fd));
    close(fd);
}

static void strangers_are_refused(void **state)
{
    node_start(1, 2);
    char long_secret[400];
    memset(long_secret, 'a', sizeof long_secret);
    long_secret[sizeof long_secret - 1] = 0;
    assert_refused(websocket, "");
    assert_refused(websocket, headers("1", "1", cluster_text, secret_text));
    assert_refused(websocket, headers("3", "1", cluster_text, secret_text));
    assert_refused(websocket, headers("2", "2", cluster_text, secret_text));
    assert_refused(websocket, headers("2", "1", "00000000000000c2-0000000000000001", secret_text));
    assert_refused(websocket, headers("2", "1", cluster_text, ""));
    assert_refused(websocket, headers("2", "1", cluster_text, "69"));
    assert_refused(websocket, headers("2", "1", cluster_text, long_secret));
    assert_refused("", headers("2", "1", cluster_text, secret_text));
    assert_refused("Connection: Upgrade\r\nUpgrade: h2c\r\n",
                   headers("2", "1", cluster_text, secret_text));
    assert_int_equal(nodes[1].linked, 0);
}

static void only_the_addresses_of_peers_are_let_in(void **state)
{
    struct peer_config config = config_of(1, 2);
    strcpy(config.members[0].addr, "192.0.2.1:1"); /* RFC 5737: nobody's */
    node_start_as(1, &config);
    assert_refused(websocket, headers("2", "1", cluster_text, secret_text));
}

static int stranger_becomes_2(void)
{
    int fd = stranger_dial(&gates[2][1]);
    assert_int_equal(stranger_asks(fd, websocket, headers("2", "1", cluster_text, secret_text)),
                     101);
    return fd;
}

/* A masked WebSocket message; the mask is 0. */
static void stranger_says(int fd, uint8_t opcode, const char *bytes, uint8_t len)
{
    uint8_t text[256] = {opcode, (uint8_t)(0x80 | len)};
    memcpy(text + 6, bytes, len);
    assert_int_equal(send(fd, text, 6 + len, MSG_NOSIGNAL), 6 + len);
}

static void garbage_closes_that_connection_only(void **state)
{
    node_start(1, 3);
    node_start(3, 3);
    wait_for(nodes[1].linked == 8 && nodes[3].linked == 2);
    /* Pieces that are none, a piece whose frame is none, a text. */
    for (int i = 0; i < 3; i++) {
        int fd = stranger_becomes_2();
        if (i == 0)
            stranger_says(fd, 0x82, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", 10);
        else if (i == 1)
            stranger_says(fd, 0x82, "\x03\0\0\0\0\0\0\0\x03\0\0\0abc", 15);
        else
            stranger_says(fd, 0x81, "hello", 5);
        wait_for(is_closed(fd));
        close(fd);
    }
    assert_int_equal(nodes[1].downs, 0);
    send_ping(3, 1);
    wait_for(nodes[1].pings == 1);
}

static void a_newer_connection_replaces_an_older_one(void **state)
{
    node_start(1, 2);
    int first = stranger_becomes_2();
    int second = stranger_becomes_2();
    wait_for(is_closed(first));
    assert_false(is_closed(second));
    close(first);
    close(second);
}

static void silence_closes_a_connection(void **state)
{
    node_start(1, 2);
    int known = stranger_becomes_2();
    int unknown = stranger_dial(&gates[2][1]);
    send(unknown, "GET /omnipax HTTP/1.1\r\nHost", 27, MSG_NOSIGNAL);
    uint64_t began = uv_now(&loop);
    wait_for(is_closed(known));
    assert_true(uv_now(&loop) - began >= PEER_PULSE_MS * (PEER_SILENT_PULSES - 1));
    wait_for(is_closed(unknown));
    close(known);
    close(unknown);
}

static void a_crowd_of_strangers_keeps_nobody_out(void **state)
{
    enum { CROWD = 100 };
    int fds[CROWD];
    for (int i = 0; i < CROWD; i++) {
        fds[i] = stranger_dial(&gates[2][1]);
        send(fds[i], "GET /omnipax", 12, MSG_NOSIGNAL);
    }
    start_pair();
    wait_for(is_closed(fds[0]));
    for (int i = 0; i < CROWD; i++)
        close(fds[i]);
}

/* Connections succeed, then nobody answers: as with a machine that hangs. */
static void a_dial_without_answer_is_given_up(void **state)
{
    int mute = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t len = sizeof address;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(bind(mute, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(mute, 4), 0);
    getsockname(mute, (struct sockaddr *)&address, &len);
    struct peer_config config = config_of(1, 2);
    snprintf(config.members[0].addr, sizeof config.members[0].addr, "localhost:%u",
             ntohs(address.sin_port));
    node_start_as(1, &config);
    int fds[2];
    for (int i = 0; i < 2; i++)
        wait_for((fds[i] = accept(mute, NULL, NULL)) >= 0);
    close(fds[0]);
    close(fds[1]);
    close(mute);
}

static void a_wrong_secret_keeps_nodes_apart(void **state)
{
    struct peer_config config = config_of(2, 2);
    config.secret = "guess";
    node_start(1, 2);
    node_start_as(2, &config);
    uint64_t began = uv_now(&loop);
    wait_for(uv_now(&loop) - began > 300); /* several attempts */
    assert_int_equal(nodes[1].linked, 0);
    assert_int_equal(nodes[2].linked, 0);
}

static void wrong_configurations_are_named(void **state)
{
    static const char *const wrong[] = {"",        "a",    ":1",    "a:",  "a:0",
                                        "a:65536", "a:1x", "::1:1", "[]:1"};
    struct peer_callbacks callbacks = {on_frame, on_link, &nodes[1]};
    struct fault fault;
    struct room *room = make_room();
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct peer_config config = config_of(1, 2);
        strcpy(config.members[0].addr, wrong[i]);
        assert_int_equal(peer_start(&loop, room->context, &config, &callbacks, &room->peer, &fault),
                         -EINVAL);
        assert_non_null(strstr(fault.text, "HOST:PORT"));
    }
    char long_secret[PEER_SECRET_MAX + 1];
    memset(long_secret, 'a', PEER_SECRET_MAX);
    long_secret[PEER_SECRET_MAX] = 0;
    struct peer_config config = config_of(1, 2);
    config.secret = long_secret;
    assert_int_equal(peer_start(&loop, room->context, &config, &callbacks, &room->peer, &fault),
                     -EINVAL);
    assert_non_null(strstr(fault.text, "cluster_secret"));
    assert_null(room->peer);
}

static void it_stops_at_any_moment(void **state)
{
    struct peer_config named = config_of(1, 2);
    snprintf(named.members[0].addr, sizeof named.members[0].addr, "localhost:%u", gates[1][2].port);
    for (int turns = 0; turns < 30; turns++) {
        node_start_as(1, &named);
        node_start(2, 2);
        for (int turn = 0; turn < turns; turn++)
            uv_run(&loop, UV_RUN_NOWAIT);
        stop_all();
    }
}

static void it_stops_from_a_callback(void **state)
{
    start_pair();
    nodes[2].stop_at_frame = true;
    for (uint64_t i = 0; i < 10; i++)
        send_piece(1, 2, i, 10);
    wait_for(!nodes[1].linked);
    assert_int_equal(nodes[2].pieces, 1);
    assert_int_equal(nodes[2].downs, 0);
}

int main(void)
{
    lws_set_log_level(0, NULL);
    trace_level = TRACE_ERROR;
    setenv("http_proxy", "http://192.0.2.1:3128", 1); /* peers are not reached through one */
    pattern = malloc(BIG_BYTES * 2);
    for (size_t i = 0; i < BIG_BYTES * 2; i++)
        pattern[i] = (uint8_t)(i * 2654435761u >> 13);
#define test(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        test(frames_of_every_size_arrive_whole_and_in_order),
        test(what_is_urgent_overtakes),
        test(what_waits_is_bounded),
        test(a_node_that_returns_is_linked_again),
        test(a_cut_direction_takes_the_link_down),
        test(frames_go_round_a_cut_link),
        test(without_a_second_link_nothing_is_relayed),
        test(strangers_are_refused),
        test(only_the_addresses_of_peers_are_let_in),
        test(garbage_closes_that_connection_only),
        test(a_newer_connection_replaces_an_older_one),
        test(silence_closes_a_connection),
        test(a_crowd_of_strangers_keeps_nobody_out),
        test(a_dial_without_answer_is_given_up),
        test(a_wrong_secret_keeps_nodes_apart),
        test(wrong_configurations_are_named),
        test(it_stops_at_any_moment),
        test(it_stops_from_a_callback),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    free(pattern);
    return failed;
}
