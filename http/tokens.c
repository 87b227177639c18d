/* Tokens: root makes, lists and removes them.
 *
 *   POST /tokens {"name":"app","uid":1000,"gids":[1000]}  ->
 * {"Single":{"name":"app","token":"..."}}
 *
 * and "path", "read_only", "ttl" if it is to be less. The token itself is in this answer only: the
 * cluster keeps its hash. */
#include "command/key.h"
#include "http_internal.h"
#include "json_out.h"
#include "lifetime.h"

#include <assert.h>
#include <cjson/cJSON.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum { NS_PER_MS = 1000000 };

static const struct bytes no_key;

/* What a body asks for. */
struct wanted {
    struct op op;
    struct caller caller;
    uint64_t ttl_ms; /* 0: it stays */
    char name[TOKEN_NAME_BYTES_MAX + 1];
    char path[PATH_BYTES_MAX + 1];
};

/* ---- POST /tokens ---- */

static bool token_number(const cJSON *value, uint32_t *id)
{
    double n = cJSON_IsNumber(value) ? value->valuedouble : -1;
    if (!(n >= 0 && n < UINT32_MAX && n == (double)(uint32_t)n))
        return false;
    *id = (uint32_t)n;
    return true;
}

static bool token_gids(const cJSON *value, struct caller *caller)
{
    const cJSON *gid;
    uint32_t ids[CALLER_GROUPS_MAX + 1];
    uint32_t count = 0;
    if (!cJSON_IsArray(value) || cJSON_GetArraySize(value) > CALLER_GROUPS_MAX + 1)
        return false;
    cJSON_ArrayForEach(gid, value)
    {
        if (!token_number(gid, &ids[count++]))
            return false;
    }
    if (count == 0)
        return false;
    caller->gid = ids[0];
    caller->group_count = count - 1;
    memcpy(caller->groups, ids + 1, (count - 1) * sizeof *ids);
    return true;
}

static bool token_text(const cJSON *value, char *text, size_t max)
{
    if (!cJSON_IsString(value) || strlen(value->valuestring) > max)
        return false;
    strcpy(text, value->valuestring);
    return true;
}

static bool token_field(struct wanted *wanted, const cJSON *field, bool seen[3],
                        struct fault *fault)
{
    const char *name = field->string;
    if (strcmp(name, "name") == 0)
        return (seen[0] = token_text(field, wanted->name, TOKEN_NAME_BYTES_MAX));
    if (strcmp(name, "uid") == 0)
        return (seen[1] = token_number(field, &wanted->caller.uid));
    if (strcmp(name, "gids") == 0)
        return (seen[2] = token_gids(field, &wanted->caller));
    if (strcmp(name, "path") == 0)
        return token_text(field, wanted->path, PATH_BYTES_MAX);
    if (strcmp(name, "read_only") == 0) {
        wanted->op.flags |= cJSON_IsTrue(field) ? OP_READ_ONLY : 0;
        return cJSON_IsBool(field);
    }
    return strcmp(name, "ttl") == 0 && cJSON_IsString(field) &&
           http_ttl_read(bytes_of_text(field->valuestring), false, &wanted->ttl_ms, fault) == 0;
}

static int token_fields(struct wanted *wanted, const cJSON *json, struct fault *fault)
{
    bool seen[3] = {false};
    const cJSON *field;
    const char *why;
    fault_set(fault, -EINVAL,
              "expected {\"name\":\"N\",\"uid\":U,\"gids\":[G,...]} with \"path\":\"P\", "
              "\"read_only\":true, \"ttl\":\"30d\" if they are wanted");
    if (!cJSON_IsObject(json))
        return -EINVAL;
    cJSON_ArrayForEach(field, json)
    {
        if (!token_field(wanted, field, seen, fault))
            return -EINVAL;
    }
    if (!seen[0] || !seen[1] || !seen[2])
        return -EINVAL;
    if (token_name_check(bytes_of_text(wanted->name), &why) < 0 ||
        (wanted->path[0] && key_check(bytes_of_text(wanted->path), &why) < 0))
        return fault_set(fault, -EINVAL, "%s", why);
    return 0;
}

static int read_wanted(const struct http_request *request, struct wanted *wanted,
                       struct fault *fault)
{
    cJSON *json;
    int status = http_json_parse(bytes_of(request->body.data, request->body.len), &json, fault);
    if (status == 0)
        status = token_fields(wanted, json, fault);
    cJSON_Delete(json);
    return status;
}

/* `out` has had the token since before it was added; without an answer it is wiped. */
static void on_added(void *arg, enum replica_outcome outcome, const struct command_result *result)
{
    struct http_request *request = arg;
    if (outcome == REPLICA_DONE && result->status == 0) {
        http_answer(request, HTTP_OK);
        return;
    }
    explicit_bzero(request->out.data, request->out.cap);
    if (outcome != REPLICA_DONE)
        http_error_outcome(request, outcome, true, no_key);
    else if (result->status == -EEXIST)
        http_error(request, HTTP_CONFLICT, no_key,
                   "there is a token of this name: remove it first");
    else if (result->status == -EDQUOT)
        http_error(request, HTTP_INSUFFICIENT_STORAGE, no_key,
                   "there are %d tokens, and there can be no more: remove some", TOKENS_MAX);
    else
        http_error_errno(request, result->status, no_key);
}

