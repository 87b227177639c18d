#include "fs/echo.h"

#include "base/trace.h"
#include "fs/echo_helper.h"
#include "fs/request.h"

#include <assert.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    LOOK_MS_MIN = 500,    /* from the end of a look to the next one, */
    LOOK_SHARE = 20,      /* and so many times as long as it took, */
    LOOK_AGAIN_MS = 5000, /* or so long, if it is only to find out who watches no more */
    SAY_MS = 10000,
};

static void echo_goes_on(struct fs *fs);

/* ---- The helper ---- */

int fs_helper_begin(struct fs_helper *helper, struct fault *fault)
{
    int ends[2];
    pid_t node = getpid();
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
        return fault_set(fault, -errno, "inotify: socketpair: %s", strerror(errno));
    pid_t child = fork();
    if (child < 0) {
        int status = fault_set(fault, -errno, "inotify: fork: %s", strerror(errno));
        close(ends[0]);
        close(ends[1]);
        return status;
    }
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() != node)
            _exit(EXIT_SUCCESS);
        close(ends[0]);
        fs_echo_help(ends[1]);
    }
    close(ends[1]);
    *helper = (struct fs_helper){child, ends[0]};
    return 0;
}

static void echo_gives_up(struct fs *fs, const char *why)
{
    struct fs_echo *e = &fs->echo;
    if (e->failed)
        return;
    trace_warn("fs", "inotify: %s: programs that watch here do not hear of changes of other nodes",
               why);
    e->failed = true;
    kill(e->helper.pid, SIGKILL);
    if (e->opened)
        replica_observe_end(fs->replica, &e->observer);
    e->opened = e->busy = false;
    e->item = NULL;
    fs_echo_queue_clear(&e->queue);
    uv_poll_stop(&e->news);
    uv_timer_stop(&e->timer);
    uv_idle_stop(&e->idle);
}

/* ---- Orders ---- */

/* Sends an order with its texts, which are taken from `texts`, each with a NUL. */
static bool give_order(struct fs *fs, struct fs_echo_order *order, const struct buffer *texts)
{
    struct fs_echo *e = &fs->echo;
    struct iovec parts[] = {{order, sizeof *order}, {texts->data, texts->len}};
    struct msghdr message = {.msg_iov = parts, .msg_iovlen = texts->len > 0 ? 2 : 1};
    assert(!e->busy);
    if (texts->failed || sizeof *order + texts->len > FS_ECHO_ORDER_BYTES_MAX)
        return false;
    if (sendmsg(e->helper.socket, &message, MSG_DONTWAIT | MSG_NOSIGNAL) < 0) {
        echo_gives_up(fs, strerror(errno));
        return false;
    }
    e->busy = true;
    e->verb = order->verb;
    return true;
}

static void end_text(struct fs_echo_order *order, int i, struct buffer *texts)
{
    buffer_put_u8(texts, 0);
    order->ends[i] = (uint32_t)texts->len;
}

static void order_open(struct fs *fs)
{
    struct fs_echo_order order = {.verb = FS_ECHO_OPEN};
    struct buffer texts = {0};
    buffer_printf(&texts, "%s", fs->mounting.mount.path);
    end_text(&order, 0, &texts);
    buffer_printf(&texts, "%s", fs->echo.proof);
    end_text(&order, 1, &texts);
    give_order(fs, &order, &texts);
    buffer_free(&texts);
}

static void order_look(struct fs *fs)
{
    struct fs_echo *e = &fs->echo;
    e->found.len = 0;
    e->look_began_ms = uv_now(e->timer.loop);
    give_order(fs, &(struct fs_echo_order){.verb = FS_ECHO_LOOK}, &(struct buffer){0});
}

static bool is_watched(const struct fs_echo *e, uint64_t ino);

