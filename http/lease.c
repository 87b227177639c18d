/* Leases: clients without a mount keep keys as long as they renew one.
 *
 *   POST /lease {"ttl":"10s"}  ->  {"Single":{"id":"5f...","ttl":"10s"}}
 *   PUT /key/K?lease=5f...         K goes when the lease ends
 *   POST /lease/5f...              its time starts again
 *
 * An id is a random number: only those who were told it can name it. */
#include "http_internal.h"
#include "json_out.h"
#include "lifetime.h"

#include <assert.h>
#include <cjson/cJSON.h>
#include <errno.h>
#include <string.h>
#include <sys/random.h>

enum { LEASES_PAGE_MAX = 1000 }; /* of one answer */

static const struct bytes no_key;

/* ---- Answers ---- */

static void answer_over(struct http_request *request)
{
    char id[HTTP_LEASE_TEXT_MAX];
    http_lease_print(request->lease, id);
    http_error(request, HTTP_NOT_FOUND, no_key, "there is no lease %s: it is over, or never was",
               id);
}

/* True if the command took effect; otherwise the error was answered. */
static bool lease_changed(struct http_request *request, enum replica_outcome outcome,
                          const struct command_result *result)
{
    if (outcome != REPLICA_DONE)
        http_error_outcome(request, outcome, true, no_key);
    else if (result->status == -EKEYEXPIRED)
        answer_over(request);
    else if (result->status != 0)
        http_error_errno(request, result->status, no_key);
    return outcome == REPLICA_DONE && result->status == 0;
}

static void begin_lease(struct http_request *request)
{
    char id[HTTP_LEASE_TEXT_MAX];
    http_lease_print(request->lease, id);
    http_json_raw(&request->out, "{\"Single\":{");
    http_json_field(&request->out, "id", bytes_of_text(id));
}

static void answer_lease(struct http_request *request)
{
    http_json_raw(&request->out, "}}");
    http_answer(request, HTTP_OK);
}

static void answer_with_ttl(struct http_request *request, uint64_t ms)
{
    begin_lease(request);
    http_put_ttl(&request->out, ms, UINT64_MAX);
    answer_lease(request);
}

/* ---- POST /lease ---- */

static void on_granted(void *arg, enum replica_outcome outcome, const struct command_result *result)
{
    struct http_request *request = arg;
    if (lease_changed(request, outcome, result))
        answer_with_ttl(request, request->lease_ms);
}

/* {"ttl":"10s"} */
static int read_body(struct http_request *request, struct fault *fault)
{
    cJSON *json, *ttl;
    int status = http_json_parse(bytes_of(request->body.data, request->body.len), &json, fault);
    if (status != 0)
        return status;
    ttl = cJSON_IsObject(json) ? json->child : NULL;
    if (!ttl || ttl->next || strcmp(ttl->string, "ttl") != 0 || !cJSON_IsString(ttl))
        status = fault_set(fault, -EINVAL, "expected {\"ttl\":\"10s\"}");
    else
        status = http_ttl_read(bytes_of_text(ttl->valuestring), false, &request->lease_ms, fault);
    cJSON_Delete(json);
    return status;
}

void http_post_lease(struct http_request *request)
{
    struct fault fault = {"out of memory"};
    if (read_body(request, &fault) != 0) {
        http_error(request, HTTP_BAD_REQUEST, no_key, "%s", fault.text);
        return;
    }
    do {
        ssize_t got = getrandom(&request->lease, sizeof request->lease, 0);
        assert(got == sizeof request->lease); /* of so few bytes, it gives all */
        request->lease &= LEASE_ID_MAX;
    } while (request->lease == 0);
    struct op op = {.type = OP_LEASE, .lease = request->lease, .size = request->lease_ms};
    http_submit(request, &op, 1, on_granted);
}

/* ---- /lease/ID ---- */

/* Reads the id; false: 404 was answered. */
static bool take_id(struct http_request *request)
{
    static const char prefix[] = "/lease/";
    struct bytes path = request->uri.path;
    size_t len = sizeof prefix - 1;
    assert(path.len >= len);
    if (http_lease_read(bytes_of(path.data + len, path.len - len), &request->lease))
        return true;
    http_error(request, HTTP_NOT_FOUND, no_key,
               "no lease can have this id: it must be one that POST /lease has given");
    return false;
}

static void on_renewed(void *arg, enum replica_outcome outcome, const struct command_result *result)
{
    struct http_request *request = arg;
    if (lease_changed(request, outcome, result))
        answer_with_ttl(request, result->ops[0].offset);
}

void http_renew_lease(struct http_request *request)
{
    if (!take_id(request))
        return;
    struct op op = {.type = OP_LEASE_RENEW, .lease = request->lease};
    http_submit(request, &op, 1, on_renewed);
}

