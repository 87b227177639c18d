/* The session with the kernel: it is opened, read on the loop, and closed. */
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
    REQUESTS_PER_WAKEUP_MAX = 64, /* then the loop's other work has its turn */
    BACKGROUND_MAX = 64, /* readahead and asynchronous requests that the kernel lets wait */
};

/* Nothing is kept per lookup. */
static void forget(fuse_req_t req, fuse_ino_t ino, uint64_t count)
{
    fuse_reply_none(req);
}

static void forget_multi(fuse_req_t req, size_t count, struct fuse_forget_data *forgets)
{
    fuse_reply_none(req);
}

/* Of what libfuse does not choose by itself: pages go when attributes show a change, a truncation
 * comes with its open, and writes are never held back in the kernel. Locks are ours to refuse. */
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

/* Not there: copy_file_range (the kernel copies), ioctl, poll, bmap. */
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

/* What libfuse last had to say: its functions give no error codes. */
static char said[256];

static void listen_to_libfuse(enum fuse_log_level level, const char *format, va_list args)
{
    vsnprintf(said, sizeof said, format, args);
    said[strcspn(said, "\n")] = '\0';
    trace_info("fs", "%s", said);
}

static void lost(struct fs *fs)
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
        if (len <= 0) { /* ENODEV is a 0 */
            if (len < 0)
                trace_error("fs", "/dev/fuse: %s", strerror(-len));
            lost(fs);
            return;
        }
        if (trace_is_on(TRACE_DEBUG))
            trace_operation(fs, (size_t)len);
        fuse_session_process_buf(fs->session, &fs->request);
    }
}

/* Where only root gets in, as without allow_other, and may do all, the kernel need not check: it
 * asks for the attributes of every directory on a path each time. */
static bool kernel_checks(const struct fs *fs)
{
    return fs->config->allow_other || geteuid() != 0;
}

/* What the mount is shown to be of. mount(8) looks there for the first column of fstab(5). */
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
    struct fuse_session *session;

    source_of(fs->config, source);
    snprintf(options, sizeof options, "fsname=%s,subtype=quorumfs,max_read=%d%s%s%s", source,
             FS_TRANSFER_BYTES_MAX, kernel_checks(fs) ? ",default_permissions" : "",
             fs->config->allow_other ? ",allow_other" : "", fs->config->mount_options);
    session = fuse_session_new(&args, &operations, sizeof operations, fs);
    fuse_opt_free_args(&args);
    return session;
}

/* In the canonical form in which /proc knows it; before it is mounted, as asking would be a
 * request. */
static int mount_session(struct fs *fs, struct fault *fault)
{
    const char *path = fs->config->mount;
    char real[PATH_MAX];
    int rc = fs_mount_check(fs->config->allow_other, fault);

    if (rc == 0)
        rc = fs_mount_prepare(path, fault);
    if (rc < 0)
        return rc;
    if (!realpath(path, real))
        return fault_set(fault, -errno, "%s: %s", path, strerror(errno));
    said[0] = '\0';
    if (fuse_session_mount(fs->session, real) != 0)
        return fault_set(fault, -EPERM, "%s: %s", path,
                         said[0] ? said : "fusermount3 has refused to mount");
    fs->mount_id = fs_mount_id(real);
    return 0;
}

static int watch(struct fs *fs, uv_loop_t *loop)
{
    int fd = fuse_session_fd(fs->session);
    int flags = fcntl(fd, F_GETFL);
    int rc = fs_negotiate(fs);

    if (rc < 0)
        return rc;
    if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)
        return -errno;
    rc = uv_poll_init(loop, &fs->poll, fd);
    if (rc == 0) {
        fs->poll.data = fs;
        rc = uv_poll_start(&fs->poll, UV_READABLE, readable);
        assert(rc == 0);
    }
    return rc;
}

int fs_start(uv_loop_t *loop, struct replica *replica, const struct config *config,
             void (*unmounted)(void *arg), void *arg, struct fs **out, struct fault *fault)
{
    struct fs *fs = calloc(1, sizeof *fs);
    int rc;

    if (!fs)
        return fault_set(fault, -ENOMEM, "mount: out of memory");
    fs->replica = replica;
    fs->config = config;
    fs->unmounted = unmounted;
    fs->arg = arg;

    fuse_set_log_func(listen_to_libfuse);
    fs->session = session_of(fs);
    if (!fs->session) {
        rc = fault_set(fault, -EINVAL, "libfuse: %s", said);
        goto fail_session;
    }
    rc = mount_session(fs, fault);
    if (rc < 0)
        goto fail_mount;
    rc = watch(fs, loop);
    if (rc < 0) {
        fault_set(fault, rc, "/dev/fuse: %s", strerror(-rc));
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
    return fault_wrap(fault, rc, "mount");
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
    fs->waiting++; /* so that it is not idle before all of this is under way */
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
