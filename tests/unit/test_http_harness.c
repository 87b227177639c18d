#include "test_http_harness.h"

#include "http/http_internal.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

/* ---- The server's thread ---- */

struct port {
    int fd;
    uint16_t number;
    uv_poll_t poll;
};

static struct {
    pthread_t thread;
    uv_loop_t loop;
    struct lws_context *context;
    struct replica *replica;
    struct config config;
    struct http *http;
    struct port port;
    uv_async_t call; /* runs `called` on the loop */
    void (*called)(void *arg);
    void *called_arg;
    sem_t ready;
    struct sockaddr_storage from; /* of connections, if a test sets it */
    struct owner owner;           /* likewise; at first root */
} server;

static void on_connection(uv_poll_t *poll, int status, int events)
{
    struct port *port = poll->data;
    struct sockaddr_storage from;
    socklen_t len = sizeof from;
    int fd = accept4(port->fd, (struct sockaddr *)&from, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0)
        http_adopt(server.http, fd,
                   (struct sockaddr *)(server.from.ss_family ? &server.from : &from), &server.owner,
                   false);
}

static void open_port(struct port *port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof address;
    port->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    assert(port->fd >= 0);
    assert(bind(port->fd, (struct sockaddr *)&address, len) == 0);
    assert(listen(port->fd, 1024) == 0);
    assert(getsockname(port->fd, (struct sockaddr *)&address, &len) == 0);
    port->number = ntohs(address.sin_port);
    uv_poll_init(&server.loop, &port->poll, port->fd);
    port->poll.data = port;
    uv_poll_start(&port->poll, UV_READABLE, on_connection);
}

static void close_port(struct port *port)
{
    uv_close((uv_handle_t *)&port->poll, NULL);
    close(port->fd);
}

static void on_call(uv_async_t *async)
{
    server.called(server.called_arg);
    sem_post(&server.ready);
}

static void run_on_loop(void (*function)(void *arg), void *arg)
{
    server.called = function;
    server.called_arg = arg;
    uv_async_send(&server.call);
    sem_wait(&server.ready);
}

static void server_start(void)
{
    struct fault fault;
    void *loops[1] = {&server.loop};
    uv_loop_init(&server.loop);
    lws_set_log_level(0, NULL);
    struct lws_context_creation_info info = {
        .port = CONTEXT_PORT_NO_LISTEN,
        .options = LWS_SERVER_OPTION_LIBUV | LWS_SERVER_OPTION_EXPLICIT_VHOSTS,
        .foreign_loops = loops,
    };
    server.context = lws_create_context(&info);
    assert(server.context);
    server.replica = fake_replica_new(&server.loop);
    server.owner.kind = OWNER_USER;
    strcpy(server.config.me.addr, "127.0.0.1:8080");
    strcpy(server.config.hosts[server.config.host_count++], "test");
    strcpy(server.config.hosts[server.config.host_count++], "outer.example:8443");
    assert(http_start(&server.loop, server.context, server.replica, &server.config, &server.http,
                      &fault) == 0);
    open_port(&server.port);
    uv_async_init(&server.loop, &server.call, on_call);
}

static void stop(void *arg)
{
    close_port(&server.port);
    fake_replica_close(server.replica);
    uv_close((uv_handle_t *)&server.call, NULL);
    http_stop(server.http);
    lws_context_destroy(server.context);
}

static void *run_server(void *arg)
{
    server_start();
    sem_post(&server.ready);
    uv_run(&server.loop, UV_RUN_DEFAULT);
    lws_context_destroy(server.context); /* the second half, once the loop has run empty */
    http_free(server.http);
    uv_run(&server.loop, UV_RUN_DEFAULT);
    fake_replica_free(server.replica);
    assert(uv_loop_close(&server.loop) == 0);
    return NULL;
}

/* Tests hold both ends of many connections. */
static void raise_descriptor_limit(void)
{
    struct rlimit limit;
    assert(getrlimit(RLIMIT_NOFILE, &limit) == 0);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
}

int harness_start(void **state)
{
    raise_descriptor_limit();
    sem_init(&server.ready, 0, 0);
    assert(pthread_create(&server.thread, NULL, run_server, NULL) == 0);
    sem_wait(&server.ready);
    return 0;
}

int harness_stop(void **state)
{
    run_on_loop(stop, NULL);
    pthread_join(server.thread, NULL);
    sem_destroy(&server.ready);
    return 0;
}

static void set_body_ms(void *arg)
{
    server.http->body_ms_max = *(uint64_t *)arg;
}

void harness_set_body_ms(uint64_t ms)
{
    run_on_loop(set_body_ms, &ms);
}

static void set_moment_ms(void *arg)
{
    server.http->moment_ms = *(uint64_t *)arg;
}

void harness_set_moment_ms(uint64_t ms)
{
    run_on_loop(set_moment_ms, &ms);
}

