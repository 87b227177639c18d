/* Private to the room: events as text, for both doors, and the watches of HTTP (watch.c).
 *
 * Thread: the loop's. */
#ifndef QUORUMFS_HTTP_WATCH_H
#define QUORUMFS_HTTP_WATCH_H

#include "http_internal.h"

#include "replica/watch.h"

enum {
    WATCH_VALUE_BYTES_MAX = 4096, /* larger values are left out of events */
    WATCH_BYTES_MAX = 64 * 1024,  /* of events that a client has not taken; then it falls behind */
};

/* The tree, if it may give this user the value that an event tells of; NULL: it may not. */
struct tree *http_event_tree(struct http *http, const struct http_user *user,
                             const struct replica_event *event);

/* "key":K,"revision":N, and if they apply "directory":true, "value":V: the contents at that
 * revision, as far as `tree` (NULL: none are wanted) still has them. EVENT_LOST has no key. */
void http_put_event(struct buffer *out, struct tree *tree, const struct replica_event *event);

void http_event_text_free(struct http_event_text *text);

void http_watch_free(struct http_watch *watch); /* NULL is fine */
/* Every second: comments to those who have heard nothing for long, and what others wait for. */
void http_watches_tick(struct http *http);
/* Ends all of them; their last words are sent. */
void http_watches_stop(struct http *http);

#endif
