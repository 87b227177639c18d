/* Readers of `.quorumfs/watch/`: lines from a watch, to whoever reads an open file.
 *
 * A file has a position, as any other one: programs that have read too much go back (bash, head).
 * Lines are kept from where the last read began, and no further. A read that finds none waits, and
 * is answered when a line comes, when it is interrupted, or when the mount goes away. */
#include "fs/watch.h"

#include "fs/request.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* A read that waits. */
struct fs_waiter {
    TAILQ_ENTRY(fs_waiter) entry;
    struct fs_reader *reader;
    fuse_req_t req;
    size_t size;
    uint64_t offset;
};

struct fs_reader {
    TAILQ_ENTRY(fs_reader) entry;
    struct fs *fs;
    struct replica_watch watch;
    bool begun, goes_on;
    struct buffer lines;
    uint64_t begins; /* the position of the first byte in `lines` */
    uint64_t kept;   /* the position where the last read began */
    uint64_t taken;  /* where it ended */
    TAILQ_HEAD(, fs_waiter) waiters;
    struct fuse_pollhandle *poll; /* NULL: nobody polls */
    uid_t uid;
    gid_t gid;
    uint32_t group_count;
    gid_t groups[FS_GROUPS_MAX];
    struct buffer path; /* watched */
};

/* ---- What a reader may see ---- */

static bool in_group(const struct fs_reader *reader, gid_t gid)
{
    if (reader->gid == gid)
        return true;
    for (uint32_t i = 0; i < reader->group_count; i++)
        if (reader->groups[i] == gid)
            return true;
    return false;
}

/* Whether the reader may list the directory and look into it. */
static bool may_list(const struct fs_reader *reader, const struct attr *dir)
{
    uint32_t rights = reader->uid == dir->uid      ? dir->mode >> 6
                      : in_group(reader, dir->gid) ? dir->mode >> 3
                                                   : dir->mode;
    return (rights & 5) == 5;
}

enum sight { SIGHT_CLEAR, SIGHT_HIDDEN, SIGHT_UNKNOWN };

/* Whether the reader may list all directories between the watched path and this one. Unknown: one
 * of them is gone. */
static enum sight sight_of(const struct fs_reader *reader, struct bytes path)
{
    struct tree *tree = replica_tree(reader->fs->replica);
    struct attr dir = {.ino = INO_ROOT};
    if (reader->uid == 0)
        return SIGHT_CLEAR;
    for (size_t at = 0, end; at < path.len; at = end + 1) {
        const uint8_t *slash = memchr(path.data + at, '/', path.len - at);
        if (!slash)
            break;
        end = (size_t)(slash - path.data);
        if (tree_lookup(tree, dir.ino, bytes_of(path.data + at, end - at), &dir) < 0)
            return SIGHT_UNKNOWN;
        if (end > reader->watch.path.len && !may_list(reader, &dir))
            return SIGHT_HIDDEN;
    }
    return SIGHT_CLEAR;
}

/* ---- Lines ---- */

static uint64_t lines_end(const struct fs_reader *reader)
{
    return reader->begins + reader->lines.len;
}

/* Escapes what separates words and lines, and what is no text. */
static void put_path(struct buffer *out, struct bytes path)
{
    if (path.len == 0)
        path = bytes_of_text(".");
    for (size_t i = 0; i < path.len; i++) {
        uint8_t c = path.data[i];
        if (c <= ' ' || c == '\\' || c == 127)
            buffer_printf(out, "\\%03o", c);
        else
            buffer_append(out, &c, 1);
    }
}

/* Forgets what lies before the last read. */
static void drop_lines(struct fs_reader *reader)
{
    size_t gone = (size_t)(reader->kept - reader->begins);
    if (gone == 0)
        return;
    assert(gone <= reader->lines.len);
    reader->lines.len -= gone;
    memmove(reader->lines.data, reader->lines.data + gone, reader->lines.len);
    reader->begins = reader->kept;
}

static void put_line(struct buffer *out, const struct replica_event *event, bool lost)
{
    unsigned long long revision = event->revision;
    if (lost) {
        buffer_printf(out, "%llu lost %llu\n", revision, revision);
        return;
    }
    buffer_printf(out, "%llu %s ", revision, replica_event_verb(event->kind));
    put_path(out, event->path);
    buffer_printf(out, "\n");
}

/* ---- Reading ---- */

/* Answers with what there is at the offset; false: there is nothing yet. */
static bool read_lines(struct fs_reader *reader, fuse_req_t req, size_t size, uint64_t offset)
{
    uint64_t end = lines_end(reader);
    if (offset < reader->begins || offset > end) {
        fuse_reply_err(req, ESPIPE);
        return true;
    }
    if (offset == end)
        return false;
    size_t left = (size_t)(end - offset), len = left < size ? left : size;
    reader->kept = offset;
    reader->taken = offset + len;
    fuse_reply_buf(req, (const char *)reader->lines.data + (offset - reader->begins), len);
    return true;
}

