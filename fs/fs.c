/* Opens the session with the kernel, reads it on the loop, and closes it. */
#include "fs/fs.h"

#include "base/trace.h"
#include "fs/mount.h"
#include "fs/session.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    REQUESTS_PER_WAKEUP_MAX = 64, /* then comes the loop's other work */
    BACKGROUND_MAX = 64,          /* readahead and asynchronous requests of the kernel at a time */
};

/* The mount keeps nothing for each lookup. */
static void forget(fuse_req_t req, fuse_ino_t ino, uint64_t count)
{
    fuse_reply_none(req);
}

static void forget_multi(fuse_req_t req, size_t count, struct fuse_forget_data *forgets)
{
    fuse_reply_none(req);
}

/* Chooses abilities that libfuse does not choose by itself: the kernel drops pages when attributes
 * show a change, sends a truncation with its open, never holds writes back, and leaves locks to us,
 * so that we can refuse them. */
static void init(void *userdata, struct fuse_conn_info *conn)
{
    conn->want |=
        conn->capable & (FUSE_CAP_AUTO_INVAL_DATA | FUSE_CAP_ATOMIC_O_TRUNC | FUSE_CAP_ASYNC_READ |
                         FUSE_CAP_READDIRPLUS | FUSE_CAP_READDIRPLUS_AUTO | FUSE_CAP_POSIX_LOCKS |
                         FUSE_CAP_FLOCK_LOCKS);
    conn->want &= ~(unsigned int)(FUSE_CAP_WRITEBACK_CACHE | FUSE_CAP_DONT_MASK);
    conn->max_write = FS_TRANSFER_BYTES_MAX;
    conn->max_read = FS_TRANSFER_BYTES_MAX;
    conn->max_background = BACKGROUND_MAX;
    conn->congestion_threshold = BACKGROUND_MAX * 3 / 4;
}

/* Left out: copy_file_range (the kernel copies), ioctl, poll, bmap. */
static const struct fuse_lowlevel_ops operations = {
    .init = init,
    .lookup = fs_lookup,
    .forget = forget,
    .forget_multi = forget_multi,
    .getattr = fs_getattr,
    .setattr = fs_setattr,
    .readlink = fs_readlink,
    .mknod = fs_mknod,
    .mkdir = fs_mkdir,
    .unlink = fs_unlink,
    .rmdir = fs_rmdir,
    .symlink = fs_symlink,
    .rename = fs_rename,
    .link = fs_link,
    .access = fs_access,
    .open = fs_open,
    .create = fs_create,
    .read = fs_read,
    .write = fs_write,
    .flush = fs_flush,
    .release = fs_release,
    .fsync = fs_fsync,
    .fallocate = fs_fallocate,
    .lseek = fs_lseek,
    .opendir = fs_opendir,
    .readdir = fs_readdir,
    .readdirplus = fs_readdirplus,
    .releasedir = fs_release,
    .fsyncdir = fs_fsyncdir,
    .statfs = fs_statfs,
    .setxattr = fs_setxattr,
    .getxattr = fs_getxattr,
    .listxattr = fs_listxattr,
    .removexattr = fs_removexattr,
    .getlk = fs_getlk,
    .setlk = fs_setlk,
    .flock = fs_flock,
};

/* The last message of libfuse, whose functions give no error codes. */
static char said[256];

static void listen_to_libfuse(enum fuse_log_level level, const char *format, va_list args)
{
    vsnprintf(said, sizeof said, format, args);
    said[strcspn(said, "\n")] = '\0';
    trace_info("fs", "%s", said);
}

/* The mount is gone: another program has unmounted it, or /dev/fuse fails. */
static void session_lost(struct fs *fs)
{
    uv_poll_stop(&fs->poll);
    fs->unmounted(fs->arg);
}

static void trace_operation(struct fs *fs, size_t len)
{
    fs->operation = fs_operation_in(fs->request.mem, len);
    trace_debug("fs", "%lu %s of inode %lx, %zu bytes", (unsigned long)fs->operation.number,
                fs_operation_name(&fs->operation), (unsigned long)fs->operation.ino, len);
}

static void readable(uv_poll_t *poll, int status, int events)
{
    struct fs *fs = poll->data;
    for (int i = 0; i < REQUESTS_PER_WAKEUP_MAX && !fs->stopping; i++) {
        int len = fuse_session_receive_buf(fs->session, &fs->request);
        if (len == -EINTR)
            continue;
        if (len == -EAGAIN)
            return;
        if (len <= 0) { /* 0: it was unmounted (ENODEV) */
            if (len < 0)
                trace_error("fs", "the mount is lost, /dev/fuse cannot be read: %s",
                            strerror(-len));
            session_lost(fs);
            return;
        }
        if (trace_is_on(TRACE_DEBUG))
            trace_operation(fs, (size_t)len);
        fuse_session_process_buf(fs->session, &fs->request);
    }
}

/* Whether the kernel checks permissions, for which it asks for the attributes of every directory on
 * a path each time. It need not if only root, who may do everything, can use the mount: when root
 * mounts without allow_other. */
static bool kernel_checks(const struct fs *fs)
{
    return fs->config->allow_other || geteuid() != 0;
}

