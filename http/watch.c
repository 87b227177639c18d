/* GET /watch: events as they come (text/event-stream), or a long poll: all that there are, once
 * there is one.
 *
 * A stream has no queue but `out`, of WATCH_BYTES_MAX. When that is full, the watch stays where it
 * is in the history of changes (replica/watch.h), and goes on when the client has taken everything.
 *
 * `id` is the revision. As long as events of the same revision follow, it is written +N instead of
 * N: a client that comes back with that gets all events of the revision again, and none is lost. */
#include "watch.h"

#include "json_out.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
    QUIET_MS_MAX = 15000,         /* a stream that is quiet for so long gets a comment */
    POLL_BYTES_MAX = 1024 * 1024, /* past this, an answer takes no other entry, and no values */
};

struct http_watch {
    TAILQ_ENTRY(http_watch) all;
    struct http_request *request;
    struct replica_watch watch;
    bool begun; /* `watch` is one of the replica's */
    bool stream;
    bool held;           /* until the cluster has the level */
    uint64_t told;       /* the last event's revision */
    uint64_t spoke_ms;   /* of the loop's clock: when a stream wrote last */
    uint64_t until_ms;   /* a long poll's end */
    bool without_quorum; /* a stream has said so */
    bool going_on;       /* a long poll is to be continued in the next turn */
};

/* ---- Events as text ---- */

/* The value, if it is a small file's and still the one of this revision. */
static void put_event_value(struct buffer *out, struct tree *tree,
                            const struct replica_event *event)
{
    struct attr attr;
    bool changed = event->kind == CHANGE_CREATED || event->kind == CHANGE_WRITTEN ||
                   event->kind == CHANGE_MOVED_TO;
    if (!changed || event->directory || http_find(tree, event->path, &attr) != 0)
        return;
    if (attr.revision != event->revision || attr.size > WATCH_VALUE_BYTES_MAX)
        return;
    struct buffer value = {0};
    if (tree_read(tree, attr.ino, 0, (size_t)attr.size, &value) == 0 && !value.failed)
        http_json_field(out, "value", bytes_of(value.data ? value.data : (uint8_t *)"", value.len));
    buffer_free(&value);
}

struct tree *http_event_tree(struct http *http, const struct http_user *user,
                             const struct replica_event *event)
{
    struct tree *tree = replica_tree(http->replica);
    return tree_may(tree, &user->caller, event->path, CALLER_READ) == 0 ? tree : NULL;
}

void http_put_event(struct buffer *out, struct tree *tree, const struct replica_event *event)
{
    if (event->kind != EVENT_LOST)
        http_json_field(out, "key", event->path);
    http_json_comma(out);
    buffer_printf(out, "\"revision\":%llu", (unsigned long long)event->revision);
    if (event->directory)
        http_json_bool(out, "directory", true);
    if (tree)
        put_event_value(out, tree, event);
}

/* ---- Streams ---- */

/* Puts text that fits, or is the only one. False: there is no room. */
static bool stream_put(struct http_watch *watch, struct bytes text)
{
    struct http_request *request = watch->request;
    struct buffer *out = &request->out;
    if (out->len > 0 && out->len + text.len > WATCH_BYTES_MAX)
        return false;
    if (!http_hold(request, text.len))
        return false;
    buffer_append(out, text.data, text.len);
    watch->spoke_ms = uv_now(request->http->loop);
    http_connection_push(request->connection);
    return true;
}

static void stream_comment(struct http_watch *watch, const char *text)
{
    struct buffer line = {0};
    buffer_printf(&line, ": %s\n\n", text);
    if (!line.failed)
        stream_put(watch, bytes_of(line.data, line.len));
    buffer_free(&line);
}

