/* Brings changes to the replica, alone or together with the writes that are pending on their file.
 *
 * Commands of one node can overtake each other when the leader changes. So a file has at most one
 * change under way that takes pending writes along, and what must come after these waits: the bytes
 * of an older write(2) must not come after those of a newer one. */
#include "fs/request.h"

#include "base/trace.h"
#include "fs/ephemeral.h"
#include "fs/special.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { REQUEST_OPS_MAX = 4 };

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

void fs_pending_take(struct fs_request *r)
{
    struct fs_file *file = fs_file_find(&r->fs->files, r->ino);
    assert(!r->file);
    if (!file || (!fs_pending_any(&file->pending) && !file->under_way))
        return;
    r->file = file;
    r->take = ++file->taken;
    r->taken = file->pending;
    file->pending = (struct fs_pending){0};
}

int fs_handle_lost(struct fs_handle *handle)
{
    int error = handle->error;
    handle->error = 0;
    return error;
}

void fs_file_closed(struct fs *fs, struct fs_file *file)
{
    uint64_t ino = file->ino;
    bool held = file->held;
    if (!fs_file_is_over(file))
        return;
    fs_file_free(&fs->files, file);
    fs_gone_closed(fs, ino, held);
}

static void request_over(struct fs_request *r, int error)
{
    struct fs *fs = r->fs;
    if (trace_is_on(TRACE_DEBUG))
        fs_request_trace(r, error == 0 ? "done" : strerror(error));
    fs_pending_clear(&r->taken);
    command_free(&r->command);
    command_free(&r->unfenced);
    free(r);
    fs_one_less(fs);
}

/* The answer to a change tells its own caller of the error; all others hear of it later. */
static void writes_lost(struct fs_request *r, int error)
{
    struct fs_handle *handle;
    LIST_FOREACH(handle, &r->file->handles, entry)
    {
        if (handle->last_taken >= r->take && (r->read || handle != r->handle))
            handle->error = error;
    }
}

/* A read does not fail because of the writes that came before it. */
static void change_fails(struct fs_request *r, int error)
{
    if (r->file)
        writes_lost(r, error);
    if (r->ended)
        r->ended(r, false, NULL);
    if (r->read || r->answers_failure)
        r->changed(r, NULL);
    else
        fuse_reply_err(r->req, error);
    request_over(r, error);
}

static void change_written(void *arg, enum replica_outcome outcome,
                           const struct command_result *result);

static void change_submit(struct fs_request *r)
{
    assert(!r->file || !r->file->under_way);
    if (r->file)
        r->file->under_way = true;
    if (r->command.count > 0) {
        replica_submit_by(r->fs->replica, &r->command, fs_walk_deadline_ms(r), change_written, r);
    } else { /* nothing is left to do: it had to wait for its turn only */
        const struct command_result nothing = {.count = 1, .ops = &(struct op_result){0}};

        change_written(r, REPLICA_DONE, &nothing);
    }
}

/* Called when the change of this file that was under way is over. Those that waited for it may rely
 * on its effect: if it has failed, they fail with the same error. */
