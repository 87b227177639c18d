/* Header fields that change what a request means: each is followed or refused. README.md has the
 * table. */
#include "http_internal.h"

#include <string.h>

static bool refuse(struct http_request *request, unsigned int status, const char *why)
{
    http_error(request, status, (struct bytes){0}, "%s", why);
    return false;
}

/* False: the list has a member besides `word`. */
static bool has_only(const struct http_head *head, const char *name, const char *word)
{
    struct http_list list = http_list_of(head, name);
    struct bytes member;
    while (http_list_next(&list, &member))
        if (!http_word_is(member, word))
            return false;
    return true;
}

bool http_admit(struct http_request *request)
{
    const struct http_head *head = &request->head;
    const struct http_route *route = request->route;
    const char *match = http_head_field(head, "If-Match");
    if (!has_only(head, "Expect", "100-continue"))
        return refuse(request, HTTP_EXPECTATION_FAILED,
                      "the only expectation that this node knows is 100-continue");
    if (http_head_field(head, "Content-Range"))
        return refuse(request, HTTP_BAD_REQUEST,
                      "Content-Range: a value is stored whole, not in parts (RFC 9110, 14.5)");
    if (!has_only(head, "Content-Encoding", "identity")) {
        request->answer.field = "Accept-Encoding: identity";
        return refuse(request, HTTP_UNSUPPORTED_MEDIA_TYPE,
                      "Content-Encoding: bodies are stored as they come: send the value itself");
    }
    /* Only keys have entity tags, so nothing else can match. */
    bool reads = route->method && strcmp(route->method, "GET") == 0;
    if (match && strcmp(match, "*") != 0 && reads && route->handler != http_read_key)
        return refuse(request, HTTP_PRECONDITION_FAILED, "only keys have entity tags");
    return true;
}
