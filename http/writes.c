/* PUT, POST and DELETE: makes commands of requests, and answers of their results. */
#include "http_internal.h"
#include "json_out.h"
#include "lifetime.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static bool has_no_conditions(struct http_request *request)
{
    if (!http_header(request, "If-Match") && !http_header(request, "If-None-Match") &&
        !http_header(request, "If-Unmodified-Since"))
        return true;
    http_error(request, HTTP_BAD_REQUEST, (struct bytes){0},
               "If-Match and other conditions in the header work with one key only: for several, "
               "POST /txn has conditions");
    return false;
}

/* ---- Answers ---- */

/* The former value, if there was one. It may be unknown (http.h). */
static void put_old(struct buffer *out, const struct command_result *result, uint32_t i)
{
    if (!result->ops[i].existed)
        return;
    if (result->ops[i].old_present)
        http_json_value(out, "overwritten_value", command_result_old(result, i));
    else
        http_json_bool(out, "overwritten_value_unknown", true);
}

static void put_stored(struct buffer *out, const struct http_item *item,
                       const struct command_result *result, uint32_t i)
{
    http_json_raw(out, "{");
    http_json_field(out, "key", item->key);
    http_json_value(out, "value", item->value);
    put_old(out, result, i);
    http_json_raw(out, "}");
}

static void put_deleted(struct buffer *out, const struct http_item *item,
                        const struct command_result *result, uint32_t i)
{
    http_json_raw(out, "{");
    http_json_field(out, "key", item->key);
    http_json_bool(out, "exists", result->ops[i].existed);
    put_old(out, result, i);
    http_json_raw(out, "}");
}

/* The key at which a command failed, or no key if that is not known. */
static struct bytes failed_key(const struct http_request *request,
                               const struct command_result *result)
{
    if (request->items.count == 0)
        return http_path_key(request);
    bool known = result && result->failed_op < request->items.count;
    if (request->items.count > 1 && !known)
        return (struct bytes){0};
    return request->items.list[known ? result->failed_op : 0].key;
}

/* True if the command took effect; otherwise the error was answered. */
static bool succeeded(struct http_request *request, enum replica_outcome outcome,
                      const struct command_result *result)
{
    if (outcome != REPLICA_DONE) {
        http_error_outcome(request, outcome, true, failed_key(request, NULL));
        return false;
    }
    if (result->status != 0) {
        http_error_errno(request, result->status, failed_key(request, result));
        return false;
    }
    assert(result->count >= 1);
    return true;
}

static void on_put(void *arg, enum replica_outcome outcome, const struct command_result *result)
{
    struct http_request *request = arg;
    if (!succeeded(request, outcome, result))
        return;
    request->answer.etag = result->ops[0].attr.revision;
    http_json_raw(&request->out, "{\"Single\":{");
    http_json_field(&request->out, "key", http_path_key(request));
    http_json_raw(&request->out, "}}");
    http_answer(request, HTTP_OK);
}

static void on_post(void *arg, enum replica_outcome outcome, const struct command_result *result)
{
    struct http_request *request = arg;
    if (!succeeded(request, outcome, result))
        return;
    request->answer.etag = result->ops[0].attr.revision;
    http_json_raw(&request->out, "{\"Single\":");
    put_stored(&request->out, request->items.list, result, 0);
    http_json_raw(&request->out, "}");
    http_answer(request, HTTP_OK);
}

/* A deleted key has no revision any more; the answer has that of the deletion. */
static void on_delete(void *arg, enum replica_outcome outcome, const struct command_result *result)
{
    struct http_request *request = arg;
    if (!succeeded(request, outcome, result))
        return;
    bool existed = result->ops[0].existed;
    request->answer.etag = existed ? result->revision : 0;
    http_json_raw(&request->out, "{\"Single\":");
    put_deleted(&request->out, &(struct http_item){.key = http_path_key(request)}, result, 0);
    http_json_raw(&request->out, "}");
    http_answer(request, existed ? HTTP_OK : HTTP_NOT_FOUND);
}

typedef void item_printer(struct buffer *out, const struct http_item *item,
                          const struct command_result *result, uint32_t i);

/* The objects of a list, each written by `put`, or the error. */
static void answer_list(struct http_request *request, enum replica_outcome outcome,
                        const struct command_result *result, item_printer *put)
{
    if (!succeeded(request, outcome, result))
        return;
    assert(result->count == request->items.count);
    http_json_raw(&request->out, "{\"Multiple\":[");
    for (uint32_t i = 0; i < result->count; i++) {
        http_json_comma(&request->out);
        put(&request->out, &request->items.list[i], result, i);
    }
    http_json_raw(&request->out, "]}");
    http_answer(request, HTTP_OK);
}

static void on_post_keys(void *arg, enum replica_outcome outcome,
                         const struct command_result *result)
{
    answer_list(arg, outcome, result, put_stored);
}

static void on_delete_keys(void *arg, enum replica_outcome outcome,
                           const struct command_result *result)
{
    answer_list(arg, outcome, result, put_deleted);
}

