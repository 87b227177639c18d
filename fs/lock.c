/* flock(2) and fcntl(2), as the kernel asks for them: one command for each, and a wait for the
 * grant if the lock is not free. */
#include "base/trace.h"
#include "fs/lock_wait.h"
#include "fs/special.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>

struct op fs_lock_op(uint8_t type, const struct tree_lock *lock)
{
    return (struct op){.type = type,
                       .ino = lock->ino,
                       .owner = lock->owner,
                       .pid = lock->pid,
                       .offset = lock->first,
                       .size = lock->last,
                       .waiter = lock->waiter,
                       .flags =
                           (lock->flock ? OP_LOCK_FLOCK : 0) | (lock->shared ? OP_LOCK_SHARED : 0)};
}

/* Of a struct flock as libfuse gives it: l_whence is SEEK_SET, and l_len is not negative. */
static struct tree_lock lock_asked_for(fuse_req_t req, uint64_t ino,
                                       const struct fuse_file_info *fi, const struct flock *lock)
{
    return (struct tree_lock){
        .ino = ino,
        .shared = lock->l_type == F_RDLCK,
        .node = replica_node(fs_of(req)->replica),
        .owner = fi->lock_owner,
        .first = (uint64_t)lock->l_start,
        .last = lock->l_len == 0 ? (uint64_t)LOCK_LAST_MAX
                                 : (uint64_t)lock->l_start + (uint64_t)lock->l_len - 1,
        .pid = (uint32_t)(lock->l_pid ? lock->l_pid : fuse_req_ctx(req)->pid)};
}

/* ---- A request for a lock ---- */

static void answered(struct fs_request *r, const struct op_result *result)
{
    struct fs_lock_wait *w = r->lock_wait;
    switch (result->offset) {
    case LOCK_GRANTED:
        fs_lock_taken(w, result->attr.size);
        break;
    case LOCK_BUSY:
        fs_lock_answer(w, EAGAIN);
        break;
    default:
        fs_lock_waits(w);
    }
}

/* The request has failed. If it is not known whether the lock was taken, it is given up, now or
 * when the descriptor is closed. */
static void asked(struct fs_request *r, bool happened, const struct op_result *result)
{
    if (!result)
        fs_lock_failed(r->lock_wait, happened);
}

void fs_lock_ask(struct fs_lock_wait *w)
{
    if (fs_lock_must_wait(w))
        return;
    struct fs_request *r = fs_request_new(w->req, w->want.ino, NULL);
    if (!r) {
        fs_lock_failed(w, false);
        return;
    }
    struct op op = fs_lock_op(OP_LOCK, &w->want);
    op.flags |= w->sleeps ? OP_LOCK_WAIT : 0;
    r->lock_wait = w;
    r->is_lock = true;
    r->handle = w->lock->handle;
    r->ended = asked;
    fs_walk_alone(r);
    fs_request_change(r, &op, 1, answered);
}

#define SQLITE_SHM "-shm"

static bool has_such_a_name(void *arg, uint64_t parent, struct bytes name)
{
    size_t len = sizeof SQLITE_SHM - 1;
    *(bool *)arg |= name.len > len && memcmp(name.data + name.len - len, SQLITE_SHM, len) == 0;
    return !*(bool *)arg;
}

/* In WAL mode SQLite shares memory by a mapped file NAME-shm, which it locks. Two nodes do not
 * share memory, so a database would be destroyed: without these locks SQLite refuses the mode. */
static bool is_shared_memory(struct fs *fs, const struct tree_lock *want)
{
    bool found = false;
    if (!want->flock)
        tree_names(replica_tree(fs->replica), want->ino, has_such_a_name, &found);
    if (found)
        trace_info("fs",
                   "a lock of inode %llu is refused: its name ends with " SQLITE_SHM
                   ", so it may be shared memory of SQLite, which does not work across nodes",
                   (unsigned long long)want->ino);
    return found;
}

static void lock_begin(fuse_req_t req, struct fuse_file_info *fi, struct tree_lock want,
                       bool sleeps)
{
    struct fs_handle *handle = fs_handle_of(fi);
    if (fs_mark(want.ino) != 0 || fs_is_virtual(want.ino) || handle->lost ||
        is_shared_memory(fs_of(req), &want)) {
        fuse_reply_err(req, handle->lost ? EIO : ENOLCK);
        return;
    }
    struct fs_lock_wait *w = fs_lock_wait_new(req, handle, &want, sleeps);
    if (!w) {
        fuse_reply_err(req, ENOMEM);
        return;
    }
    fs_lock_ask(w);
}

