/* Ways: from an inode to its names, which the directory entries lead from.
 *
 * Ways are not replicated; they follow from the entries. An inode keeps its first name in its row
 * (way_parent, way_name), from when it is made, and again when it is renamed and has no other name:
 * that changes no page that would not change anyway, whereas an index on the entries made a rename
 * in a large tree cost half as much again. Other ways are rows of `way`: the further names of hard
 * links, and all names that come at once, with a snapshot or from the former format.
 *
 * Every entry has its way, but the entry of a way may be gone, or may lead elsewhere now. So
 * reading ways looks for the entries. */
#include "store/tree_internal.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

int ways_make(struct sql *sql)
{
    int status = sql_exec(sql, "ALTER TABLE inode ADD COLUMN way_parent INTEGER;"
                               "ALTER TABLE inode ADD COLUMN way_name BLOB;"
                               "CREATE TABLE way (ino INTEGER NOT NULL, parent INTEGER NOT NULL,"
                               " name BLOB NOT NULL, PRIMARY KEY (ino, parent, name))"
                               " STRICT, WITHOUT ROWID");
    return status < 0 ? status : ways_fill(sql);
}

int ways_fill(struct sql *sql)
{
    return sql_exec(sql, "INSERT INTO way SELECT ino, parent, name FROM dentry ORDER BY ino");
}

int ways_load(struct tree *tree)
{
    int64_t last;
    int status = sql_number(&tree->sql, "SELECT coalesce(max(ino), 0) FROM way", &last);
    if (status == 0)
        tree->ways_last = (uint64_t)last;
    return status;
}

static void way_bind(sqlite3_stmt *query, uint64_t ino, uint64_t parent, struct bytes name)
{
    bind_number(query, 1, ino);
    bind_number(query, 2, parent);
    sql_bind_bytes(query, 3, name);
}

int way_add(struct change *c, const struct inode *inode, uint64_t parent, struct bytes name)
{
    assert(inode->attr.nlink > 0 && name.len > 0);
    sqlite3_stmt *query = tree_query(c->tree, QUERY_WAY_ADD);
    way_bind(query, inode->attr.ino, parent, name);
    if (inode->attr.ino > c->tree->ways_last)
        c->tree->ways_last = inode->attr.ino;
    return tree_run(c->tree, query);
}

int way_delete(struct tree *tree, uint64_t ino, uint64_t parent, struct bytes name)
{
    if (ino > tree->ways_last)
        return 0;
    sqlite3_stmt *query = tree_query(tree, QUERY_WAY_DELETE);
    way_bind(query, ino, parent, name);
    int status = tree_run(tree, query);
    return status < 0 ? status : sqlite3_changes(tree->sql.db);
}

int ways_clear(struct tree *tree, uint64_t ino)
{
    if (ino > tree->ways_last)
        return 0;
    sqlite3_stmt *query = tree_query(tree, QUERY_WAY_CLEAR);
    bind_number(query, 1, ino);
    return tree_run(tree, query);
}

int way_move(struct change *c, struct inode *inode, uint64_t parent, struct bytes name,
             uint64_t parent2, struct bytes name2)
{
    assert(inode->attr.nlink > 0);
    bool single = inode_is(inode, S_IFDIR) || inode->attr.nlink == 1;
    int status = single ? 0 : way_delete(c->tree, inode->attr.ino, parent, name);
    if (status == 0) /* the inode's row has the name */
        return inode_set_name(c, inode, parent2, name2);
    if (status > 0)
        status = way_add(c, inode, parent2, name2);
    return status < 0 ? status : inode_set(c, inode);
}

/* ---- Reading ---- */

int tree_names(struct tree *tree, uint64_t ino, tree_name_cb *each, void *arg)
{
    sqlite3_stmt *query = tree_query(tree, QUERY_WAYS);
    bool more = true;
    int status = 0;
    bind_number(query, 1, ino);
    while (more && (status = tree_step(tree, query)) > 0)
        more = each(arg, column_number(query, 0), sql_column_bytes(query, 1));
    sqlite3_reset(query);
    return status < 0 ? status : 0;
}

