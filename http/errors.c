/* Errors as a status and an English sentence (RFC 9110, section 15): the cause, and the remedy
 * where the caller has one. */
#include "command/key.h"
#include "http_internal.h"
#include "json_out.h"
#include "text.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* A text that quotes a request may be no UTF-8, or was cut inside a character. */
static void make_plain(char *text)
{
    if (http_text_is_utf8(bytes_of_text(text)))
        return;
    for (char *c = text; *c; c++)
        *c = *c & 0x80 ? '?' : *c;
}

static void put_error(struct http_request *request, struct bytes key, const char *text)
{
    static const struct {
        const char *begin, *end;
    } shapes[] = {[HTTP_SINGLE] = {"{\"Single\":{", "}}"},
                  [HTTP_MULTIPLE] = {"{\"Multiple\":[{", "}]}"},
                  [HTTP_TRANSACTION] = {"{\"Transaction\":{", "}}"}};
    enum http_shape shape = request->route ? request->route->shape : HTTP_SINGLE;
    struct buffer *out = &request->out;
    out->len = 0;
    http_json_raw(out, shapes[shape].begin);
    if (key.data)
        http_json_field(out, "key", key);
    http_json_field(out, "error", bytes_of_text(text));
    http_json_raw(out, shapes[shape].end);
}

void http_error(struct http_request *request, unsigned int status, struct bytes key,
                const char *format, ...)
{
    char text[2 * FAULT_TEXT_MAX];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    make_plain(text);
    put_error(request, key, text);
    request->answer.content_type = NULL;
    request->answer.retry = status == HTTP_SERVICE_UNAVAILABLE;
    http_answer(request, status);
}

void http_outcome_text(struct replica *replica, enum replica_outcome outcome, bool write,
                       struct buffer *out)
{
    struct replica_status status;
    replica_status(replica, &status);
    if (outcome == REPLICA_TIMEOUT) {
        http_json_raw(out, write ? "no answer in time: the outcome is unknown; the change may have "
                                   "happened, or may still happen"
                                 : "no answer in time: nothing was changed, try again");
        if (!status.serves)
            buffer_printf(out, " (%s)", status.why);
        return;
    }
    http_json_raw(out, replica_outcome_text(outcome));
    char *why = status.why;
    if (outcome == REPLICA_UNSUPPORTED)
        replica_unsupported(replica, why);
    else if (outcome == REPLICA_FULL)
        replica_no_room(replica, why);
    else if (outcome != REPLICA_NO_QUORUM)
        why[0] = '\0';
    buffer_printf(out, "%s%s", why[0] ? ": " : "", why);
}

static unsigned int status_of_outcome(enum replica_outcome outcome)
{
    switch (outcome) {
    case REPLICA_TIMEOUT:
        return HTTP_GATEWAY_TIMEOUT;
    case REPLICA_UNSUPPORTED:
        return HTTP_NOT_IMPLEMENTED;
    case REPLICA_FULL:
        return HTTP_INSUFFICIENT_STORAGE;
    default:
        return HTTP_SERVICE_UNAVAILABLE;
    }
}

void http_error_outcome(struct http_request *request, enum replica_outcome outcome, bool write,
                        struct bytes key)
{
    assert(outcome != REPLICA_DONE);
    struct buffer text = {0};
    http_outcome_text(request->http->replica, outcome, write, &text);
    http_error(request, status_of_outcome(outcome), key, "%.*s", (int)text.len,
               (const char *)text.data);
    buffer_free(&text);
}

const char *http_errno_text(int status)
{
    switch (status) {
    case -ECANCELED:
        return "the condition does not hold: nothing was changed";
    case -EISDIR:
        return "the key is a directory";
    case -ENOTDIR:
        return "a parent of the key is a file, so nothing can lie below it";
    case -EINVAL:
        return "the key is not a regular file, so it has no value";
    case -ELOOP:
        return "the key is a symbolic link, which HTTP does not follow";
    case -ENOTEMPTY:
        return "the directory is not empty: delete the keys in it first";
    case -EPERM:
        return "the key is reserved, or only its owner may do this";
    case -EACCES:
        return "you may not do this: the owners and modes of the key and of the directories on the "
               "way to it do not let you, or the token is for other keys";
    case -EROFS:
        return "the token is for reading only";
    case -EKEYREVOKED:
        return "the token is not valid any more: it was removed, or has expired";
    case -EFBIG:
        return "the value is too large for an answer in JSON: ask for it with the header "
               "\"Accept: application/octet-stream\"";
    case -E2BIG:
        return "the list is too long: send it in parts";
    case -ENAMETOOLONG:
        return "the path is longer than a key can be: only a mount shows the file, or what is in "
               "the directory";
    case -ENOSPC:
        return "the disk is full";
    case -EKEYEXPIRED:
        return "the lease is over, or never was: nothing was changed; take a new one";
    case -EDQUOT:
        return "there are as many keys with a ttl or a lease, as many leases, or as many keys of "
               "this lease as there can be: delete some, or end a lease";
    case -EMLINK:
        return "the file has too many names (hard links) to have a ttl or a lease";
    case -EEXIST:
        return "the id was taken already: nothing has happened, try again";
    case -EBUSY:
        return "this node holds as much for its clients as it has memory for: nothing has "
               "happened, "
               "try again";
    default:
        return strerror(-status);
    }
}

