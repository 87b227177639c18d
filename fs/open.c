/* Files from open to release.
 *
 * open(O_TRUNC) is answered without asking the cluster, and the truncation pends (pending.h). Until
 * another change takes it along, the file has its old contents for every reader on every node: the
 * truncation simply happens later than the open, and no reader finds the file empty between a
 * shell's `>` and the first bytes. Only the process that opened it sees it empty. */
#include "fs/process.h"
#include "fs/request.h"
#include "fs/rights.h"
#include "fs/special.h"

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

/* Opening asks nothing of the cluster: the lookup of the name has done that. */
void fs_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
    struct fs *fs = fs_of(req);
    bool writes = (fi->flags & O_ACCMODE) != O_RDONLY || (fi->flags & O_TRUNC);
    if (writes && (fs_is_special(ino) || replica_refuses_writes(fs->replica))) {
        fuse_reply_err(req, EROFS);
        return;
    }
    if (is_gone(fs, ino)) {
        fuse_reply_err(req, ESTALE);
        return;
    }
    struct fs_handle *handle = fs_handle_open(&fs->files, ino, fuse_req_ctx(req)->pid);
    if (!handle) {
        fuse_reply_err(req, ENOMEM);
        return;
    }
    if (fs_is_virtual(ino) && fs_special_content(fs, ino, &handle->content) < 0) {
        fs_handle_close(&fs->files, handle);
        fuse_reply_err(req, ENOMEM);
        return;
    }
    handle->pending.truncation = (fi->flags & O_TRUNC) != 0;
    struct op rights = {.ino = ino};
    if (fi->flags & O_TRUNC)
        fs_rights_write(req, &rights);
    handle->pending.truncation_flags = rights.flags;
    handle->pending.truncation_outsider = rights.outsider;
    fi->fh = (uintptr_t)handle;
    fi->direct_io = fs_is_virtual(ino) || fs_wants_direct_io(fs, fi->flags);
    if (fuse_reply_open(req, fi) < 0)
        fs_handle_close(&fs->files, handle);
}

/* Answers once all changes of this handle are decided. */
static void settle(fuse_req_t req, fuse_ino_t ino, struct fs_handle *handle)
{
    if (!fs_must_settle(handle)) {
        fuse_reply_err(req, 0);
        return;
    }
    struct fs_request *r = fs_request_new(req, ino, NULL);
    if (!r)
        return;
    fs_call_alone(r);
    r->handle = handle;
    fs_pending_take(r);
    fs_request_change(r, NULL, 0, fs_reply_ok);
}

/* One descriptor of the handle is closed, and there may be others: a shell opens, duplicates the
 * descriptor to 1 and closes the first one before it writes anything. That close must not empty the
 * file. */
void fs_flush(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
    struct fs_handle *handle = (struct fs_handle *)(uintptr_t)fi->fh;
    bool empties = handle->pending.truncation && fs_pending_runs(&handle->pending) == 0;
    if (empties && fs_process_writes(fuse_req_ctx(req)->pid, fs_of(req)->mounting.mount.id, ino))
        fuse_reply_err(req, 0);
    else
        settle(req, ino, handle);
}

void fs_fsync(fuse_req_t req, fuse_ino_t ino, int datasync, struct fuse_file_info *fi)
{
    settle(req, ino, (struct fs_handle *)(uintptr_t)fi->fh);
}

static void handle_end(struct fs *fs, uint64_t ino, struct fs_handle *handle)
{
    bool held = handle->file->held;
    if (fs_handle_close(&fs->files, handle))
        fs_gone_closed(fs, ino, held);
}

static void release_ended(struct fs_request *r, bool happened, const struct op_result *result)
{
    handle_end(r->fs, r->ino, r->handle);
}

/* Pending changes were answered as done, so they are made although the mount goes away. */
static void settle_unasked(struct fs *fs, struct fs_handle *handle)
{
    assert(fs->stopping);
    struct command command = {0};
    if (!fs_pending_any(&handle->pending))
        return;
    if (fs_pending_command(&handle->pending, handle->file->ino, NULL, 0, &command) < 0)
        command_free(&command);
    fs_change_unasked(fs, handle->file->ino, &command, NULL);
    fs_pending_clear(&handle->pending);
}

void fs_settle_all(struct fs *fs)
{
    struct fs_handle *handle;
    struct fs_file *file;
    for (int i = 0; i < FS_FILES_BUCKETS; i++) {
        LIST_FOREACH(file, &fs->files.buckets[i], entry)
        {
            LIST_FOREACH(handle, &file->handles, entry)
            {
                settle_unasked(fs, handle);
            }
        }
    }
}

/* Also releases directories. No caller waits for the answer. */
void fs_release(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
    struct fs *fs = fs_of(req);
    struct fs_handle *handle = (struct fs_handle *)(uintptr_t)fi->fh;
    assert(!handle->under_way);
    if (!fs_pending_any(&handle->pending)) {
        handle_end(fs, ino, handle);
        fuse_reply_err(req, 0);
        return;
    }
    struct fs_request *r = fs_request_new(req, ino, NULL);
    if (!r) {
        handle_end(fs, ino, handle);
        return;
    }
    fs_call_alone(r);
    r->handle = handle;
    r->ended = release_ended;
    fs_pending_take(r);
    fs_request_change(r, NULL, 0, fs_reply_ok);
}
