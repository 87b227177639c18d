#include "fs/echo_helper.h"

#include "fs/echo_order.h"
#include "fs/fs.h"
#include "fs/mount_table.h"

#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { NS = 1000000000 };

struct help {
    int node;             /* the connection */
    int table;            /* of mounts: the mount must not stay because of us */
    int root;             /* of a copy of the mount that is nowhere; -1: none */
    dev_t device;         /* of the mount */
    bool inside;          /* something is mounted inside */
    char mount[PATH_MAX]; /* empty: there is none */
    char proof[FS_ECHO_PROOF_BYTES];
    struct fs_echo_report report;
};

/* ---- The mount ---- */

/* Whether the node answers here, and knows who asks. */
static bool is_proved(const struct help *h, int root)
{
    struct stat stat;
    return fstatat(root, h->proof, &stat, AT_SYMLINK_NOFOLLOW) < 0 && errno == FS_ECHO_PROOF_ERROR;
}

static int prove(const struct help *h, int root)
{
    if (root < 0)
        return -errno;
    if (is_proved(h, root))
        return root;
    close(root);
    return -ESTALE;
}

/* A copy of the mount keeps nobody from unmounting it, can be written although the mount is
 * read-only, and has nothing mounted on its folders. Only root can make one. */
static int copy_mount(const struct help *h)
{
    const struct mount_attr writable = {.attr_clr = MOUNT_ATTR_RDONLY};
    int root = (int)syscall(SYS_open_tree, AT_FDCWD, h->mount, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
    if (root >= 0)
        (void)mount_setattr(root, "", AT_EMPTY_PATH, (struct mount_attr *)&writable,
                            sizeof writable);
    return prove(h, root);
}

/* Otherwise the mount itself is opened for each order, and closed again. */
static int open_root(const struct help *h)
{
    if (h->root >= 0)
        return h->root;
    if (!h->mount[0])
        return -ENOTCONN;
    return prove(h, open(h->mount, O_PATH | O_DIRECTORY | O_CLOEXEC));
}

static void close_root(const struct help *h, int root)
{
    if (root >= 0 && root != h->root)
        close(root);
}

static void leave_mount(struct help *h)
{
    if (h->root >= 0)
        close(h->root);
    h->root = -1;
    h->mount[0] = '\0';
}

/* A copy keeps the file system alive, so it goes when the mount has gone. */
static void helper_looks_at_table(struct help *h)
{
    if (h->mount[0] && !fs_is_in_mount_table(h->device))
        leave_mount(h);
    h->inside = h->mount[0] && fs_has_mounts_inside(h->device);
}

/* The kernel takes mounts away from a folder of which it hears that it is not there (any more, or
 * yet). So while there are any, nothing is repeated. */
static bool has_mounts_inside(struct help *h)
{
    struct pollfd table = {.fd = h->table, .events = POLLPRI};
    if (h->table < 0 || poll(&table, 1, 0) != 0)
        helper_looks_at_table(h);
    return h->inside;
}

static int enter_mount(struct help *h, const char *path, const char *proof)
{
    struct stat stat = {0};
    leave_mount(h);
    strncpy(h->mount, path, sizeof h->mount - 1);
    strncpy(h->proof, proof, sizeof h->proof - 1);
    h->root = copy_mount(h);
    int root = open_root(h);
    int status = root < 0 ? root : fstat(root, &stat) < 0 ? -errno : 0;
    close_root(h, root);
    h->device = stat.st_dev;
    if (status < 0)
        leave_mount(h);
    helper_looks_at_table(h);
    return status;
}

/* ---- Orders ---- */

static const char *text_of(const struct fs_echo_order *order, int i)
{
    return order->texts + (i > 0 ? order->ends[i - 1] : 0);
}

/* Name by name, in a copy, where nothing is mounted. */
static int helper_walk(int root, const char *path, uint64_t flags)
{
    char name[NAME_MAX + 1];
    int at = openat(root, ".", O_PATH | O_CLOEXEC);
    while (at >= 0 && *path) {
        size_t len = strcspn(path, "/");
        if (len >= sizeof name) {
            close(at);
            return -ENAMETOOLONG;
        }
        memcpy(name, path, len);
        name[len] = '\0';
        path += len + (path[len] == '/');
        int next =
            openat(at, name, O_PATH | O_NOFOLLOW | O_CLOEXEC | (*path ? O_DIRECTORY : (int)flags));
        int error = errno;
        close(at);
        errno = error;
        at = next;
    }
    return at < 0 ? -errno : at;
}

static int helper_open(const struct help *h, int root, const char *path, uint64_t flags)
{
    struct open_how how = {.flags = flags | O_PATH | O_CLOEXEC,
                           .resolve = RESOLVE_BENEATH | RESOLVE_NO_XDEV | RESOLVE_NO_SYMLINKS |
                                      RESOLVE_NO_MAGICLINKS};
    int fd = (int)syscall(SYS_openat2, root, path[0] ? path : ".", &how, sizeof how);
    if (fd < 0 && h->root >= 0 && (errno == ENOSYS || errno == EPERM)) /* RestrictSUIDSGID= */
        return helper_walk(root, path, flags);
    return fd < 0 ? -errno : fd;
}

static int helper_make(const struct fs_echo_order *o, int folder, const char *name)
{
    if (S_ISDIR(o->mode))
        return mkdirat(folder, name, S_IRWXU);
    if (S_ISLNK(o->mode))
        return symlinkat(".", folder, name);
    return mknodat(folder, name, (o->mode & S_IFMT) | S_IRUSR, o->rdev);
}

static struct timespec time_of(int64_t ns)
{
    int64_t seconds = ns / NS - (ns % NS < 0);
    return (struct timespec){.tv_sec = seconds, .tv_nsec = ns - seconds * NS};
}

static int helper_touch(const struct help *h, const struct fs_echo_order *o, int folder,
                        const char *name)
{
    struct timespec times[2] = {time_of(o->atime), time_of(o->mtime)};
    if (!o->flags)
        times[0].tv_nsec = UTIME_OMIT;
    int fd = helper_open(h, folder, name, O_NOFOLLOW);
    if (fd < 0)
        return errno = -fd, -1;
    int result = utimensat(fd, "", times, AT_EMPTY_PATH);
    int error = errno;
    close(fd);
    errno = error;
    return result;
}

static int helper_act(const struct help *h, const struct fs_echo_order *o, int folder, int folder2)
{
    const char *name = text_of(o, 1), *name2 = text_of(o, 3);
    switch (o->verb) {
    case FS_ECHO_MAKE:
        return helper_make(o, folder, name);
    case FS_ECHO_LINK:
        return linkat(folder2, name2, folder, name, 0);
    case FS_ECHO_UNLINK:
        return unlinkat(folder, name, S_ISDIR(o->mode) ? AT_REMOVEDIR : 0);
    case FS_ECHO_RENAME:
        return renameat2(folder, name, folder2, name2, o->flags);
    case FS_ECHO_TOUCH:
        return helper_touch(h, o, folder, name);
    default:
        return errno = EINVAL, -1;
    }
}

static int act_at_mount(const struct help *h, const struct fs_echo_order *o)
{
    struct stat stat;
    int root = open_root(h);
    if (root < 0)
        return root;
    int folder = helper_open(h, root, text_of(o, 0), O_DIRECTORY);
    int folder2 = folder < 0 ? -1 : helper_open(h, root, text_of(o, 2), O_DIRECTORY);
    int status = folder < 0 ? folder : folder2 < 0 ? folder2 : 0;
    /* A folder that has moved here is still known by its old name: looking it up moves it back,
     * which rename(2) would not do. */
    if (status == 0 && o->verb == FS_ECHO_RENAME && S_ISDIR(o->mode))
        (void)fstatat(folder, text_of(o, 1), &stat, AT_SYMLINK_NOFOLLOW);
    if (status == 0 && helper_act(h, o, folder, folder2) < 0)
        status = -errno;
    if (folder >= 0)
        close(folder);
    if (folder2 >= 0)
        close(folder2);
    close_root(h, root);
    return status;
}

/* ---- The connection ---- */

static void helper_reports(struct help *h, enum fs_echo_news news, int status)
{
    h->report.news = news;
    h->report.status = status;
    if (send(h->node, &h->report, sizeof h->report, MSG_NOSIGNAL) < 0)
        _exit(EXIT_SUCCESS);
    h->report.count = 0;
}

static void helper_found(void *arg, uint64_t ino)
{
    struct help *h = arg;
    h->report.inos[h->report.count++] = ino;
    if (h->report.count == FS_ECHO_WATCHED_AT_ONCE)
        helper_reports(h, FS_ECHO_WATCHED, 0);
}

/* Returns how many ms of a processor it took. */
static int helper_looks(struct help *h)
{
    const clock_t began = clock();
    if (h->mount[0])
        fs_echo_look(h->device, helper_found, h);
    if (h->report.count > 0)
        helper_reports(h, FS_ECHO_WATCHED, 0);
    return (int)((clock() - began) * 1000 / CLOCKS_PER_SEC);
}

static int carry_out(struct help *h, const struct fs_echo_order *order)
{
    switch (order->verb) {
    case FS_ECHO_OPEN:
        return enter_mount(h, text_of(order, 0), text_of(order, 1));
    case FS_ECHO_LOOK:
        return helper_looks(h);
    default:
        return has_mounts_inside(h) ? -EBUSY : act_at_mount(h, order);
    }
}

/* The node alone answers the signals that a terminal or a service manager sends to all its
 * processes. */
static void helper_begin(struct help *h)
{
    signal(SIGINT, SIG_IGN);
    signal(SIGTERM, SIG_IGN);
    signal(SIGHUP, SIG_IGN);
    signal(SIGPIPE, SIG_IGN);
    prctl(PR_SET_NAME, "quorumfs-inotify");
    h->root = h->table = -1;
    int nothing = open("/dev/null", O_RDWR);
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO && nothing >= 0; fd++)
        dup2(nothing, fd);
    int node = fcntl(h->node, F_DUPFD, STDERR_FILENO + 1);
    dup2(node, STDERR_FILENO + 1);
    h->node = STDERR_FILENO + 1;
    syscall(SYS_close_range, STDERR_FILENO + 2, UINT_MAX, 0);
    (void)!chdir("/");
    umask(0);
    h->table = open(FS_MOUNT_TABLE, O_RDONLY | O_CLOEXEC);
}

_Noreturn void fs_echo_help(int node)
{
    static struct help h;
    static _Alignas(struct fs_echo_order) char packet[FS_ECHO_ORDER_BYTES_MAX];
    h.node = node;
    helper_begin(&h);
    for (;;) {
        struct pollfd ready[] = {{.fd = h.node, .events = POLLIN},
                                 {.fd = h.table, .events = POLLPRI}};
        if (poll(ready, 2, -1) < 0 && errno != EINTR)
            _exit(EXIT_FAILURE);
        if (ready[1].revents)
            helper_looks_at_table(&h);
        if (!ready[0].revents)
            continue;
        ssize_t len = recv(h.node, packet, sizeof packet, 0);
        if (len < (ssize_t)sizeof(struct fs_echo_order)) /* 0: the node is gone */
            _exit(EXIT_SUCCESS);
        helper_reports(&h, FS_ECHO_DONE,
                       carry_out(&h, (const struct fs_echo_order *)(void *)packet));
    }
}
