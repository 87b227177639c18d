/* Reads directories.
 *
 * An open directory remembers the names that it has given, in their order. The offset after an
 * entry is its position in that list, plus 2 for `.` and `..`. So offsets stay valid while entries
 * come and go: remembered names can be given again, and reading goes on behind the last one. At the
 * end, where the kernel asks once more, nothing is added any more: a file that is renamed meanwhile
 * must not appear a second time. Offset 0 starts anew. */
#include "fs/request.h"
#include "fs/special.h"
#include "fs/watch.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

enum { DOTS = 2, PAGE_ENTRIES_MAX = 4096 };

/* An entry that the kernel has been given. */
struct fs_entry {
    size_t name_at; /* in handle->names */
    uint8_t name_len;
    uint32_t mode;
    uint64_t ino; /* as the kernel knows it */
};

/* The answer under construction, in scratch. */
struct page {
    struct fs_request *r;
    uint32_t fresh; /* how many of its entries are new to the handle */
    bool full;
    bool failed; /* out of memory */
};

static uint64_t given(const struct fs_handle *handle)
{
    return handle->entries.len / sizeof(struct fs_entry);
}

static struct fs_entry *entry_at(struct fs_handle *handle, uint64_t position)
{
    assert(position < given(handle));
    return (struct fs_entry *)(void *)handle->entries.data + position;
}

/* Adds an entry. `stat` has at least the inode and the type; with `nodeid` 0 it has nothing else.
 * False: the page is full. */
static bool page_put(struct page *page, struct bytes name, const struct stat *stat, uint64_t nodeid,
                     uint64_t next)
{
    struct fs_request *r = page->r;
    struct buffer *out = &r->fs->scratch;
    size_t left = r->size - out->len;
    char *at = (char *)out->data + out->len;
    struct fuse_entry_param entry = {.ino = nodeid, .attr = *stat};
    char text[NAME_BYTES_MAX + 1];
    assert(name.len <= NAME_BYTES_MAX);
    memcpy(text, name.data, name.len);
    text[name.len] = '\0';
    size_t len = r->flags ? fuse_add_direntry_plus(r->req, at, left, text, &entry, (off_t)next)
                          : fuse_add_direntry(r->req, at, left, text, stat, (off_t)next);
    if (len > left) {
        page->full = true;
        return false;
    }
    out->len += len;
    return true;
}

static bool put_dots(struct page *page, struct tree *tree)
{
    struct fs_request *r = page->r;
    struct stat stat = {.st_ino = r->ino, .st_mode = S_IFDIR};
    if (r->offset == 0 && !page_put(page, bytes_of_text("."), &stat, 0, 1))
        return false;
    if (r->offset > 1)
        return true;
    uint64_t parent;
    if (fs_special_parent(tree, r->ino, &parent) == 0)
        stat.st_ino = parent;
    return page_put(page, bytes_of_text(".."), &stat, 0, DOTS);
}

/* Adds entries that were given before; those that still exist have their present attributes. */
static void put_again(struct page *page, struct tree *tree)
{
    struct fs_request *r = page->r;
    struct fs_handle *handle = r->handle;
    for (uint64_t i = r->offset > DOTS ? r->offset - DOTS : 0; i < given(handle); i++) {
        const struct fs_entry *old = entry_at(handle, i);
        struct bytes name = bytes_of(handle->names.data + old->name_at, old->name_len);
        struct stat stat = {.st_ino = old->ino, .st_mode = old->mode};
        uint64_t nodeid = 0;
        struct attr attr;
        if (r->flags && !fs_is_virtual(r->ino) &&
            tree_lookup(tree, fs_tree_ino(r->ino), name, &attr) == 0) {
            fs_stat_of(&attr, fs_mark(r->ino), &stat);
            nodeid = stat.st_ino;
        }
        if (!page_put(page, name, &stat, nodeid, i + 1 + DOTS))
            return;
    }
}

