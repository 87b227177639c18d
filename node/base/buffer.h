/* Growing byte buffers and a bounds-checked reader: the one way bytes are encoded and decoded.
 *
 * Integers are little-endian. A writer's failure (out of memory) is sticky: encode everything, then
 * look at `failed` once. A reader's failure (input too short) is sticky in the same way: every
 * later read gives zeros, and `bad` is looked at once, at the end.
 *
 * Thread: none of its own; a buffer belongs to its holder. */
#ifndef QUORUMFS_BASE_BUFFER_H
#define QUORUMFS_BASE_BUFFER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Borrowed bytes. The function that hands them out says how long they stay valid. */
struct bytes {
    const uint8_t *data;
    size_t len;
};

static inline struct bytes bytes_of(const void *data, size_t len)
{
    return (struct bytes){data, len};
}

struct bytes bytes_of_text(const char *text);
bool bytes_equal(struct bytes a, struct bytes b);

/* A zeroed buffer is an empty one. `data` moves whenever the buffer grows. */
struct buffer {
    uint8_t *data;
    size_t len;
    size_t cap;
    bool failed; /* an allocation failed: the contents are incomplete */
};

void buffer_free(struct buffer *b);
/* The part of buffer_reserve that allocates. */
uint8_t *buffer_grow(struct buffer *b, size_t more);

/* Makes room for `more` bytes behind the contents and returns the place, or NULL (and `failed`).
 * The caller fills it and then adds to `len`. Inline, because a request puts a hundred integers. */
static inline uint8_t *buffer_reserve(struct buffer *b, size_t more)
{
    if (b->failed || !b->data || b->cap - b->len < more)
        return buffer_grow(b, more);
    return b->data + b->len;
}

void buffer_append(struct buffer *b, const void *data, size_t len);

/* The lowest `width` bytes of an integer. */
static inline void buffer_put_integer(struct buffer *b, uint64_t value, size_t width)
{
    uint8_t *at = buffer_reserve(b, width);
    if (!at)
        return;
    for (size_t i = 0; i < width; i++)
        at[i] = (uint8_t)(value >> (8 * i));
    b->len += width;
}

static inline void buffer_put_u8(struct buffer *b, uint8_t value)
{
    buffer_put_integer(b, value, 1);
}

static inline void buffer_put_u16(struct buffer *b, uint16_t value)
{
    buffer_put_integer(b, value, 2);
}

static inline void buffer_put_u32(struct buffer *b, uint32_t value)
{
    buffer_put_integer(b, value, 4);
}

static inline void buffer_put_u64(struct buffer *b, uint64_t value)
{
    buffer_put_integer(b, value, 8);
}

/* A length (u32) and the bytes. */
void buffer_put_bytes(struct buffer *b, struct bytes bytes);
/* Text by a printf format, without the terminating NUL. */
void buffer_printf(struct buffer *b, const char *format, ...) __attribute__((format(printf, 2, 3)));

struct reader {
    const uint8_t *at;
    const uint8_t *end;
    bool bad; /* something was read past the end */
};

static inline struct reader reader_of(struct bytes bytes)
{
    return (struct reader){bytes.data, bytes.data + bytes.len, false};
}

uint8_t reader_u8(struct reader *r);
uint16_t reader_u16(struct reader *r);
uint32_t reader_u32(struct reader *r);
uint64_t reader_u64(struct reader *r);
/* A length (u32) and the bytes; valid as long as what is being read. */
struct bytes reader_bytes(struct reader *r);
size_t reader_left(const struct reader *r);

#endif
