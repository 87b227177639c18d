/* Paths and queries: decoded in place, and the same after another round of encoding. */
#include "fuzz.h"

#include "http/uri.h"

#include <errno.h>
#include <string.h>

static void check_within(struct bytes part, const char *text, size_t size)
{
    const char *from = (const char *)part.data;
    if (!from)
        return;
    /* An empty parameter is a text of its own. */
    assert(part.len == 0 || (from >= text && from + part.len <= text + size));
}

static void check_again(struct bytes path)
{
    struct buffer encoded = {0};
    struct http_uri again;
    struct fault fault = {""};
    http_uri_encode(&encoded, path);
    buffer_put_u8(&encoded, 0);
    assert(!encoded.failed);
    int status = http_uri_parse((char *)encoded.data, &again, &fault);
    assert(status == 0);
    assert(bytes_equal(path, again.path));
    buffer_free(&encoded);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = guard_text(bytes_of(data, size));
    size_t len = strlen(text);
    struct http_uri uri;
    struct fault fault = {""};
    int status = http_uri_parse(text, &uri, &fault);
    assert(status == 0 || (status == -EINVAL && fault.text[0]));
    check_within(uri.path, text, len);
    if (status < 0)
        return 0;
    assert(uri.limit >= 1 && uri.limit <= HTTP_LIST_KEYS_MAX);
    check_within(uri.consistency, text, len);
    check_within(uri.prefix, text, len);
    check_within(uri.after, text, len);
    check_again(uri.path);
    return 0;
}
