#include "condition.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

/* ---- Entity tags ---- */

struct tag {
    bool weak;
    uint64_t revision; /* 0: a tag that this API did not make */
    enum http_form form;
};

static void tag_take_revision(struct tag *tag, struct bytes opaque)
{
    char text[32], *end;
    bool json = opaque.len > 0 && opaque.data[0] == '+';
    size_t len = opaque.len - json;
    const uint8_t *digits = opaque.data + json;
    if (len >= sizeof text || len == 0 || digits[0] < '1' || digits[0] > '9')
        return;
    memcpy(text, digits, len);
    text[len] = 0;
    errno = 0;
    uint64_t revision = strtoull(text, &end, 10);
    if (errno != 0 || *end)
        return;
    tag->revision = revision;
    tag->form = json ? HTTP_FORM_JSON : HTTP_FORM_RAW;
}

/* "OPAQUE" or W/"OPAQUE"; false: malformed. */
static bool tag_parse(struct bytes text, struct tag *tag)
{
    *tag = (struct tag){.weak = text.len >= 2 && memcmp(text.data, "W/", 2) == 0};
    if (tag->weak)
        text = bytes_of(text.data + 2, text.len - 2);
    if (text.len < 2 || text.data[0] != '"' || text.data[text.len - 1] != '"')
        return false;
    struct bytes opaque = bytes_of(text.data + 1, text.len - 2);
    for (size_t i = 0; i < opaque.len; i++)
        if (opaque.data[i] == '"' || opaque.data[i] <= ' ')
            return false;
    tag_take_revision(tag, opaque);
    return true;
}

static bool is_star(const char *value)
{
    return strcmp(value, "*") == 0;
}

/* Whether the field names what is selected. Only If-None-Match takes weak tags (RFC 9110, 8.8.3.2).
 */
static bool names_selected(const struct http_head *head, const char *name, bool takes_weak,
                           const struct http_selected *selected)
{
    struct http_list list = http_list_of(head, name);
    struct bytes member;
    struct tag tag;
    if (!selected->exists || is_star(http_head_field(head, name)))
        return selected->exists;
    while (http_list_next(&list, &member)) {
        if (!tag_parse(member, &tag) || (tag.weak && !takes_weak))
            continue;
        bool form = !selected->to_read || tag.form == selected->form;
        if (tag.revision == selected->revision && form)
            return true;
    }
    return false;
}

/* ---- Dates ---- */

/* The three forms of RFC 9110, 5.6.7. False: malformed. */
static bool date_parse(const char *text, int64_t *seconds)
{
    static const char *const forms[] = {"%a, %d %b %Y %H:%M:%S GMT", "%A, %d-%b-%y %H:%M:%S GMT",
                                        "%a %b %e %H:%M:%S %Y"};
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        struct tm parts = {0};
        const char *end = strptime(text, forms[i], &parts);
        if (!end || *end)
            continue;
        *seconds = timegm(&parts);
        return true;
    }
    return false;
}

/* A key that is gone has changed. */
static bool is_unmodified(const char *date, const struct http_selected *selected)
{
    int64_t seconds;
    return selected->exists && date_parse(date, &seconds) &&
           selected->changed <= seconds * INT64_C(1000000000);
}

/* ---- Conditions ---- */

static bool tags_ok(const struct http_head *head, const char *name)
{
    const char *value = http_head_field(head, name);
    struct http_list list = http_list_of(head, name);
    struct bytes member;
    struct tag tag;
    bool star = false, ok = true;
    size_t count = 0;
    for (; http_list_next(&list, &member); count++) {
        star |= http_word_is(member, "*");
        ok &= http_word_is(member, "*") || tag_parse(member, &tag);
    }
    return !value || (ok && count > 0 && (!star || count == 1));
}

bool http_conditions_ok(struct http_request *request)
{
    const struct http_head *head = &request->head;
    const char *date = http_head_field(head, "If-Unmodified-Since");
    int64_t seconds;
    const char *why = NULL;
    if (!tags_ok(head, "If-Match"))
        why = "If-Match must be * or entity tags, which are in quotes";
    else if (!tags_ok(head, "If-None-Match"))
        why = "If-None-Match must be * or entity tags, which are in quotes";
    else if (date && !date_parse(date, &seconds))
        why = "If-Unmodified-Since must be a date such as Sun, 06 Nov 1994 08:49:37 GMT";
    if (why)
        http_error(request, HTTP_BAD_REQUEST, (struct bytes){0}, "%s", why);
    return !why;
}

unsigned int http_conditions_check(const struct http_head *head,
                                   const struct http_selected *selected)
{
    const char *date = http_head_field(head, "If-Unmodified-Since");
    if (http_head_field(head, "If-Match")) {
        if (!names_selected(head, "If-Match", false, selected))
            return HTTP_PRECONDITION_FAILED;
    } else if (date && !is_unmodified(date, selected)) {
        return HTTP_PRECONDITION_FAILED;
    }
    if (http_head_field(head, "If-None-Match") &&
        names_selected(head, "If-None-Match", true, selected))
        return selected->to_read ? HTTP_NOT_MODIFIED : HTTP_PRECONDITION_FAILED;
    return 0;
}

