/* Listing a directory, and all keys in the byte order of the whole key.
 *
 * The order of keys is not that of names: a directory's keys begin with its name and a slash, so
 * the key `a-b` comes before `a/x` although the name `a` comes before `a-b`. The place of an entry
 * is therefore its name, with a slash behind it if it is a directory. A position between entries is
 * such a place. next_entry finds the entry behind it without any other state, so a walk can stop
 * and go on anywhere.
 *
 * A caller with rights is shown what it may list: a directory is entered if it can be reached and
 * read. Where the prefix says which entry is wanted, to search the directory is enough. */
#include "store/tree_internal.h"

#include "command/key.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

int tree_list(struct tree *tree, uint64_t ino, struct bytes after, uint32_t max,
              tree_entry_cb *each, void *arg)
{
    struct inode inode;
    int status = inode_get(tree, ino, &inode);
    if (status < 0)
        return status;
    if (!inode_is(&inode, S_IFDIR))
        return -ENOTDIR;
    sqlite3_stmt *query = tree_query(tree, QUERY_LIST);
    bind_number(query, 1, ino);
    /* Copied, as `each` may move the bytes: the caller can have `after` in a buffer that grows. */
    sqlite3_bind_blob64(query, 2, after.len > 0 ? (const void *)after.data : "", after.len,
                        SQLITE_TRANSIENT);
    bind_number(query, 3, max);
    while ((status = tree_step(tree, query)) > 0) {
        inode_read(query, 1, &inode);
        if (!each(arg, sql_column_bytes(query, 0), &inode.attr))
            break;
    }
    sqlite3_reset(query);
    return status < 0 ? status : 0;
}

/* ---- Keys ---- */

enum { DEPTH_MAX = (PATH_BYTES_MAX + 1) / 2 };

/* An entry of a directory. */
struct entry {
    uint8_t name[NAME_BYTES_MAX + 1]; /* room for the slash that a directory's place ends with */
    size_t len;                       /* of the name */
    struct inode inode;
};

/* Where a walk is: in the directory whose keys begin with the first levels[depth].start bytes of
 * the path, behind the place that the rest of the path is (no rest: before its first entry). */
struct keys {
    struct tree *tree;
    struct rights rights;
    struct bytes prefix;
    tree_key_cb *each;
    void *arg;
    uint32_t visits;
    bool sought; /* the place came from the caller: it need not be that of an entry */
    uint32_t depth;
    struct {
        uint64_t ino;
        uint32_t start; /* in the path */
        bool searched;  /* the caller may search it */
    } levels[DEPTH_MAX + 1];
    uint8_t path[LISTED_BYTES_MAX + 1];
    size_t len;
};

/* Like memcmp(3); a prefix comes before longer bytes. */
static int bytes_order(struct bytes a, struct bytes b)
{
    size_t len = a.len < b.len ? a.len : b.len;
    int by_bytes = len > 0 ? memcmp(a.data, b.data, len) : 0;
    return by_bytes != 0 ? by_bytes : (a.len > b.len) - (a.len < b.len);
}

static bool starts_with(struct bytes bytes, struct bytes prefix)
{
    return bytes.len >= prefix.len && bytes_equal(bytes_of(bytes.data, prefix.len), prefix);
}

static struct bytes entry_name(const struct entry *e)
{
    return bytes_of(e->name, e->len);
}

/* Where the entry comes among its neighbours; valid while the entry is. */
static struct bytes entry_place(struct entry *e)
{
    assert(e->len <= NAME_BYTES_MAX);
    e->name[e->len] = '/';
    return bytes_of(e->name, e->len + inode_is(&e->inode, S_IFDIR));
}

/* The first entry of a directory with a name behind `name`: 0 or -ENOENT. */
static int entry_after(struct keys *k, uint64_t ino, struct bytes name, struct entry *e)
{
    k->visits++;
    sqlite3_stmt *query = tree_query(k->tree, QUERY_LIST);
    bind_number(query, 1, ino);
    sql_bind_bytes(query, 2, name);
    bind_number(query, 3, 1);
    int status = tree_step(k->tree, query);
    if (status <= 0)
        return status < 0 ? status : -ENOENT;
    struct bytes found = sql_column_bytes(query, 0);
    assert(found.len > 0 && found.len <= NAME_BYTES_MAX);
    memcpy(e->name, found.data, found.len);
    e->len = found.len;
    inode_read(query, 1, &e->inode);
    sqlite3_reset(query);
    return 0;
}

static int name_after(struct keys *k, struct bytes name, struct entry *e)
{
    return entry_after(k, k->levels[k->depth].ino, name, e);
}

/* The name of a directory may come before a position and its place behind it: the position then
 * begins with the name and goes on with a byte below the slash, or ends. Of several such
 * directories, the longest name has the first place. */