/* Most watchers of a path get the same text, so the last one is kept. */
static struct bytes event_text(struct http_request *request, const struct replica_event *event)
{
    struct http *http = request->http;
    struct http_event_text *last = &http->event_text;
    struct tree *tree = http_event_tree(http, request->user, event);
    if (last->with_value == !!tree && last->revision == event->revision &&
        last->kind == event->kind && last->more == event->more &&
        bytes_equal(bytes_of(last->path.data, last->path.len), event->path))
        return bytes_of(last->text.data, last->text.len);
    last->path.len = last->text.len = 0;
    last->revision = event->revision;
    last->kind = event->kind;
    last->more = event->more;
    last->with_value = tree;
    buffer_append(&last->path, event->path.data, event->path.len);
    buffer_printf(&last->text, "id: %s%llu\nevent: %s\ndata: {", event->more ? "+" : "",
                  (unsigned long long)event->revision, replica_event_verb(event->kind));
    http_put_event(&last->text, tree, event);
    http_json_raw(&last->text, "}\n\n");
    if (last->path.failed || last->text.failed) {
        http_event_text_free(last);
        return (struct bytes){0};
    }
    return bytes_of(last->text.data, last->text.len);
}

void http_event_text_free(struct http_event_text *text)
{
    buffer_free(&text->path);
    buffer_free(&text->text);
    *text = (struct http_event_text){0};
}

/* ---- Long polls ---- */

static void poll_answer(struct http_request *request)
{
    struct http_watch *watch = request->watch;
    struct buffer *out = &request->out;
    struct replica *replica = request->http->replica;
    uint64_t upto = watch->watch.behind ? watch->watch.since : tree_applied(replica_tree(replica));
    if (watch->watch.since > upto)
        upto = watch->watch.since;
    if (out->len == 0)
        http_json_raw(out, "{\"Watch\":{\"events\":[");
    buffer_printf(out, "],\"revision\":%llu}}", (unsigned long long)upto);
    http_watch_free(watch);
    request->watch = NULL;
    http_answer(request, HTTP_OK);
}

/* An answer has whole entries only. False: it has enough. */
static bool poll_put(struct http_watch *watch, const struct replica_event *event)
{
    struct http_request *request = watch->request;
    struct buffer *out = &request->out;
    bool full = out->len >= POLL_BYTES_MAX;
    struct tree *tree = full ? NULL : http_event_tree(request->http, request->user, event);
    if (full && event->revision != watch->told)
        return false;
    size_t before = out->len;
    http_json_raw(out, before == 0 ? "{\"Watch\":{\"events\":[{" : ",{");
    http_json_field(out, "event", bytes_of_text(replica_event_verb(event->kind)));
    http_put_event(out, tree, event);
    http_json_raw(out, "}");
    if (!http_hold(request, out->len - before))
        out->failed = true; /* the connection ends, as if there were no memory: there is none */
    return true;
}

static void on_polls_end(uv_timer_t *timer);

static void wake_at(struct http *http, uint64_t ms)
{
    uint64_t now = uv_now(http->loop);
    uv_timer_t *timer = &http->watch_timer;
    if (!uv_is_active((uv_handle_t *)timer) || now + uv_timer_get_due_in(timer) > ms)
        uv_timer_start(timer, on_polls_end, ms > now ? ms - now : 0, 0);
}

/* Answers the long polls whose time is up. */
static void on_polls_end(uv_timer_t *timer)
{
    struct http *http = timer->data;
    struct http_watch *watch, *next;
    for (watch = TAILQ_FIRST(&http->watches); watch; watch = next) {
        next = TAILQ_NEXT(watch, all);
        if (!watch->begun || watch->until_ms == 0 || watch->going_on)
            continue;
        if (watch->until_ms <= uv_now(http->loop))
            poll_answer(watch->request);
        else
            wake_at(http, watch->until_ms);
    }
}

/* Goes on with what is past, and answers once there is something. */
static void poll_go_on(struct http_request *request)
{
    struct http_watch *watch = request->watch;
    bool more = replica_watch_go_on(request->http->replica, &watch->watch);
    watch->going_on = more && request->out.len == 0 && !request->http->stopping;
    if (watch->going_on)
        http_request_go_on(request, poll_go_on);
    else if (request->out.len > 0 || request->http->stopping)
        poll_answer(request);
}

static void poll_soon(struct http_watch *watch)
{
    if (watch->going_on)
        return;
    watch->going_on = true;
    http_request_go_on(watch->request, poll_go_on);
}

/* ---- A watch ---- */

static bool on_tell(void *arg, const struct replica_event *event)
{
    struct http_watch *watch = arg;
    bool taken;
    if (watch->stream) {
        struct bytes text = event_text(watch->request, event);
        taken = text.len > 0 && stream_put(watch, text);
    } else {
        taken = poll_put(watch, event);
        poll_soon(watch);
    }
    if (taken)
        watch->told = event->revision;
    return taken;
}

