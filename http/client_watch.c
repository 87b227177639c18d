/* Watches of a client WebSocket: {"Watch":{"prefix":"etc/","since":41}}, until {"Unwatch":"etc/"}.
 *
 *   {"event":{"prefix":"etc/","event":"written","key":"etc/motd","revision":42,"value":"hello"}}
 *
 * Events are messages between the replies, and begin behind the one that answers the Watch. With
 * "more":true, another event of the same revision follows. A connection has a queue of
 * WATCH_BYTES_MAX for all its watches; what does not fit stays in the history of changes. */
#include "client_session.h"
#include "json_out.h"
#include "watch.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { CLIENT_EVENTS_AT_ONCE = 32 };

struct client_event {
    TAILQ_ENTRY(client_event) entry;
    size_t len;
    uint8_t text[]; /* behind LWS_PRE bytes of room */
};

struct client_watch {
    LIST_ENTRY(client_watch) entry;
    struct client_watches *watches;
    struct replica_watch watch;
    bool open; /* the reply that says so is sent */
    uint8_t prefix[];
};

struct client_watches {
    struct http *http;
    struct client_session *session;
    LIST_HEAD(, client_watch) all;
    uint32_t count;
    TAILQ_HEAD(, client_event) events;
    size_t held_bytes; /* of the events */
};

/* ---- Events ---- */

static struct bytes prefix_of(const struct client_watch *watch)
{
    return watch->watch.path;
}

static struct client_event *event_new(const struct client_watch *watch,
                                      const struct replica_event *event)
{
    struct buffer text = {0};
    http_json_raw(&text, "{\"event\":{");
    http_json_field(&text, "prefix", prefix_of(watch));
    http_json_field(&text, "event", bytes_of_text(replica_event_verb(event->kind)));
    if (event->more)
        http_json_bool(&text, "more", true);
    http_put_event(
        &text,
        http_event_tree(watch->watches->http, http_client_user(watch->watches->session), event),
        event);
    http_json_raw(&text, "}}");
    struct client_event *new = text.failed ? NULL : malloc(sizeof *new + LWS_PRE + text.len);
    if (new) {
        new->len = text.len;
        memcpy(new->text + LWS_PRE, text.data, text.len);
    }
    buffer_free(&text);
    return new;
}

static bool client_tell(void *arg, const struct replica_event *event)
{
    struct client_watch *watch = arg;
    struct client_watches *w = watch->watches;
    struct client_event *new = watch->open ? event_new(watch, event) : NULL;
    bool first = TAILQ_EMPTY(&w->events);
    bool fits = new && (first || w->held_bytes + new->len <= WATCH_BYTES_MAX) &&
                http_take(w->http, &w->held_bytes, new->len);
    if (!fits) {
        free(new);
        return false;
    }
    TAILQ_INSERT_TAIL(&w->events, new, entry);
    http_client_events_wait(w->session, first);
    return true;
}

static bool client_sees(void *arg, struct bytes path)
{
    const struct client_watches *w = ((struct client_watch *)arg)->watches;
    const struct caller *caller = &http_client_user(w->session)->caller;
    return tree_may_see(replica_tree(w->http->replica), caller, path) == 0;
}

static void client_ready(void *arg)
{
    const struct client_watch *watch = arg;
    http_client_events_wait(watch->watches->session, false);
}

/* The client has taken everything: goes on with what is past. */
static void watches_go_on(struct client_watches *w)
{
    struct client_watch *watch;
    LIST_FOREACH(watch, &w->all, entry)
    {
        if (watch->open && replica_watch_go_on(w->http->replica, &watch->watch))
            http_client_events_wait(w->session, false);
    }
}

bool http_client_has_event(const struct client_watches *w)
{
    return w && !TAILQ_EMPTY(&w->events);
}

static void event_free(struct client_watches *w, struct client_event *event)
{
    TAILQ_REMOVE(&w->events, event, entry);
    http_hold_now(w->http, &w->held_bytes, w->held_bytes - event->len);
    free(event);
}

int http_client_send_events(struct client_watches *w, struct lws *wsi)
{
    struct client_event *event;
    if (!w)
        return 0;
    for (int i = 0; i < CLIENT_EVENTS_AT_ONCE && (event = TAILQ_FIRST(&w->events)); i++) {
        if (i > 0 && lws_send_pipe_choked(wsi))
            break;
        if (lws_write(wsi, event->text + LWS_PRE, event->len, LWS_WRITE_TEXT) < 0)
            return -1;
        event_free(w, event);
    }
    if (TAILQ_EMPTY(&w->events))
        watches_go_on(w);
    return 0;
}

/* ---- Requests ---- */

static struct client_watch *watch_find(struct client_watches *w, struct bytes prefix)
{
    struct client_watch *watch;
    LIST_FOREACH(watch, &w->all, entry)
    {
        if (bytes_equal(prefix_of(watch), prefix))
            return watch;
    }
    return NULL;
}

static void watch_free(struct client_watch *watch)
{
    struct client_watches *w = watch->watches;
    replica_watch_end(w->http->replica, &watch->watch);
    LIST_REMOVE(watch, entry);
    assert(w->count > 0);
    w->count--;
    free(watch);
}

struct client_watches *http_client_watches_new(struct http *http, struct client_session *session)
{
    struct client_watches *w = calloc(1, sizeof *w);
    if (!w)
        return NULL;
    w->http = http;
    w->session = session;
    LIST_INIT(&w->all);
    TAILQ_INIT(&w->events);
    return w;
}

void http_client_watches_free(struct client_watches *w)
{
    if (!w)
        return;
    while (!LIST_EMPTY(&w->all))
        watch_free(LIST_FIRST(&w->all));
    while (!TAILQ_EMPTY(&w->events))
        event_free(w, TAILQ_FIRST(&w->events));
    assert(w->held_bytes == 0);
    free(w);
}

int http_client_watch(struct client_watches *w, struct bytes prefix, uint64_t since,
                      uint64_t *revision)
{
    if (watch_find(w, prefix))
        return -EEXIST;
    if (w->count == CLIENT_WATCHES_MAX)
        return -ENOSPC;
    struct client_watch *watch = calloc(1, sizeof *watch + prefix.len);
    if (!watch)
        return -ENOMEM;
    if (prefix.len > 0)
        memcpy(watch->prefix, prefix.data, prefix.len);
    watch->watches = w;
    watch->watch = (struct replica_watch){.scope = WATCH_PREFIX,
                                          .path = bytes_of(watch->prefix, prefix.len),
                                          .tell = client_tell,
                                          .sees = client_sees,
                                          .ready = client_ready,
                                          .arg = watch};
    int status = replica_watch_begin(w->http->replica, &watch->watch, since);
    if (status < 0) {
        free(watch);
        return status;
    }
    LIST_INSERT_HEAD(&w->all, watch, entry);
    w->count++;
    *revision = watch->watch.since;
    return 0;
}

void http_client_watch_opens(struct client_watches *w, struct bytes prefix)
{
    struct client_watch *watch = w ? watch_find(w, prefix) : NULL;
    if (!watch || watch->open)
        return;
    watch->open = true;
    http_client_events_wait(w->session, false);
}

bool http_client_unwatch(struct client_watches *w, struct bytes prefix)
{
    struct client_watch *watch = w ? watch_find(w, prefix) : NULL;
    if (watch)
        watch_free(watch);
    return watch;
}
