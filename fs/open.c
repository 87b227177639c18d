/* Files from open to release.
 *
 * open(O_TRUNC) is answered when the truncation is decided: what it says is so at every node, and
 * nothing that is written meanwhile can be lost by it. It is always an entry of its own, also for a
 * file that is empty, whose times it moves (open(3p)). So that a reader need not find the file
 * empty between a shell's `>` and the first bytes, the entry says that contents are likely to
 * follow (OP_FOR_OPEN), and readers wait a moment for them (fs_await_contents). */
#include "fs/ephemeral.h"
#include "fs/request.h"
#include "fs/rights.h"
#include "fs/special.h"
#include "fs/watch.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>

/* Direct I/O wherever nothing is lost by it, since the page cache does not suit files that other
 * nodes change:
 *
 *   - a read finds zeros at its end if the size grows after the page was read and before the kernel
 *     looks at the size; `tail -f` and `>>` at one mount are enough for that
 *   - it shows bytes to other processes while their write is still being decided
 *   - it keeps appended bytes at the end that the kernel knows, which another node may have moved
 *   - before a write through it the kernel asks for security.capability
 *
 * Nor does it save requests, since the kernel asks for attributes before each read. But before
 * Linux 6.6 a file with direct I/O cannot be mapped shared. There only files that are opened for
 * writing only, which cannot be mapped, or for appending have direct I/O. */
bool fs_wants_direct_io(const struct fs *fs, int flags)
{
    int access = flags & O_ACCMODE;
    return fs_can_map_direct(fs) || access == O_WRONLY || (access == O_RDWR && (flags & O_APPEND));
}

/* Whether the inode was removed and neither held nor kept (gone.h). ESTALE makes the kernel look
 * the name up again. */
static bool is_gone(struct fs *fs, uint64_t ino)
{
    struct attr attr;
    return !fs_is_virtual(ino) &&
           tree_getattr(replica_tree(fs->replica), fs_tree_ino(ino), &attr) == -ESTALE;
}

void fs_handle_end(struct fs *fs, struct fs_handle *handle)
{
    struct fs_file *file = handle->file;
    fs_ephemeral_release(fs, handle);
    fs_locks_release(fs, handle);
    fs_handle_close(handle);
    fs_file_closed(fs, file);
}

static void reply_open(fuse_req_t req, struct fs_handle *handle, struct fuse_file_info *fi)
{
    struct fs *fs = fs_of(req);
    fi->fh = (uintptr_t)handle;
    fi->direct_io = fs_is_virtual(handle->file->ino) || fs_wants_direct_io(fs, fi->flags);
    if (fuse_reply_open(req, fi) < 0)
        fs_handle_end(fs, handle);
}

static void emptied(struct fs_request *r, const struct op_result *result)
{
    struct fuse_file_info fi = {.flags = r->flags};
    r->handle->emptied = true;
    reply_open(r->req, r->handle, &fi);
}

static void emptying_ended(struct fs_request *r, bool happened, const struct op_result *result)
{
    if (!result)
        fs_handle_end(r->fs, r->handle);
}

/* The file counts as open meanwhile, so that it is not freed if it loses its name (removal.c). */
static void open_empty(fuse_req_t req, struct fs_handle *handle, int flags)
{
    struct fs *fs = fs_of(req);
    uint64_t ino = handle->file->ino;
    struct fs_request *r = fs_request_new(req, ino, NULL);
    if (!r) {
        fs_handle_end(fs, handle);
        return;
    }
    r->handle = handle;
    r->flags = flags;
    r->ended = emptying_ended;
    struct op op = {.type = OP_TRUNCATE, .ino = ino, .flags = OP_FOR_OPEN};
    fs_rights_write(req, &op);
    fs_pending_take(r);
    fs_request_change(r, &op, 1, emptied);
}

/* Why the inode cannot be opened so, by what this node knows; 0: it can. */
static int open_error(struct fs *fs, uint64_t ino, bool writes)
{
    if (writes && (fs_is_special(ino) || replica_refuses_writes(fs->replica)))
        return EROFS;
    if (writes && fs_is_ephemeral(ino))
        return fs_ephemeral_open_error(fs, ino);
    return is_gone(fs, ino) ? ESTALE : 0;
}

