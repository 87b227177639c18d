/* Answers to what the helper's calls ask: what the kernel needs to hear to go through with them,
 * which is what was so right before the change that is being repeated, and then "done". Nothing is
 * changed here, and what was not ordered fails.
 *
 * Messages are read and written as in <linux/fuse.h>, without libfuse, so that none can get to the
 * operations of other programs. */
#include "fs/echo.h"

#include "fs/request.h"
#include "fs/special.h"

#include <errno.h>
#include <linux/fuse.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A request, and its answer. */
struct asked {
    struct fs *fs;
    const struct fs_echo_item *item; /* NULL: nothing was ordered */
    struct fuse_in_header header;
    const uint8_t *at, *end; /* what was not read yet */
    int error;
    size_t len; /* of the answer */
    union {
        struct fuse_entry_out entry;
        struct fuse_attr_out attr;
    } answer;
};

/* ---- Reading ---- */

static const void *echo_take(struct asked *a, size_t len)
{
    const uint8_t *at = a->at;
    if ((size_t)(a->end - at) < len)
        return NULL;
    a->at += len;
    return at;
}

static bool take_number(struct asked *a, void *number, size_t len)
{
    const void *at = echo_take(a, len);
    if (at)
        memcpy(number, at, len);
    return at;
}

static struct bytes take_name(struct asked *a)
{
    const uint8_t *at = a->at, *nul = memchr(at, 0, (size_t)(a->end - at));
    if (!nul)
        return (struct bytes){0};
    a->at = nul + 1;
    return bytes_of(at, (size_t)(nul - at));
}

/* ---- Attributes ---- */

static void echo_put_time(int64_t ns, uint64_t *seconds, uint32_t *rest)
{
    int64_t whole = ns / NS_PER_S - (ns % NS_PER_S < 0);
    *seconds = (uint64_t)whole;
    *rest = (uint32_t)(ns - whole * NS_PER_S);
}

static void put_attr(const struct attr *attr, struct fuse_attr *out)
{
    struct stat stat;
    fs_stat_of(attr, 0, &stat);
    *out = (struct fuse_attr){.ino = attr->ino,
                              .size = attr->size,
                              .blocks = (uint64_t)stat.st_blocks,
                              .mode = attr->mode,
                              .nlink = attr->nlink,
                              .uid = attr->uid,
                              .gid = attr->gid,
                              .rdev = (uint32_t)stat.st_rdev,
                              .blksize = (uint32_t)stat.st_blksize};
    echo_put_time(attr->atime, &out->atime, &out->atimensec);
    echo_put_time(attr->mtime, &out->mtime, &out->mtimensec);
    echo_put_time(attr->ctime, &out->ctime, &out->ctimensec);
}

/* Those of an inode whose last name is gone: nobody can see them any more but by a descriptor, for
 * which the tree keeps them. */
static int attr_of_gone(uint64_t ino, uint32_t mode, struct attr *attr)
{
    if (mode == 0)
        return -ESTALE;
    *attr = (struct attr){.ino = ino, .mode = mode, .nlink = 1, .uid = geteuid(), .gid = getegid()};
    return 0;
}

/* `mode` is what the queue knows of the inode, or 0. */
static int echo_attr_of(struct asked *a, uint64_t ino, uint32_t mode, struct attr *attr)
{
    int status = fs_echo_is_behind(a->fs, ino)
                     ? -EIO
                     : tree_getattr(replica_tree(a->fs->replica), ino, attr);
    return status == -ESTALE || status == -ENOENT ? attr_of_gone(ino, mode, attr) : status;
}

static void answer_attr(struct asked *a, const struct attr *attr)
{
    a->answer.attr = (struct fuse_attr_out){0};
    put_attr(attr, &a->answer.attr.attr);
    a->len = sizeof a->answer.attr;
    a->error = 0;
}

static void answer_entry(struct asked *a, const struct attr *attr)
{
    a->answer.entry = (struct fuse_entry_out){.nodeid = attr->ino};
    put_attr(attr, &a->answer.entry.attr);
    a->len = sizeof a->answer.entry;
    a->error = 0;
}

