/* The HTTP door: requests of any method, path, headers and body, well-formed or not, one after the
 * other on a connection, before a fake replica that answers at once, later or not at all well. Each
 * is answered once, in JSON where it says so, and leaves nothing behind. */
#include "fuzz.h"

#include "fake_later.h"
#include "http/http_internal.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define TOKEN HTTP_TOKEN_PREFIX "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

enum {
    REQUESTS_MAX = 8,
    HEADERS_MAX = 8,
    BODY_PARTS_MAX = 4,
    TEXT_BYTES_MAX = 6000,
    BIG_VALUE_BYTES = 257 * 1024,
    TURNS_MAX = 400,
};

static struct {
    uv_loop_t loop;
    struct http *http;
    struct replica *replica;
    struct config config;
    struct owner owner; /* of the next connection */
    int client;         /* the other end of the connection; -1: none */
    uint32_t sent, answered;
    bool raw; /* what was sent may be any requests, or the end has come: answers are not read */
    struct buffer received;
} door = {.client = -1};

/* ---- In place of libwebsockets ---- */

struct lws_vhost *lws_create_vhost(struct lws_context *context,
                                   const struct lws_context_creation_info *info)
{
    return (struct lws_vhost *)&door;
}

struct lws *lws_adopt_socket_vhost_readbuf(struct lws_vhost *vhost, lws_sockfd_type fd,
                                           const char *first, size_t len)
{
    assert(len > 0 && strncmp(first, "GET /client HTTP/1.1\r\n", 22) == 0);
    close(fd);
    return NULL;
}

/* ---- The door ---- */

static void open_door(void)
{
    struct fault fault;
    uv_loop_init(&door.loop);
    door.replica = fake_replica_new(&door.loop);
    strcpy(door.config.me.addr, "node1:8080");
    strcpy(door.config.hosts[door.config.host_count++], "store.example");
    int status = http_start(&door.loop, NULL, door.replica, &door.config, &door.http, &fault);
    assert(status == 0);
}

static void put(const char *key, struct bytes value, uint32_t mode)
{
    fake_put(door.replica, bytes_of_text(key), value, mode);
}

/* TOKEN acts as user 1000. */
static void add_token(void)
{
    char text[] = TOKEN;
    struct caller caller = {.group_count = 0};
    struct buffer data = {0};
    uint8_t hash[TOKEN_HASH_BYTES];
    bool fits = http_token_hash(text, hash);
    assert(fits);
    buffer_append(&data, hash, sizeof hash);
    caller_put_groups(&data, &caller);
    fake_token_add(door.replica, &(struct op){.type = OP_TOKEN_ADD,
                                              .name = bytes_of_text("known"),
                                              .uid = 1000,
                                              .gid = 1000,
                                              .data = bytes_of(data.data, data.len)});
    buffer_free(&data);
}

static void fill_replica(bool with_big)
{
    static uint8_t big[BIG_VALUE_BYTES];
    fake_clear(door.replica);
    add_token();
    put("duck", bytes_of_text("quack"), S_IFREG | 0644);
    put("a/b", bytes_of_text("c"), S_IFREG | 0644);
    put("bin\xff", bytes_of("\0\xff\n", 3), S_IFREG | 0644);
    put("link", bytes_of_text("duck"), S_IFLNK | 0777);
    put("pipe", bytes_of_text(""), S_IFIFO | 0600);
    if (with_big) /* which takes most of the time */
        put("big", bytes_of(big, sizeof big), S_IFREG | 0644);
}

/* Mostly root, from whom nothing is kept. */
static void set_owner(uint32_t how)
{
    static const enum owner_kind kinds[] = {OWNER_UNKNOWN, OWNER_ELSEWHERE, OWNER_PROCESS,
                                            OWNER_CROWDED};
    static const int refusals[] = {0, -EACCES, -EROFS, -EKEYREVOKED};
    door.owner = (struct owner){.kind = OWNER_USER};
    if (how % 3 != 1)
        return;
    door.owner.kind = kinds[how / 3 % 4];
    door.owner.uid = door.owner.gid = 1000;
    door.owner.group_count = how % 5;
    fake.may_status = refusals[how / 12 % 4];
    fake.tokens_late = how % 2;
}

