#include "fs/operation.h"

#include <linux/fuse.h>
#include <stdbool.h>
#include <string.h>

static const char *const names[] = {
    [FUSE_LOOKUP] = "lookup",       [FUSE_FORGET] = "forget",
    [FUSE_GETATTR] = "getattr",     [FUSE_SETATTR] = "setattr",
    [FUSE_READLINK] = "readlink",   [FUSE_SYMLINK] = "symlink",
    [FUSE_MKNOD] = "mknod",         [FUSE_MKDIR] = "mkdir",
    [FUSE_UNLINK] = "unlink",       [FUSE_RMDIR] = "rmdir",
    [FUSE_RENAME] = "rename",       [FUSE_LINK] = "link",
    [FUSE_OPEN] = "open",           [FUSE_READ] = "read",
    [FUSE_WRITE] = "write",         [FUSE_STATFS] = "statfs",
    [FUSE_RELEASE] = "release",     [FUSE_FSYNC] = "fsync",
    [FUSE_SETXATTR] = "setxattr",   [FUSE_GETXATTR] = "getxattr",
    [FUSE_LISTXATTR] = "listxattr", [FUSE_REMOVEXATTR] = "removexattr",
    [FUSE_FLUSH] = "flush",         [FUSE_OPENDIR] = "opendir",
    [FUSE_READDIR] = "readdir",     [FUSE_RELEASEDIR] = "releasedir",
    [FUSE_FSYNCDIR] = "fsyncdir",   [FUSE_GETLK] = "getlk",
    [FUSE_SETLK] = "setlk",         [FUSE_SETLKW] = "setlkw",
    [FUSE_ACCESS] = "access",       [FUSE_CREATE] = "create",
    [FUSE_INTERRUPT] = "interrupt", [FUSE_BATCH_FORGET] = "batch_forget",
    [FUSE_FALLOCATE] = "fallocate", [FUSE_READDIRPLUS] = "readdirplus",
    [FUSE_RENAME2] = "rename2",     [FUSE_LSEEK] = "lseek",
};

struct fs_operation fs_operation_in(const void *request, size_t len)
{
    struct fuse_in_header header;
    if (!request || len < sizeof header)
        return (struct fs_operation){0};
    memcpy(&header, request, sizeof header);
    return (struct fs_operation){header.unique, header.nodeid, header.opcode};
}

const char *fs_operation_name(const struct fs_operation *operation)
{
    bool known = operation->code < sizeof names / sizeof *names && names[operation->code];
    return known ? names[operation->code] : "another operation";
}