static void set_bounds(void *arg)
{
    const struct bounds *bounds = arg;
    struct http *http = server.http;
    http->held_max = bounds->held_max ? bounds->held_max : HTTP_HELD_BYTES_MAX;
    http->connections_max =
        bounds->connections_max ? bounds->connections_max : HTTP_CONNECTIONS_MAX;
    http->idle_ms_max = bounds->idle_ms_max ? bounds->idle_ms_max : HTTP_IDLE_MS_MAX;
    http->pressed_ms = bounds->pressed_ms ? bounds->pressed_ms : HTTP_PRESSED_MS;
    http->body_ms_max = bounds->body_ms_max ? bounds->body_ms_max : HTTP_BODY_MS_MAX;
}

void harness_set_bounds(struct bounds bounds)
{
    run_on_loop(set_bounds, &bounds);
}

static void get_held(void *arg)
{
    *(size_t *)arg = server.http->held_bytes;
}

size_t harness_held(void)
{
    size_t held;
    run_on_loop(get_held, &held);
    return held;
}

static void get_connections(void *arg)
{
    *(uint32_t *)arg = http_connection_count(server.http);
}

uint32_t harness_connections(void)
{
    uint32_t count;
    run_on_loop(get_connections, &count);
    return count;
}

static void set_from(void *arg)
{
    struct sockaddr_in *from = (struct sockaddr_in *)&server.from;
    memset(&server.from, 0, sizeof server.from);
    if (!arg)
        return;
    from->sin_family = AF_INET;
    assert(inet_pton(AF_INET, arg, &from->sin_addr) == 1);
}

void harness_set_from(const char *address)
{
    run_on_loop(set_from, (void *)address);
}

static void set_owner(void *arg)
{
    server.owner = *(const struct owner *)arg;
}

void harness_set_owner(struct owner owner)
{
    run_on_loop(set_owner, &owner);
}

static void set_clients_as(void *arg)
{
    const struct config_user *as = arg;
    http_users_free(server.http);
    server.config.clients_as = *as;
    assert(http_users_start(server.http) == 0);
}

void harness_set_clients_as(struct config_user as)
{
    run_on_loop(set_clients_as, &as);
}

static void reset(void *arg)
{
    set_owner(&(struct owner){.kind = OWNER_USER});
    set_clients_as(&(struct config_user){.given = false});
    server.http->moment_ms = HTTP_MOMENT_MS;
    set_bounds(&(struct bounds){0});
    set_from(NULL);
    fake_clear(server.replica);
}

int harness_reset(void **state)
{
    run_on_loop(reset, NULL);
    return 0;
}

struct put {
    const char *key;
    struct bytes value;
    uint32_t mode;
};

static void harness_put_here(void *arg)
{
    struct put *what = arg;
    fake_put(server.replica, bytes_of_text(what->key), what->value, what->mode);
}

void harness_put(const char *key, struct bytes value, uint32_t mode)
{
    struct put what = {key, value, mode};
    run_on_loop(harness_put_here, &what);
}

/* ---- The client ---- */

int http_connect(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons(server.port.number),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    struct timeval wait = {.tv_sec = CLIENT_WAIT_MS / 1000};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof wait);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    return fd;
}

void send_bytes(int fd, const void *data, size_t len)
{
    const char *at = data;
    while (len > 0) {
        ssize_t sent = send(fd, at, len, MSG_NOSIGNAL);
        if (sent < 0) /* the server may have answered and closed */
            return;
        at += sent;
        len -= (size_t)sent;
    }
}

void send_text(int fd, const char *text)
{
    send_bytes(fd, text, strlen(text));
}

static void receive_exactly(int fd, void *to, size_t len)
{
    char *at = to;
    while (len > 0) {
        ssize_t got = recv(fd, at, len, 0);
        assert_true(got > 0);
        at += got;
        len -= (size_t)got;
    }
}

const char *response_header(const struct response *response, const char *name)
{
    static char value[1024];
    char line[128];
    snprintf(line, sizeof line, "\r\n%s: ", name);
    const char *at = strcasestr(response->headers, line);
    if (!at)
        return "";
    at += strlen(line);
    snprintf(value, sizeof value, "%.*s", (int)strcspn(at, "\r"), at);
    return value;
}

struct response receive_response(int fd, bool head)
{
    struct response response = {0};
    size_t len = 0;
    while (len < 4 || memcmp(response.headers + len - 4, "\r\n\r\n", 4) != 0) {
        assert_true(len + 1 < sizeof response.headers);
        receive_exactly(fd, response.headers + len++, 1);
    }
    assert_int_equal(sscanf(response.headers, "HTTP/1.%*d %d ", &response.status), 1);
    if (response.status >= 200 && response.status != 204 && response.status != 304 && !head)
        response.body_len = strtoul(response_header(&response, "Content-Length"), NULL, 10);
    response.body = calloc(1, response.body_len + 1);
    assert_non_null(response.body);
    receive_exactly(fd, response.body, response.body_len);
    return response;
}

void response_free(struct response *response)
{
    free(response->body);
}

bool is_closed(int fd)
{
    char byte;
    ssize_t got = recv(fd, &byte, 1, 0);
    return got == 0 || (got < 0 && errno != EAGAIN);
}

