#include "base/buffer.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct bytes bytes_of_text(const char *text)
{
    return bytes_of(text, strlen(text));
}

bool bytes_equal(struct bytes a, struct bytes b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

void buffer_free(struct buffer *b)
{
    free(b->data);
    *b = (struct buffer){0};
}

uint8_t *buffer_grow(struct buffer *b, size_t more)
{
    if (b->failed)
        return NULL;
    size_t cap = b->cap ? b->cap : 64;
    while (cap - b->len < more && cap <= SIZE_MAX / 2)
        cap *= 2;
    uint8_t *data = cap - b->len < more ? NULL : realloc(b->data, cap);
    if (!data) {
        b->failed = true;
        return NULL;
    }
    b->data = data;
    b->cap = cap;
    return b->data + b->len;
}

void buffer_append(struct buffer *b, const void *data, size_t len)
{
    uint8_t *at = buffer_reserve(b, len);
    if (!at || len == 0)
        return;
    memcpy(at, data, len);
    b->len += len;
}

void buffer_put_bytes(struct buffer *b, struct bytes bytes)
{
    if (bytes.len > UINT32_MAX) {
        b->failed = true;
        return;
    }
    buffer_put_u32(b, (uint32_t)bytes.len);
    buffer_append(b, bytes.data, bytes.len);
}

void buffer_printf(struct buffer *b, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    va_list again;
    va_copy(again, args);
    int len = vsnprintf(NULL, 0, format, args);
    uint8_t *at = len < 0 ? NULL : buffer_reserve(b, (size_t)len + 1);
    if (at) {
        vsnprintf((char *)at, (size_t)len + 1, format, again);
        b->len += (size_t)len;
    } else {
        b->failed = true;
    }
    va_end(again);
    va_end(args);
}

static uint64_t take_integer(struct reader *r, size_t width)
{
    if (r->bad || (size_t)(r->end - r->at) < width) {
        r->bad = true;
        return 0;
    }
    uint64_t value = 0;
    for (size_t i = 0; i < width; i++)
        value |= (uint64_t)r->at[i] << (8 * i);
    r->at += width;
    return value;
}

uint8_t reader_u8(struct reader *r)
{
    return (uint8_t)take_integer(r, 1);
}

uint16_t reader_u16(struct reader *r)
{
    return (uint16_t)take_integer(r, 2);
}

uint32_t reader_u32(struct reader *r)
{
    return (uint32_t)take_integer(r, 4);
}

uint64_t reader_u64(struct reader *r)
{
    return take_integer(r, 8);
}

struct bytes reader_bytes(struct reader *r)
{
    uint32_t len = reader_u32(r);
    if (r->bad || reader_left(r) < len) {
        r->bad = true;
        return (struct bytes){0};
    }
    struct bytes bytes = {r->at, len};
    r->at += len;
    return bytes;
}

size_t reader_left(const struct reader *r)
{
    return (size_t)(r->end - r->at);
}
