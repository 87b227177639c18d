/* Keys: PUT and DELETE by path. Symlinks are never followed. Directories that were made for keys,
 * and have none below them any more, are as good as missing (tree_implied.c). */
#include "store/tree_internal.h"

#include "command/key.h"

#include <assert.h>
#include <errno.h>

/* How far a key leads. */
struct walk {
    uint64_t dir;       /* the last directory on the way that exists */
    struct bytes name;  /* the component that was looked for in it */
    struct bytes rest;  /* of the key, behind that component */
    bool found;         /* the whole key exists */
    struct inode inode; /* found: what it is */
};

static int search_root(struct tree *tree, const struct rights *rights)
{
    struct inode root;
    if (!rights->caller)
        return 0;
    int status = inode_get(tree, INO_ROOT, &root);
    return status < 0 ? status : rights_check(rights, &root.attr, CALLER_SEARCH);
}

/* 0 (found or missing), -ENOTDIR if a component on the way is not a directory, -EACCES, or an error
 * of key_check. */
static int walk_key(struct tree *tree, const struct rights *rights, struct bytes key,
                    struct walk *walk)
{
    const char *why;
    int status = key_check(key, &why);
    if (status == 0)
        status = search_root(tree, rights);
    if (status < 0)
        return status;
    *walk = (struct walk){.dir = INO_ROOT, .rest = key};
    for (;;) {
        tree->names++;
        walk->name = key_next(&walk->rest);
        assert(walk->name.len > 0);
        status = name_lookup(tree, walk->dir, walk->name, &walk->inode);
        walk->found = status == 0 && walk->rest.len == 0;
        if (status < 0 || walk->found)
            return status == -ENOENT ? 0 : status;
        if (!inode_is(&walk->inode, S_IFDIR))
            return -ENOTDIR;
        status = rights_check(rights, &walk->inode.attr, CALLER_SEARCH);
        if (status < 0)
            return status;
        walk->dir = walk->inode.attr.ino;
    }
}

int key_find(struct tree *tree, const struct rights *rights, struct bytes key, struct attr *attr)
{
    struct walk walk;
    int status = walk_key(tree, rights, key, &walk);
    if (status < 0)
        return status;
    if (walk.found && inode_is(&walk.inode, S_IFDIR)) {
        status = implied_check(tree, &walk.inode.attr);
        if (status < 0 && status != -EISDIR)
            return status;
        walk.found = status == -EISDIR;
    }
    *attr = walk.inode.attr;
    return walk.found ? 0 : -ENOENT;
}

int tree_resolve(struct tree *tree, struct bytes key, struct attr *attr)
{
    return key_find(tree, &(struct rights){0}, key, attr);
}

/* The same for an operation that is about to change the key: -EISDIR for a directory, unless that
 * is not there for keys. Then it is in the way, and goes when nothing can be refused any more. */
static int walk_to_change(struct change *c, struct bytes key, struct walk *walk, bool *in_the_way)
{
    int status = walk_key(c->tree, &c->as, key, walk);
    *in_the_way = status == 0 && walk->found && inode_is(&walk->inode, S_IFDIR);
    if (*in_the_way) {
        status = implied_check(c->tree, &walk->inode.attr);
        walk->found = false;
    }
    return status;
}

/* The conditions of HTTP's If-None-Match and If-Match: 0 or -ECANCELED. */
static int check_conditions(const struct op *op, const struct walk *walk)
{
    bool unless = op->flags & OP_IF_ABSENT && walk->found;
    bool missing = op->flags & (OP_IF_EXISTS | OP_IF_REVISION) && !walk->found;
    bool changed =
        op->flags & OP_IF_REVISION && walk->found && walk->inode.attr.revision != op->revision;
    return unless || missing || changed ? -ECANCELED : 0;
}

/* Keeps the former value for the proposer, if it is not too large for a value, the answer has room
 * for it, and the caller may read it. */
static int collect_old(struct change *c, const struct op *op, const struct inode *inode,
                       struct op_result *out)
{
    struct buffer *old = &c->result->old;
    uint64_t size = inode->attr.size;
    assert(old->len <= OLD_BYTES_MAX);
    if (!c->mine || !(op->flags & OP_WANT_OLD) || !inode_is(inode, S_IFREG))
        return 0;
    if (size > VALUE_BYTES_MAX || size > OLD_BYTES_MAX - old->len)
        return 0;
    if (rights_check(&c->as, &inode->attr, CALLER_READ) < 0)
        return 0; /* it may replace or remove what it may not read */
    out->old_present = true;
    out->old_at = old->len;
    out->old_len = size;
    if (data_read(c->tree, inode, 0, size, old) < 0)
        return tree_fail(c->tree, -ENOMEM, "out of memory for a former value");
    return 0;
}

/* What is made belongs to the caller. */
static void set_owner(const struct change *c, const struct op *op, struct inode *inode)
{
    const struct caller *caller = c->as.caller;
    inode->attr.uid = caller ? caller->uid : op->uid;
    inode->attr.gid = caller ? caller->gid : op->gid;
}

/* Makes the directories of the key that are missing. */
static int make_parents(struct change *c, const struct op *op, struct walk *walk, struct inode *dir)
{
    while (walk->rest.len > 0) {
        struct inode made = {.attr = {.mode = 0755 | S_IFDIR, .rdev = implied_rdev(c->tree)}};
        set_owner(c, op, &made);
        int status = name_make(c, dir, walk->name, &made, (struct bytes){0});
        if (status < 0)
            return status;
        c->tree->names += COMMAND_DIRECTORY_NAMES;
        *dir = made;
        walk->name = key_next(&walk->rest);
    }
    return 0;
}