static void set_answers(struct source *s)
{
    uint32_t how = source_u8(s);
    fake.answers = how & 1 ? FAKE_LATER : FAKE_AT_ONCE;
    fake.stale = how & 2;
    fake.old_forgotten = how & 4;
    fake.not_ready = how & 8;
    fake.peer_unreachable = how & 16;
    fake.write_outcome = how & 32 ? (int)source_below(s, REPLICA_TIMEOUT + 1) : REPLICA_DONE;
    fake.read_outcome = how & 64 ? (int)source_below(s, REPLICA_TIMEOUT + 1) : REPLICA_DONE;
    fake.write_status = how & 128 ? -(int)(1 + source_below(s, 120)) : 0;
    fake.clients_forbidden = (how & 0xe0) == 0xe0;
    set_owner(how);
}

/* ---- The client ---- */

static void connect_client(void)
{
    struct sockaddr_in from = {.sin_family = AF_INET};
    int ends[2];
    int status = socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends);
    assert(status == 0);
    door.client = ends[1];
    door.sent = door.answered = 0;
    door.raw = false;
    door.received.len = 0;
    http_adopt(door.http, ends[0], (struct sockaddr *)&from, &door.owner, false);
}

static void check_json(struct bytes body)
{
    cJSON *json;
    struct fault fault;
    int status = http_json_parse(body, &json, &fault);
    assert(status == 0);
    assert(cJSON_IsObject(json));
    cJSON_Delete(json);
}

/* Takes one answer off what was received. False: it is not complete, and it may never be, since a
 * stream can be cut. */
static bool take_answer(const char *method)
{
    struct buffer *in = &door.received;
    buffer_append(in, "", 1);
    assert(!in->failed);
    in->len--;
    char *text = (char *)in->data, *end = strstr(text, "\r\n\r\n");
    unsigned int status;
    if (!end)
        return false;
    int found = sscanf(text, "HTTP/1.1 %3u ", &status);
    assert(found == 1 && status >= 100 && status < 600);
    size_t head = (size_t)(end + 4 - text), body = 0;
    const char *length = strcasestr(text, "\r\nContent-Length: ");
    if (length && length < end && strcmp(method, "HEAD") != 0)
        body = strtoul(length + 18, NULL, 10);
    if (in->len < head + body)
        return false;
    const char *json = strstr(text, "Content-Type: application/json");
    if (json && json < end && body > 0 && body < BIG_VALUE_BYTES)
        check_json(bytes_of(end + 4, body));
    assert(!strstr(text, "\r\nDate: ") || status >= 200);
    door.answered += status >= 200;
    memmove(in->data, in->data + head + body, in->len - head - body);
    in->len -= head + body;
    return true;
}

/* Lets both sides go on. False: the connection is over. */
static bool turn(const char *method)
{
    static uint8_t text[64 * 1024];
    fake_later(&door.loop, door.replica);
    uv_run(&door.loop, UV_RUN_NOWAIT);
    ssize_t got = recv(door.client, text, sizeof text, MSG_DONTWAIT);
    if (got > 0)
        buffer_append(&door.received, text, (size_t)got);
    while (!door.raw && take_answer(method)) {
    }
    return got != 0 && !(got < 0 && errno != EAGAIN);
}

static void disconnect(void)
{
    shutdown(door.client, SHUT_WR);
    door.raw = true;
    for (int i = 0; i < TURNS_MAX && door.http->connection_count > 0; i++) {
        turn("");
        if (door.http->jobs_open > 0) /* another thread works on it */
            i = 0;
    }
    close(door.client);
    door.client = -1;
    uv_run(&door.loop, UV_RUN_NOWAIT);
    uv_run(&door.loop, UV_RUN_NOWAIT);
    assert(door.http->connection_count == 0);
    assert(door.answered <= door.sent);
}

static void say(struct bytes bytes)
{
    if (bytes.len > 0 && send(door.client, bytes.data, bytes.len, MSG_NOSIGNAL) < 0)
        assert(errno == EPIPE || errno == ECONNRESET || errno == EAGAIN);
}

/* ---- Requests ---- */

static char *text_of(struct bytes bytes)
{
    char *text = strndup(bytes.data ? (const char *)bytes.data : "", bytes.len);
    assert(text);
    return text;
}