static void file_next_turn(struct fs *fs, struct fs_file *file, int error)
{
    bool outermost = !file->in_turn;
    assert(file->under_way);
    file->under_way = false;
    file->in_turn = true;
    struct fs_request *r;
    while (!file->under_way && (r = STAILQ_FIRST(&file->waiting))) {
        STAILQ_REMOVE_HEAD(&file->waiting, next);
        if (error == 0)
            change_submit(r);
        else
            change_fails(r, error);
    }
    if (outermost) {
        file->in_turn = false;
        fs_file_closed(fs, file);
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
    return r->is_lock ? ENOLCK : error_of_outcome(outcome);
}

/* The session has ended within which the change was to take effect. Returns whether it is made once
 * more, since its caller has not relied on a lock. */
static bool change_again(struct fs_request *r, enum replica_outcome outcome,
                         const struct command_result *result)
{
    if (outcome != REPLICA_DONE || result->status != -EOWNERDEAD || r->unfenced.count == 0 ||
        fs_locks_forbid(r))
        return false;
    command_free(&r->command);
    r->command = r->unfenced;
    r->unfenced = (struct command){0};
    replica_submit_by(r->fs->replica, &r->command, fs_walk_deadline_ms(r), change_written, r);
    return true;
}

static void change_written(void *arg, enum replica_outcome outcome,
                           const struct command_result *result)
{
    struct fs_request *r = arg;
    assert(outcome != REPLICA_DONE || result->status != 0 || result->count > 0);
    if (change_again(r, outcome, result))
        return;
    int error = error_of(r, outcome, result);
    if (error == EOWNERDEAD || (error == ESTALE && r->handle && r->handle->binds))
        error = EIO; /* the session has ended, or the bound file was removed */
    if (outcome == REPLICA_DONE && !fs_is_ephemeral(r->ino))
        fs_echo_told(r->fs, result->revision);
    bool happened = error == 0 || outcome == REPLICA_TIMEOUT;
    const struct op_result *last = error == 0 ? &result->ops[result->count - 1] : NULL;
    if (r->file && error != 0)
        writes_lost(r, error);
    if (r->file)
        file_next_turn(r->fs, r->file, error);
    if (r->ended)
        r->ended(r, happened, last);

    if (last || r->read || r->answers_failure)
        r->changed(r, last);
    else if (error == ESTALE && r->if_gone && !fs_file_find(&r->fs->files, r->ino))
        r->if_gone(r, replica_tree(r->fs->replica));
    else
        fs_reply_error(r, -error);
    request_over(r, error);
}

/* ---- Changes that the kernel asks for ---- */

/* Refuses changes of made-up files, and names that a command could not hold. */
static int ops_check(struct fs *fs, const struct op *ops, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        if (fs_is_special(ops[i].ino) || fs_is_special(ops[i].ino2) ||
            !fs_ephemeral_permits(fs, &ops[i]))
            return -EROFS;
        if (ops[i].name.len > NAME_BYTES_MAX || ops[i].name2.len > NAME_BYTES_MAX)
            return -ENAMETOOLONG;
    }
    return 0;
}

/* Makes the command: as it is, and if programs have locks here, behind a fence. */
static int change_command(struct fs_request *r, const struct op *ops, uint32_t count)
{
    uint64_t session = fs_locks_fence(r);
    struct op fence = {.type = OP_FENCE, .revision = session};
    int status = 0;
    if (session != 0)
        status = fs_pending_command(&r->taken, r->ino, ops, count, &r->unfenced);
    if (session != 0 && status == 0 && r->unfenced.count > 0)
        status = command_add(&r->command, &fence);
    return status < 0 ? status : fs_pending_command(&r->taken, r->ino, ops, count, &r->command);
}

void fs_request_change(struct fs_request *r, const struct op *asked, uint32_t count,
                       fs_changed_cb *changed)
{
    struct op ops[REQUEST_OPS_MAX] = {{0}};
    int status = ops_check(r->fs, asked, count);
    assert(count <= REQUEST_OPS_MAX);
    for (uint32_t i = 0; i < count; i++) {
        ops[i] = asked[i];
        ops[i].ino = fs_tree_ino(asked[i].ino);
    }
    r->changed = changed;
    fs_walk_asks(r, ops, count);
    if (status == 0 && fs_locks_forbid(r))
        status = -EIO;
    if (status == 0)
        status = change_command(r, ops, count);
    r->fs->waiting++;
    if (status < 0)
        change_fails(r, -status);
    else if (r->file && r->file->under_way)
        STAILQ_INSERT_TAIL(&r->file->waiting, r, next);
    else
        change_submit(r);
}

/* The gathered writes are decided: now comes the read that had to wait for them. */
static void settled(struct fs_request *done, const struct op_result *result)
{
    struct fs_request *r = fs_request_new(done->req, done->ino, NULL);
    if (!r)
        return;
    r->walk_began_ms = done->walk_began_ms;
    r->by_path = done->by_path;
    r->handle = done->handle;
    r->offset = done->offset;
    r->size = done->size;
    r->flags = done->flags;
    fs_request_read(r, done->read);
}

void fs_request_read_settled(struct fs_request *r, fs_read_cb *read)
{
    fs_pending_take(r);
    if (!r->file) {
        fs_request_read(r, read);
        return;
    }
    r->read = read;
    fs_request_change(r, NULL, 0, settled);
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
