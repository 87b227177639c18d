#include "fs/locks.h"

#include "base/trace.h"
#include "fs/lock_wait.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

enum { AGAIN_MS = 250 };

/* OP_UNLOCK, OP_UNWAIT or OP_EPHEMERAL_END. */
struct fs_undone {
    TAILQ_ENTRY(fs_undone) entry; /* of fs->locks.undone */
    struct fs *fs;
    struct op op;
    bool under_way;
};

static void locks_on_tick(uv_timer_t *timer);

/* ---- What owners have ---- */

struct fs_lock *fs_lock_find(const struct fs_file *file, uint64_t owner, bool flock)
{
    struct fs_lock *lock;
    LIST_FOREACH(lock, &file->locks, entry)
    {
        if (lock->owner == owner && lock->flock == flock)
            return lock;
    }
    return NULL;
}

/* It is asked for by this handle. NULL: out of memory. */
static struct fs_lock *lock_make(struct fs_handle *handle, uint64_t owner, bool flock)
{
    struct fs_lock *lock = fs_lock_find(handle->file, owner, flock);
    if (!lock) {
        lock = calloc(1, sizeof *lock);
        if (!lock)
            return NULL;
        lock->owner = owner;
        lock->flock = flock;
        LIST_INSERT_HEAD(&handle->file->locks, lock, entry);
    }
    lock->handle = handle;
    return lock;
}

void fs_locks_hold(struct fs *fs, uint64_t session)
{
    fs->locks.held++;
    fs->locks.session = session;
}

void fs_locks_let_go(struct fs *fs)
{
    assert(fs->locks.held > 0);
    if (--fs->locks.held == 0)
        fs->locks.session = 0;
}

static void lock_hold(struct fs *fs, struct fs_lock *lock, uint64_t session)
{
    if (!lock->held)
        fs_locks_hold(fs, session);
    lock->held = true;
    fs->locks.session = session;
}

static void lock_drop(struct fs *fs, struct fs_lock *lock)
{
    if (lock->held)
        fs_locks_let_go(fs);
    lock->held = false;
    if (lock->asked > 0)
        return;
    LIST_REMOVE(lock, entry);
    free(lock);
}

/* ---- Requests ---- */

struct fs_lock_wait *fs_lock_wait_new(fuse_req_t req, struct fs_handle *handle,
                                      const struct tree_lock *want, bool sleeps)
{
    struct fs *fs = fs_of(req);
    struct fs_lock_wait *w = calloc(1, sizeof *w);
    struct fs_lock *lock = w ? lock_make(handle, want->owner, want->flock) : NULL;
    if (!lock) {
        free(w);
        return NULL;
    }
    lock->asked++;
    *w = (struct fs_lock_wait){
        .fs = fs, .req = req, .file = handle->file, .lock = lock, .want = *want, .sleeps = sleeps};
    w->want.waiter = ++fs->locks.last_waiter;
    TAILQ_INSERT_TAIL(&fs->locks.waits, w, entry);
    return w;
}

static void wait_set(struct fs_lock_wait *w, bool waiting)
{
    if (w->waiting != waiting)
        replica_lock_awaited(w->fs->replica, waiting);
    w->waiting = waiting;
}

/* The request is over; the caller has seen to the lock. */
static void wait_free(struct fs_lock_wait *w)
{
    wait_set(w, false);
    TAILQ_REMOVE(&w->fs->locks.waits, w, entry);
    assert(w->lock->asked > 0);
    w->lock->asked--;
    if (!w->lock->held)
        lock_drop(w->fs, w->lock);
    free(w);
}

void fs_lock_answer(struct fs_lock_wait *w, int error)
{
    fuse_req_interrupt_func(w->req, NULL, NULL);
    fuse_reply_err(w->req, error);
    wait_free(w);
}

void fs_lock_granted(struct fs_lock_wait *w, uint64_t session)
{
    lock_hold(w->fs, w->lock, session);
    fs_lock_answer(w, 0);
}

/* Its owner may have a lock then that it does not know of. It is given up when a descriptor is
 * closed, like any other: giving it up now could take what the owner had before. */
static void wait_unknown(struct fs_lock_wait *w)
{
    lock_hold(w->fs, w->lock, w->fs->locks.session);
    if (w->sleeps)
        fs_lock_unwait_later(w->fs, &w->want);
}

void fs_lock_failed(struct fs_lock_wait *w, bool unknown)
{
    if (unknown)
        wait_unknown(w);
    wait_free(w);
}

