#include "json_out.h"

#include "text.h"

#include <string.h>

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

void http_json_field(struct buffer *out, const char *name, struct bytes value)
{
    if (http_text_is_plain(value)) {
        put_name(out, name, "\":");
        put_string(out, value);
        return;
    }
    put_name(out, name, "_base64\":\"");
    http_base64_encode(out, value);
    buffer_append(out, "\"", 1);
}

void http_json_bool(struct buffer *out, const char *name, bool value)
{
    put_name(out, name, value ? "\":true" : "\":false");
}
