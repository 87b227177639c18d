/* Sends values, as JSON or as raw bytes. */
#include "condition.h"
#include "json_out.h"
#include "lifetime.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum {
    TURN_BYTES = 1024 * 1024,                /* a long raw value is gathered in these pieces, */
    GATHERED_BYTES_MAX = 64 * 1024 * 1024,   /* which is for values up to this size */
    STREAM_BYTES_A_SECOND_MIN = 1024 * 1024, /* clients that take less can lose their moment */
};

int http_find(struct tree *tree, struct bytes key, struct attr *attr)
{
    int status = tree_resolve(tree, key, attr);
    if (status != 0 || S_ISREG(attr->mode))
        return status;
    if (S_ISDIR(attr->mode))
        return -EISDIR;
    return S_ISLNK(attr->mode) ? -ELOOP : -EINVAL;
}

int http_find_for(struct tree *tree, const struct caller *caller, struct bytes key, uint32_t want,
                  struct attr *attr)
{
    int status = tree_may(tree, caller, key, want);
    return status == 0 ? http_find(tree, key, attr) : status;
}

bool http_await_contents(struct replica *replica, struct bytes key,
                         struct replica_freshness freshness, void (*done)(void *arg), void *arg)
{
    struct attr attr;
    return !freshness.stale && http_find(replica_tree(replica), key, &attr) == 0 &&
           attr.size == 0 && replica_await_contents(replica, attr.ino, done, arg);
}

int http_put_value(struct buffer *out, struct tree *tree, struct bytes key, const struct attr *attr,
                   uint64_t bytes_max)
{
    if (attr->size > bytes_max)
        return -EFBIG;
    struct buffer value = {0};
    int status = tree_read(tree, attr->ino, 0, (size_t)attr->size, &value);
    if (status == 0 && value.failed)
        status = -ENOMEM;
    if (status == 0) {
        http_json_raw(out, "{");
        http_json_field(out, "key", key);
        http_json_bool(out, "exists", true);
        http_json_value(out, "value", bytes_of(value.data, value.len));
        http_json_raw(out, "}");
    }
    buffer_free(&value);
    return status;
}

void http_put_absent(struct buffer *out, struct bytes key, int status)
{
    http_json_raw(out, "{");
    http_json_field(out, "key", key);
    if (status == -ENOENT)
        http_json_bool(out, "exists", false);
    else
        http_json_field(out, "error", bytes_of_text(http_errno_text(status)));
    http_json_raw(out, "}");
}

int http_put_lifetime(struct buffer *out, struct replica *replica, const struct attr *attr)
{
    uint64_t ms, lease;
    char id[HTTP_LEASE_TEXT_MAX];
    int status = tree_ttl(replica_tree(replica), attr, &ms, &lease);
    assert(out->len > 0 && out->data[out->len - 1] == '}');
    if (status != 0 || (ms == 0 && lease == 0))
        return status;
    out->len--; /* the object goes on */
    http_lease_print(lease, id);
    if (ms > 0)
        http_put_ttl(out, ms, replica_left_ms(replica, attr->ino));
    else
        http_json_field(out, "lease", bytes_of_text(id));
    http_json_raw(out, "}");
    return 0;
}

/* ---- Raw ----
 *
 * A value that is longer than one piece is read from a moment. If there is memory for it, it is
 * gathered first, turn by turn, so that a slow client holds memory and not the moment. A longer one
 * is read while it is sent. */

struct http_value {
    struct http *http;
    struct http_moment *moment; /* NULL: none is needed */
    struct attr attr;
    uint64_t from, len; /* of the value: what was asked for */
};

static struct http_value *value_new(struct http_request *request, const struct attr *attr)
{
    struct http_value *value = malloc(sizeof *value);
    if (value)
        *value = (struct http_value){.http = request->http,
                                     .attr = *attr,
                                     .from = request->answer.range_from,
                                     .len = request->answer.range_len};
    return value;
}

void http_value_free(struct http_value *value)
{
    if (value && value->moment)
        http_moment_leave(value->http, value->moment);
    free(value);
}

/* A tree that has this version of the value: the present one, whose pages are in memory, as long as
 * the value does not change, and then the moment's. NULL: that has ended. */
static struct tree *value_tree(const struct http_value *value)
{
    struct tree *tree = replica_tree(value->http->replica);
    if (http_has_version(tree, &value->attr))
        return tree;
    return value->moment ? http_moment_tree(value->moment) : NULL;
}

/* A new version of the value, if there still is one, is the answer as well: the read began before
 * it. */
static void value_again(struct http_request *request)
{
    http_value_free(request->value);
    request->value = NULL;
    request->out.len = 0;
    http_let_go(request);
    if (++request->beginnings < HTTP_BEGINNINGS_MAX)
        http_answer_key(request);
    else
        http_error_errno(request, -EBUSY, http_path_key(request));
}

