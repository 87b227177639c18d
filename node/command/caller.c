#include "command/caller.h"

#include <assert.h>
#include <errno.h>
#include <sys/stat.h>

enum { GROUP_BYTES = 4 };

bool caller_in_group(const struct caller *caller, uint32_t gid)
{
    assert(caller->group_count <= CALLER_GROUPS_MAX);
    bool found = caller->gid == gid;
    for (uint32_t i = 0; i < caller->group_count && !found; i++)
        found = caller->groups[i] == gid;
    return found;
}

bool caller_may(const struct caller *caller, const struct attr *attr, uint32_t want)
{
    if (caller->uid == 0)
        return true;
    uint32_t bits = attr->mode;
    if (caller->uid == attr->uid)
        bits >>= 6;
    else if (caller_in_group(caller, attr->gid))
        bits >>= 3;
    return (want & ~bits) == 0;
}

bool caller_may_unlink(const struct caller *caller, const struct attr *dir,
                       const struct attr *inode)
{
    return !(dir->mode & S_ISVTX) || caller->uid == 0 || caller->uid == dir->uid ||
           caller->uid == inode->uid;
}

/* ---- In operations ---- */

void caller_put_groups(struct buffer *out, const struct caller *caller)
{
    assert(caller->group_count <= CALLER_GROUPS_MAX);
    for (uint32_t i = 0; i < caller->group_count; i++)
        buffer_put_u32(out, caller->groups[i]);
}

int caller_take_groups(struct bytes groups, struct caller *caller)
{
    if (groups.len % GROUP_BYTES != 0 || groups.len / GROUP_BYTES > CALLER_GROUPS_MAX)
        return -EINVAL;
    struct reader r = reader_of(groups);
    caller->group_count = (uint32_t)(groups.len / GROUP_BYTES);
    for (uint32_t i = 0; i < caller->group_count; i++)
        caller->groups[i] = reader_u32(&r);
    return 0;
}

int command_as(struct command *command, const struct caller *caller)
{
    assert(command->count == 0);
    if (caller_is_root(caller))
        return 0;
    if (caller->group_count > CALLER_GROUPS_MAX)
        return -E2BIG;
    struct buffer groups = {0};
    caller_put_groups(&groups, caller);
    struct op as = {.type = OP_AS,
                    .uid = caller->uid,
                    .gid = caller->gid,
                    .revision = caller->token,
                    .data = bytes_of(groups.data, groups.len)};
    int status = groups.failed ? -ENOMEM : command_add(command, &as);
    buffer_free(&groups);
    return status;
}

int caller_read(const struct op *as, struct caller *caller)
{
    caller->uid = as->uid;
    caller->gid = as->gid;
    caller->token = as->revision;
    return caller_take_groups(as->data, caller);
}

/* ---- Tokens ---- */

static bool is_name_byte(uint8_t byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
           (byte >= '0' && byte <= '9') || byte == '.' || byte == '_' || byte == '-';
}

int token_name_check(struct bytes name, const char **why)
{
    *why = "the name of a token has 1 to 64 letters, digits, dots, dashes and underscores";
    if (name.len == 0 || name.len > TOKEN_NAME_BYTES_MAX)
        return -EINVAL;
    for (size_t i = 0; i < name.len; i++) {
        if (!is_name_byte(name.data[i]))
            return -EINVAL;
    }
    return 0;
}
