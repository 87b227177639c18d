/* One request of a client WebSocket, such as {"APIRequest":{"Get":"duck"}}, and its reply:
 *
 *   {"request":R,"response":{"Get":{...}}}    it worked; Put, Delete and Pong likewise
 *   {"request":R,"response":{"Blocked":R}}    a write was refused: nothing has happened, and it may
 *                                             be sent again later
 *   {"request":R,"response":{"Error":"..."}}  any other failure of a well-formed request, also a
 *                                             write whose outcome is unknown
 *   {"error":"..."}                           the message was no request, or there is no memory
 *                                             for it now; nothing has happened */
#include "client_session.h"
#include "command/key.h"
#include "json_out.h"
#include "text.h"
#include "watch.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ---- Replies ---- */

static void reply_begin(struct client_exchange *exchange)
{
    static const uint8_t room[LWS_PRE];
    exchange->reply.len = 0;
    buffer_append(&exchange->reply, room, sizeof room);
}

void http_client_error(struct client_exchange *exchange, const char *text)
{
    struct buffer *reply = &exchange->reply;
    reply_begin(exchange);
    http_json_raw(reply, "{");
    http_json_field(reply, "error",
                    bytes_of_text(http_text_is_utf8(bytes_of_text(text)) ? text : "bad request"));
    http_json_raw(reply, "}");
}

static void put_request(struct client_exchange *exchange)
{
    struct buffer *reply = &exchange->reply;
    if (buffer_reserve(reply, exchange->request_len))
        buffer_append(reply, reply->data + exchange->request_at, exchange->request_len);
}

/* Begins the reply with an echo of the request. Comes before the value is decoded, which happens in
 * place. */
static void put_echo(struct client_exchange *exchange, const cJSON *request)
{
    struct buffer *reply = &exchange->reply;
    reply_begin(exchange);
    http_json_raw(reply, "{\"request\":");
    exchange->request_at = reply->len;
    char *text = cJSON_PrintUnformatted(request);
    if (text)
        http_json_raw(reply, text);
    else
        reply->failed = true;
    cJSON_free(text);
    exchange->request_len = reply->len - exchange->request_at;
    http_json_raw(reply, ",\"response\":{");
}

static void put_response_error(struct client_exchange *exchange, const char *text)
{
    http_json_field(&exchange->reply, "Error", bytes_of_text(text));
    http_json_raw(&exchange->reply, "}}");
}

/* Blocked invites to try again, so two are an Error: REPLICA_UNSUPPORTED lasts until the member
 * that it names is upgraded, and REPLICA_FULL until something is deleted. */
static bool is_blocked(enum replica_outcome outcome)
{
    return outcome != REPLICA_TIMEOUT && outcome != REPLICA_UNSUPPORTED && outcome != REPLICA_FULL;
}

static void put_response_outcome(struct client_exchange *exchange, enum replica_outcome outcome,
                                 bool write)
{
    assert(outcome != REPLICA_DONE);
    if (write && is_blocked(outcome)) {
        http_json_raw(&exchange->reply, "\"Blocked\":");
        put_request(exchange);
        http_json_raw(&exchange->reply, "}}");
        return;
    }
    struct buffer text = {0};
    http_outcome_text(exchange->replica, outcome, write, &text);
    buffer_append(&text, "", 1);
    put_response_error(exchange, text.failed ? "out of memory" : (const char *)text.data);
    buffer_free(&text);
}

static void put_response_key(struct client_exchange *exchange, const char *kind)
{
    buffer_printf(&exchange->reply, "\"%s\":{", kind);
    http_json_field(&exchange->reply, "key", exchange->item.key);
}

bool http_client_still_wanted(struct client_exchange *exchange)
{
    assert(exchange->waiting);
    exchange->waiting = false;
    if (exchange->session)
        return true;
    http_client_exchange_free(exchange);
    return false;
}

/* ---- Get ---- */

/* False: it was postponed. */
static bool put_got(struct client_exchange *exchange)
{
    struct tree *tree = replica_tree(exchange->replica);
    struct attr attr;
    struct buffer value = {0};
    int status =
        http_find_for(tree, &exchange->user->caller, exchange->item.key, CALLER_READ, &attr);
    bool found = status == 0;
    if (found && attr.size > VALUE_BYTES_MAX)
        status = -EFBIG;
    enum client_room room =
        status == 0 ? http_client_room(exchange, (size_t)attr.size) : CLIENT_ROOM;
    if (room == CLIENT_ROOM_LATER)
        return false;
    if (room == CLIENT_NO_ROOM)
        status = -EBUSY;
    if (status == 0)
        status = tree_read(tree, attr.ino, 0, (size_t)attr.size, &value);
    if (status != 0 && status != -ENOENT) {
        put_response_error(exchange, http_errno_text(status));
    } else {
        put_response_key(exchange, "Get");
        if (found)
            http_json_value(&exchange->reply, "value", bytes_of(value.data, value.len));
        http_json_raw(&exchange->reply, "}}}");
    }
    exchange->reply.failed |= value.failed;
    buffer_free(&value);
    return true;
}

