/* Brings changes to the replica, alone or together with those that are pending on their handle.
 *
 * Commands of one node can overtake each other when the leader changes. So a handle has at most one
 * change under way that takes pending ones along: the bytes of an older write(2) must not come
 * after those of a newer one. */
#include "fs/request.h"

#include "base/trace.h"
#include "fs/special.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Only EIO leaves open whether the change has happened. */
static int error_of_outcome(enum replica_outcome outcome)
{
    switch (outcome) {
    case REPLICA_NO_QUORUM:
    case REPLICA_STOPPING:
        return EROFS;
    case REPLICA_BUSY:
        return EBUSY;
    case REPLICA_UNSUPPORTED:
        return EOPNOTSUPP;
    case REPLICA_FULL:
        return ENOSPC;
    default:
        return EIO;
    }
}

/* ---- One after the other ---- */

bool fs_must_settle(const struct fs_handle *handle)
{
    return fs_pending_any(&handle->pending) || handle->under_way;
}

void fs_pending_take(struct fs_request *r)
{
    assert(r->handle && !fs_pending_any(&r->taken));
    r->in_order = true;
    r->taken = r->handle->pending;
    r->handle->pending = (struct fs_pending){0};
}

static void request_over(struct fs_request *r, int error)
{
    struct fs *fs = r->fs;
    if (trace_is_on(TRACE_DEBUG))
        fs_request_trace(r, error == 0 ? "done" : strerror(error));
    fs_pending_clear(&r->taken);
    command_free(&r->command);
    free(r);
    fs_one_less(fs);
}

/* For a change that has certainly not happened: its truncation pends again. Gathered writes do not,
 * since the caller's error has told of them (fs_pending_take). */
static void untake(struct fs_request *r)
{
    if (r->taken.truncation) {
        r->handle->pending.truncation = true;
        r->handle->pending.truncation_flags = r->taken.truncation_flags;
        r->handle->pending.truncation_outsider = r->taken.truncation_outsider;
    }
}

static void change_written(void *arg, enum replica_outcome outcome,
                           const struct command_result *result);

static void change_submit(struct fs_request *r)
{
    assert(!r->in_order || !r->handle->under_way);
    if (r->in_order)
        r->handle->under_way = true;
    if (r->command.count > 0) {
        replica_submit_by(r->fs->replica, &r->command, fs_call_deadline_ms(r), change_written, r);
    } else { /* nothing is left to do: it had to wait for its turn only */
        const struct command_result nothing = {.count = 1, .ops = &(struct op_result){0}};

        change_written(r, REPLICA_DONE, &nothing);
    }
}

/* Called when the change of this handle that was under way is over. Those that waited for it may
 * rely on its effect: if it has failed, they fail with the same error. */
static void handle_next_turn(struct fs_handle *handle, int error)
{
    assert(handle->under_way);
    handle->under_way = false;
    struct fs_request *r;
    while (!handle->under_way && (r = STAILQ_FIRST(&handle->waiting))) {
        STAILQ_REMOVE_HEAD(&handle->waiting, next);
        if (error == 0) {
            change_submit(r);
            continue;
        }
        untake(r);
        if (r->ended)
            r->ended(r, false, NULL);
        fuse_reply_err(r->req, error);
        request_over(r, error);
    }
}

/* The error number cannot name the member that has to be upgraded, so the log does. */
static void warn_unsupported(const struct fs_request *r)
{
    char why[REPLICA_TEXT_MAX];
    replica_unsupported(r->fs->replica, why);
    trace_warn("fs", "a change of inode %llu: %s: %s", (unsigned long long)r->ino,
               replica_outcome_text(REPLICA_UNSUPPORTED), why);
}

static int error_of(const struct fs_request *r, enum replica_outcome outcome,
                    const struct command_result *result)
{
    if (outcome == REPLICA_DONE)
        return -result->status;
    if (outcome == REPLICA_UNSUPPORTED)
        warn_unsupported(r);
    else
        trace_info("fs", "a change of inode %llu: %s", (unsigned long long)r->ino,
                   replica_outcome_text(outcome));
    return error_of_outcome(outcome);
}

static void change_written(void *arg, enum replica_outcome outcome,
                           const struct command_result *result)
{
    struct fs_request *r = arg;
    assert(outcome != REPLICA_DONE || result->status != 0 || result->count > 0);
    int error = error_of(r, outcome, result);
    bool happened = error == 0 || outcome == REPLICA_TIMEOUT;
    const struct op_result *last = error == 0 ? &result->ops[result->count - 1] : NULL;
    struct fs_handle *handle = r->in_order ? r->handle : NULL;
    if (handle && !happened)
        untake(r);
    if (handle)
        handle_next_turn(handle, error);
    if (r->ended)
        r->ended(r, happened, last);

    if (last)
        r->changed(r, last);
    else if (error == ESTALE && r->if_gone && !fs_file_find(&r->fs->files, r->ino))
        r->if_gone(r, replica_tree(r->fs->replica));
    else
        fs_reply_error(r, -error);
    request_over(r, error);
}

/* ---- Changes that the kernel asks for ---- */

/* Refuses changes of made-up files, and names that a command could not hold. */
static int ops_check(const struct op *ops, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        if (fs_is_special(ops[i].ino) || fs_is_special(ops[i].ino2))
            return -EROFS;
        if (ops[i].name.len > NAME_BYTES_MAX || ops[i].name2.len > NAME_BYTES_MAX)
            return -ENAMETOOLONG;
    }
    return 0;
}

void fs_request_change(struct fs_request *r, const struct op *ops, uint32_t count,
                       fs_changed_cb *changed)
{
    int status = ops_check(ops, count);
    r->changed = changed;
    fs_call_asks(r);
    if (status == 0)
        status = fs_pending_command(&r->taken, r->ino, ops, count, &r->command);
    r->fs->waiting++;
    if (status < 0) {
        untake(r);
        if (r->ended)
            r->ended(r, false, NULL);
        fuse_reply_err(r->req, -status);
        request_over(r, -status);
    } else if (r->in_order && r->handle->under_way) {
        STAILQ_INSERT_TAIL(&r->handle->waiting, r, next);
    } else {
        change_submit(r);
    }
}

/* ---- Changes without a request ---- */

struct unasked {
    struct fs *fs;
    uint64_t ino;
    fs_unasked_cb *ended;
};

static void unasked_over(void *arg, enum replica_outcome outcome,
                         const struct command_result *result)
{
    struct unasked *u = arg;
    struct fs *fs = u->fs;
    if (u->ended)
        u->ended(fs, u->ino, outcome);
    free(u);
    fs_one_less(fs);
}

void fs_change_unasked(struct fs *fs, uint64_t ino, struct command *command, fs_unasked_cb *ended)
{
    struct unasked *u = command->count > 0 ? malloc(sizeof *u) : NULL;
    if (!u) {
        command_free(command);
        if (ended)
            ended(fs, ino, REPLICA_BUSY);
        return;
    }
    *u = (struct unasked){fs, ino, ended};
    fs->waiting++;
    replica_submit(fs->replica, command, unasked_over, u);
}
