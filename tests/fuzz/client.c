/* The client WebSocket: connections that send any messages in any parts, read slowly, vanish while
 * the replica is at work, and are closed by the server. Replies are JSON, and one for each
 * message. */
#include "fuzz.h"

#include "fake_later.h"
#include "fake_lws.h"
#include "http/client_session.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/stat.h>

enum { CONNECTIONS = 2, ACTIONS_MAX = 200, HELD_MAX = 256 * 1024 };

static struct {
    uv_loop_t loop;
    struct http http;
    struct config config;
    struct http_clients *clients;
    bool stopping;
} door;

struct connection {
    struct lws wsi;
    bool open, in_message;
    uint32_t sent; /* messages */
};

static void check_reply(struct bytes message)
{
    cJSON *json;
    struct fault fault;
    int status = http_json_parse(message, &json, &fault);
    assert(status == 0);
    assert(cJSON_IsObject(json));
    assert(cJSON_GetObjectItemCaseSensitive(json, "response") ||
           cJSON_GetObjectItemCaseSensitive(json, "error"));
    cJSON_Delete(json);
}

/* As whom all requests act: by a token, which may be gone. */
static struct http_user user;

static void open_connection(struct connection *c)
{
    *c = (struct connection){0};
    c->wsi = (struct lws){.on_written = check_reply};
    struct sockaddr_in from = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct http_address *address = http_address_join(&door.http, (struct sockaddr *)&from);
    assert(address);
    c->open = http_clients_have_room(door.clients, address);
    if (c->open) {
        fake_lws_next(&c->wsi);
        http_clients_adopt(door.clients, -1, (struct bytes){0}, address, &user);
    }
    http_address_leave(address);
}

static void connection_over(struct connection *c)
{
    assert(c->wsi.messages <= c->sent);
    *c = (struct connection){0};
}

static void receive(struct connection *c, struct source *s)
{
    uint8_t shape = source_u8(s);
    struct bytes part = source_bytes(s, source_number(s) % 4096);
    bool final = shape & 1;
    if (!c->open || c->wsi.paused || (part.len == 0 && !final))
        return;
    uint8_t *copy = malloc(part.len + 1); /* the sanitizer sees what is read behind its end */
    assert(copy);
    if (part.len > 0)
        memcpy(copy + 1, part.data, part.len);
    c->sent += final;
    c->open = fake_lws_receive(&c->wsi, bytes_of(copy + 1, part.len), final);
    free(copy);
}

static void take_reply(struct connection *c)
{
    if (c->open)
        c->open = fake_lws_write(&c->wsi);
}

static void close_connection(struct connection *c)
{
    if (c->open)
        fake_lws_close(&c->wsi);
    c->open = false;
}

static void let_replica_answer(void)
{
    int before = fake.answers;
    fake.answers = FAKE_LATER;
    fake_later(&door.loop, door.http.replica);
    assert(fake.held == 0);
    fake.answers = before;
}

static void set_answers(struct source *s)
{
    uint8_t how = source_u8(s);
    fake.answers = how & 1 ? FAKE_HELD : FAKE_AT_ONCE;
    fake.old_forgotten = how & 2;
    fake.peer_unreachable = how & 4;
    fake.not_ready = how & 8;
    fake.write_outcome = how & 16 ? (int)source_below(s, REPLICA_TIMEOUT + 1) : REPLICA_DONE;
    fake.read_outcome = how & 32 ? (int)source_below(s, REPLICA_TIMEOUT + 1) : REPLICA_DONE;
    fake.write_status = how & 64 ? -(int)(1 + source_below(s, 120)) : 0;
}

static void client_act(struct connection *c, struct source *s)
{
    switch (source_below(s, 12)) {
    case 0:
        set_answers(s);
        break;
    case 1:
        let_replica_answer();
        break;
    case 2:
        close_connection(c);
        break;
    case 3:
        if (!door.stopping)
            http_clients_stop(door.clients);
        door.stopping = true;
        break;
    case 4:
    case 5:
        take_reply(c);
        break;
    default:
        receive(c, s);
    }
    if (!c->open) {
        connection_over(c);
        open_connection(c);
    }
}

static void begin(void)
{
    static bool begun;
    if (!begun) {
        uv_loop_init(&door.loop);
        door.http = (struct http){.loop = &door.loop,
                                  .replica = fake_replica_new(&door.loop),
                                  .config = &door.config,
                                  .held_max = HELD_MAX,
                                  .idle_ms_max = HTTP_IDLE_MS_MAX,
                                  .body_ms_max = HTTP_BODY_MS_MAX,
                                  .pressed_ms = HTTP_PRESSED_MS};
        begun = true;
    }
    fake_clear(door.http.replica);
    fake_put(door.http.replica, bytes_of_text("duck"), bytes_of_text("quack"), S_IFREG | 0644);
    fake_put(door.http.replica, bytes_of_text("bin"), bytes_of("\0\xff", 2), S_IFREG | 0644);
    fake_put(door.http.replica, bytes_of_text("d/f"), bytes_of_text(""), S_IFREG | 0644);
    fake_put(door.http.replica, bytes_of_text("link"), bytes_of_text("x"), S_IFLNK | 0777);
    door.stopping = false;
    int status = http_clients_start(&door.http, NULL, &door.clients);
    assert(status == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct source s = source_of(data, size);
    struct connection connections[CONNECTIONS] = {0};
    begin();
    user.caller.uid = size % 2 ? 1000 : 0;
    fake.may_status = size % 8 == 1 ? -EACCES : 0;
    for (int i = 0; i < ACTIONS_MAX && s.left.len > 0; i++) {
        door.http.worked_ns = 0; /* no turn of the loop ends here */
        client_act(&connections[source_below(&s, CONNECTIONS)], &s);
    }
    for (int i = 0; i < CONNECTIONS; i++) {
        close_connection(&connections[i]);
        connection_over(&connections[i]);
    }
    let_replica_answer();
    http_clients_free(door.clients);
    assert(door.http.held_bytes == 0);
    return 0;
}
