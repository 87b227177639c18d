#include "fs/call.h"

#include "fs/request.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

static struct fs_call *slot_of(struct fs_request *r)
{
    return &r->fs->calls.slots[(uint32_t)fuse_req_ctx(r->req)->pid % FS_CALLS_MAX];
}

/* The thread has just sent its request and may still be on its way to sleep, so this looks again
 * for a while. */
static bool is_in(pid_t tid, const struct fs_syscall *expected)
{
    struct fs_syscall now;
    int status = fs_process_syscall(tid, &now);
    for (int i = 1; status == -EAGAIN && i < FS_CALL_LOOKS_MAX; i++) {
        usleep(FS_CALL_LOOK_AGAIN_US);
        status = fs_process_syscall(tid, &now);
    }
    return status == 0 && memcmp(&now, expected, sizeof now) == 0;
}

/* Whether the request leads elsewhere than the step before it. A change never does: it ends the
 * call, wherever the walk has come to. */
static bool is_turn(const struct fs_call *call, const struct fs_request *r)
{
    bool by_name = r->is_lookup || call->walk.by_name;
    return !r->changed && (call->walk.at != r->ino || !by_name);
}

static bool may_turn(const struct fs_call *call)
{
    uint32_t paths = fs_syscall_has_two_paths(&call->syscall) ? 2 : 1;
    return !call->walk.failed && call->walk.turns < paths * FS_CALL_TURNS_MAX;
}

static bool goes_on(const struct fs_call *call, const struct fs_request *r)
{
    return replica_now_ms() - call->answered_ms < FS_CALL_PAUSE_MS &&
           (!is_turn(call, r) || may_turn(call)) && is_in(call->tid, &call->syscall);
}

void fs_call_alone(struct fs_request *r)
{
    r->walk.began_ms = replica_now_ms();
}

void fs_call_asks(struct fs_request *r)
{
    pid_t tid = fuse_req_ctx(r->req)->pid;
    struct fs_call *call = slot_of(r);
    if (r->walk.began_ms != 0)
        return;
    r->walk.began_ms = replica_now_ms();
    if (tid == 0 || call->tid != tid)
        return;
    if (goes_on(call, r)) {
        r->walk = call->walk;
        r->walk.turns += is_turn(call, r);
    }
    call->tid = 0;
}

/* Remembers a slow call; quick ones must cost nothing. */
static void call_remember(struct fs_request *r, uint64_t at, bool failed)
{
    assert(r->walk.began_ms != 0);
    uint64_t now_ms = replica_now_ms();
    if (now_ms - r->walk.began_ms < FS_CALL_SLOW_MS)
        return;
    struct fs_call call = {
        .tid = fuse_req_ctx(r->req)->pid, .walk = r->walk, .answered_ms = now_ms};
    call.walk.at = at;
    call.walk.by_name = r->is_lookup;
    call.walk.failed = failed;
    if (fs_process_syscall(call.tid, &call.syscall) == 0)
        *slot_of(r) = call;
}

void fs_call_steps(struct fs_request *r, uint64_t at)
{
    call_remember(r, at, false);
}

void fs_call_fails(struct fs_request *r)
{
    if (!r->walk.failed)
        call_remember(r, r->ino, true);
}

uint64_t fs_call_deadline_ms(const struct fs_request *r)
{
    assert(r->walk.began_ms != 0);
    return r->walk.began_ms + r->fs->config->request_timeout_ms;
}
