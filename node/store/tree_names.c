/* Names: making and removing directory entries. rename(2) has a file of its own. */
#include "store/tree_internal.h"

#include "command/key.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

int name_lookup(struct tree *tree, uint64_t parent, struct bytes name, struct inode *inode)
{
    uint64_t ino;
    if (cache_find_name(tree->cache, parent, name, &ino))
        return inode_get(tree, ino, inode);
    sqlite3_stmt *query = tree_query(tree, QUERY_LOOKUP);
    bind_number(query, 1, parent);
    sql_bind_bytes(query, 2, name);
    int status = tree_step(tree, query);
    if (status <= 0)
        return status < 0 ? status : -ENOENT;
    inode_read(query, 0, inode);
    sqlite3_reset(query);
    cache_name(tree->cache, parent, name, inode->attr.ino);
    cache_inode(tree->cache, inode);
    return 0;
}

int name_parent(struct tree *tree, uint64_t ino, struct bytes name, struct inode *dir)
{
    const char *why;
    int status = key_check_name(name, ino == INO_ROOT, &why);
    if (status < 0)
        return status;
    status = inode_get(tree, ino, dir);
    if (status < 0)
        return status;
    if (!inode_is(dir, S_IFDIR))
        return -ENOTDIR;
    return dir->attr.nlink == 0 ? -ENOENT : 0;
}

/* The entry's row and the cache change together. */
static int name_write(struct change *c, enum tree_query which, uint64_t parent, struct bytes name,
                      uint64_t ino)
{
    assert(name.len > 0 && name.len <= NAME_BYTES_MAX);
    assert(ino > INO_ROOT); /* the root has no name */
    sqlite3_stmt *query = tree_query(c->tree, which);
    bind_number(query, 1, parent);
    sql_bind_bytes(query, 2, name);
    bind_number(query, 3, ino);
    cache_name(c->tree->cache, parent, name, ino);
    return tree_run(c->tree, query);
}

int name_add(struct change *c, uint64_t parent, struct bytes name, uint64_t ino)
{
    return name_write(c, QUERY_DENTRY_ADD, parent, name, ino);
}

int name_set(struct change *c, uint64_t parent, struct bytes name, uint64_t ino)
{
    return name_write(c, QUERY_DENTRY_SET, parent, name, ino);
}

int name_delete(struct change *c, uint64_t parent, struct bytes name)
{
    sqlite3_stmt *query = tree_query(c->tree, QUERY_DENTRY_DELETE);
    bind_number(query, 1, parent);
    sql_bind_bytes(query, 2, name);
    cache_forget_name(c->tree->cache, parent, name);
    return tree_run(c->tree, query);
}

/* A directory with the setgid bit gives its group to all that is made in it, and the bit to
 * directories. */
static void inherit_group(const struct inode *dir, struct inode *inode)
{
    if (!(dir->attr.mode & S_ISGID))
        return;
    inode->attr.gid = dir->attr.gid;
    if (inode_is(inode, S_IFDIR))
        inode->attr.mode |= S_ISGID;
}

int name_make(struct change *c, struct inode *dir, struct bytes name, struct inode *inode,
              struct bytes contents)
{
    bool directory = inode_is(inode, S_IFDIR);
    assert(dir->attr.nlink > 0);
    assert(inode_is(dir, S_IFDIR));
    inherit_group(dir, inode);
    inode->attr.nlink = directory ? 2 : 1;
    inode->parent = directory ? dir->attr.ino : 0;
    inode->attr.size = contents.len;
    inode->attr.used = contents.len;
    c->tree->counters.bytes += contents.len;
    int status = inode_add(c, inode, contents, dir->attr.ino, name);
    if (status < 0)
        return status;
    status = name_add(c, dir->attr.ino, name, inode->attr.ino);
    if (status < 0)
        return status;
    dir->attr.size++;
    dir->attr.nlink += directory;
    inode_touch(c, dir);
    change_name(c, CHANGE_CREATED, inode, dir->attr.ino, name);
    return inode_set(c, dir);
}

int name_remove(struct change *c, struct inode *dir, struct bytes name, struct inode *inode,
                uint64_t hold)
{
    bool last = inode->attr.nlink == 1 || inode_is(inode, S_IFDIR);
    int status = name_delete(c, dir->attr.ino, name);
    assert(dir->attr.size > 0);
    assert(!inode_is(inode, S_IFDIR) || inode->parent == dir->attr.ino);
    if (status == 0 && !last)
        status = way_delete(c->tree, inode->attr.ino, dir->attr.ino, name);
    if (status < 0)
        return status;
    dir->attr.size--;
    dir->attr.nlink -= inode_is(inode, S_IFDIR);
    inode_touch(c, dir);
    change_name(c, CHANGE_DELETED, inode, dir->attr.ino, name);
    status = inode_unlink(c, inode, hold);
    return status < 0 ? status : inode_set(c, dir);
}

