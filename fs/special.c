#include "fs/special.h"

#include "command/key.h"
#include "fs/request.h"
#include "fs/watch.h"
#include "replica/status.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#define FOLDER_INO (FS_VIRTUAL | 1)

static void version(struct replica *replica, struct buffer *out)
{
    buffer_printf(out, "quorumfs %s\n", QUORUMFS_VERSION);
}

/* Sorted by name, which is the order of a listing. */
static const struct member {
    const char *name;
    uint64_t ino;
    uint32_t mode;
    void (*print)(struct replica *replica, struct buffer *out);
    bool asks; /* what it prints is the cluster's: a confirmed read comes first */
} members[] = {
    {"ephemeral", FS_EPHEMERAL | INO_ROOT, S_IFDIR | 0555, NULL, false},
    {"local", FS_LOCAL | INO_ROOT, S_IFDIR | 0555, NULL, false},
    {"locks", FS_VIRTUAL | 5, S_IFREG | 0444, fs_lock_lines, true},
    {"session", FS_VIRTUAL | 6, S_IFREG | 0444, status_session, false},
    {"status", FS_VIRTUAL | 2, S_IFREG | 0444, status_json, false},
    {"version", FS_VIRTUAL | 3, S_IFREG | 0444, version, false},
    {"watch", FS_WATCH | INO_ROOT, S_IFDIR | 0555, NULL, false},
    {"why", FS_VIRTUAL | 4, S_IFREG | 0444, status_why, false},
};
enum { MEMBER_COUNT = sizeof members / sizeof members[0] };

static const struct member *member_named(const char *name)
{
    for (int i = 0; i < MEMBER_COUNT; i++)
        if (strcmp(members[i].name, name) == 0)
            return &members[i];
    return NULL;
}

static const struct member *member_of(uint64_t ino)
{
    for (int i = 0; i < MEMBER_COUNT; i++)
        if (members[i].ino == ino)
            return &members[i];
    return NULL;
}

bool fs_is_reserved(uint64_t parent, const char *name)
{
    return parent == INO_ROOT && strcmp(name, KEY_RESERVED) == 0;
}

/* The size is 0, as in /proc: it is not known before the file is opened. */
static struct attr attr_of(const struct fs *fs, uint64_t ino)
{
    const struct member *member = member_of(ino);
    struct attr attr = {.ino = ino, .uid = getuid(), .gid = getgid()};
    attr.atime = attr.mtime = attr.ctime = (int64_t)replica_time(fs->replica);
    attr.mode = member ? member->mode : S_IFDIR | 0555;
    attr.nlink = S_ISDIR(attr.mode) ? 2 : 1;
    return attr;
}

static void mirror_found(struct fs_request *r, struct tree *tree)
{
    struct attr attr;
    int status = tree_getattr(tree, INO_ROOT, &attr);
    if (status < 0)
        fs_reply_error(r, status);
    else
        fs_reply_entry(r, &attr);
}

void fs_special_entry(fuse_req_t req, uint64_t ino)
{
    struct attr attr = attr_of(fs_of(req), ino);
    struct fuse_entry_param entry = {.ino = ino};
    assert(fs_is_virtual(ino));
    fs_stat_of(&attr, 0, &entry.attr);
    fuse_reply_entry(req, &entry);
}

void fs_special_lookup(fuse_req_t req, uint64_t parent, const char *name)
{
    if (fs_is_watch(parent)) {
        fs_watch_lookup(req, parent, name);
        return;
    }
    const struct member *member = fs_is_virtual(parent) ? member_named(name) : NULL;
    if (fs_is_virtual(parent) && !member) {
        fuse_reply_err(req, ENOENT);
        return;
    }
    if (member && fs_is_watch(member->ino)) {
        fs_watch_root(req);
        return;
    }
    if (member && !fs_is_virtual(member->ino)) {
        struct fs_request *r = fs_request_new(req, member->ino, NULL);
        if (r) {
            r->local_will_do = true;
            fs_request_read(r, mirror_found);
        }
        return;
    }
    fs_special_entry(req, member ? member->ino : FOLDER_INO);
}

void fs_special_getattr(fuse_req_t req, uint64_t ino)
{
    assert(fs_is_virtual(ino));
    if (fs_is_watch(ino)) {
        fs_watch_getattr(req, ino);
        return;
    }
    struct attr attr = attr_of(fs_of(req), ino);
    struct stat stat;
    fs_stat_of(&attr, 0, &stat);
    fuse_reply_attr(req, &stat, 0);
}

bool fs_special_asks(uint64_t ino)
{
    const struct member *member = member_of(ino);
    return member && member->asks;
}

int fs_special_content(struct fs *fs, uint64_t ino, struct buffer *content)
{
    const struct member *member = member_of(ino);
    assert(fs_is_virtual(ino));
    if (member && member->print)
        member->print(fs->replica, content);
    return content->failed ? -ENOMEM : 0;
}

void fs_special_list(struct fs *fs, struct bytes after, tree_entry_cb *each, void *arg)
{
    for (int i = 0; i < MEMBER_COUNT; i++) {
        struct bytes name = bytes_of_text(members[i].name);
        struct attr attr = attr_of(fs, members[i].ino);
        size_t common = name.len < after.len ? name.len : after.len;
        int order = common ? memcmp(name.data, after.data, common) : 0;
        if (order < 0 || (order == 0 && name.len <= after.len))
            continue;
        if (!each(arg, name, &attr))
            return;
    }
}

int fs_special_parent(struct tree *tree, uint64_t ino, uint64_t *parent)
{
    if (fs_is_virtual(ino) && !fs_is_watch(ino)) {
        *parent = INO_ROOT;
        return 0;
    }
    if (fs_mark(ino) != 0 && ino == (fs_mark(ino) | INO_ROOT)) {
        *parent = FOLDER_INO;
        return 0;
    }
    int status = tree_parent(tree, fs_watch_tree_ino(ino & ~FS_LOCAL), parent);
    if (status == 0)
        *parent |= fs_mark(ino);
    return status;
}