static void waiter_free(struct fs_waiter *waiter)
{
    TAILQ_REMOVE(&waiter->reader->waiters, waiter, entry);
    free(waiter);
}

static void reader_wakes(struct fs_reader *reader)
{
    struct fs_waiter *waiter, *next;
    for (waiter = TAILQ_FIRST(&reader->waiters); waiter; waiter = next) {
        next = TAILQ_NEXT(waiter, entry);
        if (read_lines(reader, waiter->req, waiter->size, waiter->offset))
            waiter_free(waiter);
    }
    if (!reader->poll)
        return;
    struct fuse_pollhandle *poll = reader->poll;
    reader->poll = NULL;
    fuse_lowlevel_notify_poll(poll);
    fuse_pollhandle_destroy(poll);
}

static bool watch_tell(void *arg, const struct replica_event *event)
{
    struct fs_reader *reader = arg;
    enum sight sight = event->kind == EVENT_LOST ? SIGHT_UNKNOWN : sight_of(reader, event->path);
    struct buffer line = {0};
    if (sight != SIGHT_HIDDEN)
        put_line(&line, event, sight == SIGHT_UNKNOWN);
    if (reader->lines.len + line.len > FS_WATCH_BYTES_MAX)
        drop_lines(reader);
    bool unread = lines_end(reader) > reader->taken;
    bool fits = reader->lines.len + line.len <= FS_WATCH_BYTES_MAX || !unread;
    if (fits)
        buffer_append(&reader->lines, line.data, line.len);
    fits = fits && !line.failed && !reader->lines.failed;
    buffer_free(&line);
    if (fits && !event->more && lines_end(reader) > reader->taken)
        reader_wakes(reader);
    return fits;
}

/* ---- Those that have fallen behind ---- */

static void on_watch_idle(uv_idle_t *idle)
{
    struct fs *fs = idle->data;
    struct fs_reader *reader;
    bool any = false;
    TAILQ_FOREACH(reader, &fs->watches.readers, entry)
    {
        if (reader->goes_on)
            reader->goes_on = replica_watch_go_on(fs->replica, &reader->watch);
        any |= reader->goes_on;
    }
    if (!any)
        uv_idle_stop(idle);
}

static void reader_goes_on(void *arg)
{
    struct fs_reader *reader = arg;
    reader->goes_on = true;
    uv_idle_start(&reader->fs->watches.idle, on_watch_idle);
}

/* ---- Requests ---- */

static void on_interrupt(fuse_req_t req, void *arg)
{
    waiter_free(arg);
    fuse_reply_err(req, EINTR);
}

void fs_watch_read(fuse_req_t req, struct fs_reader *reader, size_t size, uint64_t offset,
                   const struct fuse_file_info *fi)
{
    if (reader->watch.behind && !reader->goes_on && offset == lines_end(reader)) {
        reader->kept = reader->taken = offset;
        if (replica_watch_go_on(reader->fs->replica, &reader->watch))
            reader_goes_on(reader);
    }
    if (read_lines(reader, req, size, offset))
        return;
    if (!reader->begun) {
        fuse_reply_buf(req, NULL, 0); /* the mount goes away */
        return;
    }
    if (fi->flags & O_NONBLOCK) {
        fuse_reply_err(req, EAGAIN);
        return;
    }
    struct fs_waiter *waiter = malloc(sizeof *waiter);
    if (!waiter) {
        fuse_reply_err(req, ENOMEM);
        return;
    }
    *waiter = (struct fs_waiter){.reader = reader, .req = req, .size = size, .offset = offset};
    TAILQ_INSERT_TAIL(&reader->waiters, waiter, entry);
    fuse_req_interrupt_func(req, on_interrupt, waiter);
}

void fs_poll(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi, struct fuse_pollhandle *ph)
{
    const struct fs_handle *handle = (const struct fs_handle *)(uintptr_t)fi->fh;
    struct fs_reader *reader = handle ? handle->reader : NULL;
    bool readable = !reader || !reader->begun || lines_end(reader) > reader->taken;
    if (ph && reader && !readable) {
        if (reader->poll)
            fuse_pollhandle_destroy(reader->poll);
        reader->poll = ph;
    } else if (ph) {
        fuse_pollhandle_destroy(ph);
    }
    fuse_reply_poll(req, readable ? POLLIN | POLLRDNORM | (reader ? 0 : POLLOUT | POLLWRNORM) : 0);
}

/* ---- Opening and closing ---- */

static void take_path(void *arg, struct bytes key)
{
    struct buffer *path = arg;
    if (path->len == 0)
        buffer_append(path, key.data, key.len);
}

