/* Clients that may open /omnipax, and frames that a peer may send there: tested with a bare
 * socket. */
#include "peer_cluster.h"

static const char cluster_text[] = "00000000000000c1-0000000000000001";
static const char secret_text[] = "69742773206120c3a420736563726574";

static int stranger_dial(struct gate *gate)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(gate->port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    return fd;
}

static void stranger_sends(int fd, const char *upgrade, const char *headers)
{
    char text[2048];
    int len = snprintf(text, sizeof text,
                       "GET /omnipax HTTP/1.1\r\nHost: x\r\n%sSec-WebSocket-Version: 13\r\n"
                       "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n%s\r\n",
                       upgrade, headers);
    assert_int_equal(send(fd, text, (size_t)len, MSG_NOSIGNAL), len);
}

/* Returns the HTTP status. */
static int stranger_asks(int fd, const char *upgrade, const char *headers)
{
    stranger_sends(fd, upgrade, headers);
    char text[2048];
    ssize_t got;
    wait_for((got = recv(fd, text, sizeof text - 1, MSG_DONTWAIT)) >= 0);
    text[got > 0 ? got : 0] = 0;
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
    assert_refused(websocket, headers("2", "1", cluster_text, "69"));
    assert_refused(websocket, headers("2", "1", cluster_text, long_secret));
    assert_refused("", headers("2", "1", cluster_text, secret_text));
    assert_refused("Connection: Upgrade\r\nUpgrade: h2c\r\n",
                   headers("2", "1", cluster_text, secret_text));
    assert_int_equal(nodes[1].linked, 0);
}

/* As no node writes them; the last one is right, and so shows that the others were wrong. */
static void members_are_named_once(void **state)
{
    static const char *const wrong[] = {"2,b:1", "0,b:1,b:1", "2,b:1,b:1 2,c:1,c:1", "2,b,b",
                                        "1,a:1,a:1 2,b:1,b:1 1,a:1,a:1"};
    char text[1200];
    struct peer_config config = config_of(1, 2);
    config.identity.standing = PEER_NEW;
    node_start_as(1, &config);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        snprintf(text, sizeof text, "%sX-Quorumfs-Standing: member\r\nX-Quorumfs-Members: %s\r\n",
                 headers("2", "1", cluster_text, secret_text), wrong[i]);
        assert_refused(websocket, text);
    }
    assert_int_equal(nodes[1].greetings, 0);
    snprintf(text, sizeof text,
             "%sX-Quorumfs-Standing: member\r\nX-Quorumfs-Members: 1,a:1,a:1 2,b:1,b:1\r\n",
             headers("2", "1", cluster_text, secret_text));
    int fd = stranger_dial(&gates[2][1]);
    assert_int_equal(stranger_asks(fd, websocket, text), 503);
    assert_int_equal(nodes[1].greetings, 1);
    assert_int_equal(nodes[1].greeting.count, 2);
    close(fd);
}

static void only_the_addresses_of_peers_are_let_in(void **state)
{
    struct peer_config config = config_of(1, 2);
    strcpy(config.identity.members[0].peer_addr, "192.0.2.1:1"); /* RFC 5737: belongs to no host */
    config.secret = NULL;
    node_start_as(1, &config);
    assert_refused(websocket, headers("2", "1", cluster_text, ""));
}

/* Without plain_peers neither the address nor the secret of former versions helps. */
static void plain_links_are_refused(void **state)
{
    struct peer_config config = config_of(1, 2);
    config.plain = false;
    node_start_as(1, &config);
    assert_refused(websocket, headers("2", "1", cluster_text, secret_text));
    assert_refused(websocket, headers("2", "1", cluster_text, ""));
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

static void stranger_says_frame(int fd, const struct frame *frame)
{
    const struct frame_scope scope = {cluster_id, configuration_id};
    struct buffer bytes = {0}, message = {0};
    frame_encode(frame, &scope, &bytes);
    buffer_put_u32(&message, (uint32_t)bytes.len);
    buffer_put_u32(&message, 0);
    buffer_put_bytes(&message, bytes_of(bytes.data, bytes.len));
    assert_in_range(message.len, 1, 125);
    stranger_says(fd, 0x82, (const char *)message.data, (uint8_t)message.len);
    buffer_free(&bytes);
    buffer_free(&message);
}

/* By the first peer that it reaches: a frame of another node was relayed already. */
static void a_frame_is_passed_on_once(void **state)
{
    node_start(1, 3);
    node_start(3, 3);
    wait_for(nodes[1].linked == 8 && nodes[3].linked == 2);
    int fd = stranger_becomes_2();
    stranger_says_frame(fd, &(struct frame){.type = FRAME_PING, .from = 1, .to = 3});
    stranger_says_frame(fd, &(struct frame){.type = FRAME_PING, .from = 2, .to = 3});
    wait_for(nodes[3].pings > 0 && nodes[3].last_from == 2);
    assert_int_equal(nodes[3].pings, 1);
    struct peer_metrics metrics;
    peer_metrics(nodes[1].peer, &metrics);
    assert_int_equal(metrics.frames_relayed, 1);
    close(fd);
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

/* Frames that were sent before may still be read. */
static void a_replaced_connection_is_not_heard(void **state)
{
    node_start(1, 3);
    int first = stranger_becomes_2();
    stranger_says_frame(first, &(struct frame){.type = FRAME_PING, .from = 2, .to = 1});
    wait_for(nodes[1].pings == 1);
    int second = stranger_dial(&gates[2][1]);
    for (int turn = 0; turn < 100; turn++)
        uv_run(&loop, UV_RUN_NOWAIT); /* accepted, and waited for what it asks */
    stranger_sends(second, websocket, headers("2", "1", cluster_text, secret_text));
    stranger_says_frame(first, &(struct frame){.type = FRAME_PING, .from = 2, .to = 1});
    wait_for(is_closed(first));
    assert_int_equal(nodes[1].pings, 1);
    close(first);
    close(second);
}

/* The user of the link has to repair frames that were lost in it. */
static void a_replaced_connection_takes_the_link_down(void **state)
{
    start_pair();
    assert_int_equal(nodes[1].downs, 0);
    int fd = stranger_becomes_2();
    assert_true(nodes[1].downs > 0);
    wait_for(nodes[1].linked); /* and up again */
    close(fd);
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

int main(void)
{
    prepare();
    const struct CMUnitTest tests[] = {
        nodes_test(strangers_are_refused),
        nodes_test(members_are_named_once),
        nodes_test(only_the_addresses_of_peers_are_let_in),
        nodes_test(plain_links_are_refused),
        nodes_test(garbage_closes_that_connection_only),
        nodes_test(a_frame_is_passed_on_once),
        nodes_test(a_newer_connection_replaces_an_older_one),
        nodes_test(a_replaced_connection_is_not_heard),
        nodes_test(a_replaced_connection_takes_the_link_down),
        nodes_test(silence_closes_a_connection),
        nodes_test(a_crowd_of_strangers_keeps_nobody_out),
        nodes_test(a_wrong_secret_keeps_nodes_apart),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    free(pattern);
    return failed;
}