/* ---- Names ---- */

/* Removing a name takes a link away: the kernel counts for itself, from what was there before. */
static void put_links(const struct asked *a, const struct fs_echo_name *found, struct attr *attr)
{
    const struct fs_echo_item *item = a->item;
    bool loses = found->item == item && (item->kind == FS_ECHO_DELETE ||
                                         (item->kind == FS_ECHO_MOVE && found == &item->names[1]));
    if (loses && !S_ISDIR(attr->mode))
        attr->nlink = found->links;
}

/* As it is, if it is no name of the item's time. */
static void look_up_in_tree(struct asked *a, struct bytes name)
{
    struct attr attr;
    int status = tree_lookup(replica_tree(a->fs->replica), a->header.nodeid, name, &attr);
    if (status == 0 && fs_echo_is_behind(a->fs, attr.ino))
        status = -EIO;
    if (status == 0)
        answer_entry(a, &attr);
    else
        a->error = status == -ESTALE ? -ENOENT : status;
}

static bool is_proof(const struct asked *a, struct bytes name)
{
    return a->header.nodeid == INO_ROOT && bytes_equal(name, bytes_of_text(a->fs->echo.proof));
}

static void look_up(struct asked *a)
{
    struct bytes name = take_name(a);
    if (is_proof(a, name)) {
        a->error = -FS_ECHO_PROOF_ERROR;
        return;
    }
    const struct fs_echo_name *found =
        a->item ? fs_echo_found(&a->fs->echo.queue, a->item, a->header.nodeid, name) : NULL;
    if (!found) {
        look_up_in_tree(a, name);
        return;
    }
    struct attr attr;
    int status = found->ino == 0 ? -ENOENT : echo_attr_of(a, found->ino, found->mode, &attr);
    if (status == 0) {
        put_links(a, found, &attr);
        answer_entry(a, &attr);
    } else {
        a->error = status;
    }
}

static void get_attr(struct asked *a)
{
    uint64_t ino = a->header.nodeid;
    const struct fs_echo_name *lost =
        a->item ? fs_echo_loses(&a->fs->echo.queue, a->item, ino) : NULL;
    struct attr attr;
    a->error = echo_attr_of(a, ino, lost ? lost->mode : 0, &attr);
    if (a->error == 0)
        answer_attr(a, &attr);
}

/* ---- What was ordered ---- */

static bool is_ordered(const struct asked *a, int i, uint64_t parent, struct bytes name)
{
    const struct fs_echo_item *item = a->item;
    return item && (uint32_t)i < item->name_count && item->names[i].parent == parent &&
           bytes_equal(item->names[i].name, name);
}

static void echo_done(struct asked *a)
{
    a->error = 0;
}

static void answer_item(struct asked *a)
{
    struct attr attr;
    a->error = echo_attr_of(a, a->item->ino, a->item->mode, &attr);
    if (a->error == 0)
        answer_entry(a, &attr);
}

/* MKNOD, MKDIR, SYMLINK, LINK: a name, behind some bytes that say nothing new. */
static void echo_make(struct asked *a, size_t before)
{
    if (!echo_take(a, before) || !a->item || a->item->kind != FS_ECHO_CREATE)
        return;
    if (is_ordered(a, 0, a->header.nodeid, take_name(a)))
        answer_item(a);
}

static void remove_name(struct asked *a)
{
    if (a->item && a->item->kind == FS_ECHO_DELETE &&
        is_ordered(a, 0, a->header.nodeid, take_name(a)))
        echo_done(a);
}

static void echo_move(struct asked *a, bool has_flags)
{
    struct fuse_rename2_in in = {0};
    size_t len = has_flags ? sizeof in : sizeof(struct fuse_rename_in);
    if (!take_number(a, &in, len) || !a->item ||
        (a->item->kind != FS_ECHO_MOVE && a->item->kind != FS_ECHO_EXCHANGE))
        return;
    struct bytes from = take_name(a), to = take_name(a);
    if (is_ordered(a, 0, a->header.nodeid, from) && is_ordered(a, 1, in.newdir, to))
        echo_done(a);
}