static struct fs_lock_wait *wait_find(struct fs *fs, uint64_t waiter)
{
    struct fs_lock_wait *w;
    TAILQ_FOREACH(w, &fs->locks.waits, entry)
    {
        if (w->want.waiter == waiter)
            return w;
    }
    return NULL;
}

/* ---- Interruption ---- */

struct taking_back {
    struct fs *fs;
    struct tree_lock want;
};

/* Unless it was granted meanwhile, which its answer has told. */
static void taken_back(void *arg, enum replica_outcome outcome, const struct command_result *result)
{
    struct taking_back *t = arg;
    struct fs *fs = t->fs;
    struct fs_lock_wait *w = wait_find(fs, t->want.waiter);
    if (w && outcome != REPLICA_DONE)
        wait_unknown(w);
    if (w)
        fs_lock_answer(w, EINTR);
    free(t);
    fs_one_less(fs);
}

static void take_back(struct fs_lock_wait *w)
{
    struct command command = {0};
    struct taking_back *t = malloc(sizeof *t);
    const struct op op = fs_lock_op(OP_UNWAIT, &w->want);
    if (w->taking_back || !t || command_add(&command, &op) < 0) {
        command_free(&command);
        free(t); /* the next signal, or the grant, ends it */
        return;
    }
    w->taking_back = true;
    *t = (struct taking_back){w->fs, w->want};
    w->fs->waiting++;
    replica_submit(w->fs->replica, &command, taken_back, t);
}

static void wait_on_interrupt(fuse_req_t req, void *arg)
{
    struct fs_lock_wait *w = arg;
    w->interrupted = true;
    if (w->waiting)
        take_back(w);
}

/* The mount goes away. The kernel makes ERESTARTSYS of EINTR, which a program without a signal
 * would get to see. */
static void wait_end(struct fs_lock_wait *w)
{
    fs_lock_answer(w, w->interrupted ? EINTR : EIO);
}

/* It has lost its place only. */
static void ask_again(struct fs_lock_wait *w)
{
    wait_set(w, false);
    w->taking_back = false;
    fuse_req_interrupt_func(w->req, NULL, NULL);
    if (w->interrupted) {
        fs_lock_answer(w, EINTR);
        return;
    }
    w->want.waiter = ++w->fs->locks.last_waiter;
    fs_lock_ask(w);
}

/* Does as the tree says of one that waits. Returns whether it waits no longer. */
static bool wait_follow_tree(struct fs_lock_wait *w)
{
    struct tree *tree = replica_tree(w->fs->replica);
    int state = tree_lock_state(tree, &w->want);
    if (state == LOCK_GRANTED)
        fs_lock_granted(w, tree_lock_session(tree, w->want.node));
    else if (state == LOCK_BUSY)
        ask_again(w);
    return state == LOCK_GRANTED || state == LOCK_BUSY;
}

/* The answer may be an old one, behind which a snapshot lies that has lost the lock again. The
 * program does not rely on it yet, and nothing would tell the program later. */
void fs_lock_taken(struct fs_lock_wait *w, uint64_t session)
{
    bool stands = tree_lock_session(replica_tree(w->fs->replica), w->want.node) == session;
    if (stands)
        fs_lock_granted(w, session);
    else
        ask_again(w);
}

/* libfuse calls back at once if the interruption came first. */
void fs_lock_waits(struct fs_lock_wait *w)
{
    assert(w->sleeps && !w->waiting);
    if (w->fs->stopping) {
        wait_end(w);
        return;
    }
    wait_set(w, true);
    if (!wait_follow_tree(w)) /* the result may be an old one, behind which a snapshot lies */
        fuse_req_interrupt_func(w->req, wait_on_interrupt, w);
}

/* ---- Giving up ---- */

void fs_lock_given_up(struct fs_request *r)
{
    struct fs_file *file = fs_file_find(&r->fs->files, r->ino);
    struct fs_lock *lock = file ? fs_lock_find(file, r->lock.owner, r->lock.flock) : NULL;
    struct tree_lock all = r->lock;
    all.node = replica_node(r->fs->replica);
    all.first = 0;
    all.last = LOCK_LAST_MAX;
    if (lock && lock->held && !tree_lock_any(replica_tree(r->fs->replica), &all))
        lock_drop(r->fs, lock);
}

static bool concerns(const struct fs_undone *u, const struct fs_lock_wait *w)
{
    bool flock = u->op.flags & OP_LOCK_FLOCK;
    return u->op.type == OP_UNLOCK && u->op.ino == w->want.ino && u->op.owner == w->want.owner &&
           flock == w->want.flock;
}

