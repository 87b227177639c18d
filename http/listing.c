/* GET /keys?prefix=&limit=&revision=&after=: a page of the keys in the tree, walked in pieces.
 *
 * One turn of the loop looks at a bounded part of the tree: it collects keys, reads their values,
 * and leaves the rest to the next turn. The first turn waits until the read is confirmed, and reads
 * the tree as it is then, or at the revision that the request names. If that is not the whole of
 * it, the moment is kept: later turns, and later pages, go on there. */
#include "http_internal.h"
#include "json_out.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

enum {
    TURN_VISITS_MAX = 20000,            /* directory entries looked at */
    TURN_KEYS_MAX = 256,                /* keys given */
    TURN_VALUE_BYTES_MAX = 1024 * 1024, /* once past this, no more keys */
};

struct found {
    struct attr attr;
    bool hidden;            /* the user may not read it */
    size_t key_at, key_len; /* in `keys` */
};

struct http_listing {
    const struct caller *caller;
    struct http_moment *moment; /* NULL: the page has had no turn, or its first one was enough */
    struct buffer after;        /* where the walk is */
    uint32_t keys_left;         /* of the page's limit */
    uint64_t bytes_left;        /* of HTTP_LIST_BYTES_MAX */
    /* Of this turn: */
    struct found found[TURN_KEYS_MAX];
    uint32_t found_count;
    uint64_t found_bytes;
    struct buffer keys;
    bool stopped; /* another key was there, and not taken */
    bool more;    /* the walk did not come to the end; it goes on after `resume` */
    struct buffer resume;
};

static void listing_leave(struct http *http, struct http_listing *listing)
{
    if (listing->moment)
        http_moment_leave(http, listing->moment);
    listing->moment = NULL;
}

void http_listing_free(struct http *http, struct http_listing *listing)
{
    if (!listing)
        return;
    listing_leave(http, listing);
    buffer_free(&listing->after);
    buffer_free(&listing->keys);
    buffer_free(&listing->resume);
    free(listing);
}

static void set_after(struct http_listing *listing, struct bytes key)
{
    listing->after.len = 0;
    buffer_append(&listing->after, key.data, key.len);
}

/* ---- One turn ---- */

/* A tree_key_cb. */
static bool on_key(void *arg, struct bytes key, const struct attr *attr)
{
    struct http_listing *listing = arg;
    uint32_t room = listing->keys_left < TURN_KEYS_MAX ? listing->keys_left : TURN_KEYS_MAX;
    if (listing->found_count == room || listing->found_bytes > TURN_VALUE_BYTES_MAX) {
        listing->stopped = true;
        return false;
    }
    struct found *found = &listing->found[listing->found_count++];
    *found = (struct found){.hidden = !attr, .key_at = listing->keys.len, .key_len = key.len};
    if (attr) {
        found->attr = *attr;
        found->hidden = !caller_may(listing->caller, attr, CALLER_READ);
        listing->found_bytes += attr->size;
    }
    buffer_append(&listing->keys, key.data, key.len);
    return true;
}

/* Walks on from `after`, and fills the turn's part of the listing. */
static int collect(struct http_request *request, struct tree *tree)
{
    struct http_listing *listing = request->listing;
    listing->found_count = 0;
    listing->found_bytes = 0;
    listing->keys.len = 0;
    listing->stopped = false;
    listing->more = false;
    listing->resume.len = 0;
    int status = tree_keys(tree, listing->caller, request->uri.prefix,
                           bytes_of(listing->after.data, listing->after.len), TURN_VISITS_MAX,
                           on_key, listing, &listing->more, &listing->resume);
    bool failed = listing->resume.failed || listing->keys.failed;
    return status == 0 && failed ? -ENOMEM : status;
}

/* 0, or why a key is listed without its value. */
static int value_status(struct bytes key, const struct found *found)
{
    const struct attr *attr = &found->attr;
    if (found->hidden)
        return -EACCES;
    if (key.len > PATH_BYTES_MAX)
        return -ENAMETOOLONG;
    if (!S_ISREG(attr->mode))
        return S_ISLNK(attr->mode) ? -ELOOP : -EINVAL;
    return attr->size > HTTP_LIST_BYTES_MAX ? -EFBIG : 0;
}

static int put_found(struct http_request *request, struct tree *tree, struct bytes key,
                     const struct found *found)
{
    struct buffer *out = &request->out;
    const struct attr *attr = &found->attr;
    http_json_comma(out);
    int status = value_status(key, found);
    if (status != 0) {
        http_put_absent(out, key, status);
        return 0;
    }
    if (!http_hold(request, (size_t)attr->size))
        return -EBUSY;
    return http_put_value(out, tree, key, attr, HTTP_LIST_BYTES_MAX);
}

/* Writes the collected keys, as far as the page has room. `*full`: the next value does not fit. */
static int put_all_found(struct http_request *request, struct tree *tree, bool *full)
{
    struct http_listing *listing = request->listing;
    for (uint32_t i = 0; i < listing->found_count; i++) {
        const struct found *found = &listing->found[i];
        struct bytes key = bytes_of(listing->keys.data + found->key_at, found->key_len);
        uint64_t size = value_status(key, found) == 0 ? found->attr.size : 0;
        *full = size > listing->bytes_left;
        if (*full)
            return 0;
        int status = put_found(request, tree, key, found);
        if (status != 0)
            return status;
        assert(listing->keys_left > 0);
        assert(size <= listing->bytes_left);
        listing->bytes_left -= size;
        listing->keys_left--;
        set_after(listing, key);
    }
    if (listing->more && !listing->stopped)
        set_after(listing, bytes_of(listing->resume.data, listing->resume.len));
    return listing->after.failed ? -ENOMEM : 0;
}