/* The path that an open file watches: 0 or -ESTALE, -ENOMEM, ... */
static int path_of(struct fs *fs, uint64_t ino, struct buffer *path)
{
    struct tree *tree = replica_tree(fs->replica);
    const struct fs_watches *w = &fs->watches;
    uint64_t number = fs_watch_tree_ino(ino);
    struct bytes name = bytes_of(w->named, w->named_len);
    struct attr attr;
    int status = 0;
    if (number == INO_ROOT)
        return 0;
    if (!(ino & FS_EVENTS) && w->named_ino == number &&
        tree_lookup(tree, w->named_parent, name, &attr) == 0 && attr.ino == number)
        status = tree_path(tree, w->named_parent, name, path);
    else
        status = tree_paths(tree, number, take_path, path);
    return status == 0 && path->len == 0 ? path->failed ? -ENOMEM : -ESTALE : status;
}

static void take_rights(fuse_req_t req, struct fs_reader *reader)
{
    reader->uid = fuse_req_ctx(req)->uid;
    reader->gid = fuse_req_ctx(req)->gid;
    int count = reader->uid == 0 ? 0 : fuse_req_getgroups(req, FS_GROUPS_MAX, reader->groups);
    count = count > FS_GROUPS_MAX ? FS_GROUPS_MAX : count;
    reader->group_count = count > 0 ? (uint32_t)count : 0;
}

static int reader_open(fuse_req_t req, uint64_t ino, struct fs_reader **out)
{
    struct fs *fs = fs_of(req);
    if (fs->watches.count >= FS_WATCHES_MAX)
        return -ENFILE;
    if (replica_refuses_writes(fs->replica))
        return -EIO; /* there is no quorum */
    struct fs_reader *reader = calloc(1, sizeof *reader);
    if (!reader)
        return -ENOMEM;
    TAILQ_INIT(&reader->waiters);
    reader->fs = fs;
    TAILQ_INSERT_TAIL(&fs->watches.readers, reader, entry);
    fs->watches.count++;
    take_rights(req, reader);
    int status = path_of(fs, ino, &reader->path);
    reader->watch = (struct replica_watch){.scope = ino & FS_EVENTS ? WATCH_BELOW : WATCH_KEY,
                                           .path = bytes_of(reader->path.data, reader->path.len),
                                           .tell = watch_tell,
                                           .ready = reader_goes_on,
                                           .arg = reader};
    if (status == 0)
        status = replica_watch_begin(fs->replica, &reader->watch, REPLICA_WATCH_NOW);
    reader->begun = status == 0;
    if (status < 0)
        fs_reader_free(reader);
    *out = reader;
    return status == -ENOTSUP ? -EOPNOTSUPP : status;
}

void fs_watch_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
    struct fs *fs = fs_of(req);
    struct fs_reader *reader;
    int status = reader_open(req, ino, &reader);
    struct fs_handle *handle = status == 0 ? fs_handle_open(&fs->files, ino) : NULL;
    if (!handle) {
        if (status == 0)
            fs_reader_free(reader);
        fuse_reply_err(req, status == 0 ? ENOMEM : -status);
        return;
    }
    handle->reader = reader;
    fi->fh = (uintptr_t)handle;
    fi->direct_io = 1;
    if (fuse_reply_open(req, fi) < 0)
        fs_handle_end(fs, handle);
}

/* Nothing comes any more: those who wait find the end of the file. */
static void reader_ends(struct fs_reader *reader)
{
    struct fs_waiter *waiter;
    if (reader->begun)
        replica_watch_end(reader->fs->replica, &reader->watch);
    reader->begun = reader->goes_on = false;
    while ((waiter = TAILQ_FIRST(&reader->waiters))) {
        fuse_req_t req = waiter->req;
        waiter_free(waiter);
        fuse_reply_buf(req, NULL, 0);
    }
    if (reader->poll) {
        fuse_lowlevel_notify_poll(reader->poll);
        fuse_pollhandle_destroy(reader->poll);
        reader->poll = NULL;
    }
}

void fs_reader_free(struct fs_reader *reader)
{
    if (!reader)
        return;
    struct fs_watches *w = &reader->fs->watches;
    reader_ends(reader);
    TAILQ_REMOVE(&w->readers, reader, entry);
    assert(w->count > 0);
    w->count--;
    buffer_free(&reader->lines);
    buffer_free(&reader->path);
    free(reader);
}

void fs_watches_start(struct fs *fs, uv_loop_t *loop)
{
    TAILQ_INIT(&fs->watches.readers);
    uv_idle_init(loop, &fs->watches.idle);
    fs->watches.idle.data = fs;
}

void fs_watches_stop(struct fs *fs)
{
    struct fs_reader *reader;
    uv_idle_stop(&fs->watches.idle);
    TAILQ_FOREACH(reader, &fs->watches.readers, entry)
    reader_ends(reader);
}