static void on_ended(void *arg, enum replica_outcome outcome, const struct command_result *result)
{
    struct http_request *request = arg;
    if (!lease_changed(request, outcome, result))
        return;
    begin_lease(request);
    buffer_printf(&request->out, ",\"deleted\":%llu", (unsigned long long)result->ops[0].offset);
    answer_lease(request);
}

void http_end_lease(struct http_request *request)
{
    if (!take_id(request))
        return;
    struct op op = {.type = OP_LEASE_END, .lease = request->lease};
    http_submit(request, &op, 1, on_ended);
}

/* ---- Reading ---- */

static void put_key(void *arg, struct bytes key)
{
    struct http_request *request = arg;
    struct buffer *out = &request->out;
    if (tree_may_see(replica_tree(request->http->replica), &request->user->caller, key) != 0)
        return;
    http_json_comma(out);
    http_json_raw(out, "{");
    http_json_field(out, "key", key);
    http_json_raw(out, "}");
}

/* `"keys":[{"key":K},...]` */
static int put_keys(struct http_request *request, struct tree *tree)
{
    uint64_t files[LEASE_FILES_MAX];
    uint32_t count = 0;
    int status = tree_lease_files(tree, request->lease, files, &count);
    http_json_raw(&request->out, ",\"keys\":[");
    for (uint32_t i = 0; status == 0 && i < count; i++) {
        size_t before = request->out.len;
        status = tree_paths(tree, files[i], put_key, request);
        if (status == 0 && !http_hold(request, request->out.len - before))
            status = -EBUSY;
    }
    http_json_raw(&request->out, "]");
    return status;
}

static uint64_t left_ms(const struct http_request *request, uint64_t id)
{
    return replica_left_ms(request->http->replica, id | TREE_LEASE);
}

static void on_read_lease(void *arg, enum replica_outcome outcome,
                          struct replica_freshness freshness)
{
    struct http_request *request = arg;
    struct tree_lease lease;
    if (!http_read_done(request, outcome, freshness, no_key))
        return;
    struct tree *tree = replica_tree(request->http->replica);
    int status = tree_lease_get(tree, request->lease, &lease);
    if (status == 0 && !tree_lease_may(&request->user->caller, &lease))
        status = -ENOENT;
    if (status == -ENOENT) {
        answer_over(request);
        return;
    }
    begin_lease(request);
    if (status == 0) {
        http_put_ttl(&request->out, lease.ms, left_ms(request, lease.id));
        status = put_keys(request, tree);
    }
    if (status != 0)
        http_error_errno(request, status, no_key);
    else
        answer_lease(request);
}

void http_read_lease(struct http_request *request)
{
    enum replica_consistency consistency;
    if (take_id(request) && http_consistency(request, &consistency))
        http_read(request, consistency, on_read_lease);
}

static void put_lease(struct http_request *request, const struct tree_lease *lease)
{
    struct buffer *out = &request->out;
    char id[HTTP_LEASE_TEXT_MAX];
    http_lease_print(lease->id, id);
    http_json_comma(out);
    http_json_raw(out, "{");
    http_json_field(out, "id", bytes_of_text(id));
    http_put_ttl(out, lease->ms, left_ms(request, lease->id));
    buffer_printf(out, ",\"keys\":%u}", lease->files);
}

/* In the order of their ids; `next` names where the following page begins. */
static void on_read_leases(void *arg, enum replica_outcome outcome,
                           struct replica_freshness freshness)
{
    struct http_request *request = arg;
    struct tree_lease list[LEASES_PAGE_MAX + 1];
    uint32_t max = request->uri.limit < LEASES_PAGE_MAX ? request->uri.limit : LEASES_PAGE_MAX;
    uint32_t count;
    if (!http_read_done(request, outcome, freshness, no_key))
        return;
    int status =
        tree_leases(replica_tree(request->http->replica), request->lease, max + 1, list, &count);
    if (status != 0) {
        http_error_errno(request, status, no_key);
        return;
    }
    http_json_raw(&request->out, "{\"Multiple\":[");
    for (uint32_t i = 0; i < count && i < max; i++)
        if (tree_lease_may(&request->user->caller, &list[i]))
            put_lease(request, &list[i]);
    http_json_raw(&request->out, "]");
    if (count > max) {
        http_json_bool(&request->out, "more", true);
        buffer_printf(&request->out, ",\"next\":\"/leases?limit=%u&after=%016llx\"", max,
                      (unsigned long long)list[max - 1].id);
    }
    http_json_raw(&request->out, "}");
    http_answer(request, HTTP_OK);
}

void http_list_leases(struct http_request *request)
{
    enum replica_consistency consistency;
    struct bytes after = request->uri.after;
    if (after.data && !http_lease_read(after, &request->lease)) {
        http_error(request, HTTP_BAD_REQUEST, no_key, "after must be the id of a lease");
        return;
    }
    if (http_consistency(request, &consistency))
        http_read(request, consistency, on_read_leases);
}