static bool put_name(struct fs *fs, const struct fs_echo_item *item, int i, uint64_t folder,
                     struct bytes name, struct fs_echo_order *order, struct buffer *texts)
{
    bool found = fs_echo_path(fs, item, folder, texts);
    end_text(order, 2 * i, texts);
    buffer_append(texts, name.data, name.len);
    end_text(order, 2 * i + 1, texts);
    return found;
}

static bool put_other_name(struct fs *fs, const struct fs_echo_item *item, int i,
                           struct fs_echo_order *order, struct buffer *texts)
{
    struct buffer name = {0};
    uint64_t folder;
    bool found = fs_echo_other_name(fs, item, is_watched, &folder, &name) &&
                 put_name(fs, item, i, folder, bytes_of(name.data, name.len), order, texts);
    buffer_free(&name);
    return found;
}

/* The root has no name. */
static bool put_inode(struct fs *fs, const struct fs_echo_item *item, struct fs_echo_order *order,
                      struct buffer *texts)
{
    struct attr attr;
    if (tree_getattr(replica_tree(fs->replica), item->ino, &attr) < 0)
        return false;
    order->verb = FS_ECHO_TOUCH;
    order->atime = attr.atime;
    order->mtime = attr.mtime;
    order->flags = item->kind == FS_ECHO_ATTRIBUTES;
    if (item->ino == INO_ROOT)
        return put_name(fs, item, 0, INO_ROOT, (struct bytes){0}, order, texts);
    return put_other_name(fs, item, 0, order, texts);
}

static bool put_link(struct fs *fs, const struct fs_echo_item *item, struct fs_echo_order *order,
                     struct buffer *texts)
{
    size_t before = texts->len;
    if (item->links < 2 || S_ISDIR(item->mode))
        return false;
    if (put_other_name(fs, item, 1, order, texts))
        return true;
    texts->len = before;
    return false;
}

static bool put_made(struct fs *fs, const struct fs_echo_item *item, struct fs_echo_order *order,
                     struct buffer *texts)
{
    const struct fs_echo_name *name = item->names;
    struct attr attr;
    if (tree_getattr(replica_tree(fs->replica), item->ino, &attr) == 0)
        order->rdev = attr.rdev;
    if (!put_name(fs, item, 0, name->parent, name->name, order, texts))
        return false;
    order->verb = put_link(fs, item, order, texts) ? FS_ECHO_LINK : FS_ECHO_MAKE;
    return true;
}

static bool put_item(struct fs *fs, const struct fs_echo_item *item, struct fs_echo_order *order,
                     struct buffer *texts)
{
    const struct fs_echo_name *names = item->names;
    order->mode = item->mode;
    switch (item->kind) {
    case FS_ECHO_CREATE:
        return put_made(fs, item, order, texts);
    case FS_ECHO_DELETE:
        order->verb = FS_ECHO_UNLINK;
        return put_name(fs, item, 0, names[0].parent, names[0].name, order, texts);
    case FS_ECHO_MOVE:
    case FS_ECHO_EXCHANGE:
        order->verb = FS_ECHO_RENAME;
        order->flags = item->kind == FS_ECHO_EXCHANGE ? RENAME_EXCHANGE : 0;
        return put_name(fs, item, 0, names[0].parent, names[0].name, order, texts) &&
               put_name(fs, item, 1, names[1].parent, names[1].name, order, texts);
    default:
        return put_inode(fs, item, order, texts);
    }
}

/* Texts that an order does not need are empty. */
static void put_no_texts(struct fs_echo_order *order, struct buffer *texts)
{
    for (int i = 0; i < FS_ECHO_TEXTS; i++)
        if (order->ends[i] == 0)
            end_text(order, i, texts);
}

/* False: it cannot be repeated. */
static bool order_item(struct fs *fs, struct fs_echo_item *item)
{
    struct fs_echo_order order = {0};
    struct buffer texts = {0};
    bool given = !fs_echo_overtaken(&fs->echo.queue, item) && !fs_echo_is_behind(fs, item->ino) &&
                 put_item(fs, item, &order, &texts);
    put_no_texts(&order, &texts);
    if (given)
        given = give_order(fs, &order, &texts);
    buffer_free(&texts);
    return given;
}

