#include "json_out.h"

#include "text.h"

#include <assert.h>
#include <string.h>

enum { LONG_BYTES_MIN = 64 * 1024 };

void http_json_raw(struct buffer *out, const char *text)
{
    buffer_append(out, text, strlen(text));
}

void http_json_comma(struct buffer *out)
{
    if (out->len > 0 && out->data[out->len - 1] != '{' && out->data[out->len - 1] != '[')
        buffer_append(out, ",", 1);
}

static bool needs_escape(uint8_t c)
{
    return c < 0x20 || c == '"' || c == '\\' || c == 0x7f;
}

static void put_escape(struct buffer *out, uint8_t c)
{
    static const char hex[] = "0123456789abcdef";
    static const char from[] = "\"\\\n\r\t\b\f", to[] = "\"\\nrtbf";
    const char *simple = strchr(from, c);
    if (simple && c != 0) {
        buffer_append(out, (char[]){'\\', to[simple - from]}, 2);
        return;
    }
    buffer_append(out, (char[]){'\\', 'u', '0', '0', hex[c >> 4], hex[c & 15]}, 6);
}

/* With its quotes. `text` is valid UTF-8. */
static void put_string(struct buffer *out, struct bytes text)
{
    buffer_append(out, "\"", 1);
    size_t from = 0;
    for (size_t at = 0; at < text.len; at++) {
        if (!needs_escape(text.data[at]))
            continue;
        buffer_append(out, text.data + from, at - from);
        put_escape(out, text.data[at]);
        from = at + 1;
    }
    buffer_append(out, text.data + from, text.len - from);
    buffer_append(out, "\"", 1);
}

static void put_name(struct buffer *out, const char *name, const char *suffix)
{
    http_json_comma(out);
    buffer_append(out, "\"", 1);
    http_json_raw(out, name);
    http_json_raw(out, suffix);
}

/* The field without a comma before it. */
static void put_field(struct buffer *out, const char *name, struct bytes value)
{
    buffer_append(out, "\"", 1);
    http_json_raw(out, name);
    if (http_text_is_plain(value)) {
        http_json_raw(out, "\":");
        put_string(out, value);
        return;
    }
    http_json_raw(out, "_base64\":\"");
    http_base64_encode(out, value);
    buffer_append(out, "\"", 1);
}

void http_json_field(struct buffer *out, const char *name, struct bytes value)
{
    http_json_comma(out);
    put_field(out, name, value);
}

/* ---- Long values ---- */

struct mark {
    char nul;
    char name[23]; /* of the field */
    uint64_t len;  /* the value's, which comes next, and then a quote: see http_json_comma */
};

void http_json_value(struct buffer *out, const char *name, struct bytes value)
{
    struct mark mark = {.len = value.len};
    if (value.len < LONG_BYTES_MIN) {
        http_json_field(out, name, value);
        return;
    }
    assert(strlen(name) < sizeof mark.name);
    memcpy(mark.name, name, strlen(name));
    http_json_comma(out);
    buffer_append(out, &mark, sizeof mark);
    buffer_append(out, value.data, value.len);
    buffer_append(out, "\"", 1);
}

bool http_json_is_whole(const struct buffer *out, size_t skip)
{
    return out->failed || out->len - skip < LONG_BYTES_MIN ||
           !memchr(out->data + skip, 0, out->len - skip);
}

void http_json_finish(struct buffer *out, size_t skip)
{
    struct buffer text = {0};
    struct mark mark;
    const uint8_t *from = out->data, *end = out->data + out->len, *at;
    while ((at = memchr(from + skip, 0, (size_t)(end - from) - skip))) {
        buffer_append(&text, from, (size_t)(at - from));
        memcpy(&mark, at, sizeof mark);
        from = at + sizeof mark;
        put_field(&text, mark.name, bytes_of(from, mark.len));
        from += mark.len + 1;
        skip = 0;
    }
    buffer_append(&text, from, (size_t)(end - from));
    buffer_free(out);
    *out = text;
}

void http_json_bool(struct buffer *out, const char *name, bool value)
{
    put_name(out, name, value ? "\":true" : "\":false");
}