struct response request(const char *method, const char *path, const char *headers, const char *body)
{
    int fd = http_connect();
    size_t body_len = body ? strlen(body) : 0;
    size_t room = strlen(path) + strlen(headers) + 256;
    char *head = malloc(room);
    assert_non_null(head);
    snprintf(head, room, "%s %s HTTP/1.1\r\nHost: test\r\n%s", method, path, headers);
    if (body)
        snprintf(head + strlen(head), room - strlen(head), "Content-Length: %zu\r\n", body_len);
    strcat(head, "\r\n");
    send_text(fd, head);
    send_bytes(fd, body, body_len);
    free(head);
    struct response response = receive_response(fd, strcmp(method, "HEAD") == 0);
    close(fd);
    return response;
}

void expect(const char *method, const char *path, const char *headers, const char *body, int status,
            const char *answer)
{
    struct response response = request(method, path, headers, body);
    if (answer)
        assert_string_equal(response.body, answer);
    assert_int_equal(response.status, status);
    response_free(&response);
}

void expect_error(const char *method, const char *path, const char *headers, const char *body,
                  int status, const char *text)
{
    struct response response = request(method, path, headers, body);
    if (response.status != status || !strstr(response.body, "\"error\":\"") ||
        !strstr(response.body, text))
        print_error("%s %.60s: %s\n", method, path, response.body);
    assert_int_equal(response.status, status);
    assert_non_null(strstr(response.body, "\"error\":\""));
    assert_non_null(strstr(response.body, text));
    response_free(&response);
}

void expect_header(const char *method, const char *path, const char *headers, const char *body,
                   int status, const char *name, const char *value)
{
    struct response response = request(method, path, headers, body);
    if (response.status != status || strcmp(response_header(&response, name), value) != 0)
        print_error("%s %s %s: %d %s: %s\n", method, path, headers, response.status, name,
                    response_header(&response, name));
    assert_int_equal(response.status, status);
    assert_string_equal(response_header(&response, name), value);
    response_free(&response);
}

int status_on(int fd, const char *text)
{
    send_text(fd, text);
    struct response response = receive_response(fd, false);
    int status = response.status;
    response_free(&response);
    return status;
}

int status_of(const char *text)
{
    int fd = http_connect();
    int status = status_on(fd, text);
    close(fd);
    return status;
}

/* ---- WebSocket (RFC 6455) ---- */

int ws_open(void)
{
    int fd = http_connect();
    send_text(fd, "GET /client HTTP/1.1\r\nHost: test\r\nUpgrade: websocket\r\n"
                  "Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                  "Sec-WebSocket-Version: 13\r\n\r\n");
    struct response response = receive_response(fd, true);
    assert_int_equal(response.status, 101);
    assert_string_equal(response_header(&response, "Sec-WebSocket-Accept"),
                        "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    response_free(&response);
    return fd;
}

void ws_send_frame(int fd, int opcode, bool final, const void *data, size_t len)
{
    uint8_t *frame = malloc(len + 14);
    assert_non_null(frame);
    size_t head = len < 126 ? 2 : len < 65536 ? 4 : 10;
    frame[0] = (uint8_t)(opcode | (final ? 0x80 : 0));
    frame[1] = (uint8_t)(0x80 | (len < 126 ? len : len < 65536 ? 126 : 127));
    for (size_t i = 2; i < head; i++)
        frame[i] = (uint8_t)(len >> 8 * (head - 1 - i));
    const uint8_t mask[4] = {1, 2, 3, 4};
    memcpy(frame + head, mask, 4);
    for (size_t i = 0; i < len; i++)
        frame[head + 4 + i] = ((const uint8_t *)data)[i] ^ mask[i % 4];
    send_bytes(fd, frame, head + 4 + len);
    free(frame);
}

void ws_send(int fd, const char *text)
{
    ws_send_frame(fd, 1, true, text, strlen(text));
}

/* The payload of one frame appended to `*message`. */
static uint8_t receive_frame(int fd, char **message, size_t *len)
{
    uint8_t head[2], extended[8];
    receive_exactly(fd, head, 2);
    uint64_t payload = head[1] & 0x7f;
    size_t more = payload == 126 ? 2 : payload == 127 ? 8 : 0;
    if (more) {
        receive_exactly(fd, extended, more);
        payload = 0;
        for (size_t i = 0; i < more; i++)
            payload = payload << 8 | extended[i];
    }
    *message = realloc(*message, *len + payload + 1);
    assert_non_null(*message);
    receive_exactly(fd, *message + *len, payload);
    *len += payload;
    (*message)[*len] = 0;
    return head[0];
}

char *ws_receive(int fd, size_t *len, int *close_code)
{
    char *message = NULL;
    uint8_t head;
    *len = 0;
    *close_code = 0;
    do {
        head = receive_frame(fd, &message, len);
        if ((head & 15) != 8)
            continue;
        *close_code = *len >= 2 ? (uint8_t)message[0] << 8 | (uint8_t)message[1] : -1;
        free(message);
        return NULL;
    } while (!(head & 0x80));
    return message;
}

void ws_expect(int fd, const char *text)
{
    size_t len;
    int code;
    char *message = ws_receive(fd, &len, &code);
    assert_non_null(message);
    assert_string_equal(message, text);
    free(message);
}
