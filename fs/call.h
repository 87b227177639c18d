/* Private to the room: system calls that take long, and how long they may go on.
 *
 * For one system call the kernel sends several requests: one for each name of the path, and one for
 * the operation itself. All of them together have the time of one request. But the kernel does not
 * tell which requests belong to one call. A request counts as belonging to the same call as the one
 * before it if
 *
 *   - it comes from the same thread, soon after that one was answered
 *   - that answer was a step, after which a call can go on
 *   - /proc showed the thread in the same call before the answer, with the same arguments and stack
 *   - it goes on where the step has led, or changes something, which is the end of a call, or takes
 *     one of a few turns: to the second path of a rename(2), behind a symbolic link, to `..`
 *
 * The last rule is for programs that make the same call again and again at the same place: only a
 * few of these calls can be mistaken for one, which matters when each takes a good part of the
 * timeout.
 *
 * The pieces of a large read(2), write(2) or getdents(2) are not steps: each brings the call nearer
 * to its end, and if one fails the call returns the part that it has. So each has the whole time.
 *
 * Thread: the loop's. */
#ifndef QUORUMFS_FS_CALL_H
#define QUORUMFS_FS_CALL_H

#include "fs/process.h"

struct fs;
struct fs_request;

enum {
    FS_CALL_SLOW_MS = 100,   /* a call that has waited for less is not looked up in /proc */
    FS_CALL_PAUSE_MS = 1000, /* of a call, from an answer to its next request */
    FS_CALL_TURNS_MAX = 4,   /* for each path of the call */
    FS_CALL_LOOKS_MAX = 20,
    FS_CALL_LOOK_AGAIN_US = 500,
    FS_CALLS_MAX = 1024,
};

/* How far a call has come. */
struct fs_walk {
    uint64_t began_ms;
    uint64_t at;  /* the inode of the last answer; 0: there was no such name, or it is not known */
    bool by_name; /* the last answer was that to a LOOKUP */
    uint32_t turns;
    bool failed; /* the call is over, unless the kernel asks for the same once more */
};

/* A call that has waited for long and may go on. */
struct fs_call {
    pid_t tid; /* 0: none */
    struct fs_syscall syscall;
    struct fs_walk walk;
    uint64_t answered_ms;
};

struct fs_calls {
    struct fs_call slots[FS_CALLS_MAX]; /* by thread; a newer call replaces an older one */
};

/* Called when the replica is about to be asked. Sets r->walk, unless it is set: to the walk of the
 * call that goes on with this request, or to a new one. May block for FS_CALL_LOOKS_MAX *
 * FS_CALL_LOOK_AGAIN_US, while the thread is on its way into the kernel. */
void fs_call_asks(struct fs_request *r);
/* Says that the request is the only one of its call, such as close(2). Must be called for the
 * requests with which execve(2) closes files: until they are answered the kernel holds a lock that
 * reading /proc of the thread would wait for. */
void fs_call_alone(struct fs_request *r);
/* Called right before an answer after which the call may go on: at this inode, or anywhere if 0. */
void fs_call_steps(struct fs_request *r, uint64_t at);
/* Called right before a LOOKUP is answered with an error. The kernel then forgets a name that it
 * knows and looks it up again as a new one. */
void fs_call_fails(struct fs_request *r);
/* The time by which the call has to be over. */
uint64_t fs_call_deadline_ms(const struct fs_request *r);

#endif
