#include "tree_workload.h"

#include "tree_fixture.h"

#include <string.h>
#include <sys/stat.h>

enum { DATA_BYTES_MAX = 80000 };

static const char *const names[] = {"a", "a-b", "b", "b.c", "c", "d"};
static const char *const keys[] = {"a",   "b",     "a/a",   "a/b",     "b/a/c", "c/d/a/b",
                                   "a-b", "b.c/d", "d/d/d", "a/b/c/d", "c/a-b", "a/a-b/c"};

static struct bytes random_data(uint64_t *state)
{
    static uint8_t pool[DATA_BYTES_MAX * 2];
    static const uint32_t sizes[] = {1, 10, 300, 3072, 3073, 4096, 9000, 16384, 40000, 70000};
    uint64_t fill = 1;
    for (size_t i = 0; pool[sizeof pool - 1] == 0 && i < sizeof pool; i++)
        pool[i] = (uint8_t)(1 + random_below(&fill, 255));
    return bytes_of(pool + random_below(state, DATA_BYTES_MAX),
                    random_below(state, sizes[random_below(state, 10)]));
}

static struct bytes random_name(uint64_t *state)
{
    return text(names[random_below(state, sizeof names / sizeof *names)]);
}

static uint64_t random_place(uint64_t *state)
{
    static const uint32_t places[] = {10, 3000, 3200, 5000, 17000, 70000, 120000};
    return random_below(state, places[random_below(state, 7)]);
}

static uint8_t random_type(uint64_t *state)
{
    static const uint8_t types[] = {
        OP_PUT,         OP_PUT,         OP_PUT,           OP_PUT,         OP_DELETE,
        OP_WRITE,       OP_WRITE,       OP_WRITE,         OP_WRITE,       OP_WRITE,
        OP_APPEND,      OP_TRUNCATE,    OP_TRUNCATE,      OP_PUNCH,       OP_PUNCH,
        OP_ALLOCATE,    OP_CREATE,      OP_MKNOD,         OP_MKDIR,       OP_MKDIR,
        OP_SYMLINK,     OP_LINK,        OP_UNLINK,        OP_RMDIR,       OP_RENAME,
        OP_RENAME,      OP_RENAME,      OP_SETATTR,       OP_SETATTR,     OP_SETXATTR,
        OP_SETXATTR,    OP_REMOVEXATTR, OP_RELEASE,       OP_TTL,         OP_TTL,
        OP_EXPIRE,      OP_EXPIRE,      OP_LEASE,         OP_LEASE_RENEW, OP_LEASE_END,
        OP_EPHEMERAL,   OP_EPHEMERAL,   OP_EPHEMERAL_END, OP_END_SESSION, OP_TOKEN_ADD,
        OP_TOKEN_REMOVE};
    return types[random_below(state, sizeof types)];
}

/* Each of these flags or not; none of them half of the time. */
static uint32_t some_of(uint64_t *state, uint32_t flags)
{
    return random_below(state, 2) ? random_below(state, UINT32_MAX) & flags : 0;
}

static uint32_t random_flags(uint64_t *state, uint8_t type)
{
    switch (type) {
    case OP_PUT:
        return some_of(state, OP_IF_ABSENT | OP_IF_EXISTS | OP_IF_REVISION) |
               some_of(state, OP_WANT_OLD | OP_KILL_PRIV);
    case OP_DELETE:
        return some_of(state, OP_IF_EXISTS | OP_IF_REVISION | OP_WANT_OLD);
    case OP_WRITE:
        return random_below(state, 5) == 0 ? OP_TRUNCATE_FIRST : some_of(state, OP_KILL_PRIV);
    case OP_APPEND:
        return random_below(state, 3) > 0 ? OP_TRUNCATE_FIRST : some_of(state, OP_KILL_PRIV);
    case OP_TRUNCATE:
        return some_of(state, OP_KILL_PRIV);
    case OP_CREATE:
        return some_of(state, OP_EXCLUSIVE);
    case OP_RENAME:
        return some_of(state, OP_NO_REPLACE | OP_EXCHANGE);
    case OP_SETATTR:
        return some_of(state, OP_SET_MODE | OP_SET_UID | OP_SET_GID | OP_SET_MTIME | OP_SET_ATIME) |
               some_of(state, OP_SET_MTIME_NOW | OP_SET_ATIME_NOW | OP_KILL_PRIV);
    case OP_SETXATTR:
        return some_of(state, OP_XATTR_CREATE | OP_XATTR_REPLACE);
    default:
        return 0;
    }
}

