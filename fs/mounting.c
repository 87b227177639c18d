#include "fs/mounting.h"

#include "base/trace.h"
#include "fs/mount_table.h"
#include "fs/session.h"
#include "fs/watch.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
    RETRY_MS_MIN = 250,
    RETRY_MS_MAX = 4000,
    LINGER_MS = 1000, /* for files that are still open after an umount, in the background */
    LINGER_LOOK_MS = 50,
};

static void on_time(uv_timer_t *timer);

/* ---- What is said ---- */

static void say_guard(struct fs_mounting *m)
{
    static const char *const who[] = {
        [FS_GUARD_NONE] = "any program that may write there",
        [FS_GUARD_FROM_USERS] = "programs of root",
    };
    if (m->guard_said || m->mount.guard == FS_GUARD_FROM_ALL)
        return;
    m->guard_said = true;
    trace_warn("fs",
               "%s: while nothing is mounted there, %s can write to the folder, and what they "
               "write is on this machine only: it cannot be made immutable (chattr +i)",
               m->mount.path, who[m->mount.guard]);
}

static void say_why(struct fs *fs)
{
    struct fs_mounting *m = &fs->mounting;
    replica_mount_is(fs->replica, false, m->fault.text);
    if (strcmp(m->said, m->fault.text) == 0)
        return;
    strcpy(m->said, m->fault.text);
    trace_warn("fs", "no mount: %s; the node goes on without it, and tries again", m->said);
}

/* ---- After an umount, in the background ---- */

/* The kernel ends the connection by itself, unless another mount namespace has a copy of the mount,
 * or files are still open. */
static void linger(struct fs *fs)
{
    struct fs_mounting *m = &fs->mounting;
    bool over = uv_now(m->timer.loop) - m->unmounted_ms >= LINGER_MS;
    if (fs->files.count == 0 || over)
        fs_mounting_lost(fs);
    else
        uv_timer_start(&m->timer, on_time, LINGER_LOOK_MS, 0);
}

static void look_at_table(struct fs *fs)
{
    struct fs_mounting *m = &fs->mounting;
    if (m->unmounted_ms > 0 || fs_is_mounted(&m->mount))
        return;
    uv_poll_stop(&m->table);
    m->unmounted_ms = uv_now(m->timer.loop);
    uv_timer_start(&m->timer, on_time, LINGER_LOOK_MS, 0);
}

static void on_table(uv_poll_t *poll, int status, int events)
{
    look_at_table(poll->data);
}

/* In the foreground a copy elsewhere is served on. */
static void watch_table(struct fs *fs, uv_loop_t *loop)
{
    struct fs_mounting *m = &fs->mounting;
    if (!fs->config->in_background || m->mount.id < 0)
        return;
    m->table_fd = open(FS_MOUNT_TABLE, O_RDONLY | O_CLOEXEC);
    if (m->table_fd < 0 || uv_poll_init(loop, &m->table, m->table_fd) != 0) {
        trace_warn("fs", FS_MOUNT_TABLE " cannot be watched");
        if (m->table_fd >= 0)
            close(m->table_fd);
        m->table_fd = -1;
        return;
    }
    fs->handles++;
    m->table.data = fs;
    uv_poll_start(&m->table, UV_PRIORITIZED, on_table);
}

/* ---- Attempts ---- */

static void try(struct fs *fs)
{
    struct fs_mounting *m = &fs->mounting;
    m->status = fs_mount(fs->session, fs->config, &m->mount, &m->fault);
}

static void try_on_the_pool(uv_work_t *work)
{
    try(work->data);
}

/* On the loop, after an attempt. */
static void took(struct fs *fs, uv_loop_t *loop)
{
    struct fs_mounting *m = &fs->mounting;
    say_guard(m);
    if (m->status < 0)
        return;
    m->status = fs_session_read(fs, loop, &m->fault);
    m->mounted = m->status == 0;
    if (!m->mounted) {
        fs_unmount(fs->session, &m->mount);
        return;
    }
    watch_table(fs, loop);
    m->said[0] = '\0';
    replica_mount_is(fs->replica, true, "");
    trace_info("fs", "mounted at %s", m->mount.path);
    fs_echo_mounted(fs);
}

static void try_later(struct fs *fs)
{
    struct fs_mounting *m = &fs->mounting;
    say_why(fs);
    uv_timer_start(&m->timer, on_time, m->wait_ms, 0);
    m->wait_ms = m->wait_ms * 2 < RETRY_MS_MAX ? m->wait_ms * 2 : RETRY_MS_MAX;
}

static void tried(uv_work_t *work, int status)
{
    struct fs *fs = work->data;
    struct fs_mounting *m = &fs->mounting;
    m->trying = false;
    if (fs->stopping) {
        if (m->status == 0)
            fs_unmount(fs->session, &m->mount);
        fs_close_when_idle(fs);
        return;
    }
    took(fs, work->loop);
    if (!m->mounted)
        try_later(fs);
}

static void on_time(uv_timer_t *timer)
{
    struct fs *fs = timer->data;
    struct fs_mounting *m = &fs->mounting;
    if (m->mounted) {
        if (m->unmounted_ms > 0)
            linger(fs);
        else
            look_at_table(fs);
        return;
    }
    m->work.data = fs;
    m->trying = uv_queue_work(timer->loop, &m->work, try_on_the_pool, tried) == 0;
    if (!m->trying)
        try_later(fs);
}

/* ---- Begin and end ---- */

int fs_mounting_start(struct fs *fs, uv_loop_t *loop, struct fault *fault)
{
    struct fs_mounting *m = &fs->mounting;
    m->table_fd = -1;
    m->wait_ms = RETRY_MS_MIN;
    try(fs);
    took(fs, loop);
    if (!m->mounted && fs->config->in_background)
        return fault_set(fault, m->status, "%s", m->fault.text);
    uv_timer_init(loop, &m->timer);
    m->timer.data = fs;
    fs->handles++;
    if (!m->mounted)
        try_later(fs);
    else if (m->table_fd >= 0) /* epoll(7) misses what changed before it began to watch */
        uv_timer_start(&m->timer, on_time, LINGER_LOOK_MS, 0);
    return 0;
}

void fs_mounting_lost(struct fs *fs)
{
    replica_mount_is(fs->replica, false,
                     "it was unmounted; the node mounts again when it is started again");
    fs_mounting_stop(fs);
    uv_poll_stop(&fs->poll);
    fs_watches_stop(fs);
    fs->unmounted(fs->arg);
}

void fs_mounting_stop(struct fs *fs)
{
    struct fs_mounting *m = &fs->mounting;
    uv_timer_stop(&m->timer);
    if (m->table_fd >= 0)
        uv_poll_stop(&m->table);
}

void fs_mounting_end(struct fs *fs)
{
    struct fs_mounting *m = &fs->mounting;
    assert(!m->trying);
    if (m->mounted)
        fs_unmount(fs->session, &m->mount);
    m->mounted = false;
}