/* The kernel uses the number of an owner again. An attempt that is not under way is dropped: the
 * lock that it was to give up belongs to the new owner then, until a descriptor is closed. */
bool fs_lock_must_wait(struct fs_lock_wait *w)
{
    struct fs_undone *u, *next;
    w->delayed = false;
    for (u = TAILQ_FIRST(&w->fs->locks.undone); u; u = next) {
        next = TAILQ_NEXT(u, entry);
        if (!concerns(u, w))
            continue;
        w->delayed |= u->under_way;
        if (u->under_way)
            continue;
        TAILQ_REMOVE(&w->fs->locks.undone, u, entry);
        free(u);
        lock_hold(w->fs, w->lock, w->fs->locks.session);
    }
    return w->delayed;
}

static void ask_delayed(struct fs *fs)
{
    struct fs_lock_wait *w, *next;
    for (w = TAILQ_FIRST(&fs->locks.waits); w; w = next) {
        next = TAILQ_NEXT(w, entry);
        if (w->delayed && fs->stopping)
            wait_end(w);
        else if (w->delayed)
            fs_lock_ask(w);
    }
}

static void undone_done(void *arg, enum replica_outcome outcome,
                        const struct command_result *result)
{
    struct fs_undone *u = arg;
    struct fs *fs = u->fs;
    u->under_way = false;
    if (outcome == REPLICA_DONE || fs->stopping) {
        TAILQ_REMOVE(&fs->locks.undone, u, entry);
        free(u);
    } else if (!uv_is_active((uv_handle_t *)&fs->locks.timer)) {
        uv_timer_start(&fs->locks.timer, locks_on_tick, AGAIN_MS, AGAIN_MS);
    }
    ask_delayed(fs);
    fs_one_less(fs);
}

static void undone_try(struct fs_undone *u)
{
    struct command command = {0};
    u->under_way = true;
    u->fs->waiting++;
    if (command_add(&command, &u->op) == 0) {
        replica_submit(u->fs->replica, &command, undone_done, u);
        return;
    }
    command_free(&command);
    undone_done(u, REPLICA_BUSY, NULL);
}

static void locks_on_tick(uv_timer_t *timer)
{
    struct fs *fs = timer->data;
    struct fs_undone *u, *next;
    if (replica_refuses_writes(fs->replica))
        return;
    for (u = TAILQ_FIRST(&fs->locks.undone); u; u = next) {
        next = TAILQ_NEXT(u, entry);
        if (!u->under_way)
            undone_try(u);
    }
    if (TAILQ_EMPTY(&fs->locks.undone))
        uv_timer_stop(timer);
}

void fs_undone_add(struct fs *fs, const struct op *op)
{
    struct fs_undone *u = malloc(sizeof *u);
    if (!u) {
        trace_warn("fs",
                   "out of memory: a lock of inode %llu, or itself if it is ephemeral, stays until "
                   "this node restarts",
                   (unsigned long long)op->ino);
        return;
    }
    *u = (struct fs_undone){.fs = fs, .op = *op};
    TAILQ_INSERT_TAIL(&fs->locks.undone, u, entry);
    undone_try(u);
}

void fs_lock_give_up_later(struct fs *fs, const struct tree_lock *lock)
{
    struct op op = fs_lock_op(OP_UNLOCK, lock);
    fs_undone_add(fs, &op);
}

void fs_lock_unwait_later(struct fs *fs, const struct tree_lock *lock)
{
    struct op op = fs_lock_op(OP_UNWAIT, lock);
    fs_undone_add(fs, &op);
}

void fs_locks_release(struct fs *fs, struct fs_handle *handle)
{
    struct fs_lock *lock, *next;
    for (lock = LIST_FIRST(&handle->file->locks); lock; lock = next) {
        next = LIST_NEXT(lock, entry);
        if (lock->handle != handle)
            continue;
        assert(lock->asked == 0 || fs->stopping);
        if (lock->held)
            fs_lock_give_up_later(fs, &(struct tree_lock){.ino = handle->file->ino,
                                                          .owner = lock->owner,
                                                          .flock = lock->flock,
                                                          .last = LOCK_LAST_MAX});
        lock_drop(fs, lock);
    }
    if (handle->lost) {
        assert(fs->locks.lost > 0);
        if (--fs->locks.lost == 0)
            replica_locks_lost(fs->replica, false);
    }
}

/* ---- The session ends ---- */

static void lose_handles_of(struct fs *fs, struct fs_file *file)
{
    struct fs_handle *handle;
    LIST_FOREACH(handle, &file->handles, entry)
    {
        if (!handle->binds || handle->lost)
            continue;
        fs->locks.lost++;
        handle->lost = true;
        fs_locks_let_go(fs);
    }
}

