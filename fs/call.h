/* Private to the room: system calls that take long, and how long they may go on.
 *
 * The kernel walks a path by one request for each name, and then does what was asked for by
 * another. All of them together have the time of one. But it does not tell which requests are of
 * one call: a request belongs to the same call as the one before it if
 *
 *   - it comes from the same thread, soon after that was answered
 *   - the answer was a step, after which a call can go on
 *   - before the answer /proc showed the thread in the same call, with the same arguments and stack
 *   - it goes on where the step has led, or changes something, which is the end of a call, or takes
 *     one of a few turns: to the second path of a rename(2), behind a symbolic link, to `..`
 *
 * The last one is for programs that make one call again and again at the same place: only a few of
 * these can be taken for one, which matters when each takes a good part of the timeout.
 *
 * What a large read(2), write(2) or getdents(2) asks for in pieces is no step: each piece brings it
 * nearer to its end, and where one fails it returns what it has. So each has the whole time.
 *
 * Thread: the loop's. */
#ifndef QUORUMFS_FS_CALL_H
#define QUORUMFS_FS_CALL_H

#include "fs/process.h"

struct fs;
struct fs_request;

enum {
    FS_CALL_SLOW_MS = 100,   /* that a call waits before it is looked at in /proc */
    FS_CALL_PAUSE_MS = 1000, /* of a call between an answer and its next request, at the most */
    FS_CALL_TURNS_MAX = 4,   /* for each path */
    FS_CALL_LOOKS_MAX = 20,
    FS_CALL_LOOK_AGAIN_US = 500,
    FS_CALLS_MAX = 1024,
};

/* How far a call has come. */
struct fs_walk {
    uint64_t began_ms;
    uint64_t at;  /* the inode of the last answer; 0: there is no such name, or it is not known */
    bool by_name; /* it was that to a LOOKUP */
    uint32_t turns;
    bool failed; /* and is over, unless the same is asked once more */
};

/* One that has waited for long and may go on. */
struct fs_call {
    pid_t tid; /* 0: none */
    struct fs_syscall syscall;
    struct fs_walk walk;
    uint64_t answered_ms;
};

struct fs_calls {
    struct fs_call slots[FS_CALLS_MAX]; /* by thread; the newer one takes the place */
};

/* The request is asked now: sets r->walk, unless it is set, to that of the call that goes on with
 * it, or to a new one. Looks for at most FS_CALL_LOOKS_MAX * FS_CALL_LOOK_AGAIN_US at a thread that
 * is not at rest yet. */
void fs_call_asks(struct fs_request *r);
/* The request is a call's only one, of close(2) say. It has to be said of those that execve(2)
 * makes when it closes files: the kernel locks what /proc shows of the thread until they are
 * answered, and who looks waits for that. */
void fs_call_alone(struct fs_request *r);
/* Right before the answer, after which the call may go on: at this inode, or anywhere if 0. */
void fs_call_steps(struct fs_request *r, uint64_t at);
/* Right before a LOOKUP is answered with an error. A name that the kernel knows is then forgotten,
 * and looked up again as a new one. */
void fs_call_fails(struct fs_request *r);
/* When the call has to be over. */
uint64_t fs_call_deadline_ms(const struct fs_request *r);

#endif
