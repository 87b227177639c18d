/* Implied directories: those that a PUT made because its key needed them, and that nobody has used
 * as a directory since.
 *
 * They go with the last key below them, when that is removed by key: as many of them as one command
 * may remove (COMMAND_PRUNED_MAX). A file operation does not
 * remove them: whoever empties a directory expects that it is still there. But for keys an implied
 * directory without a key below it is not there: a PUT of its own path takes its place.
 *
 * An operation by inode that makes or moves a name into a directory, changes its attributes, or
 * renames it, makes it a directory like one of mkdir(2) (inode_claim). The mark is in `rdev`, which
 * has no other meaning for a directory. Directories from before LEVEL_IMPLIED do not have it. */
#include "store/tree_internal.h"

#include "command/level.h"

#include <assert.h>
#include <errno.h>

enum {
    RDEV_IMPLIED = 1,
    IMPLIED_MAX = 1024, /* directories that one operation removes, or looks through */
};
/* An operation alone, which is not undone, keeps to the bound: it makes directories, or looks
 * through those that are in its way, at most twice, and removes them. */
enum { WALKED_MAX = (PATH_BYTES_MAX + 1) / 2 };
_Static_assert(WALKED_MAX *(1 + COMMAND_DIRECTORY_NAMES) <= COMMAND_NAMES_MAX &&
                   WALKED_MAX + 3 * IMPLIED_MAX * COMMAND_DIRECTORY_NAMES <= COMMAND_NAMES_MAX,
               "of one operation");

uint32_t implied_rdev(const struct tree *tree)
{
    return tree->cluster.level >= LEVEL_IMPLIED ? RDEV_IMPLIED : 0;
}

static bool is_implied(const struct attr *attr)
{
    return S_ISDIR(attr->mode) && attr->rdev == RDEV_IMPLIED;
}

void inode_claim(struct inode *inode)
{
    if (inode_is(inode, S_IFDIR))
        inode->attr.rdev = 0;
}

/* ---- Directories without keys ---- */

/* Parents come before their children. */
struct implied {
    uint64_t ino[IMPLIED_MAX];
    uint32_t count;
    bool used; /* there is something else below the first one, or too much */
};

/* A tree_entry_cb. A directory that holds nothing but directories has as many entries as it has
 * links besides its own two. */
static bool collect_one(void *arg, struct bytes name, const struct attr *attr)
{
    struct implied *all = arg;
    all->used = !is_implied(attr) || attr->size + 2 != attr->nlink || all->count == IMPLIED_MAX;
    if (!all->used)
        all->ino[all->count++] = attr->ino;
    return !all->used;
}

static int collect(struct tree *tree, const struct attr *dir, struct implied *all)
{
    int status = 0;
    all->count = 0;
    collect_one(all, (struct bytes){0}, dir);
    for (uint32_t i = 0; status == 0 && !all->used && i < all->count; i++)
        status = tree_list(tree, all->ino[i], (struct bytes){0}, IMPLIED_MAX, collect_one, all);
    tree->names += all->count * COMMAND_DIRECTORY_NAMES;
    if (status == 0 && all->used)
        status = -EISDIR;
    return status;
}

int implied_check(struct tree *tree, const struct attr *dir)
{
    struct implied all;
    return collect(tree, dir, &all);
}

/* ---- Removing them ---- */

/* `dir`, which is empty, loses its name; gives its parent. */
static int remove_dir(struct change *c, struct inode *dir, struct inode *parent)
{
    struct way way;
    assert(dir->attr.size == 0 && is_implied(&dir->attr));
    int status = way_of_dir(c->tree, dir->attr.ino, &way);
    if (status == -ENOENT)
        return tree_damaged(c->tree, "a directory has no name");
    if (status == 0)
        status = inode_get(c->tree, way.parent, parent);
    struct bytes name = bytes_of(way.name, way.len);
    if (status == 0)
        status = changes_keep_name(c, &name);
    return status < 0 ? status : name_remove(c, parent, name, dir, 0);
}

/* Whether the caller may remove the directory's name: 0, -EACCES or -EPERM. */
static int may_remove_dir(struct change *c, const struct inode *dir)
{
    struct inode parent;
    if (!c->as.caller)
        return 0;
    int status = inode_get(c->tree, dir->parent, &parent);
    return status < 0 ? status : rights_remove(&c->as, &parent.attr, &dir->attr);
}

static bool may_prune_more(const struct tree *tree)
{
    return tree->pruned < COMMAND_PRUNED_MAX || tree->cluster.level < LEVEL_BOUNDS;
}

int implied_prune(struct change *c, struct inode *dir)
{
    int status = 0;
    while (status == 0 && is_implied(&dir->attr) && dir->attr.size == 0 &&
           may_prune_more(c->tree)) {
        struct inode parent;
        status = may_remove_dir(c, dir);
        if (status == -EACCES || status == -EPERM)
            return 0;
        if (status == 0)
            status = remove_dir(c, dir, &parent);
        if (status == 0)
            *dir = parent;
        c->tree->pruned++;
    }
    return status;
}

int implied_may_remove(struct change *c, const struct inode *dir)
{
    struct implied all;
    if (!c->as.caller)
        return 0;
    int status = collect(c->tree, &dir->attr, &all);
    while (status == 0 && all.count > 0) {
        struct inode inode;
        status = inode_get(c->tree, all.ino[--all.count], &inode);
        if (status == 0)
            status = may_remove_dir(c, &inode);
    }
    return status;
}

int implied_remove(struct change *c, const struct inode *dir)
{
    struct implied all;
    int status = collect(c->tree, &dir->attr, &all);
    while (status == 0 && all.count > 0) {
        struct inode inode, parent;
        status = inode_get(c->tree, all.ino[--all.count], &inode);
        if (status == 0)
            status = remove_dir(c, &inode, &parent);
    }
    return status;
}
