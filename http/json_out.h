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

/* The same for a value that may be long. A long one is put as it is, behind a mark, since writing
 * it takes long: http_json_finish writes it later. The mark begins with a NUL, of which a text in
 * JSON has none. */
void http_json_value(struct buffer *out, const char *name, struct bytes value);
/* Whether the text behind the first `skip` bytes has no marks. */
bool http_json_is_whole(const struct buffer *out, size_t skip);
/* Writes the values behind all marks. It may take some milliseconds for each megabyte. */
void http_json_finish(struct buffer *out, size_t skip);

void http_json_bool(struct buffer *out, const char *name, bool value);

#endif