/* The source of the mount in /proc/mounts, where mount(8) looks for the first column of fstab(5).
 */
static void source_of(const struct config *config, char source[2 * CONFIG_PATH_MAX])
{
    char *to = source;
    for (const char *at = config->in_background ? config->dir : "quorumfs"; *at; at++) {
        if (*at == ',' || *at == '\\')
            *to++ = '\\';
        *to++ = *at;
    }
    *to = '\0';
}

static struct fuse_session *session_of(struct fs *fs)
{
    char source[2 * CONFIG_PATH_MAX], options[sizeof source + 256];
    char *argv[] = {"quorumfs", "-o", options};
    struct fuse_args args = FUSE_ARGS_INIT(3, argv);
    source_of(fs->config, source);
    snprintf(options, sizeof options, "fsname=%s,subtype=quorumfs,max_read=%d%s%s%s", source,
             FS_TRANSFER_BYTES_MAX, kernel_checks(fs) ? ",default_permissions" : "",
             fs->config->allow_other ? ",allow_other" : "", fs->config->mount_options);
    struct fuse_session *session = fuse_session_new(&args, &operations, sizeof operations, fs);
    fuse_opt_free_args(&args);
    return session;
}

/* Mounts at the canonical path, which /proc shows. realpath(3) comes before mounting: afterwards it
 * would send a request, which nobody could answer yet. */
static int mount_session(struct fs *fs, struct fault *fault)
{
    const char *path = fs->config->mount;
    int status = fs_mount_check(fs->config->allow_other, fault);
    if (status == 0)
        status = fs_mount_prepare(path, fault);
    if (status < 0)
        return status;
    char real[PATH_MAX];
    if (!realpath(path, real))
        return fault_set(fault, -errno, "%s: %s", path, strerror(errno));
    said[0] = '\0';
    if (fuse_session_mount(fs->session, real) != 0)
        return fault_set(
            fault, -EPERM, "%s: %s", path,
            said[0]
                ? said
                : "fusermount3 has refused to mount: is the package fuse3 installed, and may this "
                  "user mount here?");
    fs->mount_id = fs_mount_id(real);
    return 0;
}

static int session_watch(struct fs *fs, uv_loop_t *loop)
{
    int status = fs_negotiate(fs);
    if (status < 0)
        return status;
    int fd = fuse_session_fd(fs->session);
    int flags = fcntl(fd, F_GETFL);
    if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)
        return -errno;
    status = uv_poll_init(loop, &fs->poll, fd);
    if (status == 0) {
        fs->poll.data = fs;
        status = uv_poll_start(&fs->poll, UV_READABLE, readable);
        assert(status == 0);
    }
    return status;
}

int fs_start(uv_loop_t *loop, struct replica *replica, const struct config *config,
             void (*unmounted)(void *arg), void *arg, struct fs **out, struct fault *fault)
{
    struct fs *fs = calloc(1, sizeof *fs);
    if (!fs)
        return fault_set(fault, -ENOMEM, "mount: out of memory");
    fs->replica = replica;
    fs->config = config;
    fs->unmounted = unmounted;
    fs->arg = arg;
    fuse_set_log_func(listen_to_libfuse);
    fs->session = session_of(fs);
    int status = 0;
    if (!fs->session) {
        status = fault_set(fault, -EINVAL, "libfuse: %s", said);
        goto fail_session;
    }
    status = mount_session(fs, fault);
    if (status < 0)
        goto fail_mount;
    status = session_watch(fs, loop);
    if (status < 0) {
        fault_set(fault, status, "/dev/fuse: %s", strerror(-status));
        goto fail_watch;
    }
    fs_gone_start(fs, loop);
    *out = fs;
    return 0;

fail_watch:
    fuse_session_unmount(fs->session);
fail_mount:
    fuse_session_destroy(fs->session);
fail_session:
    free(fs);
    return fault_wrap(fault, status, "mount");
}

static void poll_closed(uv_handle_t *poll)
{
    struct fs *fs = poll->data;
    fs_files_clear(&fs->files);
    fuse_session_destroy(fs->session);
    free(fs->request.mem);
    buffer_free(&fs->scratch);
    free(fs);
}

static void timer_closed(uv_handle_t *timer)
{
    struct fs *fs = timer->data;
    uv_close((uv_handle_t *)&fs->poll, poll_closed);
}

void fs_close_when_idle(struct fs *fs)
{
    assert(fs->stopping);
    if (fs->waiting > 0)
        return;
    fuse_session_unmount(fs->session);
    uv_close((uv_handle_t *)&fs->gone.timer, timer_closed);
}

void fs_stop(struct fs *fs)
{
    assert(!fs->stopping);
    fs->stopping = true;
    uv_poll_stop(&fs->poll);
    fs->waiting++; /* so that it does not count as idle before all of this is under way */
    fs_settle_all(fs);
    fs_gone_stop(fs);
    fs->waiting--;
    fs_close_when_idle(fs);
}

void fs_abandon(struct fs *fs)
{
    uv_poll_stop(&fs->poll);
    fuse_session_unmount(fs->session);
}
