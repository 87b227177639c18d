#include "lifetime.h"

#include "base/duration.h"
#include "command/command.h"
#include "json_out.h"
#include "uri.h"

#include <errno.h>
#include <stdio.h>

int http_ttl_read(struct bytes text, bool none, uint64_t *ms, struct fault *fault)
{
    if (none && bytes_equal(text, bytes_of_text("none"))) {
        *ms = TTL_NONE;
        return 0;
    }
    if (duration_read(text, ms) && *ms >= TTL_MS_MIN && *ms <= TTL_MS_MAX)
        return 0;
    return fault_set(fault, -EINVAL, "ttl must be a time from %dms to %llud, such as 30s or 10m%s",
                     TTL_MS_MIN, (unsigned long long)(TTL_MS_MAX / 86400000),
                     none ? ", or none" : "");
}

bool http_lease_read(struct bytes text, uint64_t *id)
{
    *id = 0;
    for (size_t i = 0; i < text.len; i++) {
        int digit = http_hex_value((char)text.data[i]);
        if (digit < 0)
            return false;
        *id = *id << 4 | (uint64_t)digit;
    }
    return text.len == HTTP_LEASE_TEXT_MAX - 1 && *id > 0 && *id <= LEASE_ID_MAX;
}

void http_lease_print(uint64_t id, char text[HTTP_LEASE_TEXT_MAX])
{
    snprintf(text, HTTP_LEASE_TEXT_MAX, "%016llx", (unsigned long long)id);
}

/* Long times in whole seconds: nobody needs the rest. */
void http_put_ttl(struct buffer *out, uint64_t ms, uint64_t left_ms)
{
    char text[DURATION_TEXT_MAX];
    duration_print(ms, text);
    http_json_field(out, "ttl", bytes_of_text(text));
    if (left_ms == UINT64_MAX)
        return;
    duration_print(left_ms < 10000 ? left_ms : left_ms / 1000 * 1000, text);
    http_json_field(out, "expires_in", bytes_of_text(text));
}

int http_lifetime_read(struct bytes ttl_text, struct bytes lease_text, uint64_t *ttl,
                       uint64_t *lease, struct fault *fault)
{
    *ttl = *lease = 0;
    if (ttl_text.data && lease_text.data)
        return fault_set(fault, -EINVAL, "give only one of ttl and lease");
    if (ttl_text.data)
        return http_ttl_read(ttl_text, true, ttl, fault);
    if (lease_text.data && !http_lease_read(lease_text, lease))
        return fault_set(fault, -EINVAL, "lease must be an id that POST /lease has given");
    return 0;
}
