/* Heads and chunks of requests: whatever is accepted has one reading. It comes out the same in one
 * piece and byte by byte, and written anew in the plainest form it is read as the same request. */
#include "fuzz.h"

#include "http/head.h"

#include <stdlib.h>
#include <string.h>

static void check_text(const char *text)
{
    for (; *text; text++)
        assert(http_byte_is_text((uint8_t)*text));
}

static void check_blank_free(const char *text)
{
    assert(*text != ' ' && *text != '\t');
    size_t len = strlen(text);
    assert(len == 0 || (text[len - 1] != ' ' && text[len - 1] != '\t'));
}

static uint32_t count(const struct http_head *head, const char *name)
{
    uint32_t found = 0;
    for (uint32_t i = 0; i < head->field_count; i++)
        found += strcasecmp(head->fields[i].name, name) == 0;
    return found;
}

static void check_head(const struct http_head *head)
{
    assert(head->method[strspn(head->method, "ABCDEFGHIJKLMNOPQRSTUVWXYZ-")] == 0);
    check_text(head->target);
    assert(!strpbrk(head->target, " \t#"));
    for (uint32_t i = 0; i < head->field_count; i++) {
        check_text(head->fields[i].value);
        check_blank_free(head->fields[i].value);
        assert(head->fields[i].name[0] && !strpbrk(head->fields[i].name, " \t:\r\n"));
    }
    assert(count(head, "Host") == 1 || (head->is_1_0 && count(head, "Host") == 0));
    assert(count(head, "Content-Length") + (count(head, "Transfer-Encoding") > 0) <= 1);
    assert(!head->chunked || (head->body_bytes == 0 && !head->is_1_0));
    assert(!head->host.data || http_authority_ok(head->host));
}

static void write_again(const struct http_head *head, struct buffer *out)
{
    const char *target = head->target;
    bool connects = strcmp(head->method, "CONNECT") == 0;
    buffer_printf(out, "%s %s", head->method, connects || target[0] != '/' ? "" : target);
    if (connects)
        buffer_append(out, head->host.data, head->host.len);
    else if (target[0] != '/' && strcmp(target, "*") != 0)
        buffer_printf(out, "http://%.*s%s", (int)head->host.len, (const char *)head->host.data,
                      target);
    else if (target[0] != '/')
        buffer_printf(out, "*");
    buffer_printf(out, " HTTP/1.%d\r\n", !head->is_1_0);
    for (uint32_t i = 0; i < head->field_count; i++)
        buffer_printf(out, "%s: %s\r\n", head->fields[i].name, head->fields[i].value);
    buffer_printf(out, "\r\n");
    assert(!out->failed);
}

static void check_same(const struct http_head *a, const struct http_head *b)
{
    assert(strcmp(a->method, b->method) == 0 && strcmp(a->target, b->target) == 0);
    assert(a->chunked == b->chunked && a->body_bytes == b->body_bytes);
    assert(a->keep_alive == b->keep_alive && a->is_1_0 == b->is_1_0);
    assert(a->expects_continue == b->expects_continue && a->field_count == b->field_count);
    for (uint32_t i = 0; i < a->field_count; i++)
        assert(strcmp(a->fields[i].value, b->fields[i].value) == 0);
}

static void check_again(const struct http_head *head)
{
    struct buffer text = {0};
    struct http_head again;
    const char *why;
    size_t scanned = 0;
    write_again(head, &text);
    long len = http_head_find(bytes_of(text.data, text.len), &scanned);
    assert(len == (long)text.len);
    unsigned int status = http_head_parse((char *)text.data, text.len, &again, &why);
    assert(status == 0);
    check_same(head, &again);
    buffer_free(&text);
}

/* The same answer, however the bytes come. */
static long find(struct bytes input)
{
    size_t at_once = 0, scanned = 0;
    long len = http_head_find(input, &at_once), bytewise = 0;
    for (size_t i = 1; i <= input.len && bytewise == 0; i++)
        bytewise = http_head_find(bytes_of(input.data, i), &scanned);
    assert(len == bytewise);
    return len;
}

static void read_head(struct bytes input, long len)
{
    struct http_head head;
    struct http_list list;
    struct bytes member;
    const char *why = NULL;
    char *text = strndup((const char *)input.data, (size_t)len);
    assert(text && strlen(text) == (size_t)len);
    unsigned int status = http_head_parse(text, (size_t)len, &head, &why);
    assert(status == 0 || (status >= 400 && status < 600 && why));
    if (status == 0) {
        check_head(&head);
        check_again(&head);
        list = http_list_of(&head, "Accept");
        while (http_list_next(&list, &member))
            assert(member.len > 0);
    }
    free(text);
}

/* Decodes a body; false: malformed. */
static bool decode(struct bytes input, size_t step, struct buffer *out, size_t *used)
{
    struct http_chunks chunks = {0};
    size_t given = 0, left = 0;
    while (given < input.len && chunks.state != HTTP_CHUNK_END) {
        size_t len = step < input.len - given ? step : input.len - given;
        struct bytes piece = bytes_of(input.data + given, len), data;
        given += len;
        do {
            if (!http_chunks_take(&chunks, &piece, &data))
                return false;
            buffer_append(out, data.data, data.len);
        } while (piece.len > 0 && chunks.state != HTTP_CHUNK_END);
        left = piece.len;
    }
    *used = given - left;
    return true;
}

static void read_chunks(struct bytes input)
{
    struct buffer whole = {0}, parts = {0};
    size_t whole_used = 0, parts_used = 0;
    bool ok = decode(input, input.len + 1, &whole, &whole_used);
    bool parts_ok = decode(input, 1, &parts, &parts_used);
    assert(ok == parts_ok && whole_used == parts_used);
    assert(whole.len == parts.len);
    assert(whole.len == 0 || memcmp(whole.data, parts.data, whole.len) == 0);
    assert(whole.len <= input.len);
    buffer_free(&whole);
    buffer_free(&parts);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes input = bytes_of(data, size);
    long len = find(input);
    if (len > 0)
        read_head(input, len);
    if (len > 0)
        input = bytes_of(data + len, size - (size_t)len);
    read_chunks(input);
    return 0;
}
