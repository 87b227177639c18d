/* rename(2), renameat2(2): plain, RENAME_NOREPLACE, RENAME_EXCHANGE. */
#include "store/tree_internal.h"

#include <assert.h>
#include <errno.h>

/* The four inodes of a rename; where both names are in one directory, `to` is `from`. */
struct rename {
    const struct op *op;
    struct inode from;
    struct inode other;
    struct inode *to;
    struct inode source;
    struct inode target;
    bool replaces; /* there is a target */
};

/* 1 if `ino` is the directory `dir` or somewhere below it, 0 if not. */
static int is_below(struct tree *tree, uint64_t ino, uint64_t dir)
{
    struct inode inode;
    for (; ino != dir; ino = inode.parent) {
        if (ino == INO_ROOT)
            return 0;
        int status = inode_get(tree, ino, &inode);
        if (status < 0)
            return status;
    }
    return 1;
}

/* A directory must not become its own descendant. */
static int check_loops(struct tree *tree, const struct rename *r)
{
    int status = 0;
    if (r->from.attr.ino == r->to->attr.ino)
        return 0;
    if (inode_is(&r->source, S_IFDIR))
        status = is_below(tree, r->to->attr.ino, r->source.attr.ino);
    if (status == 0 && (r->op->flags & OP_EXCHANGE) && inode_is(&r->target, S_IFDIR))
        status = is_below(tree, r->from.attr.ino, r->target.attr.ino);
    return status > 0 ? -EINVAL : status;
}

/* The errors of rename(2) for a target that would be replaced. */
static int check_replace(const struct rename *r)
{
    bool source_dir = inode_is(&r->source, S_IFDIR);
    bool target_dir = inode_is(&r->target, S_IFDIR);
    if (!source_dir && target_dir)
        return -EISDIR;
    if (source_dir && !target_dir)
        return -ENOTDIR;
    return target_dir && r->target.attr.size > 0 ? -ENOTEMPTY : 0;
}

/* A directory that gains a subdirectory must have room for the link of its `..`. */
static int check_links(const struct rename *r, bool exchange)
{
    bool source_dir = inode_is(&r->source, S_IFDIR);
    bool target_dir = r->replaces && inode_is(&r->target, S_IFDIR);
    if (r->from.attr.ino == r->to->attr.ino || source_dir == target_dir)
        return 0;
    if (source_dir && r->to->attr.nlink >= LINKS_MAX)
        return -EMLINK;
    return exchange && target_dir && r->from.attr.nlink >= LINKS_MAX ? -EMLINK : 0;
}

/* The two directories, the source and, if it exists, the target. */
static int rename_load(struct tree *tree, struct rename *r)
{
    const struct op *op = r->op;
    int status = name_parent(tree, op->ino, op->name, &r->from);
    if (status < 0)
        return status;
    r->to = op->ino == op->ino2 ? &r->from : &r->other;
    status = name_parent(tree, op->ino2, op->name2, r->to);
    if (status < 0)
        return status;
    status = name_lookup(tree, op->ino, op->name, &r->source);
    if (status < 0)
        return status;
    status = name_lookup(tree, op->ino2, op->name2, &r->target);
    r->replaces = status == 0;
    return status == -ENOENT ? 0 : status;
}

/* 0 or an error. `*same`: both names are of one file, and there is nothing to do. */
static int rename_check(struct tree *tree, const struct rename *r, bool *same)
{
    bool exchange = r->op->flags & OP_EXCHANGE;
    if (r->replaces && (r->op->flags & OP_NO_REPLACE))
        return -EEXIST;
    if (!r->replaces && exchange)
        return -ENOENT;
    if (r->replaces && r->source.attr.ino == r->target.attr.ino) {
        *same = true;
        return 0;
    }
    int status = check_loops(tree, r);
    if (status == 0 && r->replaces && !exchange)
        status = check_replace(r);
    return status < 0 ? status : check_links(r, exchange);
}

