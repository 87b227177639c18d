/* UTF-8, base64, URIs: the corners that requests rarely reach. */
#include "http/json_out.h"
#include "http/text.h"
#include "http/uri.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define BYTES(text) ((struct bytes){(const uint8_t *)(text), sizeof(text) - 1})

static void utf8_is_told_from_other_bytes(void **state)
{
    const struct bytes good[] = {
        BYTES(""),
        BYTES("plain ascii, and more than eight bytes of it"),
        BYTES("\xc2\x80\xdf\xbf"),
        BYTES("\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80\xef\xbf\xbf"),
        BYTES("\xf0\x90\x80\x80\xf4\x8f\xbf\xbf"),
        BYTES("1234567\xc3\xa9"), /* across the word that is tested at once */
    };
    const struct bytes bad[] = {
        BYTES("\x80"),
        BYTES("\xc0\x80"),
        BYTES("\xc1\xbf"),
        BYTES("\xc2"),
        BYTES("\xe0\x9f\xbf"),
        BYTES("\xed\xa0\x80"),
        BYTES("\xe2\x82"),
        BYTES("\xf0\x8f\xbf\xbf"),
        BYTES("\xf4\x90\x80\x80"),
        BYTES("\xf5\x80\x80\x80"),
        BYTES("\xff"),
        BYTES("\xc3("),
        BYTES("12345678\xe2\x28\xa1"),
    };
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        assert_true(http_text_is_utf8(good[i]));
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(http_text_is_utf8(bad[i]));
    assert_false(http_text_is_plain(BYTES("a\0b")));
    assert_true(http_text_is_utf8(BYTES("a\0b")));
}

static void expect_base64(struct bytes bytes, const char *text)
{
    struct buffer out = {0};
    size_t len;
    http_base64_encode(&out, bytes);
    assert_int_equal(out.len, strlen(text));
    assert_memory_equal(out.data, text, out.len);
    char *copy = strdup(text);
    assert_non_null(copy);
    assert_int_equal(http_base64_decode(copy, strlen(copy), &len), 0);
    assert_int_equal(len, bytes.len);
    assert_memory_equal(copy, bytes.data, len);
    free(copy);
    buffer_free(&out);
}

/* RFC 4648, section 10 */
static void base64_comes_back_and_is_checked(void **state)
{
    expect_base64(BYTES(""), "");
    expect_base64(BYTES("f"), "Zg==");
    expect_base64(BYTES("fo"), "Zm8=");
    expect_base64(BYTES("foo"), "Zm9v");
    expect_base64(BYTES("foob"), "Zm9vYg==");
    expect_base64(BYTES("fooba"), "Zm9vYmE=");
    expect_base64(BYTES("foobar"), "Zm9vYmFy");
    expect_base64(BYTES("\xff\xef\xbe\x00"), "/+++AA==");
    static const char *const bad[] = {"Z", "Zg=", "Zg", "Z===", "=Zg=", "Zg==Zg==", "Zm9 ", "Zm9_"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        size_t len;
        char *copy = strdup(bad[i]);
        assert_non_null(copy);
        assert_int_equal(http_base64_decode(copy, strlen(copy), &len), -EINVAL);
        free(copy);
    }
}

static void uris_are_taken_apart(void **state)
{
    struct http_uri uri;
    struct fault fault;
    char text[] = "/key/a+b%2fc?prefix=a+b%2B&&after=&limit=7";
    assert_int_equal(http_uri_parse(text, &uri, &fault), 0);
    assert_true(bytes_equal(uri.path, BYTES("/key/a+b/c")));
    assert_true(bytes_equal(uri.prefix, BYTES("a b+")));
    assert_true(uri.after.data && uri.after.len == 0);
    assert_null(uri.consistency.data);
    assert_int_equal(uri.limit, 7);
    struct buffer out = {0};
    http_uri_encode(&out, BYTES("a b/\xff-_.~"));
    assert_int_equal(out.len, strlen("a%20b/%FF-_.~"));
    assert_memory_equal(out.data, "a%20b/%FF-_.~", out.len);
    buffer_free(&out);
}

static void texts_are_escaped_for_json(void **state)
{
    struct buffer out = {0};
    http_json_raw(&out, "{");
    http_json_field(&out, "v", BYTES("\"\\/\b\f\n\r\t\x01\x1f\x7f\xc3\xa9"));
    http_json_bool(&out, "b", false);
    static const char expected[] =
        "{\"v\":\"\\\"\\\\/\\b\\f\\n\\r\\t\\u0001\\u001f\\u007f\xc3\xa9\",\"b\":false";
    assert_int_equal(out.len, sizeof expected - 1);
    assert_memory_equal(out.data, expected, out.len);
    buffer_free(&out);
}

static void long_values_are_written_later(void **state)
{
    enum { LEN = 100000 };
    static char text[LEN], zeros[LEN];
    struct buffer later = {0}, now = {0};
    for (int i = 0; i < LEN - 1; i++)
        text[i] = "ab\"\\\n\x01 {["[i % 9];
    text[LEN - 1] = '{'; /* a comma follows all the same */
    const struct bytes values[] = {bytes_of(text, LEN), BYTES("short"), bytes_of(zeros, LEN)};
    buffer_append(&later, "\0\0", 2);
    http_json_raw(&later, "[{");
    http_json_raw(&now, "[{");
    for (size_t i = 0; i < 3; i++) {
        http_json_value(&later, "value", values[i]);
        http_json_field(&now, "value", values[i]);
    }
    http_json_raw(&later, "}]");
    http_json_raw(&now, "}]");
    assert_true(later.len < 2 * LEN + 1000);
    assert_false(http_json_is_whole(&later, 2));
    http_json_finish(&later, 2);
    assert_true(http_json_is_whole(&later, 2));
    assert_int_equal(later.len, now.len + 2);
    assert_memory_equal(later.data, "\0\0", 2);
    assert_memory_equal(later.data + 2, now.data, now.len);
    buffer_free(&later);
    buffer_free(&now);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(utf8_is_told_from_other_bytes),
        cmocka_unit_test(base64_comes_back_and_is_checked),
        cmocka_unit_test(uris_are_taken_apart),
        cmocka_unit_test(texts_are_escaped_for_json),
        cmocka_unit_test(long_values_are_written_later),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