/* ---- The page ---- */

static void put_parameter(struct buffer *out, const char *name, struct bytes value)
{
    if (value.len == 0)
        return;
    buffer_printf(out, "&%s=", name);
    http_uri_encode(out, value);
}

static void answer_page(struct http_request *request, uint64_t revision, bool more)
{
    struct buffer *out = &request->out;
    buffer_printf(out, "],\"revision\":%llu", (unsigned long long)revision);
    if (more) {
        http_moment_keep(request->http, request->listing->moment);
        http_json_bool(out, "more", true);
        buffer_printf(out, ",\"next\":\"/keys?limit=%u", request->uri.limit);
        put_parameter(out, "prefix", request->uri.prefix);
        put_parameter(out, "consistency", request->uri.consistency);
        buffer_printf(out, "&revision=%llu", (unsigned long long)revision);
        put_parameter(out, "after",
                      bytes_of(request->listing->after.data, request->listing->after.len));
        http_json_raw(out, "\"");
    }
    http_json_raw(out, "}");
    listing_leave(request->http, request->listing); /* the client may take long to read the page */
    http_answer(request, HTTP_OK);
}

static void answer_gone(struct http_request *request)
{
    http_error(request, HTTP_GONE, (struct bytes){0},
               "this node does not have the keys of revision %llu any more: begin again, without a "
               "revision; a listing can be continued for %d s, or less while very much is written",
               (unsigned long long)request->uri.revision, HTTP_MOMENT_MS / 1000);
}

static void listing_begin(struct http_request *request);

/* The moment has ended before the page was complete. */
static void begin_again(struct http_request *request)
{
    struct http_listing *listing = request->listing;
    listing_leave(request->http, listing);
    http_let_go(request);
    if (request->uri.revision)
        answer_gone(request);
    else if (++request->beginnings == HTTP_BEGINNINGS_MAX)
        http_error_errno(request, -EBUSY, (struct bytes){0});
    else
        listing_begin(request);
}

/* One turn. The page ends when a value does not fit, when its limit of keys is reached and there
 * are more, or with the tree. */
static void listing_turn(struct http_request *request)
{
    struct http_listing *listing = request->listing;
    struct tree *tree =
        listing->moment ? http_moment_tree(listing->moment) : replica_tree(request->http->replica);
    if (!http_user_holds(request->http, request->user)) {
        http_error_errno(request, -EKEYREVOKED, (struct bytes){0});
        return;
    }
    if (!tree) {
        begin_again(request);
        return;
    }
    bool full = false;
    int status = collect(request, tree);
    if (status == 0)
        status = put_all_found(request, tree, &full);
    bool page_ends = full || (listing->stopped && listing->keys_left == 0);
    bool more = page_ends || listing->stopped || listing->more;
    if (status == 0 && more && !listing->moment)
        status = http_moment_now(request->http, &listing->moment);
    if (status != 0)
        http_error_errno(request, status, (struct bytes){0});
    else if (more && !page_ends)
        http_request_go_on(request, listing_turn);
    else
        answer_page(request, tree_applied(tree), more);
}

/* Once the read is confirmed, and when the moment has ended. */
static void listing_begin(struct http_request *request)
{
    struct http_listing *listing = request->listing;
    uint64_t revision = request->uri.revision;
    listing->keys_left = request->uri.limit;
    listing->bytes_left = HTTP_LIST_BYTES_MAX;
    set_after(listing, request->uri.after);
    if (revision && revision != tree_applied(replica_tree(request->http->replica))) {
        listing->moment = http_moment_find(request->http, revision);
        if (!listing->moment) {
            answer_gone(request);
            return;
        }
    }
    request->out.len = 0;
    http_json_raw(&request->out, "{\"Multiple\":[");
    listing_turn(request);
}

static void on_confirmed(void *arg, enum replica_outcome outcome,
                         struct replica_freshness freshness)
{
    struct http_request *request = arg;
    if (http_read_done(request, outcome, freshness, (struct bytes){0}))
        http_request_step(request, listing_begin);
}

void http_list_keys(struct http_request *request)
{
    enum replica_consistency consistency;
    if (!http_consistency(request, &consistency))
        return;
    if (request->uri.prefix.len > PATH_BYTES_MAX || request->uri.after.len > LISTED_BYTES_MAX) {
        http_error(request, HTTP_URI_TOO_LONG, (struct bytes){0},
                   "prefix can have at most %d bytes, and after %d", PATH_BYTES_MAX,
                   LISTED_BYTES_MAX);
        return;
    }
    struct http_listing *listing = calloc(1, sizeof *listing);
    if (!listing) {
        http_error_errno(request, -ENOMEM, (struct bytes){0});
        return;
    }
    request->listing = listing;
    listing->caller = &request->user->caller;
    http_read(request, consistency, on_confirmed);
}