/* Only times: the size that the kernel gets is the tree's. */
static void set_attr(struct asked *a)
{
    const uint32_t times =
        FATTR_ATIME | FATTR_MTIME | FATTR_CTIME | FATTR_ATIME_NOW | FATTR_MTIME_NOW;
    struct fuse_setattr_in in;
    struct attr attr;
    if (!take_number(a, &in, sizeof in) || (in.valid & ~times) || !a->item ||
        a->item->ino != a->header.nodeid || a->item->name_count > 0)
        return;
    a->error = echo_attr_of(a, a->header.nodeid, 0, &attr);
    if (a->error == 0)
        answer_attr(a, &attr);
}

/* ---- Messages ---- */

/* False: it is not the helper's own, but something that the kernel does on the way for another
 * program, such as writing a page back. */
static bool echo_answer(struct asked *a)
{
    switch (a->header.opcode) {
    case FUSE_LOOKUP:
        return look_up(a), true;
    case FUSE_GETATTR:
        return get_attr(a), true;
    case FUSE_SETATTR:
        return set_attr(a), true;
    case FUSE_MKNOD:
        return echo_make(a, sizeof(struct fuse_mknod_in)), true;
    case FUSE_MKDIR:
        return echo_make(a, sizeof(struct fuse_mkdir_in)), true;
    case FUSE_SYMLINK:
        return echo_make(a, 0), true;
    case FUSE_LINK:
        return echo_make(a, sizeof(struct fuse_link_in)), true;
    case FUSE_UNLINK:
    case FUSE_RMDIR:
        return remove_name(a), true;
    case FUSE_RENAME:
        return echo_move(a, false), true;
    case FUSE_RENAME2:
        return echo_move(a, true), true;
    case FUSE_ACCESS:
        return echo_done(a), true;
    case FUSE_GETXATTR:
    case FUSE_LISTXATTR:
        return a->error = -ENODATA, true;
    case FUSE_READLINK:
    case FUSE_SETXATTR:
    case FUSE_REMOVEXATTR:
    case FUSE_OPEN:
    case FUSE_OPENDIR:
    case FUSE_CREATE:
    case FUSE_STATFS:
        return true;
    default:
        return false;
    }
}

/* Since the order was given, a program at this mount may have used a name of it. It cannot from the
 * helper's first look at the name on, for the folder is locked. */
static const struct fs_echo_item *echo_item_of(const struct fs_echo *echo)
{
    return echo->item && !fs_echo_overtaken(&echo->queue, echo->item) ? echo->item : NULL;
}

size_t fs_echo_answer(struct fs *fs, const void *message, size_t len,
                      uint8_t out[FS_ECHO_ANSWER_BYTES_MAX])
{
    struct asked a = {.fs = fs, .error = -EIO};
    if (fs->echo.helper.pid == 0 || len < sizeof a.header)
        return 0;
    memcpy(&a.header, message, sizeof a.header);
    if (a.header.pid != (uint32_t)fs->echo.helper.pid)
        return 0;
    a.at = (const uint8_t *)message + sizeof a.header;
    a.end = (const uint8_t *)message + len;
    a.item = echo_item_of(&fs->echo);
    if (!echo_answer(&a))
        return 0;
    size_t more = a.error == 0 ? a.len : 0;
    const struct fuse_out_header header = {
        .len = (uint32_t)(sizeof header + more), .unique = a.header.unique, .error = a.error};
    _Static_assert(sizeof header + sizeof a.answer <= FS_ECHO_ANSWER_BYTES_MAX, "it has no room");
    memcpy(out, &header, sizeof header);
    memcpy(out + sizeof header, &a.answer, more);
    return header.len;
}

bool fs_echo_answers(struct fs *fs, const void *message, size_t len)
{
    uint8_t out[FS_ECHO_ANSWER_BYTES_MAX];
    size_t out_len = fs_echo_answer(fs, message, len, out);
    if (out_len == 0)
        return false;
    ssize_t written = write(fuse_session_fd(fs->session), out, out_len);
    (void)written; /* if it fails, nobody waits for it any more */
    return true;
}
