/* The chunks of a body. Sizes are hexadecimal digits alone; extensions and trailers are checked for
 * their form and dropped (RFC 9112, 7.1.1 and 7.1.2). */
#include "head.h"
#include "uri.h"

/* Seven more digits than any limit needs, and no overflow. */
static bool take_digit(struct http_chunks *chunks, uint8_t c)
{
    if (chunks->left >> 48 || http_hex_value((char)c) < 0)
        return false;
    chunks->left = chunks->left << 4 | (uint64_t)http_hex_value((char)c);
    chunks->state = HTTP_CHUNK_DIGITS;
    return true;
}

static bool expect_byte(struct http_chunks *chunks, uint8_t c, uint8_t expected,
                        enum http_chunk_state next)
{
    chunks->state = next;
    return c == expected;
}

/* An extension, or the value of a trailer: text up to CR. */
static bool take_text(struct http_chunks *chunks, uint8_t c, enum http_chunk_state at_cr)
{
    if (c == '\r')
        chunks->state = at_cr;
    return (c == '\r' || http_byte_is_text(c)) && ++chunks->beside <= HTTP_CHUNK_BESIDE_BYTES_MAX;
}

static bool take_trailer_name(struct http_chunks *chunks, uint8_t c)
{
    bool first = chunks->state == HTTP_CHUNK_TRAILER;
    chunks->state = c == ':' ? HTTP_CHUNK_TRAILER_VALUE : HTTP_CHUNK_TRAILER_NAME;
    return (c == ':' ? !first : http_byte_is_text(c) && c != ' ' && c != '\t') &&
           ++chunks->beside <= HTTP_CHUNK_BESIDE_BYTES_MAX;
}

static bool take_byte(struct http_chunks *chunks, uint8_t c)
{
    switch (chunks->state) {
    case HTTP_CHUNK_SIZE:
        return take_digit(chunks, c);
    case HTTP_CHUNK_DIGITS:
        if (c != '\r' && c != ';')
            return take_digit(chunks, c);
        chunks->state = HTTP_CHUNK_EXTENSION;
        return take_text(chunks, c, HTTP_CHUNK_SIZE_LF);
    case HTTP_CHUNK_EXTENSION:
        return take_text(chunks, c, HTTP_CHUNK_SIZE_LF);
    case HTTP_CHUNK_SIZE_LF:
        return expect_byte(chunks, c, '\n', chunks->left ? HTTP_CHUNK_DATA : HTTP_CHUNK_TRAILER);
    case HTTP_CHUNK_DATA_CR:
        return expect_byte(chunks, c, '\r', HTTP_CHUNK_DATA_LF);
    case HTTP_CHUNK_DATA_LF:
        return expect_byte(chunks, c, '\n', HTTP_CHUNK_SIZE);
    case HTTP_CHUNK_TRAILER:
        if (c == '\r')
            return expect_byte(chunks, c, '\r', HTTP_CHUNK_END_LF);
        return take_trailer_name(chunks, c);
    case HTTP_CHUNK_TRAILER_NAME:
        return take_trailer_name(chunks, c);
    case HTTP_CHUNK_TRAILER_VALUE:
        return take_text(chunks, c, HTTP_CHUNK_TRAILER_LF);
    case HTTP_CHUNK_TRAILER_LF:
        return expect_byte(chunks, c, '\n', HTTP_CHUNK_TRAILER);
    case HTTP_CHUNK_END_LF:
        return expect_byte(chunks, c, '\n', HTTP_CHUNK_END);
    default:
        return false;
    }
}

bool http_chunks_take(struct http_chunks *chunks, struct bytes *input, struct bytes *data)
{
    *data = (struct bytes){0};
    while (input->len > 0 && chunks->state != HTTP_CHUNK_END) {
        if (chunks->state == HTTP_CHUNK_DATA) {
            *data = bytes_of(input->data, input->len < chunks->left ? input->len : chunks->left);
            *input = bytes_of(input->data + data->len, input->len - data->len);
            chunks->left -= data->len;
            if (chunks->left == 0)
                chunks->state = HTTP_CHUNK_DATA_CR;
            return true;
        }
        if (!take_byte(chunks, *input->data))
            return false;
        *input = bytes_of(input->data + 1, input->len - 1);
    }
    return true;
}
