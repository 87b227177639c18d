/* File handles: open_by_handle_at(2), and NFS servers.
 *
 * A handle has the number of an inode, which is never given to another one. If the kernel has
 * forgotten the inode, it looks up "." in it, also in a file. To find its way from a directory to
 * the root, it looks up "..". */
#include "fs/request.h"
#include "fs/special.h"

#include <errno.h>
#include <string.h>

bool fs_export_wants(const char *name)
{
    return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

static void found(struct fs_request *r, struct tree *tree)
{
    uint64_t ino = r->ino;
    struct attr attr;
    int status = strcmp(r->name, "..") == 0 ? fs_special_parent(tree, r->ino, &ino) : 0;
    if (status == 0 && fs_is_virtual(ino)) {
        fs_special_entry(r->req, ino);
        return;
    }
    if (status == 0)
        status = tree_getattr(tree, fs_tree_ino(ino), &attr);
    if (status == -ESTALE || (status == 0 && attr.nlink == 0)) /* nobody has it open here */
        status = -ENOENT;
    if (status < 0)
        fs_reply_error(r, status);
    else
        fs_reply_entry(r, &attr);
}

void fs_export_lookup(fuse_req_t req, fuse_ino_t ino, const char *name)
{
    struct fs_request *r = fs_request_new(req, ino, name);
    if (r)
        fs_request_read(r, found);
}
