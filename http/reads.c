/* GET /key/K, and GET /keys with a list of keys. */
#include "condition.h"
#include "json_out.h"

#include <errno.h>
#include <string.h>

static void answer_value(struct http_request *request, struct bytes key, const struct attr *attr)
{
    struct buffer *out = &request->out;
    http_json_raw(out, "{\"Single\":");
    int status = attr->size > VALUE_BYTES_MAX              ? -EFBIG
                 : !http_hold(request, (size_t)attr->size) ? -EBUSY
                                                           : 0;
    if (status == 0)
        status =
            http_put_value(out, replica_tree(request->http->replica), key, attr, VALUE_BYTES_MAX);
    if (status == 0)
        status = http_put_lifetime(out, request->http->replica, attr);
    if (status != 0) {
        http_error_errno(request, status, key);
        return;
    }
    http_json_raw(out, "}");
    http_answer(request, HTTP_OK);
}

/* Answers about a key that exists: its value in the form that the client prefers, or that the
 * conditions of the request leave nothing to send. */
static void answer_found(struct http_request *request, struct bytes key, const struct attr *attr)
{
    enum http_form form = http_form_wanted(&request->head);
    struct http_selected selected = {.exists = true,
                                     .revision = attr->revision,
                                     .changed =
                                         attr->ctime > attr->mtime ? attr->ctime : attr->mtime,
                                     .to_read = true,
                                     .form = form};
    unsigned int status = http_conditions_check(&request->head, &selected);
    request->answer.etag = attr->revision;
    request->answer.etag_form = form;
    if (status == HTTP_PRECONDITION_FAILED)
        http_error_errno(request, -ECANCELED, key);
    else if (status == HTTP_NOT_MODIFIED)
        http_answer(request, HTTP_NOT_MODIFIED);
    else if (form == HTTP_FORM_RAW)
        http_answer_raw(request, attr);
    else
        answer_value(request, key, attr);
}

void http_answer_key(struct http_request *request)
{
    struct bytes key = http_path_key(request);
    request->answer.varies = true;
    struct attr attr;
    int status = http_find_for(replica_tree(request->http->replica), &request->user->caller, key,
                               CALLER_READ, &attr);
    if (status == -ENOENT) {
        http_json_raw(&request->out, "{\"Single\":");
        http_put_absent(&request->out, key, status);
        http_json_raw(&request->out, "}");
        http_answer(request, HTTP_NOT_FOUND);
        return;
    }
    if (status != 0) {
        http_error_errno(request, status, key);
        return;
    }
    answer_found(request, key, &attr);
}

/* Whoever has just emptied the file has had the time to fill it. */
static void answer_key(void *arg)
{
    http_request_step(arg, http_answer_key);
}

static void on_read_key(void *arg, enum replica_outcome outcome, struct replica_freshness freshness)
{
    struct http_request *request = arg;
    struct bytes key = http_path_key(request);
    if (!http_read_done(request, outcome, freshness, key))
        return;
    if (!http_await_contents(request->http->replica, key, freshness, answer_key, request))
        answer_key(request);
}

void http_read_key(struct http_request *request)
{
    enum replica_consistency consistency;
    if (http_key_ok(request) && http_conditions_ok(request) &&
        http_consistency(request, &consistency))
        http_read(request, consistency, on_read_key);
}

/* ---- Several keys, at one point ---- */

/* Puts one object. `*bytes_left`: of the values that the answer may still hold. */
static int put_one(struct http_request *request, struct bytes key, uint64_t *bytes_left)
{
    struct tree *tree = replica_tree(request->http->replica);
    struct attr attr;
    http_json_comma(&request->out);
    int status = http_find_for(tree, &request->user->caller, key, CALLER_READ, &attr);
    if (status != 0) {
        http_put_absent(&request->out, key, status);
        return 0;
    }
    if (!http_hold(request, attr.size <= *bytes_left ? (size_t)attr.size : 0))
        return -EBUSY;
    status = http_put_value(&request->out, tree, key, &attr, *bytes_left);
    if (status == 0)
        *bytes_left -= attr.size;
    return status;
}

static void put_all_keys(struct http_request *request)
{
    uint64_t bytes_left = HTTP_ANSWER_BYTES_MAX;
    http_json_raw(&request->out, "{\"Multiple\":[");
    for (size_t i = 0; i < request->items.count; i++) {
        struct bytes key = request->items.list[i].key;
        int status = put_one(request, key, &bytes_left);
        if (status == -EFBIG)
            http_error(
                request, HTTP_CONTENT_TOO_LARGE, key,
                "the values up to this key are too large for one answer: ask for fewer keys");
        else if (status != 0)
            http_error_errno(request, status, key);
        if (status != 0)
            return;
    }
    http_json_raw(&request->out, "]}");
    http_answer(request, HTTP_OK);
}

static void answer_keys(void *arg)
{
    http_request_step(arg, put_all_keys);
}

/* All keys are read at one point: if one of them waits, they all do. */
static void on_read_keys(void *arg, enum replica_outcome outcome,
                         struct replica_freshness freshness)
{
    struct http_request *request = arg;
    if (!http_read_done(request, outcome, freshness, (struct bytes){0}))
        return;
    bool waits = false;
    for (size_t i = 0; i < request->items.count && !waits; i++)
        waits = http_await_contents(request->http->replica, request->items.list[i].key, freshness,
                                    answer_keys, request);
    if (!waits)
        answer_keys(request);
}

static void read_keys(struct http_request *request)
{
    enum replica_consistency consistency;
    if (http_consistency(request, &consistency))
        http_read(request, consistency, on_read_keys);
}

void http_read_keys(struct http_request *request)
{
    if (request->body.len == 0) {
        http_list_keys(request);
        return;
    }
    http_body_items(request, http_items_keys, read_keys);
}
