/* Private to the room: a ttl and a lease as requests and answers have them. Thread: any. */
#ifndef QUORUMFS_HTTP_LIFETIME_H
#define QUORUMFS_HTTP_LIFETIME_H

#include "base/buffer.h"
#include "base/fault.h"

enum { HTTP_LEASE_TEXT_MAX = 17 }; /* 16 hexadecimal digits and the NUL */

/* A ttl, in ms; with `none`, also "none", which is TTL_NONE. 0, or -EINVAL with the fault's text.
 */
int http_ttl_read(struct bytes text, bool none, uint64_t *ms, struct fault *fault);
/* False: no lease can have this id. */
bool http_lease_read(struct bytes text, uint64_t *id);
void http_lease_print(uint64_t id, char text[HTTP_LEASE_TEXT_MAX]);

/* Puts "ttl" and, unless `left_ms` is UINT64_MAX, "expires_in". */
void http_put_ttl(struct buffer *out, uint64_t ms, uint64_t left_ms);

/* What a PUT asks for: one of the two, or neither (data NULL). 0, or -EINVAL with a text. */
int http_lifetime_read(struct bytes ttl_text, struct bytes lease_text, uint64_t *ttl,
                       uint64_t *lease, struct fault *fault);

#endif