static void put_txn_result(struct buffer *out, const struct http_item *item,
                           const struct command_result *result, uint32_t i)
{
    http_json_comma(out);
    http_json_raw(out, item->type == OP_PUT ? "{\"put\":" : "{\"delete\":");
    (item->type == OP_PUT ? put_stored : put_deleted)(out, item, result, i);
    http_json_raw(out, "}");
}

/* Finds the branch that ran among the items: from `*from` up to `*to`. True: it was `then`. */
static bool find_branch(const struct http_items *items, const struct command_result *result,
                        uint32_t *from, uint32_t *to)
{
    bool holds = true;
    *from = 0;
    for (; items->list[*from].type == OP_IF; ++*from)
        holds &= result->ops[*from].existed;
    *to = *from;
    while (items->list[*to].type != OP_ELSE)
        ++*to;
    if (!holds) {
        *from = *to + 1;
        *to = (uint32_t)items->count;
    }
    assert(*from <= *to);
    return holds;
}

static void on_post_txn(void *arg, enum replica_outcome outcome,
                        const struct command_result *result)
{
    struct http_request *request = arg;
    struct buffer *out = &request->out;
    if (!succeeded(request, outcome, result))
        return;
    assert(result->count == request->items.count);
    uint32_t from, to;
    bool holds = find_branch(&request->items, result, &from, &to);
    request->answer.etag = result->revision;
    http_json_raw(out, "{\"Transaction\":{");
    http_json_bool(out, "succeeded", holds);
    buffer_printf(out, ",\"revision\":%llu,\"results\":[", (unsigned long long)result->revision);
    for (uint32_t i = from; i < to; i++)
        put_txn_result(out, &request->items.list[i], result, i);
    http_json_raw(out, "]}}");
    http_answer(request, HTTP_OK);
}

/* ---- Requests ---- */

void http_put_key(struct http_request *request)
{
    struct op op = {
        .type = OP_PUT,
        .flags = OP_KILL_PRIV,
        .name = http_path_key(request),
        .data = bytes_of(request->body.data, request->body.len),
    };
    struct fault fault;
    if (!http_key_ok(request))
        return;
    if (http_lifetime_read(request->uri.ttl, request->uri.lease, &op.ttl, &op.lease, &fault) == 0)
        http_change_key(request, &op, on_put);
    else
        http_error(request, HTTP_BAD_REQUEST, op.name, "%s", fault.text);
}

static void post_key(struct http_request *request)
{
    const struct http_item *item = request->items.list;
    struct op op = {.type = OP_PUT,
                    .flags = OP_WANT_OLD | OP_KILL_PRIV,
                    .name = item->key,
                    .data = item->value,
                    .ttl = item->ttl,
                    .lease = item->lease};
    http_change_key(request, &op, on_post);
}

void http_post_key(struct http_request *request)
{
    http_body_items(request, http_items_pair, post_key);
}

void http_delete_key(struct http_request *request)
{
    struct op op = {.type = OP_DELETE, .flags = OP_WANT_OLD, .name = http_path_key(request)};
    if (http_key_ok(request))
        http_change_key(request, &op, on_delete);
}

static void submit_items(struct http_request *request, replica_written_cb *done)
{
    struct op *ops = calloc(request->items.count, sizeof *ops);
    if (!ops) {
        http_error_errno(request, -ENOMEM, (struct bytes){0});
        return;
    }
    for (size_t i = 0; i < request->items.count; i++) {
        const struct http_item *item = &request->items.list[i];
        ops[i] = (struct op){.type = item->type,
                             .flags = item->flags | (item->type == OP_PUT ? OP_KILL_PRIV : 0),
                             .revision = item->revision,
                             .name = item->key,
                             .data = item->value,
                             .ttl = item->ttl,
                             .lease = item->lease};
    }
    http_submit(request, ops, request->items.count, done);
    free(ops);
}

/* Submits the same operation for every key of a list. */
static void submit_list(struct http_request *request, enum op_type type, replica_written_cb *done)
{
    for (size_t i = 0; i < request->items.count; i++) {
        request->items.list[i].type = (uint8_t)type;
        request->items.list[i].flags = OP_WANT_OLD;
    }
    submit_items(request, done);
}

static void post_keys(struct http_request *request)
{
    submit_list(request, OP_PUT, on_post_keys);
}

void http_post_keys(struct http_request *request)
{
    if (has_no_conditions(request))
        http_body_items(request, http_items_pairs, post_keys);
}

static void delete_keys(struct http_request *request)
{
    submit_list(request, OP_DELETE, on_delete_keys);
}

void http_delete_keys(struct http_request *request)
{
    if (has_no_conditions(request))
        http_body_items(request, http_items_distinct_keys, delete_keys);
}

static void post_txn(struct http_request *request)
{
    submit_items(request, on_post_txn);
}

void http_post_txn(struct http_request *request)
{
    if (has_no_conditions(request))
        http_body_items(request, http_items_txn, post_txn);
}
