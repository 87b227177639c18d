/* quorumfs expire TIME|never FILE...: the files go away so long after their last change, or not any
 * more. It is the extended attribute user.quorumfs.ttl, checked. */
#include "base/duration.h"
#include "verbs/verb.h"

#include <errno.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/vfs.h>
#include <sys/xattr.h>

#define TTL "user.quorumfs.ttl"

/* Any other file system would keep the attribute, and the file. */
static bool is_mounted_here(const char *file)
{
    struct statfs fs;
    return statfs(file, &fs) == 0 && fs.f_type == FUSE_SUPER_MAGIC;
}

static const char *why(int error)
{
    switch (error) {
    case EOPNOTSUPP:
        return "it is not on a mount of quorumfs, or some node of the cluster runs an earlier "
               "version: upgrade that";
    case EISDIR:
        return "it is a directory: only files go away";
    case EINVAL:
        return "the time must be from 100ms to 3660d";
    case EDQUOT:
        return "there are as many files with a time as there can be";
    case EMLINK:
        return "it has too many names (hard links)";
    default:
        return strerror(error);
    }
}

static int expire(const char *time, const char *file)
{
    if (!is_mounted_here(file))
        return errno == ENOENT || errno == EACCES ? errno : EOPNOTSUPP;
    if (strcmp(time, "never") != 0)
        return setxattr(file, TTL, time, strlen(time), 0) == 0 ? 0 : errno;
    return removexattr(file, TTL) == 0 || errno == ENODATA ? 0 : errno;
}

int verb_expire(int argc, char **argv)
{
    int status = 0;
    uint64_t ms;
    if (argc < 3)
        return verb_usage(argv[0]);
    if (strcmp(argv[1], "never") != 0 && (!duration_read(bytes_of_text(argv[1]), &ms) || ms == 0)) {
        fprintf(stderr, "quorumfs expire: %s is no time: write 30s, 10m, 12h, 7d or never\n",
                argv[1]);
        return VERB_USAGE;
    }
    for (int i = 2; i < argc; i++) {
        errno = 0;
        int error = expire(argv[1], argv[i]);
        if (error == 0)
            continue;
        fprintf(stderr, "quorumfs expire: %s: %s\n", argv[i], why(error));
        status = 1;
    }
    return status;
}
