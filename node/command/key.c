#include "command/key.h"

#include "command/command.h"

#include <errno.h>
#include <string.h>

int key_check_name(struct bytes name, bool at_root, const char **why)
{
    if (name.len == 0) {
        *why = "a component of the key is empty";
        return -EINVAL;
    }
    if (name.len > NAME_BYTES_MAX) {
        *why = "a component of the key is longer than 255 bytes";
        return -ENAMETOOLONG;
    }
    if (memchr(name.data, 0, name.len) || memchr(name.data, '/', name.len)) {
        *why = "the key contains a NUL byte, or a name contains a slash";
        return -EINVAL;
    }
    if (bytes_equal(name, bytes_of_text(".")) || bytes_equal(name, bytes_of_text(".."))) {
        *why = "a component of the key is '.' or '..'";
        return -EINVAL;
    }
    if (at_root && bytes_equal(name, bytes_of_text(KEY_RESERVED))) {
        *why = "'" KEY_RESERVED "' is reserved";
        return -EPERM;
    }
    return 0;
}

struct bytes key_next(struct bytes *rest)
{
    const uint8_t *slash = rest->len ? memchr(rest->data, '/', rest->len) : NULL;
    size_t len = slash ? (size_t)(slash - rest->data) : rest->len;
    struct bytes name = {rest->data, len};
    size_t taken = slash ? len + 1 : len;
    *rest = (struct bytes){rest->data + taken, rest->len - taken};
    return name;
}

int key_check(struct bytes key, const char **why)
{
    if (key.len == 0) {
        *why = "the key is empty";
        return -EINVAL;
    }
    if (key.len > PATH_BYTES_MAX) {
        *why = "the key is longer than 4095 bytes";
        return -ENAMETOOLONG;
    }
    if (key.data[key.len - 1] == '/') {
        *why = "the key ends with a slash";
        return -EINVAL;
    }
    bool at_root = true;
    for (struct bytes rest = key; rest.len > 0; at_root = false) {
        int status = key_check_name(key_next(&rest), at_root, why);
        if (status < 0)
            return status;
    }
    return 0;
}