static bool take_way(void *arg, uint64_t parent, struct bytes name)
{
    struct way *way = arg;
    assert(name.len <= sizeof way->name);
    *way = (struct way){.parent = parent, .len = name.len};
    memcpy(way->name, name.data, name.len);
    return false;
}

int way_first(struct tree *tree, uint64_t ino, struct way *way)
{
    way->parent = 0;
    int status = tree_names(tree, ino, take_way, way);
    return status == 0 && way->parent == 0 ? -ENOENT : status;
}

int way_of_file(struct tree *tree, uint64_t ino, struct way *way)
{
    struct inode inode;
    sqlite3_stmt *query = tree_query(tree, QUERY_WAY);
    way->parent = 0;
    bind_number(query, 1, ino);
    int status = tree_step(tree, query);
    if (status > 0)
        take_way(way, column_number(query, 0), sql_column_bytes(query, 1));
    sqlite3_reset(query);
    if (status <= 0)
        return status < 0 ? status : -ENOENT;
    status = name_lookup(tree, way->parent, bytes_of(way->name, way->len), &inode);
    return status == 0 && inode.attr.ino != ino ? -ENOENT : status;
}

int way_of_dir(struct tree *tree, uint64_t ino, struct way *way)
{
    int status = way_of_file(tree, ino, way);
    return status == -ENOENT ? way_first(tree, ino, way) : status;
}

/* `path` is filled from its end, and `*start` is where it begins so far: puts a component, and a
 * slash if there are others, before that. */
static int prepend(uint8_t path[PATH_BYTES_MAX], size_t *start, struct bytes name)
{
    size_t slash = *start < PATH_BYTES_MAX;
    assert(*start <= PATH_BYTES_MAX);
    if (*start < name.len + slash)
        return -ENAMETOOLONG;
    if (slash)
        path[--*start] = '/';
    *start -= name.len;
    memcpy(path + *start, name.data, name.len);
    return 0;
}

int tree_path(struct tree *tree, uint64_t parent, struct bytes name, struct buffer *out)
{
    uint8_t path[PATH_BYTES_MAX];
    size_t start = sizeof path;
    int status = prepend(path, &start, name);
    while (status == 0 && parent != INO_ROOT) {
        struct way way;
        struct inode dir;
        status = inode_get(tree, parent, &dir);
        if (status == 0)
            status = way_of_dir(tree, parent, &way);
        if (status == 0)
            status = prepend(path, &start, bytes_of(way.name, way.len));
        parent = way.parent;
    }
    if (status < 0)
        return status;
    buffer_append(out, path + start, sizeof path - start);
    return out->failed ? -ENOMEM : 0;
}

/* tree_paths collects the names first, as `each` of tree_names must not use the tree. */
static bool keep_name(void *arg, uint64_t parent, struct bytes name)
{
    struct buffer *names = arg;
    buffer_put_u64(names, parent);
    buffer_put_bytes(names, name);
    return true;
}

int tree_paths(struct tree *tree, uint64_t ino, tree_path_cb *each, void *arg)
{
    struct buffer names = {0}, path = {0};
    int status = tree_names(tree, ino, keep_name, &names);
    struct reader left = reader_of(bytes_of(names.data, names.len));
    if (status == 0 && names.failed)
        status = -ENOMEM;
    while (status == 0 && reader_left(&left) > 0) {
        uint64_t parent = reader_u64(&left);
        struct bytes name = reader_bytes(&left);
        path.len = 0;
        status = tree_path(tree, parent, name, &path);
        if (status == 0)
            each(arg, bytes_of(path.data, path.len));
        else if (status == -ENAMETOOLONG)
            status = 0;
    }
    buffer_free(&names);
    buffer_free(&path);
    return status;
}
