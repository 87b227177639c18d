/* Private to the room: writes JSON straight into the buffer that is sent. Thread: any. */
#ifndef QUORUMFS_HTTP_JSON_OUT_H
#define QUORUMFS_HTTP_JSON_OUT_H

#include "base/buffer.h"

void http_json_raw(struct buffer *out, const char *text);

/* Puts a comma, unless an object or a list has just been opened. */
void http_json_comma(struct buffer *out);

/* Puts "name":"value", with a comma before it if needed; if the value is not plain text,
 * "name_base64":"..." instead. `name` is not escaped. */
void http_json_field(struct buffer *out, const char *name, struct bytes value);

void http_json_bool(struct buffer *out, const char *name, bool value);

#endif
