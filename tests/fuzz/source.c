#include "fuzz.h"

uint8_t source_u8(struct source *s)
{
    if (s->left.len == 0)
        return 0;
    s->left.len--;
    return *s->left.data++;
}

static uint64_t take(struct source *s, uint32_t width)
{
    uint64_t value = 0;
    for (uint32_t i = 0; i < width; i++)
        value |= (uint64_t)source_u8(s) << 8 * i;
    return value;
}

uint32_t source_u32(struct source *s)
{
    return (uint32_t)take(s, 4);
}

uint64_t source_u64(struct source *s)
{
    return take(s, 8);
}

uint32_t source_below(struct source *s, uint32_t limit)
{
    assert(limit > 0);
    return (limit > 256 ? (uint32_t)take(s, 2) : source_u8(s)) % limit;
}

uint64_t source_number(struct source *s)
{
    uint8_t kind = source_u8(s);
    if (kind < 128)
        return kind;
    if (kind < 192) /* 2^n - 1, 2^n, 2^n + 1 */
        return (UINT64_C(1) << kind % 64) + source_u8(s) % 3 - 1;
    return take(s, 1 + kind % 8);
}

struct bytes source_bytes(struct source *s, size_t len)
{
    struct bytes taken = bytes_of(s->left.data, len < s->left.len ? len : s->left.len);
    s->left = bytes_of(s->left.data + taken.len, s->left.len - taken.len);
    return taken;
}

struct bytes source_chunk(struct source *s)
{
    return source_bytes(s, source_u8(s));
}
