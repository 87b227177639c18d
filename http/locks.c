/* GET /locks: who has locks, and who waits for them. */
#include "http_internal.h"
#include "json_out.h"

#include <errno.h>
#include <string.h>
#include <time.h>

enum { MS_PER_S = 1000, NS_PER_MS = 1000000 };

static void put_number(struct buffer *out, const char *name, uint64_t value)
{
    http_json_comma(out);
    buffer_printf(out, "\"%s\":%llu", name, (unsigned long long)value);
}

/* The first of the paths that the user may see; NULL: none. */
static const char *next_path(struct http_request *request, const char *path, const char *end)
{
    struct tree *tree = replica_tree(request->http->replica);
    while (path < end && tree_may_see(tree, &request->user->caller, bytes_of_text(path)) != 0)
        path += strlen(path) + 1;
    return path < end ? path : NULL;
}

static void put_paths(struct http_request *request, struct bytes paths)
{
    struct buffer *out = &request->out;
    const char *path = (const char *)paths.data, *end = path + paths.len;
    http_json_raw(out, ",\"keys\":[");
    while (path && (path = next_path(request, path, end))) {
        http_json_comma(out);
        http_json_raw(out, "{");
        http_json_field(out, "key", bytes_of_text(path));
        http_json_raw(out, "}");
        path += strlen(path) + 1;
    }
    http_json_raw(out, "]");
}

static void put_since(struct buffer *out, uint64_t ns)
{
    uint64_t ms = ns / NS_PER_MS;
    time_t seconds = (time_t)(ms / MS_PER_S);
    struct tm utc;
    char text[32];
    strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", gmtime_r(&seconds, &utc));
    buffer_printf(out, ",\"since\":\"%s.%03uZ\"", text, (unsigned int)(ms % MS_PER_S));
}

/* Others than root see the locks of files that they could find. */
static bool may_see_line(struct http_request *request, const struct tree_lock_line *line)
{
    const char *path = (const char *)line->paths.data;
    return http_user_is_root(request->user) ||
           (path && next_path(request, path, path + line->paths.len));
}

static bool put_lock(void *arg, const struct tree_lock_line *line)
{
    struct http_request *request = arg;
    struct buffer *out = &request->out;
    const struct tree_lock *lock = line->lock;
    if (!may_see_line(request, line))
        return true;
    http_json_comma(out);
    http_json_raw(out, "{");
    if (line->place)
        put_number(out, "waits", line->place);
    else
        put_number(out, "token", lock->token);
    http_json_raw(out, lock->flock ? ",\"kind\":\"flock\"" : ",\"kind\":\"record\"");
    http_json_bool(out, "shared", lock->shared);
    put_number(out, "first", lock->first);
    if (lock->last != LOCK_LAST_MAX)
        put_number(out, "last", lock->last);
    put_number(out, "node", lock->node);
    put_number(out, "process", lock->pid);
    put_since(out, lock->since);
    put_paths(request, line->paths);
    http_json_raw(out, "}");
    return out->len < HTTP_ANSWER_BYTES_MAX;
}

static void on_read_locks(void *arg, enum replica_outcome outcome,
                          struct replica_freshness freshness)
{
    struct http_request *request = arg;
    struct buffer *out = &request->out;
    uint64_t more;
    if (!http_read_done(request, outcome, freshness, (struct bytes){0}))
        return;
    http_json_raw(out, "{\"Multiple\":[");
    int status = tree_lock_lines(replica_tree(request->http->replica), put_lock, request, &more);
    if (status == 0 && !http_hold(request, out->len))
        status = -EBUSY;
    if (status < 0) {
        http_error_errno(request, status, (struct bytes){0});
        return;
    }
    http_json_raw(out, "]");
    if (more > 0)
        put_number(out, "more", more);
    http_json_raw(out, "}");
    http_answer(request, HTTP_OK);
}

void http_read_locks(struct http_request *request)
{
    enum replica_consistency consistency;
    if (http_consistency(request, &consistency))
        http_read(request, consistency, on_read_locks);
}