static void begin_answer(struct http_request *request, const struct wanted *wanted,
                         const char *token)
{
    struct buffer *out = &request->out;
    request->secret = true;
    buffer_reserve(out, 1024); /* it must not move, and leave a copy behind */
    http_json_raw(out, "{\"Single\":{");
    http_json_field(out, "name", bytes_of_text(wanted->name));
    http_json_field(out, "token", bytes_of_text(token));
    http_json_raw(out, "}}");
}

static void add_token(struct http_request *request, struct wanted *wanted)
{
    char token[HTTP_TOKEN_TEXT_MAX];
    uint8_t hash[TOKEN_HASH_BYTES];
    struct buffer data = {0};
    http_token_make(token);
    begin_answer(request, wanted, token);
    http_token_hash(token, hash);
    buffer_append(&data, hash, sizeof hash);
    caller_put_groups(&data, &wanted->caller);
    wanted->op.type = OP_TOKEN_ADD;
    wanted->op.uid = wanted->caller.uid;
    wanted->op.gid = wanted->caller.gid;
    wanted->op.name = bytes_of_text(wanted->name);
    wanted->op.name2 = bytes_of_text(wanted->path);
    wanted->op.data = bytes_of(data.data, data.len);
    if (wanted->ttl_ms > 0)
        wanted->op.mtime =
            (int64_t)(replica_time(request->http->replica) + wanted->ttl_ms * NS_PER_MS);
    if (data.failed)
        http_error_errno(request, -ENOMEM, no_key);
    else
        http_submit(request, &wanted->op, 1, on_added);
    buffer_free(&data);
}

void http_post_token(struct http_request *request)
{
    struct wanted wanted = {.ttl_ms = 0};
    struct fault fault = {"out of memory"};
    if (read_wanted(request, &wanted, &fault) == 0)
        add_token(request, &wanted);
    else
        http_error(request, HTTP_BAD_REQUEST, no_key, "%s", fault.text);
}

/* ---- DELETE /tokens/NAME ---- */

static struct bytes path_name(const struct http_request *request)
{
    static const char prefix[] = "/tokens/";
    size_t skip = sizeof prefix - 1;
    assert(request->uri.path.len >= skip);
    return bytes_of(request->uri.path.data + skip, request->uri.path.len - skip);
}

static void on_removed(void *arg, enum replica_outcome outcome, const struct command_result *result)
{
    struct http_request *request = arg;
    if (outcome != REPLICA_DONE) {
        http_error_outcome(request, outcome, true, no_key);
    } else if (result->status == -ENOENT) {
        http_error(request, HTTP_NOT_FOUND, no_key, "there is no token of this name");
    } else if (result->status != 0) {
        http_error_errno(request, result->status, no_key);
    } else {
        http_json_raw(&request->out, "{\"Single\":{");
        http_json_field(&request->out, "name", path_name(request));
        http_json_raw(&request->out, "}}");
        http_answer(request, HTTP_OK);
    }
}

void http_delete_token(struct http_request *request)
{
    const char *why;
    struct op op = {.type = OP_TOKEN_REMOVE, .name = path_name(request)};
    if (token_name_check(op.name, &why) < 0)
        http_error(request, HTTP_NOT_FOUND, no_key, "%s", why);
    else
        http_submit(request, &op, 1, on_removed);
}

/* ---- GET /tokens ---- */

static void put_time(struct buffer *out, const char *name, int64_t ns)
{
    time_t seconds = (time_t)(ns / 1000000000);
    struct tm utc;
    char text[32];
    strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&seconds, &utc));
    http_json_field(out, name, bytes_of_text(text));
}

static void put_token(struct http_request *request, const struct tree_token *token)
{
    struct buffer *out = &request->out;
    const struct caller *caller = &token->caller;
    http_json_comma(out);
    http_json_raw(out, "{");
    http_json_field(out, "name", bytes_of(token->name, token->name_len));
    buffer_printf(out, ",\"uid\":%u,\"gids\":[%u", caller->uid, caller->gid);
    for (uint32_t i = 0; i < caller->group_count; i++)
        buffer_printf(out, ",%u", caller->groups[i]);
    http_json_raw(out, "]");
    if (token->path_len > 0)
        http_json_field(out, "path", bytes_of(token->path, token->path_len));
    http_json_bool(out, "read_only", token->read_only);
    put_time(out, "made", token->made);
    if (token->expires)
        put_time(out, "expires", token->expires);
    if (!http_token_lasts(request->http, token))
        http_json_bool(out, "expired", true);
    http_json_raw(out, "}");
}

static void on_read_tokens(void *arg, enum replica_outcome outcome,
                           struct replica_freshness freshness)
{
    struct http_request *request = arg;
    struct tree *tree = replica_tree(request->http->replica);
    struct tree_token token = {.name_len = 0};
    int status = 0;
    if (!http_read_done(request, outcome, freshness, no_key))
        return;
    http_json_raw(&request->out, "{\"Multiple\":[");
    for (uint32_t i = 0; i < TOKENS_MAX && status == 0; i++) {
        struct tree_token last = token;
        status = tree_token_next(tree, bytes_of(last.name, last.name_len), &token);
        if (status == 0)
            put_token(request, &token);
    }
    http_json_raw(&request->out, "]}");
    if (status == 0 || status == -ENOENT)
        status = http_hold(request, request->out.len) ? 0 : -EBUSY;
    if (status < 0)
        http_error_errno(request, status, no_key);
    else
        http_answer(request, HTTP_OK);
}

void http_list_tokens(struct http_request *request)
{
    enum replica_consistency consistency;
    if (http_consistency(request, &consistency))
        http_read(request, consistency, on_read_tokens);
}