/* One turn. */
static void value_gather(struct http_request *request)
{
    const struct http_value *value = request->value;
    uint64_t left = value->len - request->out.len;
    struct tree *tree = value_tree(value);
    if (!http_user_holds(request->http, request->user)) {
        http_error_errno(request, -EKEYREVOKED, http_path_key(request));
        return;
    }
    if (!tree) {
        value_again(request);
        return;
    }
    int status = tree_read(tree, value->attr.ino, value->from + request->out.len,
                           left < TURN_BYTES ? (size_t)left : TURN_BYTES, &request->out);
    if (status == 0 && request->out.failed)
        status = -ENOMEM;
    if (status != 0) {
        http_error_errno(request, status, http_path_key(request));
    } else if (request->out.len < value->len) {
        http_request_go_on(request, value_gather);
    } else {
        http_value_free(request->value);
        request->value = NULL;
        http_answer(request, request->answer.range_status);
    }
}

static ssize_t value_stream(void *arg, uint64_t offset, char *to, size_t len)
{
    const struct http_value *value = arg;
    struct tree *tree = value_tree(value);
    struct buffer bytes = {0};
    ssize_t got = -1;
    int status =
        tree ? tree_read(tree, value->attr.ino, value->from + offset, len, &bytes) : -ESTALE;
    if (status == 0 && !bytes.failed && bytes.len > 0 && bytes.len <= len) {
        memcpy(to, bytes.data, bytes.len);
        got = (ssize_t)bytes.len;
    }
    buffer_free(&bytes);
    return got;
}

static void value_end(void *arg)
{
    http_value_free(arg);
}

/* Takes over the value, as do the others below, unless they fail. */
static void answer_stream(struct http_request *request, struct http_value *value)
{
    request->answer.stream = (struct http_stream){value->len, value_stream, value_end, value};
    http_answer(request, request->answer.range_status);
}

/* Whether all requests together leave memory for a whole value, and for other requests. */
static bool may_gather(struct http_request *request, uint64_t size)
{
    size_t held = request->http->held_bytes;
    return size <= GATHERED_BYTES_MAX && held + size <= HTTP_HELD_BYTES_MAX / 2 &&
           http_hold(request, (size_t)size);
}

/* Values that are gathered each have a moment of now, so that none stays in use by one after the
 * other. */
static int begin_gathering(struct http_request *request, struct http_value *value)
{
    int status = http_moment_now(request->http, &value->moment);
    if (status < 0)
        return status;
    request->value = value;
    buffer_reserve(&request->out, (size_t)value->len);
    value_gather(request);
    return 0;
}

static int begin_stream(struct http_request *request, struct http_value *value)
{
    int status = http_hold(request, HTTP_STREAM_BYTES) ? 0 : -EBUSY;
    if (status == 0)
        status = http_moment_of(request->http, &value->attr, &value->moment);
    if (status < 0)
        return status;
    http_moment_stay(request->http, value->moment,
                     HTTP_MOMENT_MS + value->len * 1000 / STREAM_BYTES_A_SECOND_MIN);
    answer_stream(request, value);
    return 0;
}

static int answer_long(struct http_request *request, const struct attr *attr)
{
    struct http_value *value = value_new(request, attr);
    int status = 0;
    if (!value)
        return -ENOMEM;
    if (strcmp(request->head.method, "HEAD") == 0) /* it has no body */
        answer_stream(request, value);
    else if (may_gather(request, value->len))
        status = begin_gathering(request, value);
    else
        status = begin_stream(request, value);
    if (status < 0)
        http_value_free(value);
    return status;
}

static int answer_short(struct http_request *request, const struct attr *attr)
{
    struct tree *tree = replica_tree(request->http->replica);
    const struct http_answer *answer = &request->answer;
    size_t len = (size_t)answer->range_len;
    int status = http_hold(request, len) ? 0 : -EBUSY;
    if (status == 0)
        status = tree_read(tree, attr->ino, answer->range_from, len, &request->out);
    if (status == 0)
        http_answer(request, answer->range_status);
    return status;
}

void http_answer_raw(struct http_request *request, const struct attr *attr)
{
    struct http_answer *answer = &request->answer;
    http_range_take(request, attr->revision, attr->size);
    answer->field = "Accept-Ranges: bytes";
    if (answer->range_status == HTTP_RANGE_NOT_SATISFIABLE) {
        http_error(request, answer->range_status, http_path_key(request),
                   "the value has no bytes in that range: it has %llu",
                   (unsigned long long)attr->size);
        return;
    }
    answer->content_type = "application/octet-stream";
    int status = answer->range_len <= HTTP_STREAM_BYTES ? answer_short(request, attr)
                                                        : answer_long(request, attr);
    if (status != 0)
        http_error_errno(request, status, http_path_key(request));
}
