#include "fuzz.h"

#include <string.h>
#include <sys/mman.h>

enum { GUARD_BYTES = 4096, ROOM_BYTES_MAX = 1024 * 1024 + GUARD_BYTES };

/* The end of a readable area that an unreadable page follows. */
static uint8_t *guarded_end(void)
{
    static uint8_t *end;
    if (!end) {
        uint8_t *room = mmap(NULL, ROOM_BYTES_MAX + GUARD_BYTES, PROT_READ | PROT_WRITE,
                             MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        assert(room != MAP_FAILED);
        end = room + ROOM_BYTES_MAX;
        int status = mprotect(end, GUARD_BYTES, PROT_NONE);
        assert(status == 0);
    }
    return end;
}

struct bytes guard_bytes(struct bytes bytes)
{
    assert(bytes.len <= ROOM_BYTES_MAX);
    uint8_t *copy = guarded_end() - bytes.len;
    if (bytes.len > 0)
        memcpy(copy, bytes.data, bytes.len);
    return bytes_of(copy, bytes.len);
}

char *guard_text(struct bytes bytes)
{
    assert(bytes.len < ROOM_BYTES_MAX);
    uint8_t *copy = guarded_end() - bytes.len - 1;
    if (bytes.len > 0)
        memcpy(copy, bytes.data, bytes.len);
    copy[bytes.len] = 0;
    return (char *)copy;
}