/* A tree_entry_cb: adds an entry that is new to this handle, and remembers it. */
static bool put_new(void *arg, struct bytes name, const struct attr *attr)
{
    struct page *page = arg;
    struct fs_request *r = page->r;
    struct fs_handle *handle = r->handle;
    struct fs_entry entry = {.name_at = handle->names.len, .name_len = (uint8_t)name.len};
    struct stat stat;
    fs_stat_of(attr, fs_mark(r->ino), &stat);
    entry.mode = stat.st_mode;
    entry.ino = stat.st_ino;
    buffer_append(&handle->names, name.data, name.len);
    buffer_append(&handle->entries, &entry, sizeof entry);
    page->failed = handle->names.failed || handle->entries.failed;
    if (page->failed)
        return false;
    if (page_put(page, name, &stat, stat.st_ino, given(handle) + DOTS)) {
        page->fresh++;
        return true;
    }
    handle->names.len = entry.name_at;
    handle->entries.len -= sizeof entry;
    return false;
}

/* Adds the entries behind the last one that was given. */
static int put_rest(struct page *page, struct tree *tree)
{
    struct fs_request *r = page->r;
    struct fs_handle *handle = r->handle;
    struct bytes after = {0};
    if (given(handle) > 0) {
        const struct fs_entry *last = entry_at(handle, given(handle) - 1);
        after = bytes_of(handle->names.data + last->name_at, last->name_len);
    }
    int status = 0;
    if (fs_is_watch(r->ino))
        status = fs_watch_list(tree, r->ino, after, PAGE_ENTRIES_MAX, put_new, page);
    else if (fs_is_virtual(r->ino))
        fs_special_list(r->fs, after, put_new, page);
    else
        status = tree_list(tree, fs_tree_ino(r->ino), after, PAGE_ENTRIES_MAX, put_new, page);
    handle->at_end = status == 0 && !page->full && page->fresh < PAGE_ENTRIES_MAX;
    return page->failed ? -ENOMEM : status;
}

static void dir_read(struct fs_request *r, struct tree *tree)
{
    struct page page = {.r = r};
    int status = 0;
    if (!buffer_reserve(&r->fs->scratch, r->size)) {
        fs_reply_error(r, -ENOMEM);
        return;
    }
    if (r->offset == 0) {
        r->handle->names.len = r->handle->entries.len = 0;
        r->handle->at_end = false;
    }
    if (put_dots(&page, tree)) {
        put_again(&page, tree);
        if (!page.full && !r->handle->at_end)
            status = put_rest(&page, tree);
    }
    if (status < 0 && status != -ESTALE) /* a removed directory is empty */
        fs_reply_error(r, status);
    else
        fs_reply_scratch(r);
}

static void dir_list(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset,
                     struct fuse_file_info *fi, bool with_attributes)
{
    struct fs_request *r = fs_request_new(req, ino, NULL);
    if (!r)
        return;
    r->handle = fs_handle_of(fi);
    r->size = size < FS_TRANSFER_BYTES_MAX ? size : FS_TRANSFER_BYTES_MAX;
    r->offset = (uint64_t)offset;
    r->flags = with_attributes;
    /* Changes since the stream began may appear in its rest or not, see readdir(3). */
    r->here = offset > 0;
    fs_request_read(r, dir_read);
}

void fs_readdir(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset,
                struct fuse_file_info *fi)
{
    dir_list(req, ino, size, offset, fi, false);
}

void fs_readdirplus(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset,
                    struct fuse_file_info *fi)
{
    dir_list(req, ino, size, offset, fi, true);
}

void fs_opendir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
    struct fs *fs = fs_of(req);
    struct fs_handle *handle = fs_handle_open(&fs->files, ino);
    if (!handle) {
        fuse_reply_err(req, ENOMEM);
        return;
    }
    fi->fh = (uintptr_t)handle;
    if (fuse_reply_open(req, fi) < 0)
        fs_handle_end(fs, handle);
}

void fs_fsyncdir(fuse_req_t req, fuse_ino_t ino, int datasync, struct fuse_file_info *fi)
{
    fuse_reply_err(req, 0);
}