static void answer_get(void *arg)
{
    struct client_exchange *exchange = arg;
    if (http_client_still_wanted(exchange) && put_got(exchange))
        http_client_replied(exchange);
}

static void on_contents(void *arg)
{
    struct client_exchange *exchange = arg;
    http_step(exchange->http, &exchange->step, answer_get, exchange);
}

static void on_read(void *arg, enum replica_outcome outcome, struct replica_freshness freshness)
{
    struct client_exchange *exchange = arg;
    if (outcome == REPLICA_NO_QUORUM && exchange->reads_stale) {
        exchange->reads_stale = false;
        replica_read(exchange->replica, REPLICA_LOCAL, on_read, exchange);
        return;
    }
    bool wanted = exchange->session; /* otherwise it has no key any more */
    if (wanted && outcome == REPLICA_DONE) {
        if (!http_await_contents(exchange->replica, exchange->item.key, freshness, on_contents,
                                 exchange))
            on_contents(exchange);
        return;
    }
    if (!http_client_still_wanted(exchange))
        return;
    put_response_outcome(exchange, outcome, false);
    http_client_replied(exchange);
}

void http_client_get(struct client_exchange *exchange)
{
    bool root = http_user_is_root(exchange->user); /* others: see http_read */
    exchange->waiting = true;
    exchange->reads_stale =
        !root && exchange->user->caller.token == 0 && exchange->http->config->stale_on_quorum_loss;
    replica_read(exchange->replica, root ? REPLICA_DEFAULT : REPLICA_LINEARIZABLE, on_read,
                 exchange);
}

/* ---- Put and Delete ---- */

static void put_changed(struct client_exchange *exchange, const struct command_result *result)
{
    struct buffer *reply = &exchange->reply;
    bool put = exchange->item.value.data; /* Delete has none, Put at least an empty one */
    put_response_key(exchange, put ? "Put" : "Delete");
    if (put)
        http_json_value(reply, "value", exchange->item.value);
    if (result->ops[0].old_present)
        http_json_value(reply, "overwritten_val", command_result_old(result, 0));
    else if (result->ops[0].existed)
        http_json_bool(reply, "overwritten_val_unknown", true);
    http_json_raw(reply, "}}}");
}

static void on_written(void *arg, enum replica_outcome outcome, const struct command_result *result)
{
    struct client_exchange *exchange = arg;
    if (!http_client_still_wanted(exchange))
        return;
    struct command_result own = {0};
    if (outcome == REPLICA_DONE) /* the first operation may be AS */
        own = command_result_behind(result, !http_user_is_root(exchange->user));
    if (outcome != REPLICA_DONE)
        put_response_outcome(exchange, outcome, true);
    else if (result->status != 0)
        put_response_error(exchange, http_errno_text(result->status));
    else
        put_changed(exchange, &own);
    http_client_replied(exchange);
}

static void client_change(struct client_exchange *exchange, enum op_type type)
{
    struct op op = {.type = (uint8_t)type,
                    .flags = OP_WANT_OLD | (type == OP_PUT ? OP_KILL_PRIV : 0),
                    .name = exchange->item.key,
                    .data = exchange->item.value,
                    .ttl = exchange->item.ttl,
                    .lease = exchange->item.lease};
    struct command command = {0};
    int status = command_as(&command, &exchange->user->caller);
    if (status == 0)
        status = command_add(&command, &op);
    if (status != 0) {
        command_free(&command);
        put_response_error(exchange,
                           status == -ENOMEM ? "out of memory" : "the value is too large");
        return;
    }
    exchange->waiting = true;
    replica_submit(exchange->replica, &command, on_written, exchange);
}

/* ---- Ping ---- */

static void on_pong(void *arg, bool reached)
{
    struct client_exchange *exchange = arg;
    if (!http_client_still_wanted(exchange))
        return;
    char text[HTTP_PING_TEXT_MAX];
    http_ping_text(exchange->pid, reached, text);
    buffer_printf(&exchange->reply, "\"Pong\":[%u,\"%s\"]}}", exchange->pid, text);
    http_client_replied(exchange);
}

static void client_ping(struct client_exchange *exchange)
{
    struct replica_status status;
    replica_status(exchange->replica, &status);
    for (uint32_t i = 0; i < status.peer_count; i++) {
        if (status.peers[i].pid != exchange->pid)
            continue;
        exchange->waiting = true;
        replica_ping(exchange->replica, exchange->pid, on_pong, exchange);
        return;
    }
    put_response_error(exchange, "this node has no peer of that number");
}