static bool on_sees(void *arg, struct bytes path)
{
    const struct http_request *request = ((struct http_watch *)arg)->request;
    return tree_may_see(replica_tree(request->http->replica), &request->user->caller, path) == 0;
}

static void on_ready(void *arg)
{
    struct http_watch *watch = arg;
    if (watch->stream)
        http_connection_push(watch->request->connection);
    else
        poll_soon(watch);
}

/* The client has taken everything: goes on with what is past, one piece a turn. */
static void on_drained(struct http_request *request)
{
    struct http_watch *watch = request->watch;
    if (watch->begun && replica_watch_go_on(request->http->replica, &watch->watch))
        http_connection_push(request->connection);
}

static void stream_begin(struct http_request *request)
{
    struct http_watch *watch = request->watch;
    request->answer.content_type = "text/event-stream";
    watch->stream = request->answer.endless = true;
    request->answer.drained = on_drained;
    watch->spoke_ms = uv_now(request->http->loop);
    buffer_printf(&request->out, ": after revision %llu\n\n",
                  (unsigned long long)watch->watch.since);
    http_answer(request, HTTP_OK);
}

static void answer_too_old(struct http_request *request)
{
    struct buffer *out = &request->out;
    uint64_t oldest = replica_watch_oldest(request->http->replica);
    http_json_raw(out, "{\"Single\":{");
    http_json_field(out, "error",
                    bytes_of_text("changes since then are not known any more: read the keys anew, "
                                  "and watch from the revision of that on"));
    buffer_printf(out, ",\"lost\":%llu}}", (unsigned long long)oldest);
    http_answer(request, HTTP_GONE);
}

/* A new cluster gets its level a moment after its founding, so a watch waits for that as a command
 * does, for as long. */
static bool waits_for_level(const struct http_request *request)
{
    uint64_t waited = uv_now(request->http->loop) - request->began_ms;
    return waited < request->http->config->request_timeout_ms && !request->http->stopping;
}

static void watch_begin(struct http_request *request)
{
    struct http_watch *watch = request->watch;
    int status = replica_watch_begin(request->http->replica, &watch->watch, watch->told);
    watch->begun = status == 0;
    watch->held = status == -ENOTSUP && waits_for_level(request);
    if (watch->held)
        return;
    if (status == -ESTALE) {
        answer_too_old(request);
    } else if (status == -ENOTSUP) {
        http_error_outcome(request, REPLICA_UNSUPPORTED, false, (struct bytes){0});
    } else if (status < 0) {
        http_error_errno(request, status, (struct bytes){0});
    } else if (watch->until_ms == 0) {
        stream_begin(request);
    } else {
        wake_at(request->http, watch->until_ms);
        poll_soon(watch);
    }
}

/* The replica has confirmed that this node has everything that was written before. */
static void on_watch_read(void *arg, enum replica_outcome outcome,
                          struct replica_freshness freshness)
{
    if (http_read_done(arg, outcome, freshness, (struct bytes){0}))
        watch_begin(arg);
}

/* ---- The request ---- */

/* The revision after which it begins: Last-Event-ID, which a client has from us, comes before
 * `since`, which may be the one of its first request. False: 400 was answered. */
static bool watch_begins(struct http_request *request, uint64_t *since)
{
    const char *id = http_header(request, "Last-Event-ID");
    *since = request->uri.has_since ? request->uri.since : REPLICA_WATCH_NOW;
    if (!id || !*id)
        return true;
    bool again = *id == '+';
    if (http_number(bytes_of_text(id + again), since) == 0 && (*since > 0 || !again)) {
        *since -= again;
        return true;
    }
    http_error(request, HTTP_BAD_REQUEST, (struct bytes){0},
               "Last-Event-ID must be an id that /watch has given");
    return false;
}