static int directory_after(struct keys *k, struct bytes place, struct entry *e)
{
    size_t longest = k->sought ? place.len : place.len - (place.len > 0);
    k->sought = false;
    for (size_t len = longest; len > 0; len--) {
        if (len > NAME_BYTES_MAX || (len < place.len && place.data[len] >= '/'))
            continue;
        k->visits++;
        struct bytes name = bytes_of(place.data, len);
        int status = name_lookup(k->tree, k->levels[k->depth].ino, name, &e->inode);
        if (status < 0 && status != -ENOENT)
            return status;
        if (status == 0 && inode_is(&e->inode, S_IFDIR)) {
            memcpy(e->name, name.data, len);
            e->len = len;
            return 0;
        }
    }
    return -ENOENT;
}

/* The first entry by name may be a directory that longer names come before: `a`, then `a-b`. */
static int first_place_after(struct keys *k, struct bytes place, struct entry *e)
{
    int status = name_after(k, place, e);
    while (status == 0 && inode_is(&e->inode, S_IFDIR)) {
        struct entry longer;
        status = name_after(k, entry_name(e), &longer);
        if (status < 0 || !starts_with(entry_name(&longer), entry_name(e)) ||
            longer.name[e->len] > '/')
            return status == -ENOENT ? 0 : status;
        *e = longer;
    }
    return status;
}

/* The entry with the first place behind `place` in the current directory: 0 or -ENOENT. */
static int next_entry(struct keys *k, struct bytes place, struct entry *e)
{
    int status = first_place_after(k, place, e);
    if (status < 0 && status != -ENOENT)
        return status;
    struct entry before;
    int other = directory_after(k, place, &before);
    if (other < 0)
        return other == -ENOENT ? status : other;
    if (status == -ENOENT || bytes_order(entry_place(&before), entry_place(e)) < 0)
        *e = before;
    return 0;
}

static bool has_slash(struct bytes bytes)
{
    return bytes.len > 0 && memchr(bytes.data, '/', bytes.len);
}

/* Whether the caller may do this with a directory: as it was then, if a view is walked, and as it
 * is now, if it still exists. */
static bool keys_may(struct keys *k, const struct inode *dir, uint32_t want)
{
    struct inode now;
    if (!k->rights.caller)
        return true;
    if (rights_check(&k->rights, &dir->attr, want) < 0)
        return false;
    return !k->tree->viewed || inode_get(k->tree->viewed, dir->attr.ino, &now) < 0 ||
           rights_check(&k->rights, &now.attr, want) == 0;
}

/* Goes into a directory, whose place is the end of the path, at this depth. False: the caller is
 * shown nothing of it. */
static bool keys_stand(struct keys *k, const struct inode *dir, uint32_t depth)
{
    bool pinned = k->prefix.len > k->len &&
                  has_slash(bytes_of(k->prefix.data + k->len, k->prefix.len - k->len));
    bool searched = keys_may(k, dir, CALLER_SEARCH);
    assert(depth <= DEPTH_MAX);
    if (pinned ? !searched : !keys_may(k, dir, CALLER_READ))
        return false;
    k->depth = depth;
    k->levels[depth].ino = dir->attr.ino;
    k->levels[depth].start = (uint32_t)k->len;
    k->levels[depth].searched = searched;
    return true;
}

static bool keys_enter(struct keys *k, const struct inode *dir)
{
    return k->levels[k->depth].searched && keys_stand(k, dir, k->depth + 1);
}

static void path_append(struct keys *k, struct bytes bytes)
{
    assert(k->len + bytes.len <= sizeof k->path);
    if (bytes.len > 0)
        memcpy(k->path + k->len, bytes.data, bytes.len);
    k->len += bytes.len;
}

/* Goes to the position behind `key` (at most LISTED_BYTES_MAX bytes), as deep as its directories
 * exist. */
static int keys_seek(struct keys *k, struct bytes key)
{
    assert(k->depth == 0 && k->len == 0);
    k->sought = true;
    while (has_slash(key)) {
        struct bytes name = key_next(&key);
        struct inode inode;
        int status = name_lookup(k->tree, k->levels[k->depth].ino, name, &inode);
        if (status < 0 && status != -ENOENT)
            return status;
        path_append(k, name);
        path_append(k, bytes_of_text("/"));
        if (status < 0 || !inode_is(&inode, S_IFDIR) || k->len > PATH_BYTES_MAX ||
            !keys_enter(k, &inode))
            return 0;
    }
    path_append(k, key);
    return 0;
}

static bool is_listed(const struct inode *inode)
{
    return inode_is(inode, S_IFREG) || inode_is(inode, S_IFLNK);
}