/* The one tag of If-Match; false: there are several. */
static bool one_tag(const struct http_head *head, struct tag *tag)
{
    struct http_list list = http_list_of(head, "If-Match");
    struct bytes member, another;
    bool found = http_list_next(&list, &member) && tag_parse(member, tag);
    return found && !http_list_next(&list, &another);
}

bool http_conditions_add(const struct http_head *head, struct op *op)
{
    const char *match = http_head_field(head, "If-Match");
    const char *none_match = http_head_field(head, "If-None-Match");
    struct tag tag;
    if ((none_match && !is_star(none_match)) ||
        (!match && http_head_field(head, "If-Unmodified-Since")))
        return false;
    if (none_match)
        op->flags |= OP_IF_ABSENT;
    if (match && is_star(match)) {
        op->flags |= OP_IF_EXISTS;
    } else if (match) {
        if (!one_tag(head, &tag))
            return false;
        op->flags |= OP_IF_REVISION;
        op->revision = tag.weak ? 0 : tag.revision; /* no key has revision 0 */
    }
    return true;
}

/* ---- Ranges ---- */

/* Digits from `*text` on; false: there are none. */
static bool take_number(const char **text, uint64_t *number)
{
    const char *begin = *text;
    for (*number = 0; **text >= '0' && **text <= '9'; ++*text)
        *number =
            *number > (UINT64_MAX - 9) / 10 ? UINT64_MAX : 10 * *number + (uint64_t)(**text - '0');
    return *text > begin;
}

/* FIRST-LAST, FIRST- or -LENGTH; false: not one range of bytes. `*len` is 0 if the value has no
 * such bytes. */
static bool range_parse(const char *text, uint64_t size, uint64_t *from, uint64_t *len)
{
    uint64_t first, last = UINT64_MAX;
    if (strncasecmp(text, "bytes=", 6) != 0)
        return false;
    text += 6;
    if (*text == '-') {
        text++;
        if (!take_number(&text, &last) || *text)
            return false;
        *len = last < size ? last : size;
        *from = size - *len;
        return true;
    }
    if (!take_number(&text, &first) || *text++ != '-')
        return false;
    if (*text && (!take_number(&text, &last) || *text || last < first))
        return false;
    *from = first;
    *len = first >= size ? 0 : (last < size ? last + 1 : size) - first;
    return true;
}

/* If-Range: the range counts only if the value is still the one that the client has a part of. A
 * date never says so (RFC 9110, 13.1.5). */
static bool range_counts(const struct http_request *request, uint64_t revision)
{
    const char *condition = http_header(request, "If-Range");
    struct tag tag;
    return !condition || (tag_parse(bytes_of_text(condition), &tag) && !tag.weak &&
                          tag.revision == revision && tag.form == HTTP_FORM_RAW);
}

void http_range_take(struct http_request *request, uint64_t revision, uint64_t size)
{
    struct http_answer *answer = &request->answer;
    const char *range = http_header(request, "Range");
    bool get = strcmp(request->head.method, "GET") == 0; /* RFC 9110, 14.2 */
    answer->range_status = HTTP_OK;
    answer->range_from = 0;
    answer->range_len = answer->range_size = size;
    if (!get || !range || !range_counts(request, revision) ||
        !range_parse(range, size, &answer->range_from, &answer->range_len))
        return;
    answer->range_status =
        answer->range_len > 0 ? HTTP_PARTIAL_CONTENT : HTTP_RANGE_NOT_SATISFIABLE;
}

/* ---- Accept ---- */

/* The weight of a member in thousandths; 1000 without one. */
static uint32_t weight_of(struct bytes member)
{
    char text[128];
    size_t len = member.len < sizeof text - 1 ? member.len : sizeof text - 1;
    memcpy(text, member.data, len);
    text[len] = 0;
    const char *q = strcasestr(text, ";q=");
    if (!q)
        q = strcasestr(text, "; q=");
    double weight = q ? strtod(strchr(q, '=') + 1, NULL) : 1;
    return weight > 0 && weight <= 1 ? (uint32_t)(weight * 1000) : weight > 1 ? 1000 : 0;
}

static bool is_type(struct bytes member, const char *type)
{
    const uint8_t *end = memchr(member.data, ';', member.len);
    size_t len = end ? (size_t)(end - member.data) : member.len;
    while (len > 0 && (member.data[len - 1] == ' ' || member.data[len - 1] == '\t'))
        len--;
    return http_word_is(bytes_of(member.data, len), type);
}

enum http_form http_form_wanted(const struct http_head *head)
{
    static const char *const json_types[] = {"*/*", "application/*", "application/json"};
    struct http_list list = http_list_of(head, "Accept");
    struct bytes member;
    uint32_t raw = 0, json = 0, best = 0;
    while (http_list_next(&list, &member)) {
        if (is_type(member, "application/octet-stream"))
            raw = weight_of(member);
        for (uint32_t i = best; i < sizeof json_types / sizeof *json_types; i++) {
            if (!is_type(member, json_types[i]))
                continue;
            json = weight_of(member);
            best = i; /* the most specific one counts */
        }
    }
    return raw > 0 && raw >= json ? HTTP_FORM_RAW : HTTP_FORM_JSON;
}