/* ---- Watch ---- */

static void put_watch_error(struct client_exchange *exchange, int status)
{
    char text[160];
    struct replica *replica = exchange->replica;
    switch (status) {
    case -ESTALE:
        snprintf(text, sizeof text, "changes up to revision %llu are not known any more",
                 (unsigned long long)replica_watch_oldest(replica));
        put_response_error(exchange, text);
        return;
    case -ENOTSUP:
        put_response_outcome(exchange, REPLICA_UNSUPPORTED, false);
        return;
    case -EEXIST:
        put_response_error(exchange, "this connection watches that prefix already");
        return;
    case -ENOSPC:
        put_response_error(exchange, "this connection has as many watches as it may have");
        return;
    default:
        put_response_error(exchange, http_errno_text(status));
    }
}

static void put_watch(struct client_exchange *exchange, const char *kind)
{
    buffer_printf(&exchange->reply, "\"%s\":{", kind);
    http_json_field(&exchange->reply, "prefix",
                    bytes_of(exchange->prefix.data, exchange->prefix.len));
}

static void on_watch_confirmed(void *arg, enum replica_outcome outcome,
                               struct replica_freshness freshness)
{
    struct client_exchange *exchange = arg;
    if (!http_client_still_wanted(exchange))
        return;
    struct client_watches *watches = http_client_watches(exchange->session);
    struct bytes prefix = bytes_of(exchange->prefix.data, exchange->prefix.len);
    uint64_t revision;
    int status = 0;
    if (outcome != REPLICA_DONE)
        put_response_outcome(exchange, outcome, false);
    else if (!http_user_holds(exchange->http, exchange->user))
        put_watch_error(exchange, -EKEYREVOKED);
    else if ((status = watches ? http_client_watch(watches, prefix, exchange->since, &revision)
                               : -ENOMEM) < 0)
        put_watch_error(exchange, status);
    else {
        exchange->opens = true;
        put_watch(exchange, "Watch");
        buffer_printf(&exchange->reply, ",\"revision\":%llu}}}", (unsigned long long)revision);
    }
    http_client_replied(exchange);
}

static int take_prefix(struct client_exchange *exchange, const cJSON *field, struct fault *fault)
{
    if (!cJSON_IsString(field) || strlen(field->valuestring) > PATH_BYTES_MAX)
        return fault_set(fault, -EINVAL, "a prefix is a string of at most %d bytes",
                         PATH_BYTES_MAX);
    buffer_append(&exchange->prefix, field->valuestring, strlen(field->valuestring));
    return exchange->prefix.failed ? fault_set(fault, -ENOMEM, "out of memory") : 0;
}

static int take_since(struct client_exchange *exchange, const cJSON *field, struct fault *fault)
{
    double n = cJSON_IsNumber(field) ? field->valuedouble : -1;
    if (n < 0 || n > 9007199254740992.0 || n != (double)(uint64_t)n)
        return fault_set(fault, -EINVAL, "\"since\" takes a revision, or 0");
    exchange->since = (uint64_t)n;
    return 0;
}

static int take_watch(struct client_exchange *exchange, const cJSON *field, struct fault *fault)
{
    const cJSON *prefix = cJSON_GetObjectItemCaseSensitive(field, "prefix");
    const cJSON *since = cJSON_GetObjectItemCaseSensitive(field, "since");
    int expected = !!prefix + !!since, status = 0;
    exchange->since = REPLICA_WATCH_NOW;
    if (!cJSON_IsObject(field) || cJSON_GetArraySize(field) != expected)
        return fault_set(fault, -EINVAL, "\"Watch\" takes {\"prefix\":\"P\",\"since\":N}");
    if (prefix)
        status = take_prefix(exchange, prefix, fault);
    if (status == 0 && since)
        status = take_since(exchange, since, fault);
    return status;
}

static void client_watch(struct client_exchange *exchange)
{
    exchange->waiting = true;
    replica_read(exchange->replica, REPLICA_LINEARIZABLE, on_watch_confirmed, exchange);
}

static void client_unwatch(struct client_exchange *exchange)
{
    struct client_watches *watches = http_client_watches(exchange->session);
    if (!http_client_unwatch(watches, bytes_of(exchange->prefix.data, exchange->prefix.len))) {
        put_response_error(exchange, "this connection does not watch that prefix");
        return;
    }
    put_watch(exchange, "Unwatch");
    http_json_raw(&exchange->reply, "}}}");
}

/* ---- Messages ---- */

