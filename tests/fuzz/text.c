/* Texts of the HTTP door: UTF-8, base64, and the names of this node. */
#include "fuzz.h"

#include "http/names.h"
#include "http/text.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* RFC 3629 by code points: decodes, then asks whether the shortest form was used. Returns the
 * length of the sequence, 0 if there is none. */
static size_t decode_utf8(struct bytes b)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    uint8_t first = b.data[0];
    if (first < 0x80)
        return 1;
    size_t len = (first & 0xe0) == 0xc0 ? 2 : (first & 0xf0) == 0xe0 ? 3 : 4;
    if (first < 0xc0 || first >= 0xf8 || b.len < len)
        return 0;
    uint32_t point = first & (0x7fu >> len);
    for (size_t i = 1; i < len; i++) {
        if ((b.data[i] & 0xc0) != 0x80)
            return 0;
        point = point << 6 | (b.data[i] & 0x3f);
    }
    bool surrogate = point >= 0xd800 && point <= 0xdfff;
    return point < least[len] || point > 0x10ffff || surrogate ? 0 : len;
}

static bool is_utf8(struct bytes b)
{
    while (b.len > 0) {
        size_t len = decode_utf8(b);
        if (len == 0)
            return false;
        b = bytes_of(b.data + len, b.len - len);
    }
    return true;
}

static void check_utf8(struct bytes bytes)
{
    bool has_nul = bytes.len > 0 && memchr(bytes.data, 0, bytes.len);
    assert(http_text_is_utf8(bytes) == is_utf8(bytes));
    assert(http_text_is_plain(bytes) == (is_utf8(bytes) && !has_nul));
}

static void check_base64(struct bytes bytes)
{
    struct buffer text = {0};
    size_t len;
    http_base64_encode(&text, bytes);
    assert(!text.failed);
    assert(text.len == (bytes.len + 2) / 3 * 4);
    int status = http_base64_decode((char *)text.data, text.len, &len);
    assert(status == 0);
    assert(bytes_equal(bytes, bytes_of(text.data, len)));
    buffer_free(&text);
}

static void check_any_base64(struct bytes bytes)
{
    struct bytes copy = guard_bytes(bytes);
    size_t len;
    int status = http_base64_decode((char *)copy.data, copy.len, &len);
    assert(status == 0 || status == -EINVAL);
    assert(status < 0 || len <= copy.len);
}

/* The input is a Host, and behind a line's end an Origin. A page that is taken has the authority
 * that the request went to, or a name that was configured. */
static void check_names(struct bytes bytes)
{
    struct config config = {.host_count = 1, .me.addr = "node1:8080", .hosts = {"store.example"}};
    char *host = guard_text(bytes);
    char *origin = strchr(host, '\n');
    if (origin)
        *origin++ = 0;
    struct bytes authority = bytes_of_text(host);
    bool ours = http_host_is_ours(&config, authority);
    assert(!ours || strcasestr(host, "localhost") || strcasestr(host, "node1") ||
           strcasestr(host, "store.example") || strpbrk(host, "0123456789]"));
    if (origin && http_origin_is_ours(&config, origin, authority))
        assert((host[0] && strcasestr(origin, host)) || strcasestr(origin, "node1") ||
               strcasestr(origin, "store.example") || strchr(host, '.'));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes bytes = bytes_of(data, size);
    check_utf8(guard_bytes(bytes));
    check_base64(bytes);
    check_any_base64(bytes);
    check_names(bytes);
    return 0;
}