/* Gives the path, with what it names if the caller can reach that. */
static bool keys_give(struct keys *k, const struct attr *attr)
{
    return k->each(k->arg, bytes_of(k->path, k->len), k->levels[k->depth].searched ? attr : NULL);
}

/* The path of the entry is longer than a key can be. It is given all the same, so that nothing is
 * missing without a word: a directory stands for all that is in it. */
static int keys_give_long(struct keys *k, struct entry *e, bool *goes_on)
{
    bool listed = is_listed(&e->inode);
    if (inode_is(&e->inode, S_IFDIR) && keys_may(k, &e->inode, CALLER_READ)) {
        struct entry child;
        int status = entry_after(k, e->inode.attr.ino, (struct bytes){0}, &child);
        if (status < 0 && status != -ENOENT)
            return status;
        listed = status == 0;
    }
    *goes_on = !listed || keys_give(k, &e->inode.attr);
    return 0;
}

/* Gives the entry if it is a key, or enters it. `*goes_on`: the walk is not over. */
static int keys_visit(struct keys *k, struct entry *e, bool *goes_on)
{
    *goes_on = true;
    k->len = k->levels[k->depth].start;
    path_append(k, entry_place(e));
    if (!starts_with(bytes_of(k->path, k->len), k->prefix))
        *goes_on = false;
    else if (!rights_cover(&k->rights, bytes_of(k->path, k->len)))
        return 0;
    else if (k->len > PATH_BYTES_MAX)
        return keys_give_long(k, e, goes_on);
    else if (inode_is(&e->inode, S_IFDIR))
        keys_enter(k, &e->inode);
    else if (is_listed(&e->inode))
        *goes_on = keys_give(k, &e->inode.attr);
    return 0;
}

/* From the current position on, down into directories and up again at their ends. */
static int keys_walk(struct keys *k, uint32_t visits_max, bool *more)
{
    struct entry e;
    while (!*more) {
        uint32_t start = k->levels[k->depth].start;
        assert(start <= k->len);
        int status = next_entry(k, bytes_of(k->path + start, k->len - start), &e);
        if (status < 0 && status != -ENOENT)
            return status;
        if (status == -ENOENT) {
            if (k->depth == 0)
                return 0;
            k->depth--;
            k->len = start; /* behind the directory: its place ends here */
            continue;
        }
        bool goes_on;
        status = keys_visit(k, &e, &goes_on);
        if (status < 0 || !goes_on)
            return status;
        *more = k->visits >= visits_max;
    }
    return 0;
}

/* The prefix itself can be a key; the walk would not find it, as no position comes before it. */
static bool keys_give_prefix(struct keys *k)
{
    struct attr attr;
    if (tree_resolve(k->tree, k->prefix, &attr) < 0)
        return true;
    if (!S_ISREG(attr.mode) && !S_ISLNK(attr.mode))
        return true;
    bool reached = !k->rights.caller || key_find(k->tree, &k->rights, k->prefix, &attr) == 0;
    return k->each(k->arg, k->prefix, reached ? &attr : NULL);
}

/* Whether the caller may list the directory of the prefix: 0, -EACCES, -EKEYREVOKED, or an error.
 */
static int keys_begin(struct keys *k, const struct caller *caller)
{
    struct tree *now = k->tree->viewed ? k->tree->viewed : k->tree;
    struct inode root;
    int status = inode_get(k->tree, INO_ROOT, &root);
    if (status == 0 && caller)
        status = rights_of(now, caller, tree_time(now), &k->rights);
    if (status == 0 && !rights_cover(&k->rights, k->prefix))
        status = -EACCES;
    if (status == 0 && k->rights.caller)
        status = rights_list(now, &k->rights, k->prefix);
    if (status == 0 && !keys_stand(k, &root, 0))
        status = -EACCES;
    return status;
}

int tree_keys(struct tree *tree, const struct caller *caller, struct bytes prefix,
              struct bytes after, uint32_t visits_max, tree_key_cb *each, void *arg, bool *more,
              struct buffer *resume)
{
    struct keys k = {.tree = tree, .prefix = prefix, .each = each, .arg = arg};
    bool fresh = bytes_order(prefix, after) > 0;
    *more = false;
    if (prefix.len > PATH_BYTES_MAX)
        return 0;
    if (after.len > LISTED_BYTES_MAX)
        after.len = LISTED_BYTES_MAX;
    int status = tree->broken ? tree->broken : keys_begin(&k, caller);
    if (status < 0 || (fresh && !keys_give_prefix(&k)))
        return status;
    status = keys_seek(&k, fresh ? prefix : after);
    if (status == 0)
        status = keys_walk(&k, visits_max, more);
    if (status < 0 || !*more)
        return status;
    resume->len = 0;
    buffer_append(resume, k.path, k.len);
    return resume->failed ? -ENOMEM : 0;
}
