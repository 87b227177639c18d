/* The HTTP door: requests of any method, path, headers and body, one after the other, before a fake
 * replica that answers at once, later or not at all well. Each is answered once, in JSON where it
 * says so, and leaves nothing behind. */
#include "fuzz.h"

#include "fake_later.h"
#include "fake_mhd.h"
#include "http/http_internal.h"

#include <string.h>
#include <sys/stat.h>

enum { REQUESTS_MAX = 8, BODY_PARTS_MAX = 4, TEXT_BYTES_MAX = 6000, BIG_VALUE_BYTES = 257 * 1024 };

static struct {
    uv_loop_t loop;
    struct http *http;
    struct replica *replica;
    struct config config;
    struct http_connection connection;
    struct MHD_Connection mhd;
} door;

/* Stands for the vhost of the WebSockets, which this target does not open. */
struct lws_vhost *lws_create_vhost(struct lws_context *context,
                                   const struct lws_context_creation_info *info)
{
    return (struct lws_vhost *)&door;
}

static void open_door(void)
{
    struct fault fault;
    uv_loop_init(&door.loop);
    door.replica = fake_replica_new(&door.loop);
    int status = http_start(&door.loop, NULL, door.replica, &door.config, &door.http, &fault);
    assert(status == 0);
    door.connection = (struct http_connection){.fd = -1, .allowed = true};
    door.mhd.context = &door.connection;
}

static void put(const char *key, struct bytes value, uint32_t mode)
{
    fake_put(door.replica, bytes_of_text(key), value, mode);
}

static void fill_replica(bool with_big)
{
    static uint8_t big[BIG_VALUE_BYTES];
    fake_clear(door.replica);
    put("duck", bytes_of_text("quack"), S_IFREG | 0644);
    put("a/b", bytes_of_text("c"), S_IFREG | 0644);
    put("bin\xff", bytes_of("\0\xff\n", 3), S_IFREG | 0644);
    put("link", bytes_of_text("duck"), S_IFLNK | 0777);
    put("pipe", bytes_of_text(""), S_IFIFO | 0600);
    if (with_big) /* which takes most of the time */
        put("big", bytes_of(big, sizeof big), S_IFREG | 0644);
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
    door.connection.allowed = (how & 0xe0) != 0xe0;
}

static char *text_of(struct bytes bytes)
{
    char *text = strndup(bytes.data ? (const char *)bytes.data : "", bytes.len);
    assert(text);
    text[strcspn(text, "\r\n")] = 0; /* no header holds them */
    return text;
}

static void add_headers(struct source *s)
{
    static const char *const names[] = {"If-Match", "If-None-Match",  "Accept",     "Origin",
                                        "Host",     "Content-Length", "Connection", "Expect"};
    for (uint32_t n = source_below(s, FAKE_HEADERS_MAX + 1); n > 0; n--) {
        const char *name = names[source_below(s, sizeof names / sizeof *names)];
        char *value = text_of(source_chunk(s));
        if (strcmp(name, "Content-Length") == 0)
            value[strspn(value, "0123456789")] = 0; /* libmicrohttpd lets no others through */
        door.mhd.headers[door.mhd.header_count].name = name;
        door.mhd.headers[door.mhd.header_count++].value = value;
    }
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

static void check_answer(void)
{
    const struct MHD_Response *response = door.mhd.response;
    assert(door.mhd.status != 0);
    assert(response->content_type);
    struct bytes body = bytes_of(response->body.data, response->body.len);
    bool json = strcmp(response->content_type, "application/json") == 0;
    if (body.len == 0)
        assert(!json || door.mhd.status == MHD_HTTP_NOT_MODIFIED);
    else if (json && body.len < BIG_VALUE_BYTES) /* lists of big values take too long */
        check_json(body);
}

static enum MHD_Result call(const char *method, struct bytes data, size_t *left, void **context)
{
    *left = data.len;
    return http_request_access(door.http, &door.mhd, "", method, "HTTP/1.1",
                               (const char *)data.data, left, context);
}

/* The body in its parts, then the wait for the replica. */
static void carry_out(struct source *s, const char *method, void **context)
{
    size_t left;
    enum MHD_Result result = call(method, (struct bytes){0}, &left, context);
    for (uint32_t parts = source_below(s, BODY_PARTS_MAX); parts > 0 && !door.mhd.status; parts--) {
        size_t len = source_number(s) % TEXT_BYTES_MAX;
        struct bytes part = source_bytes(s, len);
        if (part.len == 0)
            continue;
        result = call(method, part, &left, context);
        assert(result == MHD_YES && left == 0);
    }
    bool lost = source_u8(s) == 255; /* the connection, before the request was complete */
    if (lost && !door.mhd.status)
        return;
    if (!door.mhd.status)
        result = call(method, (struct bytes){0}, &left, context);
    while (door.mhd.suspended) {
        fake_later(&door.loop, door.replica);
        uv_run(&door.loop, UV_RUN_NOWAIT); /* long lists go on in the loop's next turn */
    }
    if (!door.mhd.status)
        result = call(method, (struct bytes){0}, &left, context);
    assert(result == MHD_YES);
    check_answer();
}

static void request(struct source *s)
{
    static const char *const methods[] = {"GET", "PUT", "POST", "DELETE", "HEAD", "PATCH"};
    const char *method = methods[source_below(s, sizeof methods / sizeof *methods)];
    set_answers(s);
    add_headers(s);
    char *uri = text_of(source_bytes(s, source_number(s) % TEXT_BYTES_MAX));
    void *context = http_request_begin(door.http, uri, &door.mhd);
    assert(context);
    carry_out(s, method, &context);
    http_request_end(door.http, &door.mhd, &context, MHD_REQUEST_TERMINATED_COMPLETED_OK);
    fake_mhd_end(&door.mhd);
    free(uri);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct source s = source_of(data, size);
    if (!door.http)
        open_door();
    fill_replica(source_u8(&s) == 'b');
    for (int i = 0; i < REQUESTS_MAX && s.left.len > 0; i++)
        request(&s);
    uv_run(&door.loop, UV_RUN_NOWAIT);
    assert(door.http->held_bytes == 0);
    assert(door.http->waiting == 0);
    assert(TAILQ_EMPTY(&door.http->going_on));
    return 0;
}