void http_watch(struct http_request *request)
{
    struct http *http = request->http;
    enum replica_consistency consistency;
    uint64_t since;
    if (!http_consistency(request, &consistency) || !watch_begins(request, &since))
        return;
    if (strcmp(request->head.method, "HEAD") == 0) {
        request->answer.content_type = "text/event-stream";
        http_answer(request, HTTP_OK);
        return;
    }
    if (request->uri.prefix.len > PATH_BYTES_MAX) {
        http_error_errno(request, -ENAMETOOLONG, (struct bytes){0});
        return;
    }
    struct http_watch *watch =
        http->watch_count < HTTP_WATCHES_MAX ? calloc(1, sizeof *watch) : NULL;
    if (!watch) {
        request->answer.retry = true;
        http_error(request, HTTP_SERVICE_UNAVAILABLE, (struct bytes){0},
                   "this node has as many watches as it serves: try again later, or another node");
        return;
    }
    watch->request = request;
    watch->told = since;
    if (request->uri.wait_ms > 0)
        watch->until_ms = uv_now(http->loop) + request->uri.wait_ms;
    watch->watch = (struct replica_watch){.scope = WATCH_PREFIX,
                                          .path = request->uri.prefix,
                                          .tell = on_tell,
                                          .sees = http_user_is_root(request->user) ? NULL : on_sees,
                                          .ready = on_ready,
                                          .arg = watch};
    request->watch = watch;
    TAILQ_INSERT_TAIL(&http->watches, watch, all);
    http->watch_count++;
    if (consistency == REPLICA_DEFAULT)
        consistency = REPLICA_LINEARIZABLE;
    http_read(request, consistency, on_watch_read);
}

void http_watch_free(struct http_watch *watch)
{
    if (!watch)
        return;
    struct http *http = watch->request->http;
    if (watch->begun)
        replica_watch_end(http->replica, &watch->watch);
    TAILQ_REMOVE(&http->watches, watch, all);
    assert(http->watch_count > 0);
    http->watch_count--;
    free(watch);
}

/* ---- Time ---- */

/* These are its last words. */
static void stream_end(struct http_watch *watch, const char *text)
{
    struct http_request *request = watch->request;
    stream_comment(watch, text);
    request->answer.endless = false;
    http_connection_push(request->connection);
    request->watch = NULL;
    http_watch_free(watch);
}

/* An open watch stays without a quorum: what it has told is decided, and it goes on with what will
 * be. */
static void stream_tick(struct http_watch *watch)
{
    struct http *http = watch->request->http;
    bool without = replica_refuses_writes(http->replica);
    char text[64];
    if (without != watch->without_quorum) {
        watch->without_quorum = without;
        stream_comment(watch, without ? "this node has no quorum: later changes come when it has"
                                      : "this node has a quorum again");
    } else if (!watch->watch.behind && watch->spoke_ms + QUIET_MS_MAX <= uv_now(http->loop)) {
        snprintf(text, sizeof text, "at revision %llu",
                 (unsigned long long)tree_applied(replica_tree(http->replica)));
        stream_comment(watch, text);
    }
    if (watch->watch.behind && watch->request->out.len == 0)
        http_connection_push(watch->request->connection);
}

/* Its token was removed, or has expired. */
static void watch_revoked(struct http_watch *watch)
{
    struct http_request *request = watch->request;
    if (watch->stream) {
        http_connection_close(request->connection);
    } else if (!watch->going_on) {
        request->watch = NULL;
        http_watch_free(watch);
        request->out.len = 0;
        http_error_errno(request, -EKEYREVOKED, (struct bytes){0});
    }
}

void http_watches_tick(struct http *http)
{
    struct http_watch *watch, *next;
    for (watch = TAILQ_FIRST(&http->watches); watch; watch = next) {
        next = TAILQ_NEXT(watch, all);
        if (watch->begun && !http_user_holds(http, watch->request->user))
            watch_revoked(watch);
        else if (watch->held)
            watch_begin(watch->request);
        else if (watch->begun && watch->stream)
            stream_tick(watch);
    }
}

void http_watches_stop(struct http *http)
{
    struct http_watch *watch, *next;
    for (watch = TAILQ_FIRST(&http->watches); watch; watch = next) {
        struct http_request *request = watch->request;
        next = TAILQ_NEXT(watch, all);
        if (watch->held)
            watch_begin(request);
        if (!watch->begun)
            continue;
        if (!watch->stream) {
            if (!watch->going_on)
                poll_answer(request);
            continue;
        }
        stream_end(watch, "this node is stopping: go on at another one");
    }
}