static unsigned int status_of_errno(int status)
{
    switch (status) {
    case -ECANCELED:
        return HTTP_PRECONDITION_FAILED;
    case -EISDIR:
    case -ENOTDIR:
    case -EINVAL:
    case -ELOOP:
    case -ENOTEMPTY:
        return HTTP_CONFLICT;
    case -EMLINK:
        return HTTP_CONFLICT;
    case -EKEYEXPIRED:
        return HTTP_GONE;
    case -EPERM:
    case -EACCES:
    case -EROFS:
        return HTTP_FORBIDDEN;
    case -EKEYREVOKED:
        return HTTP_UNAUTHORIZED;
    case -ENAMETOOLONG:
        return HTTP_BAD_REQUEST;
    case -EFBIG:
    case -E2BIG:
        return HTTP_CONTENT_TOO_LARGE;
    case -ENOSPC:
    case -EDQUOT:
        return HTTP_INSUFFICIENT_STORAGE;
    case -EEXIST:
    case -EBUSY:
        return HTTP_SERVICE_UNAVAILABLE;
    default:
        return HTTP_INTERNAL_SERVER_ERROR;
    }
}

void http_error_errno(struct http_request *request, int status, struct bytes key)
{
    assert(status < 0);
    if (status == -EKEYREVOKED)
        request->answer.field = HTTP_INVALID_TOKEN;
    http_error(request, status_of_errno(status), key, "%s", http_errno_text(status));
}

/* `too_long` is the answer to a long key: it depends on whether the key was in the URI. */
static bool key_ok(struct http_request *request, struct bytes key, unsigned int too_long)
{
    const char *why = NULL;
    int status = key_check(key, &why);
    if (status != 0)
        http_error(request,
                   status == -EPERM          ? HTTP_FORBIDDEN
                   : status == -ENAMETOOLONG ? too_long
                                             : HTTP_BAD_REQUEST,
                   key, "%s", why);
    return status == 0;
}

bool http_key_ok(struct http_request *request)
{
    return key_ok(request, http_path_key(request), HTTP_URI_TOO_LONG);
}

static bool items_ok(struct http_request *request)
{
    int status = request->status;
    if (status != 0) {
        http_items_free(&request->items);
        http_error(request,
                   status == -E2BIG    ? HTTP_CONTENT_TOO_LARGE
                   : status == -ENOMEM ? HTTP_SERVICE_UNAVAILABLE
                                       : HTTP_BAD_REQUEST,
                   (struct bytes){0}, "%s", request->fault.text);
        return false;
    }
    /* What was parsed takes the place of the body, and the answer may repeat it. */
    if (!http_hold(request, request->body.len + http_json_bytes(request->items.json))) {
        http_error_errno(request, -EBUSY, (struct bytes){0});
        return false;
    }
    buffer_free(&request->body);
    for (size_t i = 0; i < request->items.count; i++)
        if (request->items.list[i].type != OP_ELSE &&
            !key_ok(request, request->items.list[i].key, HTTP_BAD_REQUEST))
            return false;
    return true;
}

static void items_read(void *arg)
{
    struct http_request *request = arg;
    request->status = request->parse(bytes_of(request->body.data, request->body.len),
                                     &request->items, &request->fault);
}

static void on_items_read(void *arg)
{
    struct http_request *request = arg;
    if (items_ok(request))
        request->go_on(request);
}

void http_body_items(struct http_request *request, http_items_parser *parse, http_handler *then)
{
    request->parse = parse;
    request->go_on = then;
    request->fault = (struct fault){"out of memory"};
    if (request->body.len >= HTTP_JOB_BYTES_MIN) {
        http_job(request->http, &request->job, items_read, on_items_read, request);
        return;
    }
    items_read(request);
    on_items_read(request);
}