static uint32_t random_mode(uint64_t *state, uint8_t type)
{
    static const uint32_t types[] = {0,       S_IFREG, S_IFIFO, S_IFSOCK,
                                     S_IFCHR, S_IFBLK, S_IFDIR, S_IFLNK};
    uint32_t mode = random_below(state, 4) ? random_below(state, 07777 + 1) : 0;
    return type == OP_MKNOD ? mode | types[random_below(state, 8)] : mode;
}

static void random_attributes(uint64_t *state, struct op *op)
{
    op->mode = random_mode(state, op->type);
    op->uid = random_below(state, random_below(state, 3) ? 4 : 3000);
    op->gid = random_below(state, random_below(state, 3) ? 4 : 3000);
    op->rdev = random_below(state, 3000);
    op->atime = (int64_t)random_below(state, 3000) - 1000;
    op->mtime = (int64_t)random_below(state, 3000) - 1000;
}

/* For the operations on what goes away by itself. */
static void random_mortality(uint64_t *state, struct op *op)
{
    static const uint64_t times[] = {0, 100, 1000, 5000, TTL_MS_MAX, TTL_NONE, 99, TTL_MS_MAX + 1};
    uint64_t time = times[random_below(state, random_below(state, 8) ? 5 : 8)];
    if (op->type == OP_TTL || op->type == OP_LEASE)
        op->size = time;
    if (op->type >= OP_LEASE)
        op->lease = random_below(state, 20) ? 1 + random_below(state, WORKLOAD_LEASES) : 0;
    if (op->type == OP_LEASE_END && random_below(state, 2))
        op->revision = 0;
    if (op->type == OP_PUT && random_below(state, 4) == 0)
        op->ttl = time;
    if (op->type == OP_PUT && random_below(state, op->ttl ? 20 : 6) == 0)
        op->lease = 1 + random_below(state, WORKLOAD_LEASES);
}

/* For a token: a name, whose bytes belong to the name or to another one. */
static void random_token(uint64_t *state, struct op *op)
{
    static const char *const tokens[] = {"t0", "t1", "t2", "t3"};
    static const char *const paths[] = {"", "", "a", "a/b"};
    static uint8_t data[4][2][TOKEN_HASH_BYTES + 4];
    uint32_t which = random_below(state, 4), hash = random_below(state, 8) ? which : 0;
    uint32_t group = random_below(state, 2);
    memset(data[hash][group], 'A' + (int)hash, TOKEN_HASH_BYTES);
    data[hash][group][TOKEN_HASH_BYTES] = (uint8_t)(2 + group);
    op->flags = random_below(state, 4) == 0 ? OP_READ_ONLY : 0;
    op->name = text(tokens[which]);
    op->name2 = text(paths[random_below(state, 4)]);
    op->data = bytes_of(data[hash][group], TOKEN_HASH_BYTES + 4 * random_below(state, 2));
    op->mtime = random_below(state, 2) ? 0 : (int64_t)random_below(state, 100000);
}

struct op workload_as(uint64_t *state)
{
    static uint8_t groups[] = {2, 0, 0, 0, 3, 0, 0, 0};
    return (struct op){.type = OP_AS,
                       .uid = random_below(state, 4),
                       .gid = random_below(state, 4),
                       .data = bytes_of(groups, 4 * random_below(state, 3))};
}

struct op workload_op(uint64_t *state, uint32_t inodes)
{
    struct op op = {.type = random_type(state)};
    bool by_key = op.type == OP_PUT || op.type == OP_DELETE;
    op.flags = random_flags(state, op.type);
    op.ino = by_key ? 0 : 1 + random_below(state, inodes);
    op.ino2 = by_key ? 0 : 1 + random_below(state, inodes);
    op.hold = random_below(state, 2) ? 1 + random_below(state, inodes) : 0;
    random_attributes(state, &op);
    op.name =
        by_key ? text(keys[random_below(state, sizeof keys / sizeof *keys)]) : random_name(state);
    op.name2 = random_name(state);
    op.data = random_data(state);
    if (op.type == OP_APPEND && !(op.flags & OP_TRUNCATE_FIRST) && op.data.len > 100)
        op.data.len = 100; /* many of them must not make a file too long */
    op.offset = random_place(state);
    op.size = random_place(state);
    op.revision = 1 + random_below(state, 1000);
    if (op.type == OP_END_SESSION)
        op.size = 1 + random_below(state, 3);
    op.outsider = random_below(state, 8) == 0;
    random_mortality(state, &op);
    if (op.type == OP_TOKEN_ADD || op.type == OP_TOKEN_REMOVE)
        random_token(state, &op);
    return op;
}
