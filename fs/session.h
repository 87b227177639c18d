/* Private to the room: the mount, and the operations that libfuse calls.
 *
 * Each operation answers its request exactly once, at once or when the replica calls back. Its
 * valid replies are in <fuse_lowlevel.h>, at the field of struct fuse_lowlevel_ops with its name.
 *
 * Thread: the loop's. */
#ifndef QUORUMFS_FS_SESSION_H
#define QUORUMFS_FS_SESSION_H

#define FUSE_USE_VERSION 314

#include "fs/echo.h"
#include "fs/ephemeral.h"
#include "fs/fs.h"
#include "fs/gone.h"
#include "fs/handle.h"
#include "fs/mounting.h"
#include "fs/operation.h"
#include "fs/walk.h"

#include <fuse_lowlevel.h>

enum {
    FS_TRANSFER_BYTES_MAX = 1024 * 1024, /* of one read or write: the most that the kernel sends */
};
#define NS_PER_S INT64_C(1000000000)

struct fs_reader;
TAILQ_HEAD(fs_readers, fs_reader);

/* Open files of `.quorumfs/watch/` (watch.h). */
struct fs_watches {
    struct fs_readers readers;
    uint32_t count;
    uv_idle_t idle; /* active while a reader that has fallen behind goes on */
    /* The name by which a file was looked up last: it may have several. */
    uint64_t named_ino, named_parent;
    uint8_t named_len;
    uint8_t named[NAME_BYTES_MAX];
};

struct fs {
    struct replica *replica;
    const struct config *config;
    void (*unmounted)(void *arg);
    void *arg;
    struct fuse_session *session;
    struct fuse_buf request;       /* the present one; the next one uses its memory again */
    struct fs_operation operation; /* of `request`, for debug lines; zero if they are off */
    struct fs_mounting mounting;
    unsigned int handles;  /* of the loop, that are not closed yet */
    uv_poll_t poll;        /* `data` is set once there is a mount to read */
    bool negotiated;       /* the kernel's first message is answered */
    uint64_t granted;      /* the abilities that negotiate.c has asked for and got */
    uint64_t waiting;      /* requests and changes that the replica has yet to answer */
    bool stopping;         /* nothing more is read; the session is closed when nothing waits */
    struct fs_files files; /* open files */
    struct fs_locks locks; /* that programs have */
    struct fs_ephemeral ephemeral;
    struct fs_gone gone; /* removed inodes that are still in use */
    struct fs_watches watches;
    struct fs_echo echo;   /* repeats changes for inotify */
    struct fs_walks walks; /* which requests belong to one system call */
    struct buffer scratch; /* for an answer under construction, within one callback */
};

static inline struct fs *fs_of(fuse_req_t req)
{
    return fuse_req_userdata(req);
}

/* fs.c: called when stopping; unmounts and frees if nothing waits any more. */
void fs_close_when_idle(struct fs *fs);
/* Begins to read what the kernel asks, once mounted. Returns 0 or a negative errno. */
int fs_session_read(struct fs *fs, uv_loop_t *loop, struct fault *fault);
/* The last message of libfuse, whose functions give no error codes. */
extern char fs_said[256];

/* negotiate.c: called between mounting and the first message. Returns 0 or a negative errno. */
int fs_negotiate(struct fs *fs);
/* Whether files with direct I/O can be mapped shared. */
bool fs_can_map_direct(const struct fs *fs);
/* Whether the kernel says which changes of contents come without CAP_FSETID (Linux 5.11). */
bool fs_says_fsetid(const struct fs *fs);

/* names.c */
void fs_lookup(fuse_req_t req, fuse_ino_t parent, const char *name);
void fs_readlink(fuse_req_t req, fuse_ino_t ino);
void fs_mknod(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode, dev_t rdev);
void fs_mkdir(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode);
void fs_symlink(fuse_req_t req, const char *target, fuse_ino_t parent, const char *name);
void fs_link(fuse_req_t req, fuse_ino_t ino, fuse_ino_t parent, const char *name);
void fs_create(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode,
               struct fuse_file_info *fi);

/* export.c: looks up "." or ".." */
bool fs_export_wants(const char *name);
void fs_export_lookup(fuse_req_t req, fuse_ino_t ino, const char *name);

/* removal.c */
void fs_unlink(fuse_req_t req, fuse_ino_t parent, const char *name);
void fs_rmdir(fuse_req_t req, fuse_ino_t parent, const char *name);
void fs_rename(fuse_req_t req, fuse_ino_t parent, const char *name, fuse_ino_t new_parent,
               const char *new_name, unsigned int flags);

/* attr.c */
void fs_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);
void fs_setattr(fuse_req_t req, fuse_ino_t ino, struct stat *stat, int to_set,
                struct fuse_file_info *fi);
void fs_access(fuse_req_t req, fuse_ino_t ino, int mask);
void fs_statfs(fuse_req_t req, fuse_ino_t ino);

/* xattr.c */
void fs_setxattr(fuse_req_t req, fuse_ino_t ino, const char *name, const char *value, size_t size,
                 int flags);
void fs_getxattr(fuse_req_t req, fuse_ino_t ino, const char *name, size_t size);
void fs_listxattr(fuse_req_t req, fuse_ino_t ino, size_t size);
void fs_removexattr(fuse_req_t req, fuse_ino_t ino, const char *name);

/* data.c */
void fs_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset, struct fuse_file_info *fi);
void fs_write(fuse_req_t req, fuse_ino_t ino, const char *data, size_t size, off_t offset,
              struct fuse_file_info *fi);
void fs_fallocate(fuse_req_t req, fuse_ino_t ino, int mode, off_t offset, off_t length,
                  struct fuse_file_info *fi);
void fs_lseek(fuse_req_t req, fuse_ino_t ino, off_t offset, int whence, struct fuse_file_info *fi);

/* open.c */
void fs_settle_all(struct fs *fs); /* when stopping */
bool fs_wants_direct_io(const struct fs *fs, int flags);
void fs_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);
void fs_flush(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);
void fs_fsync(fuse_req_t req, fuse_ino_t ino, int datasync, struct fuse_file_info *fi);
void fs_release(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);

/* dir.c */
void fs_opendir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);
void fs_readdir(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset,
                struct fuse_file_info *fi);
void fs_readdirplus(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset,
                    struct fuse_file_info *fi);
void fs_fsyncdir(fuse_req_t req, fuse_ino_t ino, int datasync, struct fuse_file_info *fi);

/* lock.c */
void fs_getlk(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi, struct flock *lock);
void fs_setlk(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi, struct flock *lock,
              int sleep);
void fs_flock(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi, int op);

/* lock_held.c */
void fs_ioctl(fuse_req_t req, fuse_ino_t ino, unsigned int cmd, void *arg,
              struct fuse_file_info *fi, unsigned int flags, const void *in, size_t in_len,
              size_t out_len);

#endif
