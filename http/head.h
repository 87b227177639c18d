/* Private to the room: the head of a request, its bytes as RFC 9112 has them and nothing else.
 *
 * Whoever stands in front of a node (a proxy, a cache, a firewall) must see the same requests in a
 * stream of bytes as the node does; what could be read in two ways is therefore malformed, and the
 * connection ends with it. Pure: no I/O. Thread: any. */
#ifndef QUORUMFS_HTTP_HEAD_H
#define QUORUMFS_HTTP_HEAD_H

#include "base/buffer.h"

enum {
    HTTP_HEAD_BYTES_MAX = 32 * 1024, /* request line and fields; past it 414 or 431 */
    HTTP_FIELDS_MAX = 100,           /* past it 431 */
};

struct http_field {
    const char *name;
    char *value; /* without white space around it */
};

/* The texts lie in the head that was parsed. */
struct http_head {
    const char *method;
    char *target;      /* path and query; "*", or empty for OPTIONS http://HOST and for CONNECT */
    struct bytes host; /* HOST or HOST:PORT that the client means; data is NULL in HTTP/1.0 without
                          Host */
    bool is_1_0;
    bool keep_alive;
    bool expects_continue;
    bool chunked;
    uint64_t body_bytes; /* unless `chunked`; UINT64_MAX: a number beyond any limit */
    uint32_t field_count;
    struct http_field fields[HTTP_FIELDS_MAX];
};

/* Looks for the end of the head at the beginning of `input`, in which `*scanned` bytes were seen
 * before. Returns its length, 0: more bytes are needed, or -1: a byte that no head has, or a line
 * that does not end with CRLF. An empty line before the request line belongs to the head (RFC 9112,
 * 2.2). */
long http_head_find(struct bytes input, size_t *scanned);

/* Parses a head that http_head_find has found, in place: `text` gets NULs at the ends of its parts.
 * Returns 0, or the status to refuse it with and one sentence in `*why`; the connection is then to
 * be closed, since nobody knows where the next request begins. */
unsigned int http_head_parse(char *text, size_t len, struct http_head *head, const char **why);

/* The value of a field; NULL: there is none. The first one, if it comes several times. */
const char *http_head_field(const struct http_head *head, const char *name);

/* The same, to be wiped. */
char *http_head_secret(struct http_head *head, const char *name);

/* The members of a field that is a list, which may come in several lines (RFC 9110, 5.6.1). */
struct http_list {
    const struct http_head *head;
    const char *name;
    uint32_t field;
    const char *at; /* NULL: the next field has to be found */
};

struct http_list http_list_of(const struct http_head *head, const char *name);
/* False: there is no other member. */
bool http_list_next(struct http_list *list, struct bytes *member);
/* Whether `word` is a member, in any case of letters. */
bool http_list_has(const struct http_head *head, const char *name, const char *word);

/* What a line may hold between its ends: text, blanks and tabs (RFC 9110, 5.5). */
bool http_byte_is_text(uint8_t c);

/* Whether the bytes are this word, in any case of letters. */
bool http_word_is(struct bytes bytes, const char *word);

/* HOST or HOST:PORT or [V6]:PORT, without user and white space (RFC 9110, 7.2). */
bool http_authority_ok(struct bytes authority);

/* ---- The chunks of a body (RFC 9112, 7.1) ---- */

enum http_chunk_state {
    HTTP_CHUNK_SIZE, /* the first digit of a size */
    HTTP_CHUNK_DIGITS,
    HTTP_CHUNK_EXTENSION,
    HTTP_CHUNK_SIZE_LF,
    HTTP_CHUNK_DATA,
    HTTP_CHUNK_DATA_CR,
    HTTP_CHUNK_DATA_LF,
    HTTP_CHUNK_TRAILER, /* the first byte of a line */
    HTTP_CHUNK_TRAILER_NAME,
    HTTP_CHUNK_TRAILER_VALUE,
    HTTP_CHUNK_TRAILER_LF,
    HTTP_CHUNK_END_LF,
    HTTP_CHUNK_END, /* the body is complete */
};

/* Zeroed at the beginning of a body. */
struct http_chunks {
    enum http_chunk_state state;
    uint64_t left;   /* bytes of the chunk */
    uint32_t beside; /* bytes that are neither size nor data: extensions and trailers */
};

enum { HTTP_CHUNK_BESIDE_BYTES_MAX = 8192 };

/* Takes bytes from the beginning of `*input`, up to a piece of data or to the end of the body.
 * Returns false if they are malformed. `*data`: the piece, which is empty if there was none. */
bool http_chunks_take(struct http_chunks *chunks, struct bytes *input, struct bytes *data);

#endif