/* ---- Giving up ---- */

static void given_up(struct fs_request *r, const struct op_result *result)
{
    if (result)
        fs_lock_given_up(r);
    fuse_reply_err(r->req, 0);
}

static void flush_ended(struct fs_request *r, bool happened, const struct op_result *result)
{
    if (!result)
        fs_lock_give_up_later(r->fs, &r->lock);
}

/* Writes that are gathered on the file are decided with it. A descriptor is closed whether or not
 * its locks can be given up at once; only writes that are lost are told to close(2). */
static void give_up(fuse_req_t req, struct fs_handle *handle, const struct tree_lock *lock,
                    bool closing)
{
    struct fs_request *r = fs_request_new(req, lock->ino, NULL);
    if (!r)
        return;
    struct op op = fs_lock_op(OP_UNLOCK, lock);
    r->is_lock = true;
    r->handle = handle;
    r->lock = *lock;
    r->ended = closing ? flush_ended : NULL;
    fs_walk_alone(r);
    fs_pending_take(r);
    r->answers_failure = closing && !r->file;
    fs_request_change(r, &op, 1, given_up);
}

bool fs_locks_flush(fuse_req_t req, uint64_t ino, struct fuse_file_info *fi)
{
    struct fs_handle *handle = fs_handle_of(fi);
    const struct fs_lock *held = fs_lock_find(handle->file, fi->lock_owner, false);
    if (!held || !held->held)
        return false;
    const struct tree_lock all = {.ino = ino, .owner = fi->lock_owner, .last = LOCK_LAST_MAX};
    give_up(req, handle, &all, true);
    return true;
}

static void unlock(fuse_req_t req, struct fuse_file_info *fi, const struct tree_lock *lock)
{
    struct fs_handle *handle = fs_handle_of(fi);
    const struct fs_lock *held = fs_lock_find(handle->file, lock->owner, lock->flock);
    if (held && held->held)
        give_up(req, handle, lock, false);
    else
        fuse_reply_err(req, 0);
}

/* ---- Operations ---- */

void fs_setlk(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi, struct flock *lock,
              int sleep)
{
    struct tree_lock want = lock_asked_for(req, ino, fi, lock);
    if (lock->l_type == F_UNLCK)
        unlock(req, fi, &want);
    else
        lock_begin(req, fi, want, sleep);
}

void fs_flock(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi, int op)
{
    const struct flock whole = {.l_type = op & LOCK_SH ? F_RDLCK : F_WRLCK};
    struct tree_lock want = lock_asked_for(req, ino, fi, &whole);
    want.flock = true;
    if (op & LOCK_UN)
        unlock(req, fi, &want);
    else
        lock_begin(req, fi, want, !(op & LOCK_NB));
}

static void conflict_read(struct fs_request *r, struct tree *tree)
{
    struct flock lock = {.l_type = F_UNLCK};
    struct tree_lock found;
    int status = tree_lock_conflict(tree, &r->lock, &found);
    if (status < 0) {
        fs_reply_error(r, status);
        return;
    }
    if (status > 0) {
        lock.l_type = found.shared ? F_RDLCK : F_WRLCK;
        lock.l_start = (off_t)found.first;
        lock.l_len = found.last == LOCK_LAST_MAX ? 0 : (off_t)(found.last - found.first + 1);
        /* A process of another node has no number here. */
        lock.l_pid = found.node == r->lock.node ? (pid_t)found.pid : 0;
    }
    fuse_reply_lock(r->req, &lock);
}

void fs_getlk(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi, struct flock *lock)
{
    if (fs_is_virtual(ino) || fs_mark(ino) != 0) {
        fuse_reply_err(req, ENOLCK);
        return;
    }
    struct fs_request *r = fs_request_new(req, ino, NULL);
    if (!r)
        return;
    r->lock = lock_asked_for(req, ino, fi, lock);
    r->is_lock = true;
    fs_walk_alone(r);
    fs_request_read(r, conflict_read);
}