/* The inode got another name, perhaps in another directory. */
static int rename_moved(struct change *c, struct inode *inode, struct inode *old_dir,
                        struct bytes old_name, struct inode *new_dir, struct bytes new_name)
{
    if (inode_is(inode, S_IFDIR)) {
        assert(old_dir->attr.nlink > 2);
        old_dir->attr.nlink--;
        new_dir->attr.nlink++;
        inode->parent = new_dir->attr.ino;
    }
    return way_move(c, inode, old_dir->attr.ino, old_name, new_dir->attr.ino, new_name);
}

/* An observer hears of both names with either change; the name that it is about comes first. */
static void tell_from(struct change *c, const struct inode *inode, const struct op *op)
{
    change_tell(c, (struct tree_change){.kind = CHANGE_MOVED_FROM,
                                        .mode = inode->attr.mode,
                                        .ino = inode->attr.ino,
                                        .parent = op->ino,
                                        .name = op->name,
                                        .parent2 = op->ino2,
                                        .name2 = op->name2});
}

static void tell_to(struct change *c, const struct inode *inode, const struct op *op)
{
    change_tell(c, (struct tree_change){.kind = CHANGE_MOVED_TO,
                                        .mode = inode->attr.mode,
                                        .ino = inode->attr.ino,
                                        .parent = op->ino2,
                                        .name = op->name2,
                                        .parent2 = op->ino,
                                        .name2 = op->name});
}

/* Both names stay, so no directory changes its size. */
static int exchange_names(struct change *c, struct rename *r)
{
    const struct op back = {
        .ino = r->op->ino2, .name = r->op->name2, .ino2 = r->op->ino, .name2 = r->op->name};
    int status = name_set(c, r->op->ino, r->op->name, r->target.attr.ino);
    if (status == 0)
        status = name_set(c, r->op->ino2, r->op->name2, r->source.attr.ino);
    if (status == 0)
        status = rename_moved(c, &r->source, &r->from, r->op->name, r->to, r->op->name2);
    if (status == 0)
        status = rename_moved(c, &r->target, r->to, r->op->name2, &r->from, r->op->name);
    tell_from(c, &r->source, r->op);
    tell_from(c, &r->target, &back);
    tell_to(c, &r->source, r->op);
    tell_to(c, &r->target, &back);
    return status;
}

/* A target that is replaced goes away first, as unlink(2) or rmdir(2) would remove it. */
static int move_name(struct change *c, struct rename *r)
{
    int status = 0;
    if (r->replaces)
        status = name_remove(c, r->to, r->op->name2, &r->target, r->op->hold);
    if (status == 0)
        status = name_delete(c, r->op->ino, r->op->name);
    if (status == 0)
        status = name_add(c, r->op->ino2, r->op->name2, r->source.attr.ino);
    tell_from(c, &r->source, r->op);
    tell_to(c, &r->source, r->op);
    assert(r->from.attr.size > 0);
    r->from.attr.size--;
    r->to->attr.size++;
    if (status < 0)
        return status;
    return rename_moved(c, &r->source, &r->from, r->op->name, r->to, r->op->name2);
}

/* What is renamed, and where it goes to, are directories like those of mkdir(2) now. */
static void claim_all(struct rename *r)
{
    inode_claim(&r->source);
    inode_claim(r->to);
    if (r->op->flags & OP_EXCHANGE) {
        inode_claim(&r->target);
        inode_claim(&r->from);
    }
}

int op_rename(struct change *c, const struct op *op, struct op_result *out)
{
    struct rename r = {.op = op};
    bool same = false;
    if ((op->flags & OP_NO_REPLACE) && (op->flags & OP_EXCHANGE))
        return -EINVAL;
    int status = rename_load(c->tree, &r);
    if (status == 0)
        status = rename_check(c->tree, &r, &same);
    if (status < 0)
        return status;
    out->existed = r.replaces;
    if (!same) {
        claim_all(&r);
        status = op->flags & OP_EXCHANGE ? exchange_names(c, &r) : move_name(c, &r);
        inode_touch(c, &r.from);
        inode_touch(c, r.to);
        if (status == 0)
            status = inode_set(c, &r.from);
        if (status == 0 && r.to != &r.from)
            status = inode_set(c, r.to);
    }
    out->attr = r.source.attr;
    return status;
}
