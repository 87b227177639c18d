/* Private to the room: writing JSON by hand, straight into the buffer that is sent. Thread: any. */
#ifndef QUORUMFS_HTTP_JSON_OUT_H
#define QUORUMFS_HTTP_JSON_OUT_H

#include "base/buffer.h"

void http_json_raw(struct buffer *out, const char *text);

/* A comma, unless an object or a list has just been opened. */
void http_json_comma(struct buffer *out);

/* "name":"value" with the comma before it; where the value is no text, "name_base64":"..." instead.
 * `name` needs no escaping. */
void http_json_field(struct buffer *out, const char *name, struct bytes value);

void http_json_bool(struct buffer *out, const char *name, bool value);

#endif
