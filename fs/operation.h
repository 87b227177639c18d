/* Private to the room: requests of the kernel in lines of the log (QUORUMFS_LOG=debug), with their
 * numbers and the names of <linux/fuse.h> in lower case. Thread: the loop's. */
#ifndef QUORUMFS_FS_OPERATION_H
#define QUORUMFS_FS_OPERATION_H

#include <stddef.h>
#include <stdint.h>

/* A request of the kernel. */
struct fs_operation {
    uint64_t number; /* 0: there is none */
    uint64_t ino;    /* as the kernel knows it */
    uint32_t code;
};

/* Of a request as it was read from /dev/fuse. */
struct fs_operation fs_operation_in(const void *request, size_t len);
const char *fs_operation_name(const struct fs_operation *operation);

#endif
