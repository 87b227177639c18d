/* Private to the room: UTF-8 (RFC 3629) and base64 (RFC 4648, section 4), for JSON. Thread: any. */
#ifndef QUORUMFS_HTTP_TEXT_H
#define QUORUMFS_HTTP_TEXT_H

#include "base/buffer.h"

/* Valid UTF-8: no overlong forms, no surrogates. */
bool http_text_is_utf8(struct bytes bytes);

/* Valid UTF-8 without a NUL, which every client can hold as a string. */
bool http_text_is_plain(struct bytes bytes);

void http_base64_encode(struct buffer *out, struct bytes bytes);

/* Decodes in place: the result is never longer than the text. Padding is required and white space
 * is an error. Returns 0 and `*len`, or -EINVAL with the text spoilt. */
int http_base64_decode(char *text, size_t text_len, size_t *len);

#endif
