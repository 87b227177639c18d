/* Private to the room: a request of the kernel that waits for the replica.
 *
 * Every request is answered: the replica calls back within what is left of the time of its system
 * call (call.h), and at once without a quorum. That is why interruptions are not acted upon: the
 * kernel reports every signal, also those that the program handles and goes on from, and no program
 * expects EINTR of stat(2).
 *
 * Thread: the loop's. */
#ifndef QUORUMFS_FS_REQUEST_H
#define QUORUMFS_FS_REQUEST_H

#include "fs/session.h"

struct fs_request;

/* The tree can be read now. Answers the request. */
typedef void fs_read_cb(struct fs_request *r, struct tree *tree);
/* The change is decided and applied; `result` is that of its last operation. Answers the request.
 */
typedef void fs_changed_cb(struct fs_request *r, const struct op_result *result);
/* The change is over, before the answer. `happened` is false when nothing has happened for certain;
 * `result` is that of the last operation, NULL where it is not known. */
typedef void fs_ended_cb(struct fs_request *r, bool happened, const struct op_result *result);

struct fs_request {
    struct fs *fs;
    fuse_req_t req;
    struct fs_operation operation; /* for the log */
    uint64_t began_ms;             /* of the loop's clock */
    uint64_t ino;                  /* as the kernel knows it */
    struct fs_walk walk;           /* of the system call that it is part of */
    fs_read_cb *read;
    fs_changed_cb *changed;
    fs_ended_cb *ended;  /* NULL, or to be called besides */
    fs_read_cb *if_gone; /* NULL, or answers a change of an inode that is gone and not open: as
                            if it had been made right before, which nobody can tell */
    bool is_lookup;
    bool look_again;          /* EEXIST becomes ESTALE: names.c, create */
    bool here;                /* a read that need not ask the cluster */
    bool local_will_do;       /* a read that rather takes what this node last knew than fails */
    struct fs_handle *handle; /* NULL: by inode only */
    bool in_order;            /* a change that comes after those of its handle that are under way */
    struct fs_pending taken;  /* what was pending there, and goes along */
    struct command command;
    STAILQ_ENTRY(fs_request) next; /* of the handle's waiting */
    uint64_t offset;
    size_t size;
    int flags;
    uint64_t hold; /* a removal: the inode that is open here */
    char name[];
};

/* A request about an inode, and a name or NULL. Returns NULL when it was answered with an error. */
struct fs_request *fs_request_new(fuse_req_t req, uint64_t ino, const char *name);
/* Both take the request and free it when it is answered. `ops` is copied; there may be none if
 * something is taken along. */
void fs_request_read(struct fs_request *r, fs_read_cb *read);
void fs_request_change(struct fs_request *r, const struct op *ops, uint32_t count,
                       fs_changed_cb *changed);

/* For the log: `outcome` says how it ended. */
void fs_request_trace(const struct fs_request *r, const char *outcome);

/* What is pending on the handle, or under way, has to be decided before a change through it. */
bool fs_must_settle(const struct fs_handle *handle);
/* The change takes along what is pending on r->handle. If it fails, the caller's error says so for
 * the gathered writes too, and they are dropped; so do changes that wait behind it. A truncation
 * comes back if the change is certainly not made. */
void fs_pending_take(struct fs_request *r);

/* OP_KILL_PRIV, or 0 for somebody who may leave setuid and setgid bits as they are. */
uint32_t fs_kill_priv(fuse_req_t req);

/* Answers, in a callback. `status` is a negative errno. */
void fs_reply_error(struct fs_request *r, int status);
void fs_reply_ok(struct fs_request *r, const struct op_result *result);
void fs_reply_entry(struct fs_request *r, const struct attr *attr);
/* Success, if the inode is there: an fs_read_cb. */
void fs_reply_there(struct fs_request *r, struct tree *tree);
/* scratch, as a value that the caller has `size` bytes for; size 0 asks for its length. */
void fs_reply_sized(struct fs_request *r);
/* scratch, as it is. */
void fs_reply_scratch(struct fs_request *r);

/* As stat(2) has it. `mark` goes into the inode number (special.h). */
void fs_stat_of(const struct attr *attr, uint64_t mark, struct stat *stat);
/* For who looks through this handle, which may be NULL. */
void fs_stat_pending(const struct fs_handle *handle, struct stat *stat);

/* One request or change less that the mount waits for before it goes. */
void fs_one_less(struct fs *fs);

/* A change that no request waits for; the mount waits for its end before it goes. Takes the
 * command; an empty one (there was no memory for more) counts as REPLICA_BUSY. `ended` may be NULL,
 * and may come before the call returns. */
typedef void fs_unasked_cb(struct fs *fs, uint64_t ino, enum replica_outcome outcome);
void fs_change_unasked(struct fs *fs, uint64_t ino, struct command *command, fs_unasked_cb *ended);

#endif
