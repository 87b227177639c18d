/* Keys: key_check against the rules written down a second time, character by character. */
#include "fuzz.h"

#include "command/command.h"
#include "command/key.h"

#include <errno.h>
#include <string.h>

/* One component; true if it may stand in a key. */
static bool name_is_good(struct bytes name, bool at_root)
{
    static const char reserved[] = ".quorumfs";
    if (name.len == 0 || name.len > NAME_BYTES_MAX)
        return false;
    if (name.data[0] == '.' && (name.len == 1 || (name.len == 2 && name.data[1] == '.')))
        return false;
    for (size_t i = 0; i < name.len; i++)
        if (name.data[i] == 0)
            return false;
    return !at_root || name.len != strlen(reserved) || memcmp(name.data, reserved, name.len) != 0;
}

static bool key_is_good(struct bytes key)
{
    if (key.len == 0 || key.len > PATH_BYTES_MAX)
        return false;
    size_t from = 0;
    for (size_t i = 0; i <= key.len; i++) {
        if (i < key.len && key.data[i] != '/')
            continue;
        if (!name_is_good(bytes_of(key.data + from, i - from), from == 0))
            return false;
        from = i + 1;
    }
    return true;
}

static void check_names(struct bytes key)
{
    size_t len = 0;
    for (struct bytes rest = key; rest.len > 0;) {
        struct bytes name = key_next(&rest);
        const char *why;
        int status = key_check_name(name, len == 0, &why);
        assert(status == 0);
        assert(memcmp(key.data + len, name.data, name.len) == 0);
        len += name.len + 1;
    }
    assert(len == key.len + 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes key = guard_bytes(bytes_of(data, size));
    const char *why = NULL;
    int status = key_check(key, &why);
    assert(status == 0 || status == -EINVAL || status == -ENAMETOOLONG || status == -EPERM);
    assert((status == 0) == key_is_good(key));
    assert(status == 0 || why);
    if (status == 0)
        check_names(key);
    return 0;
}
