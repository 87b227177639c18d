/* One ability of the kernel that libfuse 3.14 does not know to ask for: direct I/O on files that
 * can be mapped all the same (FUSE_DIRECT_IO_ALLOW_MMAP, Linux 6.6). See fs_wants_direct_io for
 * what it is needed for.
 *
 * The kernel offers it in its first message, INIT, and gets what is wanted in the answer. Both pass
 * through here; the messages are those of <linux/fuse.h>. */
#include "fs/session.h"

#include <errno.h>
#include <linux/fuse.h>
#include <string.h>
#include <unistd.h>

#define DIRECT_IO_ALLOW_MMAP (UINT32_C(1) << (36 - 32)) /* of flags2 */

static bool is_offered(const void *message, size_t len)
{
    struct fuse_in_header header;
    struct fuse_init_in init;

    if (len < sizeof header + sizeof init)
        return false;
    memcpy(&header, message, sizeof header);
    memcpy(&init, (const char *)message + sizeof header, sizeof init);
    return header.opcode == FUSE_INIT && (init.flags & FUSE_INIT_EXT) &&
           (init.flags2 & DIRECT_IO_ALLOW_MMAP);
}

static ssize_t read_message(int fd, void *buffer, size_t cap, void *userdata)
{
    struct fs *fs = userdata;
    ssize_t len = read(fd, buffer, cap);

    if (!fs->negotiated && len > 0)
        fs->direct_maps = is_offered(buffer, (size_t)len);
    return len;
}

/* The first message to the kernel is the answer to INIT: a header and the fields. */
static ssize_t write_message(int fd, struct iovec *parts, int count, void *userdata)
{
    struct fs *fs = userdata;

    if (!fs->negotiated) {
        fs->direct_maps &= count == 2 && parts[1].iov_len >= sizeof(struct fuse_init_out);
        if (fs->direct_maps) {
            struct fuse_init_out *init = parts[1].iov_base;

            init->flags |= FUSE_INIT_EXT;
            init->flags2 |= DIRECT_IO_ALLOW_MMAP;
        }
        fs->negotiated = true;
    }
    return writev(fd, parts, count);
}

int fs_negotiate(struct fs *fs)
{
    static const struct fuse_custom_io through_here = {.writev = write_message,
                                                       .read = read_message};

    return fuse_session_custom_io(fs->session, &through_here, fuse_session_fd(fs->session));
}
