#include "uri.h"

#include <errno.h>
#include <string.h>

#define REVISION_MAX (UINT64_C(1) << 60)

int http_hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Decodes the whole text in place. Returns 0, or -EINVAL for a % without two hexadecimal digits. */
static int decode(char *text, bool plus_is_space, struct bytes *out)
{
    char *to = text;
    *out = bytes_of(text, 0);
    for (const char *from = text; *from; from++) {
        char c = *from;
        if (c == '+' && plus_is_space) {
            c = ' ';
        } else if (c == '%') {
            int high = http_hex_value(from[1]);
            int low = high < 0 ? -1 : http_hex_value(from[2]);
            if (low < 0)
                return -EINVAL;
            c = (char)(high << 4 | low);
            from += 2;
        }
        *to++ = c;
        out->len++;
    }
    return 0;
}

/* A number from 1 to `max`, which is at most UINT64_MAX / 16. `value` cannot overflow: the loop
 * ends at the first one past the maximum. */
static int parse_number(struct bytes text, uint64_t max, uint64_t *number)
{
    uint64_t value = 0;
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] < '0' || text.data[i] > '9' || value > max)
            return -EINVAL;
        value = value * 10 + (uint64_t)(text.data[i] - '0');
    }
    *number = value;
    return value < 1 || value > max ? -EINVAL : 0;
}

int http_number(struct bytes text, uint64_t *number)
{
    *number = 0;
    if (bytes_equal(text, bytes_of_text("0")))
        return 0;
    return text.len > 0 ? parse_number(text, REVISION_MAX, number) : -EINVAL;
}

static int parse_since(struct bytes text, struct http_uri *uri, struct fault *fault)
{
    uri->has_since = true;
    if (http_number(text, &uri->since) == 0)
        return 0;
    return fault_set(fault, -EINVAL, "since must be a revision, or 0");
}

/* A number with a unit, `ms`, `s` or `m`; without one, seconds. */
static int parse_wait(struct bytes text, struct http_uri *uri, struct fault *fault)
{
    uint64_t number, ms_max = HTTP_WAIT_SECONDS_MAX * 1000;
    size_t digits = 0;
    while (digits < text.len && text.data[digits] >= '0' && text.data[digits] <= '9')
        digits++;
    struct bytes unit = bytes_of(text.data + digits, text.len - digits);
    uint64_t ms = bytes_equal(unit, bytes_of_text("ms"))                   ? 1
                  : bytes_equal(unit, bytes_of_text("m"))                  ? 60000
                  : bytes_equal(unit, bytes_of_text("s")) || unit.len == 0 ? 1000
                                                                           : 0;
    if (ms == 0 || parse_number(bytes_of(text.data, digits), ms_max / ms, &number) != 0)
        return fault_set(fault, -EINVAL, "wait must be a time like 30s, of at most %d s",
                         HTTP_WAIT_SECONDS_MAX);
    uri->wait_ms = (uint32_t)(number * ms);
    return 0;
}

static int parse_limit(struct bytes text, struct http_uri *uri, struct fault *fault)
{
    uint64_t limit;
    if (parse_number(text, HTTP_LIST_KEYS_MAX, &limit) != 0)
        return fault_set(fault, -EINVAL, "limit must be a number from 1 to %d", HTTP_LIST_KEYS_MAX);
    uri->limit = (uint32_t)limit;
    return 0;
}

static int parse_revision(struct bytes text, struct http_uri *uri, struct fault *fault)
{
    if (parse_number(text, REVISION_MAX, &uri->revision) == 0)
        return 0;
    return fault_set(fault, -EINVAL, "revision must be one that a listing has given");
}

static int parse_parameter(char *text, struct http_uri *uri, struct fault *fault)
{
    char *value = strchr(text, '=');
    if (value)
        *value++ = 0;
    struct bytes name, decoded = bytes_of("", 0);
    if (decode(text, true, &name) != 0 || (value && decode(value, true, &decoded) != 0))
        return fault_set(fault, -EINVAL,
                         "the query has a %% without two hexadecimal digits after it");
    if (bytes_equal(name, bytes_of_text("limit")))
        return parse_limit(decoded, uri, fault);
    if (bytes_equal(name, bytes_of_text("revision")))
        return parse_revision(decoded, uri, fault);
    if (bytes_equal(name, bytes_of_text("since")))
        return parse_since(decoded, uri, fault);
    if (bytes_equal(name, bytes_of_text("wait")))
        return parse_wait(decoded, uri, fault);
    struct bytes *field = bytes_equal(name, bytes_of_text("consistency")) ? &uri->consistency
                          : bytes_equal(name, bytes_of_text("prefix"))    ? &uri->prefix
                          : bytes_equal(name, bytes_of_text("after"))     ? &uri->after
                          : bytes_equal(name, bytes_of_text("ttl"))       ? &uri->ttl
                          : bytes_equal(name, bytes_of_text("lease"))     ? &uri->lease
                                                                          : NULL;
    if (!field)
        return fault_set(
            fault, -EINVAL,
            "unknown query parameter \"%.*s\": use consistency, prefix, limit, revision, after, "
            "ttl, lease, since or wait",
            (int)(name.len < 100 ? name.len : 100), name.data);
    *field = decoded;
    return 0;
}

int http_uri_parse(char *text, struct http_uri *uri, struct fault *fault)
{
    *uri = (struct http_uri){.limit = HTTP_LIST_KEYS};
    char *query = strchr(text, '?');
    if (query)
        *query++ = 0;
    if (decode(text, false, &uri->path) != 0)
        return fault_set(
            fault, -EINVAL,
            "the path has a %% without two hexadecimal digits after it: write a percent "
            "sign as %%25");
    while (query) {
        char *next = strchr(query, '&');
        if (next)
            *next++ = 0;
        int status = *query ? parse_parameter(query, uri, fault) : 0;
        if (status != 0)
            return status;
        query = next;
    }
    return 0;
}

static bool is_unreserved(uint8_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_' || c == '~' || c == '/';
}

void http_uri_encode(struct buffer *out, struct bytes bytes)
{
    for (size_t i = 0; i < bytes.len; i++) {
        if (is_unreserved(bytes.data[i]))
            buffer_append(out, bytes.data + i, 1);
        else
            buffer_printf(out, "%%%02X", bytes.data[i]);
    }
}
