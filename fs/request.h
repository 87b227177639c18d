/* Private to the room: a request of the kernel that waits for the replica.
 *
 * Every request is answered: the replica calls back within the time that its system call has left
 * (walk.h), and at once without a quorum. So interruptions can be ignored. They would do harm: the
 * kernel reports every signal, also those that the program handles, and no program expects EINTR of
 * stat(2).
 *
 * Thread: the loop's. */
#ifndef QUORUMFS_FS_REQUEST_H
#define QUORUMFS_FS_REQUEST_H

#include "fs/session.h"

struct fs_request;

/* Called when the tree can be read. Answers the request. */
typedef void fs_read_cb(struct fs_request *r, struct tree *tree);
/* Called when the change is decided and applied, with the result of its last operation. Answers the
 * request. */
typedef void fs_changed_cb(struct fs_request *r, const struct op_result *result);
/* Called when the change is over, before the answer. `happened` is false if the change has
 * certainly not happened; `result` is that of its last operation, NULL if it is not known. */
typedef void fs_ended_cb(struct fs_request *r, bool happened, const struct op_result *result);

struct fs_request {
    struct fs *fs;
    fuse_req_t req;
    struct fs_operation operation; /* for the log */
    uint64_t began_ms;             /* of the loop's clock */
    uint64_t ino;                  /* as the kernel knows it */
    uint64_t walk_began_ms;        /* of its system call, by the clock of deadlines */
    bool by_path;                  /* that has just looked its inode up by a name */
    bool failed_before;            /* and this name is looked up once more after a failure */
    fs_read_cb *read;
    fs_changed_cb *changed;
    fs_ended_cb *ended;  /* called in addition, or NULL */
    fs_read_cb *if_gone; /* NULL, or answers a change of a removed inode that is not open as if the
                            change had come right before the removal: nobody can tell */
    bool is_lookup;
    bool look_again;          /* EEXIST becomes ESTALE: names.c, create */
    bool here;                /* a read that need not ask the cluster */
    bool asks;                /* one that must, although its file is made up */
    bool local_will_do;       /* a read that takes this node's tree as it is rather than fail */
    bool awaited;             /* it has waited for contents, or need not (fs_await_contents) */
    bool awaits;              /* it does */
    struct fs_handle *handle; /* NULL: by inode only */
    struct fs_file *file;     /* whose pending writes come with this one, in turn; NULL: none */
    uint64_t take;            /* file->taken, with these */
    struct fs_pending taken;
    struct command command;
    struct command unfenced;       /* the same without the fence, to be made once more; locks.h */
    STAILQ_ENTRY(fs_request) next; /* of the file's waiting */
    bool is_lock;                  /* about locks: ENOLCK if it is refused */
    bool answers_failure;          /* `changed` does, and gets NULL then */
    bool is_page;          /* a page of a mapping is written back, by no particular process */
    struct tree_lock lock; /* that is asked for, or given up */
    struct fs_lock_wait *lock_wait;
    uint64_t offset;
    size_t size;
    int flags;
    uint64_t hold; /* of a removal: the inode, if it is open here */
    char name[];
};

/* Makes a request about an inode, and a name or NULL. Returns NULL if it was answered with an
 * error. */
struct fs_request *fs_request_new(fuse_req_t req, uint64_t ino, const char *name);
/* All three take the request and free it when it is answered. `ops` is copied; `count` may be 0 if
 * pending writes were taken (fs_pending_take). */
void fs_request_read(struct fs_request *r, fs_read_cb *read);
/* Decides the gathered writes of the file first. */
void fs_request_read_settled(struct fs_request *r, fs_read_cb *read);
void fs_request_change(struct fs_request *r, const struct op *ops, uint32_t count,
                       fs_changed_cb *changed);

/* Prints how the request ended. */
void fs_request_trace(const struct fs_request *r, const char *outcome);

/* To be called before a change of an inode that must come after the writes that are gathered on it
 * at this mount: takes them along. If the change fails, they are dropped, and so are changes that
 * wait behind it; each handle whose writes they were keeps the error for its owner. */
void fs_pending_take(struct fs_request *r);
/* The error that has lost gathered writes of this handle, once; 0: none. */
int fs_handle_lost(struct fs_handle *handle);
/* Lets the file go unless it is still in use. */
void fs_file_closed(struct fs *fs, struct fs_file *file);
/* Closes a handle that was not answered, or was released. */
void fs_handle_end(struct fs *fs, struct fs_handle *handle);

/* Called in a fs_read_cb, for a file that it has found empty. If an open(2) has just emptied the
 * file, this returns true, and the callback is called once more when its contents are there, or a
 * moment is over (replica_await_contents). */
bool fs_await_contents(struct fs_request *r, uint64_t ino);

/* Answers, in a callback. `status` is a negative errno. */
void fs_reply_error(struct fs_request *r, int status);
void fs_reply_ok(struct fs_request *r, const struct op_result *result);
void fs_reply_entry(struct fs_request *r, const struct attr *attr);
/* An fs_read_cb: success if the inode exists. */
void fs_reply_there(struct fs_request *r, struct tree *tree);
/* Answers with scratch as a value for which the caller has r->size bytes; 0 asks for its length. */
void fs_reply_sized(struct fs_request *r);
/* Answers with scratch as it is. */
void fs_reply_scratch(struct fs_request *r);

/* As stat(2) has it. `mark` goes into the inode number (special.h). */
void fs_stat_of(const struct attr *attr, uint64_t mark, struct stat *stat);

/* Called when a request or change is over that the mount waits for before it goes. */
void fs_one_less(struct fs *fs);

/* Makes a change without a request; the mount waits for its end before it goes. Takes the command;
 * an empty one, for which there was no memory, counts as REPLICA_BUSY. `ended` may be NULL, and may
 * come before the call returns. */
typedef void fs_unasked_cb(struct fs *fs, uint64_t ino, enum replica_outcome outcome);
void fs_change_unasked(struct fs *fs, uint64_t ino, struct command *command, fs_unasked_cb *ended);

#endif