static void lose_locks_of(struct fs *fs, struct fs_file *file)
{
    struct fs_lock *lock, *next;
    for (lock = LIST_FIRST(&file->locks); lock; lock = next) {
        next = LIST_NEXT(lock, entry);
        if (!lock->held)
            continue;
        if (!lock->handle->lost)
            fs->locks.lost++;
        lock->handle->lost = true;
        lock_drop(fs, lock);
    }
}

static void lose_all(struct fs *fs)
{
    struct fs_file *file;
    if (fs->locks.held == 0)
        return;
    trace_warn("fs", "this node was not heard for too long: the locks and ephemeral files of its "
                     "programs are lost");
    for (int i = 0; i < FS_FILES_BUCKETS; i++) {
        LIST_FOREACH(file, &fs->files.buckets[i], entry)
        {
            lose_handles_of(fs, file);
            lose_locks_of(fs, file);
        }
    }
    replica_locks_lost(fs->replica, true);
}

static void waits_follow_tree(struct fs *fs)
{
    struct fs_lock_wait *w, *next;
    for (w = TAILQ_FIRST(&fs->locks.waits); w; w = next) {
        next = TAILQ_NEXT(w, entry);
        if (w->waiting)
            wait_follow_tree(w);
    }
}

static void locks_on_changed(void *arg, const struct tree_changes *changes)
{
    struct fs *fs = arg;
    uint32_t me = replica_node(fs->replica);
    for (uint32_t i = 0; i < changes->count; i++) {
        const struct tree_change *change = &changes->list[i];
        if (change->kind < CHANGE_LOCK_GRANTED || change->node != me)
            continue;
        if (change->kind == CHANGE_SESSION_ENDED) {
            lose_all(fs);
            waits_follow_tree(fs);
            continue;
        }
        if (change->kind == CHANGE_EPHEMERAL) {
            fs_ephemeral_made(fs, change->ino, change->waiter);
            continue;
        }
        struct fs_lock_wait *w = wait_find(fs, change->waiter);
        if (w && change->kind == CHANGE_LOCK_GONE)
            fs_lock_answer(w, ESTALE);
        else if (w)
            fs_lock_granted(w, tree_lock_session(replica_tree(fs->replica), me));
    }
}

/* A snapshot took the tree's place. */
static void locks_on_replaced(void *arg, uint64_t index)
{
    struct fs *fs = arg;
    uint64_t session = tree_lock_session(replica_tree(fs->replica), replica_node(fs->replica));
    if (fs->locks.held > 0 && session != fs->locks.session)
        lose_all(fs);
    waits_follow_tree(fs);
    fs_ephemeral_replaced(fs);
}

/* ---- The mount ---- */

void fs_locks_start(struct fs *fs, uv_loop_t *loop)
{
    struct fs_locks *locks = &fs->locks;
    TAILQ_INIT(&locks->waits);
    TAILQ_INIT(&locks->undone);
    uv_timer_init(loop, &locks->timer);
    locks->timer.data = fs;
    locks->observer = (struct replica_observer){
        .changed = locks_on_changed, .replaced = locks_on_replaced, .locks_only = true, .arg = fs};
    replica_observe(fs->replica, &locks->observer);
}

/* The descriptors of the mount's programs are of no use any more, nor are their locks. */
static void end_session(struct fs *fs)
{
    struct command command = {0};
    uint32_t me = replica_node(fs->replica);
    uint64_t number = me ? tree_lock_session(replica_tree(fs->replica), me) : 0;
    if (number == 0)
        return;
    command_add(&command, &(struct op){.type = OP_END_SESSION, .size = me, .revision = number});
    fs_change_unasked(fs, INO_ROOT, &command, NULL);
}

void fs_locks_stop(struct fs *fs)
{
    struct fs_locks *locks = &fs->locks;
    struct fs_lock_wait *w, *next;
    struct fs_undone *u, *after;
    uv_timer_stop(&locks->timer);
    for (w = TAILQ_FIRST(&locks->waits); w; w = next) {
        next = TAILQ_NEXT(w, entry);
        if (w->waiting || w->delayed)
            wait_end(w);
    }
    for (u = TAILQ_FIRST(&locks->undone); u; u = after) {
        after = TAILQ_NEXT(u, entry);
        if (u->under_way)
            continue;
        TAILQ_REMOVE(&locks->undone, u, entry);
        free(u);
    }
    end_session(fs);
    replica_observe_end(fs->replica, &locks->observer);
}