/* A made-up file has the contents of this moment. */
static void open_made_up(fuse_req_t req, uint64_t ino, int flags)
{
    struct fs *fs = fs_of(req);
    struct fuse_file_info fi = {.flags = flags};
    struct fs_handle *handle = fs_handle_open(&fs->files, ino);
    if (handle && fs_special_content(fs, ino, &handle->content) == 0) {
        reply_open(req, handle, &fi);
        return;
    }
    if (handle)
        fs_handle_end(fs, handle);
    fuse_reply_err(req, ENOMEM);
}

static void virtual_confirmed(struct fs_request *r, struct tree *tree)
{
    open_made_up(r->req, r->ino, r->flags);
}

static void open_virtual(fuse_req_t req, uint64_t ino, int flags)
{
    if (!fs_special_asks(ino)) {
        open_made_up(req, ino, flags);
        return;
    }
    struct fs_request *r = fs_request_new(req, ino, NULL);
    if (!r)
        return;
    r->flags = flags;
    r->asks = true;
    fs_request_read(r, virtual_confirmed);
}

/* Unless the file is to be emptied, this asks nothing of the cluster: the look-up of the name has
 * done that. */
void fs_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
    struct fs *fs = fs_of(req);
    int error = open_error(fs, ino, (fi->flags & O_ACCMODE) != O_RDONLY || (fi->flags & O_TRUNC));
    if (error != 0) {
        fuse_reply_err(req, error);
        return;
    }
    if (fs_is_watch(ino)) {
        fs_watch_open(req, ino, fi);
        return;
    }
    if (fs_is_virtual(ino)) {
        open_virtual(req, ino, fi->flags);
        return;
    }
    struct fs_handle *handle = fs_handle_open(&fs->files, ino);
    if (!handle) {
        fuse_reply_err(req, ENOMEM);
        return;
    }
    if (fi->flags & O_TRUNC)
        open_empty(req, handle, fi->flags);
    else
        reply_open(req, handle, fi);
}

/* Answers once all writes that are gathered on the file are decided: also those through other
 * handles, which may lie before those of this one. */
static void settle(fuse_req_t req, struct fs_handle *handle)
{
    int lost = fs_handle_lost(handle);
    struct fs_request *r = lost == 0 ? fs_request_new(req, handle->file->ino, NULL) : NULL;
    if (!r) {
        if (lost != 0)
            fuse_reply_err(req, lost);
        return;
    }
    r->handle = handle;
    fs_walk_alone(r);
    fs_pending_take(r);
    fs_request_change(r, NULL, 0, fs_reply_ok);
}

/* One descriptor of the handle is closed, and there may be others. */
void fs_flush(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
    if (!fs_locks_flush(req, ino, fi))
        settle(req, fs_handle_of(fi));
}

void fs_fsync(fuse_req_t req, fuse_ino_t ino, int datasync, struct fuse_file_info *fi)
{
    settle(req, fs_handle_of(fi));
}

static void release_ended(struct fs_request *r, bool happened, const struct op_result *result)
{
    fs_handle_end(r->fs, r->handle);
}

/* Gathered writes were answered as done, so they are made although the mount goes away. */
static void settle_unasked(struct fs *fs, struct fs_file *file)
{
    assert(fs->stopping);
    struct command command = {0};
    if (!fs_pending_any(&file->pending))
        return;
    int status = 0;
    if (fs->locks.session != 0)
        status =
            command_add(&command, &(struct op){.type = OP_FENCE, .revision = fs->locks.session});
    if (status < 0 || fs_pending_command(&file->pending, file->ino, NULL, 0, &command) < 0)
        command_free(&command);
    fs_change_unasked(fs, file->ino, &command, NULL);
    fs_pending_clear(&file->pending);
}

void fs_settle_all(struct fs *fs)
{
    struct fs_file *file;
    for (int i = 0; i < FS_FILES_BUCKETS; i++) {
        LIST_FOREACH(file, &fs->files.buckets[i], entry)
        {
            settle_unasked(fs, file);
        }
    }
}

/* Also releases directories. No caller waits for the answer. */
void fs_release(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
    struct fs *fs = fs_of(req);
    struct fs_handle *handle = fs_handle_of(fi);
    if (handle->emptied)
        replica_stays_empty(fs->replica, ino);
    if (!fs_pending_any(&handle->file->pending)) {
        fs_handle_end(fs, handle);
        fuse_reply_err(req, 0);
        return;
    }
    struct fs_request *r = fs_request_new(req, ino, NULL);
    if (!r) {
        fs_handle_end(fs, handle);
        return;
    }
    r->handle = handle;
    r->ended = release_ended;
    fs_walk_alone(r);
    fs_pending_take(r);
    fs_request_change(r, NULL, 0, fs_reply_ok);
}
