/* Opens the session with the kernel, reads it on the loop, and closes it. mounting.c mounts it. */
#include "fs/fs.h"

#include "base/trace.h"
#include "fs/kernel_mount.h"
#include "fs/session.h"
#include "fs/watch.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    REQUESTS_PER_WAKEUP_MAX = 64, /* then comes the loop's other work */
    BACKGROUND_MAX = 16, /* readahead and asynchronous requests of the kernel at a time: those of
                            other programs wait behind them */
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
 * show a change, sends a truncation with its open, never holds writes back, leaves locks to us, and
 * opens file handles of inodes that it has forgotten (export.c). */
static void init(void *userdata, struct fuse_conn_info *conn)
{
    conn->want |=
        conn->capable & (FUSE_CAP_AUTO_INVAL_DATA | FUSE_CAP_ATOMIC_O_TRUNC | FUSE_CAP_ASYNC_READ |
                         FUSE_CAP_READDIRPLUS | FUSE_CAP_READDIRPLUS_AUTO | FUSE_CAP_POSIX_LOCKS |
                         FUSE_CAP_FLOCK_LOCKS | FUSE_CAP_EXPORT_SUPPORT);
    conn->want &= ~(unsigned int)(FUSE_CAP_WRITEBACK_CACHE | FUSE_CAP_DONT_MASK);
    conn->max_write = FS_TRANSFER_BYTES_MAX;
    conn->max_read = FS_TRANSFER_BYTES_MAX;
    conn->max_background = BACKGROUND_MAX;
    conn->congestion_threshold = BACKGROUND_MAX * 3 / 4;
}

/* Left out: copy_file_range (the kernel copies), bmap. */
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
    .ioctl = fs_ioctl,
    .poll = fs_poll,
};

char fs_said[256];

static void listen_to_libfuse(enum fuse_log_level level, const char *format, va_list args)
{
    vsnprintf(fs_said, sizeof fs_said, format, args);
    fs_said[strcspn(fs_said, "\n")] = '\0';
    trace_info("fs", "%s", fs_said);
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
            fs_mounting_lost(fs);
            return;
        }
        if (fs_echo_answers(fs, fs->request.mem, (size_t)len))
            continue;
        if (trace_is_on(TRACE_DEBUG))
            trace_operation(fs, (size_t)len);
        fuse_session_process_buf(fs->session, &fs->request);
    }
}

/* Options of libfuse are separated by commas. */
static void escape(const char *text, char escaped[2 * CONFIG_PATH_MAX])
{
    char *to = escaped;
    for (const char *at = text; *at; at++) {
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
    escape(fs_mount_source(fs->config), source);
    snprintf(options, sizeof options, "fsname=%s,subtype=quorumfs,max_read=%d%s%s%s", source,
             FS_TRANSFER_BYTES_MAX, fs_kernel_checks(fs->config) ? ",default_permissions" : "",
             fs->config->allow_other ? ",allow_other" : "", fs->config->mount_options);
    struct fuse_session *session = fuse_session_new(&args, &operations, sizeof operations, fs);
    fuse_opt_free_args(&args);
    return session;
}

int fs_session_read(struct fs *fs, uv_loop_t *loop, struct fault *fault)
{
    int fd = fuse_session_fd(fs->session);
    int status = fs_negotiate(fs);
    int flags = status < 0 ? -1 : fcntl(fd, F_GETFL);
    if (status == 0 && (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0))
        status = -errno;
    if (status == 0)
        status = uv_poll_init(loop, &fs->poll, fd);
    if (status < 0)
        return fault_set(fault, status, "/dev/fuse: %s", strerror(-status));
    fs->handles++;
    fs->poll.data = fs;
    status = uv_poll_start(&fs->poll, UV_READABLE, readable);
    assert(status == 0);
    return 0;
}

int fs_start(uv_loop_t *loop, struct replica *replica, const struct config *config,
             const struct fs_helper *helper, void (*unmounted)(void *arg), void *arg,
             struct fs **out, struct fault *fault)
{
    struct fs *fs = calloc(1, sizeof *fs);
    if (!fs)
        return fault_set(fault, -ENOMEM, "mount: out of memory");
    fs->replica = replica;
    fs->config = config;
    fs->unmounted = unmounted;
    fs->arg = arg;
    fuse_set_log_func(listen_to_libfuse);
    int status = 0;
    fs->session = session_of(fs);
    if (!fs->session)
        status = fault_set(fault, -EINVAL, "libfuse: %s", fs_said);
    if (status == 0)
        status = fs_mounting_start(fs, loop, fault);
    if (status < 0) {
        if (fs->session)
            fuse_session_destroy(fs->session);
        free(fs);
        return fault_wrap(fault, status, "mount");
    }
    fs_gone_start(fs, loop);
    fs_watches_start(fs, loop);
    fs_locks_start(fs, loop);
    int opened = fs_echo_start(fs, loop, helper);
    if (opened < 0)
        trace_warn("fs", "inotify: %s", strerror(-opened));
    fs->handles += 3 + (opened > 0 ? (unsigned int)opened : 0);
    *out = fs;
    return 0;
}

static void handle_closed(uv_handle_t *handle)
{
    struct fs *fs = handle->data;
    if (--fs->handles > 0)
        return;
    fs_files_clear(&fs->files);
    fuse_session_destroy(fs->session);
    fs_echo_free(fs);
    if (fs->mounting.table_fd >= 0)
        close(fs->mounting.table_fd);
    free(fs->request.mem);
    buffer_free(&fs->scratch);
    free(fs);
}

void fs_close_when_idle(struct fs *fs)
{
    assert(fs->stopping);
    if (fs->waiting > 0 || fs->mounting.trying)
        return;
    fs_mounting_end(fs);
    uv_close((uv_handle_t *)&fs->gone.timer, handle_closed);
    uv_close((uv_handle_t *)&fs->watches.idle, handle_closed);
    uv_close((uv_handle_t *)&fs->locks.timer, handle_closed);
    uv_close((uv_handle_t *)&fs->mounting.timer, handle_closed);
    fs_echo_close(fs, handle_closed);
    if (fs->mounting.table_fd >= 0)
        uv_close((uv_handle_t *)&fs->mounting.table, handle_closed);
    if (fs->poll.data)
        uv_close((uv_handle_t *)&fs->poll, handle_closed);
}

void fs_stop(struct fs *fs)
{
    assert(!fs->stopping);
    fs->stopping = true;
    fs_mounting_stop(fs);
    if (fs->poll.data)
        uv_poll_stop(&fs->poll);
    fs_watches_stop(fs);
    fs_echo_stop(fs);
    fs->waiting++; /* so that it does not count as idle before all of this is under way */
    fs_settle_all(fs);
    fs_locks_stop(fs);
    fs_gone_stop(fs);
    fs->waiting--;
    fs_close_when_idle(fs);
}

void fs_abandon(struct fs *fs)
{
    if (!fs->mounting.trying)
        fs_mounting_end(fs);
}
