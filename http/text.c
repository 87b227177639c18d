#include "text.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

/* The length of the UTF-8 sequence at `s`, 0 if it is malformed. The range of the second byte
 * depends on the first (RFC 3629, section 4), which excludes overlong forms, surrogates and values
 * past U+10FFFF. */
static size_t sequence_len(const uint8_t *s, size_t left)
{
    size_t len = s[0] < 0xc2 ? 0 : s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : s[0] < 0xf5 ? 4 : 0;
    if (len == 0 || left < len)
        return 0;
    uint8_t low = s[0] == 0xe0 ? 0xa0 : s[0] == 0xf0 ? 0x90 : 0x80;
    uint8_t high = s[0] == 0xed ? 0x9f : s[0] == 0xf4 ? 0x8f : 0xbf;
    if (s[1] < low || s[1] > high)
        return 0;
    for (size_t i = 2; i < len; i++)
        if ((s[i] & 0xc0) != 0x80)
            return 0;
    return len;
}

/* Eight bytes at a time, since most text is ASCII. */
static bool is_ascii_word(const uint8_t *s)
{
    uint64_t word;
    memcpy(&word, s, sizeof word);
    return (word & UINT64_C(0x8080808080808080)) == 0;
}

bool http_text_is_utf8(struct bytes bytes)
{
    size_t at = 0;
    while (at < bytes.len) {
        if (bytes.len - at >= 8 && is_ascii_word(bytes.data + at)) {
            at += 8;
        } else if (bytes.data[at] < 0x80) {
            at++;
        } else {
            size_t len = sequence_len(bytes.data + at, bytes.len - at);
            if (len == 0)
                return false;
            at += len;
        }
    }
    return true;
}

bool http_text_is_plain(struct bytes bytes)
{
    if (bytes.len > 0 && memchr(bytes.data, 0, bytes.len))
        return false;
    return http_text_is_utf8(bytes);
}

void http_base64_encode(struct buffer *out, struct bytes bytes)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    uint8_t *to = buffer_reserve(out, (bytes.len + 2) / 3 * 4);
    if (!to)
        return;
    for (size_t at = 0; at < bytes.len; at += 3) {
        size_t left = bytes.len - at;
        uint32_t group = (uint32_t)bytes.data[at] << 16;
        group |= left > 1 ? (uint32_t)bytes.data[at + 1] << 8 : 0;
        group |= left > 2 ? (uint32_t)bytes.data[at + 2] : 0;
        *to++ = (uint8_t)digits[group >> 18];
        *to++ = (uint8_t)digits[group >> 12 & 63];
        *to++ = left > 1 ? (uint8_t)digits[group >> 6 & 63] : '=';
        *to++ = left > 2 ? (uint8_t)digits[group & 63] : '=';
    }
    out->len += (bytes.len + 2) / 3 * 4;
}

static int digit_value(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

int http_base64_decode(char *text, size_t text_len, size_t *len)
{
    if (text_len % 4 != 0)
        return -EINVAL;
    size_t padding = 0;
    while (padding < 2 && padding < text_len && text[text_len - 1 - padding] == '=')
        padding++;
    char *to = text;
    for (size_t at = 0; at < text_len; at += 4) {
        size_t digits = at + 4 == text_len ? 4 - padding : 4;
        uint32_t group = 0;
        for (size_t i = 0; i < 4; i++) {
            int value = i < digits ? digit_value(text[at + i]) : 0;
            if (value < 0)
                return -EINVAL;
            group = group << 6 | (uint32_t)value;
        }
        *to++ = (char)(group >> 16);
        if (digits > 2)
            *to++ = (char)(group >> 8 & 255);
        if (digits > 3)
            *to++ = (char)(group & 255);
    }
    *len = (size_t)(to - text);
    assert(*len <= text_len);
    return 0;
}