static void add_headers(struct source *s, struct buffer *head)
{
    static const char *const names[] = {"If-Match",
                                        "If-None-Match",
                                        "Accept",
                                        "Origin",
                                        "Host",
                                        "Range",
                                        "Connection",
                                        "Expect",
                                        "If-Range",
                                        "Upgrade",
                                        "Content-Range",
                                        "Content-Encoding",
                                        "Content-Length",
                                        "Sec-WebSocket-Key",
                                        "Sec-WebSocket-Version",
                                        "If-Unmodified-Since",
                                        "Authorization",
                                        "Sec-Fetch-Site",
                                        "Sec-Fetch-Mode",
                                        "Sec-Fetch-Dest",
                                        "User-Agent",
                                        "Content-Type",
                                        "Last-Event-ID"};
    for (uint32_t n = source_below(s, HEADERS_MAX + 1); n > 0; n--) {
        const char *name = names[source_below(s, sizeof names / sizeof *names)];
        char *value = text_of(source_chunk(s));
        bool known = !*value && strcmp(name, "Authorization") == 0;
        buffer_printf(head, "%s: %s\r\n", name, known ? "Bearer " TOKEN : value);
        free(value);
    }
}

static void add_body(struct source *s, struct buffer *request)
{
    struct buffer body = {0};
    bool chunked = source_u8(s) & 1;
    for (uint32_t parts = source_below(s, BODY_PARTS_MAX); parts > 0; parts--) {
        struct bytes part = source_bytes(s, source_number(s) % TEXT_BYTES_MAX);
        if (chunked && part.len > 0)
            buffer_printf(&body, "%zx\r\n", part.len);
        buffer_append(&body, part.data, part.len);
        if (chunked && part.len > 0)
            buffer_printf(&body, "\r\n");
    }
    if (chunked)
        buffer_printf(request, "Transfer-Encoding: chunked\r\n\r\n");
    else if (body.len > 0)
        buffer_printf(request, "Content-Length: %zu\r\n\r\n", body.len);
    else
        buffer_printf(request, "\r\n");
    buffer_append(request, body.data, body.len);
    if (chunked)
        buffer_printf(request, "0\r\n\r\n");
    buffer_free(&body);
}

static void request(struct source *s)
{
    static const char *const methods[] = {"GET",  "PUT",   "POST",    "DELETE",
                                          "HEAD", "PATCH", "OPTIONS", "CONNECT"};
    struct buffer text = {0};
    const char *method = methods[source_below(s, sizeof methods / sizeof *methods)];
    set_answers(s);
    if (door.client < 0)
        connect_client();
    uint8_t kind = source_u8(s);
    if (kind < 32) { /* any bytes at all */
        struct bytes raw = source_bytes(s, source_number(s) % TEXT_BYTES_MAX);
        buffer_append(&text, raw.data, raw.len);
        door.raw = true;
    } else {
        char *uri = text_of(source_bytes(s, source_number(s) % TEXT_BYTES_MAX));
        buffer_printf(&text, "%s %s HTTP/1.%d\r\n", method, uri, kind != 32);
        if (kind & 1)
            buffer_printf(&text, "Host: 127.0.0.1:8080\r\n");
        add_headers(s, &text);
        add_body(s, &text);
        door.sent += (uint32_t)text.len; /* a body can be many requests, if the head says so */
        free(uri);
    }
    assert(!text.failed);
    size_t step = kind & 64 ? 1 + (size_t)source_u8(s) : text.len + 1;
    bool open = true;
    for (size_t at = 0; at < text.len && open; at += step) {
        say(bytes_of(text.data + at, step < text.len - at ? step : text.len - at));
        open = turn(method);
    }
    uint32_t before = door.answered;
    for (int i = 0; i < TURNS_MAX && open && door.answered == before; i++) {
        open = turn(method);
        struct http_connection *c = TAILQ_FIRST(&door.http->connections);
        if (c && (c->phase == HTTP_PHASE_HEAD || c->phase == HTTP_PHASE_BODY) && !c->is_due &&
            i > 2)
            break; /* it waits for more */
    }
    if (!open || kind < 32)
        disconnect();
    buffer_free(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct source s = source_of(data, size);
    if (!door.http)
        open_door();
    fill_replica(source_u8(&s) == 'b');
    for (int i = 0; i < REQUESTS_MAX && s.left.len > 0; i++)
        request(&s);
    if (door.client >= 0)
        disconnect();
    assert(door.http->held_bytes == 0);
    assert(door.http->waiting == 0);
    assert(TAILQ_EMPTY(&door.http->steps) && door.http->jobs_open == 0);
    assert(TAILQ_EMPTY(&door.http->due));
    return 0;
}