/* A large value goes into the new inode after it is made: only there are chunks written. */
static int put_new(struct change *c, const struct op *op, struct walk *walk, struct op_result *out)
{
    assert(!walk->found);
    struct inode dir, inode = {0};
    bool small = op->data.len <= INLINE_BYTES_MAX;
    int status = inode_get(c->tree, walk->dir, &dir);
    if (status < 0)
        return status;
    if (walk->rest.len > 0 && dir.attr.nlink >= LINKS_MAX)
        return -EMLINK;
    status = make_parents(c, op, walk, &dir);
    if (status < 0)
        return status;
    inode.attr.mode = (op->mode ? op->mode & 07777 : 0644) | S_IFREG;
    set_owner(c, op, &inode);
    mortal_mark_put(op, &inode, false);
    status = name_make(c, &dir, walk->name, &inode, small ? op->data : (struct bytes){0});
    if (status == 0 && !small)
        status = data_replace(c, &inode, op->data);
    if (status == 0 && inode_is_mortal(&inode))
        status = mortal_put(c, op, &inode);
    out->attr = inode.attr;
    return status;
}

static int put_over(struct change *c, const struct op *op, struct inode *inode,
                    struct op_result *out)
{
    bool was_mortal = inode_is_mortal(inode), leased = false;
    int status = collect_old(c, op, inode, out);
    if (status == 0 && was_mortal)
        status = mortal_is_leased(c->tree, inode, &leased);
    if (status < 0)
        return status;
    rights_kill_priv(c, op, inode);
    mortal_mark_put(op, inode, leased);
    status = data_replace(c, inode, op->data);
    if (status == 0 && (was_mortal || inode_is_mortal(inode)))
        status = mortal_put(c, op, inode);
    change_inode(c, CHANGE_WRITTEN, inode);
    out->attr = inode->attr;
    return status;
}

/* Whether the caller may write the file, or else make it, and remove what is in the way. */
static int may_put(struct change *c, const struct op *op, const struct walk *walk, bool in_the_way)
{
    struct inode dir;
    bool mortal = op->lease || (op->ttl && op->ttl != TTL_NONE);
    if (!c->as.caller)
        return 0;
    if (walk->found) {
        int status = rights_check(&c->as, &walk->inode.attr, CALLER_WRITE);
        return status == 0 && mortal ? rights_remove_all(c, &walk->inode) : status;
    }
    int status = inode_get(c->tree, walk->dir, &dir);
    if (status == 0)
        status = rights_check(&c->as, &dir.attr, CALLER_WRITE | CALLER_SEARCH);
    return status == 0 && in_the_way ? implied_may_remove(c, &walk->inode) : status;
}

/* -EISDIR for a directory; -EINVAL for a symlink, a device, ..., which PUT cannot give a value.
 * -EKEYEXPIRED: the lease is over. */
int op_put(struct change *c, const struct op *op, struct op_result *out)
{
    struct walk walk;
    bool in_the_way;
    int status = walk_to_change(c, op->name, &walk, &in_the_way);
    if (status == 0)
        status = may_put(c, op, &walk, in_the_way);
    if (status < 0)
        return status;
    if (walk.found)
        status = data_check_regular(&walk.inode);
    if (status == 0)
        status = check_conditions(op, &walk);
    if (status == 0)
        status = data_check_size(c->tree, op->data.len);
    if (status == 0 && (op->ttl || op->lease))
        status = mortal_check_put(c, op, walk.found ? &walk.inode : NULL);
    if (status < 0)
        return status;
    out->existed = walk.found;
    if (in_the_way)
        status = implied_remove(c, &walk.inode);
    if (status < 0)
        return status;
    return walk.found ? put_over(c, op, &walk.inode, out) : put_new(c, op, &walk, out);
}

static int delete_found(struct change *c, const struct op *op, struct walk *walk, struct inode *dir,
                        struct op_result *out)
{
    int status = collect_old(c, op, &walk->inode, out);
    if (status < 0)
        return status;
    out->existed = true;
    status = name_remove(c, dir, walk->name, &walk->inode, op->hold);
    out->attr = walk->inode.attr;
    return status;
}

/* Whether the caller may remove what the walk has come to. A directory that is no key may stay. */
static int may_delete(struct change *c, const struct walk *walk, int status, bool *in_the_way)
{
    struct inode dir;
    bool removes = (status == 0 && walk->found) || status == -EISDIR;
    if (!c->as.caller || (!removes && !*in_the_way))
        return status;
    int may = inode_get(c->tree, walk->dir, &dir);
    if (may == 0 && removes)
        may = rights_remove(&c->as, &dir.attr, &walk->inode.attr);
    else if (may == 0 && implied_may_remove(c, &walk->inode) < 0)
        *in_the_way = false;
    return may < 0 ? may : status;
}

int op_delete(struct change *c, const struct op *op, struct op_result *out)
{
    struct walk walk;
    bool in_the_way;
    int status = walk_to_change(c, op->name, &walk, &in_the_way);
    status = may_delete(c, &walk, status, &in_the_way);
    if (status == 0)
        status = check_conditions(op, &walk);
    if (status < 0 || (!walk.found && !in_the_way))
        return status;
    if (in_the_way)
        status = implied_remove(c, &walk.inode);
    struct inode dir;
    if (status == 0)
        status = inode_get(c->tree, walk.dir, &dir);
    if (status == 0 && walk.found)
        status = delete_found(c, op, &walk, &dir, out);
    return status < 0 ? status : implied_prune(c, &dir);
}
