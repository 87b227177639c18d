/* Private to the room: what the node and its helper (echo.h) say to each other, each message in a
 * packet of its own: orders from the node, one at a time, and reports from the helper. */
#ifndef QUORUMFS_FS_ECHO_ORDER_H
#define QUORUMFS_FS_ECHO_ORDER_H

#include <errno.h>
#include <stdint.h>

enum fs_echo_verb {
    FS_ECHO_OPEN,   /* the mount, at the first text; the second one is the proof (below) */
    FS_ECHO_LOOK,   /* which inodes of the mount are watched */
    FS_ECHO_MAKE,   /* mknod, mkdir or symlink, as `mode` says: folder, name */
    FS_ECHO_LINK,   /* folder, name; of folder2, name2 */
    FS_ECHO_UNLINK, /* or rmdir, as `mode` says: folder, name */
    FS_ECHO_RENAME, /* folder, name; to folder2, name2; with `flags` of renameat2(2) */
    FS_ECHO_TOUCH,  /* folder, name: the mtime, and with `flags` the atime as well */
};

/* The proof that the kernel's request from the helper reaches the node, and that the node knows
 * who asks: the helper looks up this name, which does not exist, and gets this error. Without it,
 * its calls would be changes like any other program's. */
enum { FS_ECHO_PROOF_ERROR = EKEYREJECTED, FS_ECHO_PROOF_BYTES = 33 };

enum { FS_ECHO_TEXTS = 4, FS_ECHO_ORDER_BYTES_MAX = 32 * 1024, FS_ECHO_WATCHED_AT_ONCE = 512 };

struct fs_echo_order {
    uint32_t verb, mode, flags, rdev;
    int64_t atime, mtime;         /* ns since 1970 */
    uint32_t ends[FS_ECHO_TEXTS]; /* of the texts, each with a NUL, in `texts` */
    char texts[];                 /* folders are relative to the root of the mount; "": the root */
};

enum fs_echo_news {
    FS_ECHO_DONE,    /* the order is over; a negative errno in `status`: it has failed. Of a look,
                        `status` is the ms of a processor that it took */
    FS_ECHO_WATCHED, /* some inodes that are watched, in `inos` */
};

struct fs_echo_report {
    uint32_t news;
    int32_t status;
    uint32_t count;
    uint64_t inos[FS_ECHO_WATCHED_AT_ONCE];
};

#endif