/* ---- Who watches ---- */

static int compare_inos(const void *a, const void *b)
{
    const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static bool is_watched(const struct fs_echo *e, uint64_t ino)
{
    return e->watched.len > 0 &&
           bsearch(&ino, e->watched.data, e->watched.len / sizeof ino, sizeof ino, compare_inos);
}

struct parents {
    const struct fs_echo *echo;
    bool watched;
};

static bool look_at_parent(void *arg, uint64_t parent, struct bytes name)
{
    struct parents *parents = arg;
    parents->watched = is_watched(parents->echo, parent);
    return !parents->watched;
}

/* Whether any program hears of it. */
static bool echo_concerns(struct fs *fs, const struct fs_echo_item *item)
{
    const struct fs_echo *e = &fs->echo;
    struct parents parents = {.echo = e};
    if (e->watched.len == 0)
        return false;
    if (is_watched(e, item->ino))
        return true;
    for (uint32_t i = 0; i < item->name_count; i++)
        if (is_watched(e, item->names[i].parent) || is_watched(e, item->names[i].ino))
            return true;
    if (item->name_count == 0)
        tree_names(replica_tree(fs->replica), item->ino, look_at_parent, &parents);
    return parents.watched;
}

/* Changes that were applied before the look began, and concern none of the inodes that it found,
 * are decided. */
static void decide_all(struct fs *fs)
{
    struct fs_echo *e = &fs->echo;
    struct fs_echo_item *item;
    TAILQ_FOREACH(item, &e->queue.all, entry)
    {
        if (item->state != FS_ECHO_UNDECIDED)
            continue;
        if (echo_concerns(fs, item))
            fs_echo_queue_decide(&e->queue, item, true);
        else if (item->since_ms < e->look_began_ms)
            fs_echo_queue_decide(&e->queue, item, false);
    }
}

static void look_ended(struct fs *fs, uint64_t took_ms)
{
    struct fs_echo *e = &fs->echo;
    struct buffer found = e->found;
    e->found = e->watched;
    e->watched = found;
    if (found.failed) {
        buffer_free(&e->watched);
        e->watched = (struct buffer){0};
    }
    if (e->watched.len > 0)
        qsort(e->watched.data, e->watched.len / sizeof(uint64_t), sizeof(uint64_t), compare_inos);
    e->look_ended_ms = uv_now(e->timer.loop);
    e->look_took_ms = took_ms;
    decide_all(fs);
}

/* In how many ms the next look is due. */
static uint64_t look_due_ms(const struct fs_echo *e)
{
    uint64_t pause = LOOK_SHARE * e->look_took_ms;
    uint64_t past = uv_now(e->timer.loop) - e->look_ended_ms;
    pause = pause > LOOK_MS_MIN ? pause : LOOK_MS_MIN;
    if (e->queue.undecided == 0)
        pause = pause > LOOK_AGAIN_MS ? pause : LOOK_AGAIN_MS;
    return past < pause ? pause - past : 0;
}

/* ---- One order after the other ---- */

static void on_echo_time(uv_timer_t *timer)
{
    echo_goes_on(timer->data);
}

static void on_echo_idle(uv_idle_t *idle)
{
    uv_idle_stop(idle);
    echo_goes_on(idle->data);
}

/* Gives the next order, if there is any to give. */
static void echo_goes_on(struct fs *fs)
{
    struct fs_echo *e = &fs->echo;
    fs_echo_queue_trim(&e->queue);
    if (!e->opened || e->busy || e->queue.count == 0)
        return;
    uint64_t due_ms = look_due_ms(e);
    if (due_ms == 0) {
        order_look(fs);
        return;
    }
    struct fs_echo_item *item;
    while (!e->failed && (item = TAILQ_FIRST(&e->queue.ready))) {
        if (order_item(fs, item)) {
            item->begun = true;
            e->item = item;
            return;
        }
        if (!e->failed)
            fs_echo_queue_done(&e->queue, item);
    }
    if (!e->failed && e->queue.undecided > 0)
        uv_timer_start(&e->timer, on_echo_time, due_ms, 0);
}

static void order_ended(struct fs *fs, int status)
{
    struct fs_echo *e = &fs->echo;
    assert(e->busy);
    e->busy = false;
    if (e->verb == FS_ECHO_OPEN && status < 0) {
        echo_gives_up(fs, strerror(-status));
    } else if (e->verb == FS_ECHO_OPEN) {
        e->opened = true;
        replica_observe(fs->replica, &e->observer);
    } else if (e->verb == FS_ECHO_LOOK) {
        look_ended(fs, (uint64_t)(status > 0 ? status : 0));
    } else if (e->item) {
        trace_debug("fs", "inotify: the change at index %lu of inode %lu is repeated: %s",
                    (unsigned long)e->item->revision - 1, (unsigned long)e->item->ino,
                    status < 0 ? strerror(-status) : "ok");
        fs_echo_queue_done(&e->queue, e->item);
        e->item = NULL;
    }
    echo_goes_on(fs);
}

static void on_news(uv_poll_t *poll, int status, int events)
{
    struct fs *fs = poll->data;
    struct fs_echo *e = &fs->echo;
    struct fs_echo_report report;
    while (!e->failed) {
        ssize_t len = recv(e->helper.socket, &report, sizeof report, MSG_DONTWAIT);
        if (len < 0 && (errno == EAGAIN || errno == EINTR))
            return;
        if (len != sizeof report || report.count > FS_ECHO_WATCHED_AT_ONCE)
            echo_gives_up(fs, "its process has ended");
        else if (report.news == FS_ECHO_WATCHED)
            buffer_append(&e->found, report.inos, report.count * sizeof *report.inos);
        else
            order_ended(fs, report.status);
    }
}

/* ---- What is applied ---- */

/* All that waits. The programs have to look for themselves. */
static void drop_all(struct fs *fs, const char *why)
{
    struct fs_echo *e = &fs->echo;
    uint64_t now = uv_now(e->timer.loop);
    struct fs_echo_item *item;
    TAILQ_FOREACH(item, &e->queue.ready, ready_entry)
    e->lost++;
    fs_echo_queue_clear(&e->queue);
    e->item = NULL;
    if (e->lost == 0 || (e->said_ms > 0 && now - e->said_ms < SAY_MS))
        return;
    trace_warn("fs",
               "inotify: %s: programs that watch have missed %lu changes of other nodes, or more",
               why, (unsigned long)e->lost);
    e->lost = 0;
    e->said_ms = now;
}

/* A file that is made with contents was made and then written, as by a program here. */
static bool add_contents(struct fs *fs, const struct tree_changes *changes)
{
    struct tree *tree = replica_tree(fs->replica);
    for (uint32_t i = 0; i < changes->count; i++) {
        struct tree_change written = changes->list[i];
        struct attr attr;
        if (written.kind != CHANGE_CREATED || !S_ISREG(written.mode) || written.links != 1 ||
            tree_getattr(tree, written.ino, &attr) < 0 || attr.size == 0)
            continue;
        written.kind = CHANGE_WRITTEN;
        const struct tree_changes more = {
            .revision = changes->revision, .count = 1, .list = &written};
        if (!fs_echo_queue_add(&fs->echo.queue, &more, uv_now(fs->echo.timer.loop)))
            return false;
    }
    return true;
}

static void on_changed(void *arg, const struct tree_changes *changes)
{
    struct fs *fs = arg;
    struct fs_echo *e = &fs->echo;
    struct fs_echo_item *item;
    if (!fs_echo_queue_add(&e->queue, changes, uv_now(e->timer.loop)) ||
        !add_contents(fs, changes)) {
        drop_all(fs, "too much was changed at once");
        return;
    }
    TAILQ_FOREACH_REVERSE(item, &e->queue.all, fs_echo_items, entry)
    {
        if (item->revision != changes->revision)
            break;
    }
    for (item = item ? TAILQ_NEXT(item, entry) : TAILQ_FIRST(&e->queue.all); item;
         item = TAILQ_NEXT(item, entry))
        if (item->state == FS_ECHO_UNDECIDED && echo_concerns(fs, item))
            fs_echo_queue_decide(&e->queue, item, true);
    uv_idle_start(&e->idle, on_echo_idle); /* its caller is not answered yet: fs_echo_told */
}

static void on_replaced(void *arg, uint64_t index)
{
    struct fs *fs = arg;
    fs->echo.lost += fs->echo.watched.len > 0; /* it is not known how many */
    drop_all(fs, "a snapshot took the place of the tree");
}

void fs_echo_told(struct fs *fs, uint64_t revision)
{
    if (fs->echo.opened)
        fs_echo_queue_told(&fs->echo.queue, revision);
}

/* ---- Begin and end ---- */

static void make_proof(char proof[FS_ECHO_PROOF_BYTES])
{
    uint8_t bytes[(FS_ECHO_PROOF_BYTES - 1) / 2];
    if (getrandom(bytes, sizeof bytes, 0) != sizeof bytes)
        abort();
    for (size_t i = 0; i < sizeof bytes; i++)
        snprintf(proof + 2 * i, 3, "%02x", bytes[i]);
}

int fs_echo_start(struct fs *fs, uv_loop_t *loop, const struct fs_helper *helper)
{
    struct fs_echo *e = &fs->echo;
    if (!helper)
        return 0;
    int status = uv_poll_init(loop, &e->news, helper->socket);
    if (status < 0)
        return status;
    e->helper = *helper;
    make_proof(e->proof);
    fs_echo_queue_init(&e->queue);
    e->observer.changed = on_changed;
    e->observer.replaced = on_replaced;
    e->observer.arg = fs;
    uv_idle_init(loop, &e->idle);
    uv_timer_init(loop, &e->timer);
    e->idle.data = e->timer.data = e->news.data = fs;
    uv_poll_start(&e->news, UV_READABLE, on_news);
    if (fs->mounting.mounted)
        fs_echo_mounted(fs);
    return 3;
}

void fs_echo_mounted(struct fs *fs)
{
    if (fs->echo.helper.pid != 0 && !fs->echo.failed)
        order_open(fs);
}

void fs_echo_stop(struct fs *fs)
{
    struct fs_echo *e = &fs->echo;
    if (e->helper.pid == 0)
        return;
    kill(e->helper.pid, SIGKILL);
    if (e->opened)
        replica_observe_end(fs->replica, &e->observer);
    e->opened = false;
    e->item = NULL;
    fs_echo_queue_clear(&e->queue);
    uv_poll_stop(&e->news);
    uv_timer_stop(&e->timer);
    uv_idle_stop(&e->idle);
}

void fs_echo_close(struct fs *fs, uv_close_cb closed)
{
    struct fs_echo *e = &fs->echo;
    if (e->helper.pid == 0)
        return;
    uv_close((uv_handle_t *)&e->news, closed);
    uv_close((uv_handle_t *)&e->timer, closed);
    uv_close((uv_handle_t *)&e->idle, closed);
}

/* The helper may still be on its way out of the kernel; then it is waited for with this process. */
void fs_echo_free(struct fs *fs)
{
    struct fs_echo *e = &fs->echo;
    if (e->helper.pid == 0)
        return;
    close(e->helper.socket);
    waitpid(e->helper.pid, NULL, WNOHANG);
    buffer_free(&e->watched);
    buffer_free(&e->found);
}