/* Makes an inode of this mode, and this name for it; nothing may have the name yet. */
static int make_new(struct change *c, const struct op *op, uint32_t mode, struct bytes contents,
                    struct op_result *out)
{
    struct inode dir, inode = {0};
    int status = name_parent(c->tree, op->ino, op->name, &dir);
    if (status < 0)
        return status;
    struct inode existing;
    status = name_lookup(c->tree, op->ino, op->name, &existing);
    if (status != -ENOENT)
        return status < 0 ? status : -EEXIST;
    if (S_ISDIR(mode) && dir.attr.nlink >= LINKS_MAX)
        return -EMLINK;
    inode.attr.mode = mode;
    inode.attr.uid = op->uid;
    inode.attr.gid = op->gid;
    inode.attr.rdev = S_ISCHR(mode) || S_ISBLK(mode) ? op->rdev : 0;
    inode_claim(&dir);
    status = name_make(c, &dir, op->name, &inode, contents);
    out->attr = inode.attr;
    return status;
}

/* open(2) with O_CREAT. Only a regular file that exists can be the answer. The kernel has followed
 * symlinks before it asked; one that was made since then is -EEXIST, like any lost race. */
int op_create(struct change *c, const struct op *op, struct op_result *out)
{
    struct inode dir, existing;
    int status;
    if (!(op->flags & OP_EXCLUSIVE)) {
        status = name_parent(c->tree, op->ino, op->name, &dir);
        if (status == 0)
            status = name_lookup(c->tree, op->ino, op->name, &existing);
        if (status == 0 && inode_is(&existing, S_IFDIR))
            return -EISDIR;
        if (status == 0 && inode_is(&existing, S_IFREG)) {
            out->existed = true;
            out->attr = existing.attr;
            return 0;
        }
        if (status < 0 && status != -ENOENT)
            return status;
    }
    return make_new(c, op, (op->mode & 07777) | S_IFREG, (struct bytes){0}, out);
}

int op_mknod(struct change *c, const struct op *op, struct op_result *out)
{
    uint32_t type = op->mode & S_IFMT;
    if (type == 0)
        type = S_IFREG;
    if (type != S_IFREG && type != S_IFIFO && type != S_IFSOCK && type != S_IFCHR &&
        type != S_IFBLK)
        return -EINVAL;
    return make_new(c, op, (op->mode & 07777) | type, (struct bytes){0}, out);
}

int op_mkdir(struct change *c, const struct op *op, struct op_result *out)
{
    return make_new(c, op, (op->mode & 07777) | S_IFDIR, (struct bytes){0}, out);
}

int op_symlink(struct change *c, const struct op *op, struct op_result *out)
{
    if (op->data.len == 0)
        return -ENOENT;
    if (op->data.len > SYMLINK_BYTES_MAX)
        return -ENAMETOOLONG;
    if (memchr(op->data.data, 0, op->data.len))
        return -EINVAL;
    return make_new(c, op, 0777 | S_IFLNK, op->data, out);
}

int op_link(struct change *c, const struct op *op, struct op_result *out)
{
    struct inode dir;
    int status = name_parent(c->tree, op->ino, op->name, &dir);
    if (status < 0)
        return status;
    struct inode inode;
    status = inode_get(c->tree, op->ino2, &inode);
    if (status < 0)
        return status;
    if (inode_is(&inode, S_IFDIR))
        return -EPERM;
    if (inode.attr.nlink == 0)
        return -ENOENT;
    struct inode existing;
    status = name_lookup(c->tree, op->ino, op->name, &existing);
    if (status != -ENOENT)
        return status < 0 ? status : -EEXIST;
    if (inode.attr.nlink >= (inode_is_mortal(&inode) ? MORTAL_LINKS_MAX : LINKS_MAX) ||
        tree_is_ephemeral(c->tree, op->ino2))
        return -EMLINK;

    inode.attr.nlink++;
    inode_claim(&dir);
    dir.attr.size++;
    inode_touch(c, &dir);
    change_name(c, CHANGE_CREATED, &inode, op->ino, op->name);
    status = name_add(c, op->ino, op->name, op->ino2);
    if (status == 0)
        status = way_add(c, &inode, op->ino, op->name);
    if (status == 0)
        status = inode_set(c, &inode);
    if (status == 0)
        status = inode_set(c, &dir);
    out->attr = inode.attr;
    return status;
}

/* unlink(2) or rmdir(2). */
static int remove_existing(struct change *c, const struct op *op, bool directory,
                           struct op_result *out)
{
    struct inode dir, inode;
    int status = name_parent(c->tree, op->ino, op->name, &dir);
    if (status == 0)
        status = name_lookup(c->tree, op->ino, op->name, &inode);
    if (status < 0)
        return status;
    if (directory && !inode_is(&inode, S_IFDIR))
        return -ENOTDIR;
    if (!directory && inode_is(&inode, S_IFDIR))
        return -EISDIR;
    if (directory && inode.attr.size > 0)
        return -ENOTEMPTY;
    out->existed = true;
    status = name_remove(c, &dir, op->name, &inode, op->hold);
    out->attr = inode.attr;
    return status;
}

int op_unlink(struct change *c, const struct op *op, struct op_result *out)
{
    return remove_existing(c, op, false, out);
}

int op_rmdir(struct change *c, const struct op *op, struct op_result *out)
{
    return remove_existing(c, op, true, out);
}
