/* The mirror of the tree below `.quorumfs/watch/`. */
#include "fs/watch.h"

#include "fs/request.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

/* Everything but a directory is a file; nobody may write. */
void fs_watch_attr(struct attr *attr)
{
    bool directory = S_ISDIR(attr->mode);
    attr->mode = directory ? S_IFDIR | (attr->mode & 0555) : S_IFREG | (attr->mode & 0444);
    attr->nlink = directory ? 2 : 1;
    attr->size = attr->used = attr->rdev = 0;
}

/* `.events` of this directory: who may read that, may read this. */
static void events_attr(struct attr *attr)
{
    attr->mode = S_IFREG | (attr->mode & 0444);
    attr->ino |= FS_EVENTS;
    fs_watch_attr(attr);
}

static void watch_reply_entry(struct fs_request *r, const struct attr *attr)
{
    struct fuse_entry_param entry = {.ino = attr->ino | FS_WATCH};
    fs_stat_of(attr, FS_WATCH, &entry.attr);
    fs_walk_steps(r, entry.ino);
    fuse_reply_entry(r->req, &entry);
}

/* An open file is one of a path. If the inode has several, it is that of the last look-up, which
 * the kernel makes right before. */
static void remember_name(struct fs_request *r, const struct attr *attr)
{
    struct fs_watches *w = &r->fs->watches;
    size_t len = strlen(r->name);
    w->named_ino = attr->ino;
    w->named_parent = fs_watch_tree_ino(r->ino);
    w->named_len = (uint8_t)len;
    memcpy(w->named, r->name, len);
}

static void watch_looked_up(struct fs_request *r, struct tree *tree)
{
    uint64_t parent = fs_watch_tree_ino(r->ino);
    struct attr attr;
    bool events = strcmp(r->name, FS_EVENTS_NAME) == 0;
    int status = events ? tree_getattr(tree, parent, &attr)
                        : tree_lookup(tree, parent, bytes_of_text(r->name), &attr);
    if (status == -ESTALE)
        status = -ENOENT;
    if (status < 0) {
        fs_reply_error(r, status);
        return;
    }
    if (events) {
        events_attr(&attr);
    } else {
        remember_name(r, &attr);
        fs_watch_attr(&attr);
    }
    watch_reply_entry(r, &attr);
}

void fs_watch_lookup(fuse_req_t req, uint64_t parent, const char *name)
{
    struct fs_request *r = fs_request_new(req, parent, name);
    if (r)
        fs_request_read(r, watch_looked_up);
}

static void watch_root_found(struct fs_request *r, struct tree *tree)
{
    struct attr attr;
    int status = tree_getattr(tree, INO_ROOT, &attr);
    if (status < 0) {
        fs_reply_error(r, status);
        return;
    }
    fs_watch_attr(&attr);
    watch_reply_entry(r, &attr);
}

void fs_watch_root(fuse_req_t req)
{
    struct fs_request *r = fs_request_new(req, FS_WATCH | INO_ROOT, NULL);
    if (r)
        fs_request_read(r, watch_root_found);
}

/* As this node knows it. A file that is open stays, although its key is gone. */
void fs_watch_getattr(fuse_req_t req, uint64_t ino)
{
    struct fs *fs = fs_of(req);
    struct attr attr;
    int status = tree_getattr(replica_tree(fs->replica), fs_watch_tree_ino(ino), &attr);
    if (status == -ESTALE && fs_file_find(&fs->files, ino)) {
        attr = (struct attr){.ino = fs_watch_tree_ino(ino), .mode = S_IFREG};
        status = 0;
    }
    if (status < 0) {
        fuse_reply_err(req, -status);
        return;
    }
    if (ino & FS_EVENTS)
        events_attr(&attr);
    else
        fs_watch_attr(&attr);
    struct stat stat;
    fs_stat_of(&attr, FS_WATCH, &stat);
    fuse_reply_attr(req, &stat, 0);
}

struct mirror {
    tree_entry_cb *each;
    void *arg;
    bool ended;
};

static bool put_mirrored(void *arg, struct bytes name, const struct attr *attr)
{
    struct mirror *mirror = arg;
    struct attr shown = *attr;
    if (bytes_equal(name, bytes_of_text(FS_EVENTS_NAME)))
        return true;
    fs_watch_attr(&shown);
    return mirror->each(mirror->arg, name, &shown);
}

int fs_watch_list(struct tree *tree, uint64_t ino, struct bytes after, uint32_t max,
                  tree_entry_cb *each, void *arg)
{
    struct mirror mirror = {each, arg, false};
    struct bytes events = bytes_of_text(FS_EVENTS_NAME);
    struct attr attr;
    int status = tree_getattr(tree, fs_watch_tree_ino(ino), &attr);
    if (status < 0)
        return status;
    if (after.len == 0) {
        events_attr(&attr);
        if (!each(arg, events, &attr))
            return 0;
    }
    if (bytes_equal(after, events))
        after = (struct bytes){0};
    return tree_list(tree, fs_watch_tree_ino(ino), after, max - 1, put_mirrored, &mirror);
}
