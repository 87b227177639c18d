/* Asks for abilities of the kernel that libfuse 3.14 does not ask for, though it knows some of
 * them:
 *
 *   parallel_dirops       several names of a directory can be looked up at once
 *   handle_killpriv       the tree clears setuid bits itself, together with the write (rights.h);
 *                         with its second version the kernel also says whether it has to
 *   direct_io_allow_mmap  files with direct I/O can still be mapped (Linux 6.6); see
 *                         fs_wants_direct_io
 *
 * The kernel offers its abilities in its first message, INIT, and the answer names those that are
 * wanted. Both messages, as in <linux/fuse.h>, pass through here. */
#include "fs/session.h"

#include <linux/fuse.h>
#include <string.h>
#include <unistd.h>

#define DIRECT_IO_ALLOW_MMAP (UINT64_C(1) << 36) /* newer than Debian's <linux/fuse.h> */
#define WANTED                                                                                     \
    (FUSE_PARALLEL_DIROPS | FUSE_HANDLE_KILLPRIV | FUSE_HANDLE_KILLPRIV_V2 | DIRECT_IO_ALLOW_MMAP)

/* The flags of INIT, or 0 for a message that is not INIT. */
static uint64_t offered_in(const void *message, size_t len)
{
    struct fuse_init_in init;
    struct fuse_in_header header;
    if (len < sizeof header + sizeof init)
        return 0;
    memcpy(&header, message, sizeof header);
    memcpy(&init, (const char *)message + sizeof header, sizeof init);
    if (header.opcode != FUSE_INIT)
        return 0;
    return init.flags | (init.flags & FUSE_INIT_EXT ? (uint64_t)init.flags2 << 32 : 0);
}

static ssize_t read_message(int fd, void *buffer, size_t cap, void *userdata)
{
    struct fs *fs = userdata;
    ssize_t len = read(fd, buffer, cap);
    if (!fs->negotiated && len > 0)
        fs->granted = offered_in(buffer, (size_t)len) & WANTED;
    return len;
}

/* The first message to the kernel is the answer to INIT: a header and the fields. */
static ssize_t write_message(int fd, struct iovec *parts, int count, void *userdata)
{
    struct fs *fs = userdata;
    if (!fs->negotiated) {
        if (count != 2 || parts[1].iov_len < sizeof(struct fuse_init_out))
            fs->granted = 0;
        if (fs->granted != 0) {
            struct fuse_init_out *init = parts[1].iov_base;
            init->flags |= (uint32_t)fs->granted;
            init->flags2 |= (uint32_t)(fs->granted >> 32);
            if (init->flags2 != 0)
                init->flags |= FUSE_INIT_EXT;
        }
        fs->negotiated = true;
    }
    return writev(fd, parts, count);
}

bool fs_can_map_direct(const struct fs *fs)
{
    return (fs->granted & DIRECT_IO_ALLOW_MMAP) != 0;
}

bool fs_says_fsetid(const struct fs *fs)
{
    return (fs->granted & FUSE_HANDLE_KILLPRIV_V2) != 0;
}

int fs_negotiate(struct fs *fs)
{
    static const struct fuse_custom_io through_here = {.writev = write_message,
                                                       .read = read_message};
    return fuse_session_custom_io(fs->session, &through_here, fuse_session_fd(fs->session));
}
