/* Private to the room: which requests belong to one system call, as far as the kernel's requests
 * tell.
 *
 * For one system call the kernel sends several requests: one for each name of the path, and one for
 * the operation itself. They share the time of one request. The kernel does not say which requests
 * belong together, but a thread makes one call at a time, and each request goes on where the answer
 * to the one before it has led:
 *
 *   - a name is looked up in the inode that the name before it has given, or anywhere after a
 *     symbolic link, and after ESTALE, which makes the kernel begin again
 *   - attributes are asked for right after the name that has given the inode
 *   - a change concerns that inode, or the directory in which the last name was looked up
 *   - the name whose look-up has just failed is looked up once more
 *
 * Any other request begins anew: behind `..` and in the second path of rename(2) and link(2) as
 * well, and whenever the kernel does not know the thread here (another PID namespace). The pieces
 * of a large read(2), write(2) or getdents(2) begin anew too: each brings the call nearer to its
 * end, and if one fails the call returns the part that it has.
 *
 * Thread: the loop's. */
#ifndef QUORUMFS_FS_WALK_H
#define QUORUMFS_FS_WALK_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct fs_request;
struct op;

enum {
    FS_WALK_PAUSE_MS = 100, /* at most, from an answer to the next request of its call */
    FS_WALKS_MAX = 1024,
};

#define FS_WALK_ANYWHERE UINT64_MAX

/* How far the last call of a thread had come when a request was answered. */
struct fs_walk {
    pid_t tid;         /* 0: the kernel does not know it */
    uint64_t began_ms; /* when the replica was first asked; 0: there is no such call */
    uint64_t answered_ms;
    uint64_t at;     /* the inode of the answer, FS_WALK_ANYWHERE, or 0: none */
    uint64_t parent; /* of a LOOKUP: the directory; 0: it was another request */
    bool failed;     /* it was a LOOKUP, and had no answer */
    uint32_t name;   /* then: which one */
};

struct fs_walks {
    struct fs_walk slots[FS_WALKS_MAX]; /* by thread; a newer call replaces an older one */
};

/* Called when the replica is about to be asked, with the operations of a change. Sets
 * r->walk_began_ms unless it is set, and r->by_path. */
void fs_walk_asks(struct fs_request *r, const struct op *ops, uint32_t count);
/* Says that the request is the first of its call, whatever came before, such as write(2). */
void fs_walk_alone(struct fs_request *r);
/* Called right before an answer after which the call may go on, with a place as in `at`. */
void fs_walk_steps(struct fs_request *r, uint64_t at);
/* Called right before a LOOKUP is answered with an error. The kernel then forgets a name that it
 * knows and looks it up again as a new one. */
void fs_walk_fails(struct fs_request *r);
/* The time by which the call has to be over. */
uint64_t fs_walk_deadline_ms(const struct fs_request *r);

#endif