/* The request in the message: an object with one field. */
static cJSON *find_request(cJSON *json, struct fault *fault)
{
    cJSON *request = cJSON_GetObjectItemCaseSensitive(json, "APIRequest");
    if (cJSON_IsObject(request) && cJSON_GetArraySize(request) == 1)
        return request;
    fault_set(fault, 0,
              "expected {\"APIRequest\":R}, where R is one of {\"Get\":\"K\"}, "
              "{\"Put\":{\"key\":\"K\",\"value\":\"V\"}}, {\"Delete\":\"K\"}, {\"Ping\":N}, "
              "{\"Watch\":{\"prefix\":\"P\",\"since\":N}}, {\"Unwatch\":\"P\"}");
    return NULL;
}

static int check_key(struct bytes key, struct fault *fault)
{
    const char *why = NULL;
    int status = key_check(key, &why);
    return status == 0 ? 0 : fault_set(fault, status, "%s", why);
}

static int take_key(struct client_exchange *exchange, const cJSON *field, struct fault *fault)
{
    if (!cJSON_IsString(field))
        return fault_set(fault, -EINVAL, "\"%s\" takes a key, which is a string", field->string);
    exchange->item.key = bytes_of_text(field->valuestring);
    return check_key(exchange->item.key, fault);
}

static int take_pair(struct client_exchange *exchange, cJSON *field, struct fault *fault)
{
    int status = http_json_pair(field, &exchange->item, fault);
    return status != 0 ? status : check_key(exchange->item.key, fault);
}

static int take_pid(struct client_exchange *exchange, const cJSON *field, struct fault *fault)
{
    double n = cJSON_IsNumber(field) ? field->valuedouble : 0;
    if (n < 1 || n > UINT32_MAX || n != (double)(uint32_t)n)
        return fault_set(fault, -EINVAL, "\"Ping\" takes the number of a node");
    exchange->pid = (uint32_t)n;
    return 0;
}

/* Reads the request and its field, and begins the reply. */
static int read_request(struct client_exchange *exchange, struct fault *fault)
{
    cJSON *request = find_request(exchange->json, fault);
    if (!request)
        return -EINVAL;
    put_echo(exchange, request);
    cJSON *field = request->child;
    const char *kind = field->string;
    if (strcmp(kind, "Get") == 0) {
        exchange->kind = CLIENT_GET;
        return take_key(exchange, field, fault);
    } else if (strcmp(kind, "Put") == 0) {
        exchange->kind = CLIENT_PUT;
        return take_pair(exchange, field, fault);
    } else if (strcmp(kind, "Delete") == 0) {
        exchange->kind = CLIENT_DELETE;
        return take_key(exchange, field, fault);
    } else if (strcmp(kind, "Ping") == 0) {
        exchange->kind = CLIENT_PING;
        return take_pid(exchange, field, fault);
    } else if (strcmp(kind, "Watch") == 0) {
        exchange->kind = CLIENT_WATCH;
        return take_watch(exchange, field, fault);
    } else if (strcmp(kind, "Unwatch") == 0) {
        exchange->kind = CLIENT_UNWATCH;
        return take_prefix(exchange, field, fault);
    }
    return fault_set(
        fault, -EINVAL,
        "the request \"%.100s\" is unknown: use Get, Put, Delete, Ping, Watch or Unwatch", kind);
}

void http_client_read(struct client_exchange *exchange, struct bytes message)
{
    struct fault *fault = &exchange->fault;
    *fault = (struct fault){"out of memory"};
    int status = http_json_parse(message, &exchange->json, fault);
    if (status == 0)
        status = read_request(exchange, fault);
    if (status == 0)
        fault->text[0] = 0;
}

void http_client_handle(struct client_exchange *exchange)
{
    if (exchange->fault.text[0]) {
        http_client_error(exchange, exchange->fault.text);
        return;
    }
    switch (exchange->kind) {
    case CLIENT_GET:
        http_client_get(exchange);
        break;
    case CLIENT_PUT:
        client_change(exchange, OP_PUT);
        break;
    case CLIENT_DELETE:
        client_change(exchange, OP_DELETE);
        break;
    case CLIENT_PING:
        client_ping(exchange);
        break;
    case CLIENT_WATCH:
        client_watch(exchange);
        break;
    case CLIENT_UNWATCH:
        client_unwatch(exchange);
        break;
    }
}

void http_client_exchange_drop(struct client_exchange *exchange)
{
    if (exchange->in_job)
        return;
    cJSON_Delete(exchange->json);
    exchange->json = NULL;
    buffer_free(&exchange->message);
    buffer_free(&exchange->reply);
    buffer_free(&exchange->prefix);
}

void http_client_exchange_free(struct client_exchange *exchange)
{
    assert(!exchange->waiting);
    http_client_exchange_drop(exchange);
    http_user_leave(exchange->user);
    free(exchange);
}
