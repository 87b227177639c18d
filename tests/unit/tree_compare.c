#include "tree_compare.h"

#include "store/tree_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static void compare_attributes(const struct attr *attr, const struct attr *expected)
{
    assert_int_equal(attr->ino, expected->ino);
    assert_int_equal(attr->mode, expected->mode);
    assert_int_equal(attr->nlink, expected->nlink);
    assert_int_equal(attr->uid, expected->uid);
    assert_int_equal(attr->gid, expected->gid);
    assert_int_equal(attr->rdev, expected->rdev);
    assert_int_equal(attr->size, expected->size);
    assert_int_equal(attr->revision, expected->revision);
    assert_int_equal(attr->atime, expected->atime);
    assert_int_equal(attr->mtime, expected->mtime);
    assert_int_equal(attr->ctime, expected->ctime);
    if (expected->used == MODEL_USED_UNKNOWN) /* fixture_check knows more */
        assert_true(attr->used <= (attr->size + CHUNK_BYTES - 1) / CHUNK_BYTES * CHUNK_BYTES);
    else
        assert_int_equal(attr->used, expected->used);
}

/* ---- Answers ---- */

static void compare_op_results(const struct op_result *result, const struct op_result *expected)
{
    assert_int_equal(result->existed, expected->existed);
    assert_int_equal(result->old_present, expected->old_present);
    assert_int_equal(result->old_at, expected->old_at);
    assert_int_equal(result->old_len, expected->old_len);
    assert_int_equal(result->offset, expected->offset);
    compare_attributes(&result->attr, &expected->attr);
}

void compare_results(const struct command_result *result, const struct command_result *expected)
{
    assert_int_equal(result->status, expected->status);
    assert_int_equal(result->failed_op, expected->failed_op);
    assert_int_equal(result->revision, expected->revision);
    assert_int_equal(result->count, expected->count);
    for (uint32_t i = 0; i < result->count; i++)
        compare_op_results(&result->ops[i], &expected->ops[i]);
    assert_int_equal(result->old.len, expected->old.len);
    if (result->old.len > 0)
        assert_memory_equal(result->old.data, expected->old.data, result->old.len);
}

/* ---- Directories ---- */

struct listing {
    const struct model *m;
    const struct model_name *next;
};

static bool compare_entry(void *arg, struct bytes name, const struct attr *attr)
{
    struct listing *listing = arg;
    const struct model_name *n = listing->next++;
    assert_true(bytes_equal(bytes_of_text(n->name), name));
    compare_attributes(attr, &listing->m->inode[n->ino].attr);
    return true;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct model_name *)a)->name, ((const struct model_name *)b)->name);
}

static void compare_directory(struct fixture *f, const struct model *m, uint64_t ino)
{
    static struct model_name names[MODEL_NAMES];
    struct listing listing = {m, names};
    size_t count = 0;
    for (int i = 0; i < MODEL_NAMES; i++) {
        if (!m->name[i].ino || m->name[i].parent != ino)
            continue;
        names[count++] = m->name[i];
        struct attr attr;
        assert_int_equal(tree_lookup(f->tree, ino, text(m->name[i].name), &attr), 0);
        assert_int_equal(attr.ino, m->name[i].ino);
    }
    qsort(names, count, sizeof *names, by_name);
    assert_int_equal(tree_list(f->tree, ino, (struct bytes){0}, 1000, compare_entry, &listing), 0);
    assert_int_equal(listing.next - names, count);
    uint64_t parent;
    assert_int_equal(tree_parent(f->tree, ino, &parent), 0);
    assert_int_equal(parent, m->inode[ino].parent);
}

/* ---- Inodes ---- */

static void compare_bytes(struct buffer *found, const void *expected, size_t len)
{
    assert_int_equal(found->len, len);
    if (len > 0)
        assert_memory_equal(found->data, expected, len);
    buffer_free(found);
}

static void compare_contents(struct fixture *f, const struct model_inode *inode)
{
    struct buffer out = {0};
    if (S_ISREG(inode->attr.mode))
        assert_int_equal(tree_read(f->tree, inode->attr.ino, 0, SIZE_MAX, &out), 0);
    if (S_ISLNK(inode->attr.mode))
        assert_int_equal(tree_readlink(f->tree, inode->attr.ino, &out), 0);
    compare_bytes(&out, inode->bytes, inode->attr.size);
}

static void compare_xattrs(struct fixture *f, const struct model_inode *inode)
{
    static const char *const names[] = {"a", "a-b", "b", "b.c", "c", "d"};
    struct buffer list = {0}, expected_list = {0};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const struct buffer *expected = inode->xattr[model_xattr(text(names[i]))];
        struct buffer out = {0};
        assert_int_equal(tree_getxattr(f->tree, inode->attr.ino, text(names[i]), &out),
                         expected ? 0 : -ENODATA);
        if (!expected)
            continue;
        compare_bytes(&out, expected->data, expected->len);
        buffer_append(&expected_list, names[i], strlen(names[i]) + 1);
    }
    assert_int_equal(tree_listxattr(f->tree, inode->attr.ino, &list), 0);
    compare_bytes(&list, expected_list.data, expected_list.len);
    buffer_free(&expected_list);
}

static void compare_mortality(struct fixture *f, const struct model_inode *inode)
{
    uint64_t ms, lease;
    struct tree_mortal mortal;
    assert_int_equal(tree_ttl(f->tree, &inode->attr, &ms, &lease), 0);
    assert_int_equal(ms, inode->ttl);
    assert_int_equal(lease, inode->lease);
    int status = tree_mortal_get(f->tree, inode->attr.ino, &mortal);
    assert_int_equal(status, inode->ttl > 0 ? 0 : -ENOENT);
    if (status == 0)
        assert_true(mortal.ms == inode->ttl && mortal.revision == inode->attr.revision);
}

static void compare_leases(struct fixture *f, const struct model *m)
{
    uint64_t leases = 0, mortals = 0;
    for (uint64_t id = 1; id <= MODEL_LEASES; id++) {
        struct tree_lease lease = {0};
        uint32_t files = 0;
        for (uint64_t ino = 1; ino < m->inodes; ino++)
            files += m->inode[ino].lease == id;
        int status = tree_lease_get(f->tree, id, &lease);
        assert_int_equal(status, m->lease[id].ttl > 0 ? 0 : -ENOENT);
        assert_int_equal(lease.ms, m->lease[id].ttl);
        assert_int_equal(lease.revision, m->lease[id].revision);
        assert_true(status < 0 ||
                    (lease.uid == m->lease[id].uid && lease.token == m->lease[id].token));
        assert_int_equal(lease.files, files);
        leases += status == 0;
    }
    for (uint64_t ino = 1; ino < m->inodes; ino++)
        mortals += m->inode[ino].ttl > 0 || m->inode[ino].lease > 0;
    assert_int_equal(f->tree->mortals.leases, leases);
    assert_int_equal(f->tree->mortals.files, mortals);
}

static void compare_tokens(struct fixture *f, const struct model *m)
{
    struct tree_token token = {0};
    int left = 0;
    for (int i = 0; i < MODEL_TOKENS; i++)
        left += m->token[i].caller.token != 0;
    while (tree_token_next(f->tree, bytes_of(token.name, token.name_len), &token) == 0) {
        const struct model_token *expected = m->token;
        while (expected->caller.token != token.caller.token)
            assert_true(++expected < m->token + MODEL_TOKENS);
        assert_true(bytes_equal(bytes_of(token.name, token.name_len), text(expected->name)));
        assert_true(bytes_equal(bytes_of(token.path, token.path_len), text(expected->path)));
        assert_int_equal(token.caller.uid, expected->caller.uid);
        assert_int_equal(token.caller.gid, expected->caller.gid);
        assert_int_equal(token.caller.group_count, expected->caller.group_count);
        for (uint32_t i = 0; i < token.caller.group_count; i++)
            assert_int_equal(token.caller.groups[i], expected->caller.groups[i]);
        assert_int_equal(token.read_only, expected->read_only);
        assert_int_equal(token.expires, expected->expires);
        assert_int_equal(token.hash[TOKEN_HASH_BYTES - 1], expected->hash);
        left--;
    }
    assert_int_equal(left, 0);
}

static void compare_inode(struct fixture *f, const struct model *m, uint64_t ino)
{
    const struct model_inode *inode = &m->inode[ino];
    struct attr attr;
    int status = tree_getattr(f->tree, ino, &attr);
    assert_int_equal(status, inode->attr.ino ? 0 : -ESTALE);
    if (status < 0)
        return;
    compare_attributes(&attr, &inode->attr);
    compare_xattrs(f, inode);
    compare_mortality(f, inode);
    if (S_ISDIR(inode->attr.mode))
        compare_directory(f, m, ino);
    else
        compare_contents(f, inode);
}

/* ---- The rest ---- */

/* A row for each inode that is held. */
static void compare_held(struct fixture *f, const struct model *m)
{
    uint64_t ino = 1;
    sqlite3_stmt *query;
    assert_int_equal(sql_prepare(&f->tree->sql, "SELECT ino, node FROM held ORDER BY ino", &query),
                     0);
    for (; ino < m->inodes; ino++) {
        if (!m->inode[ino].holder)
            continue;
        assert_int_equal(sql_step(&f->tree->sql, query), 1);
        assert_int_equal(column_number(query, 0), ino);
        assert_int_equal(column_number(query, 1), m->inode[ino].holder);
    }
    assert_int_equal(sql_step(&f->tree->sql, query), 0);
    sqlite3_finalize(query);
}

static void compare_counters(const struct counters *counters, const struct model *m)
{
    uint64_t inodes = 0;
    for (uint64_t ino = 1; ino < m->inodes; ino++)
        inodes += m->inode[ino].attr.ino != 0;
    assert_int_equal(counters->applied, m->applied);
    assert_int_equal(counters->next_ino, m->inodes);
    assert_int_equal(counters->last_time, m->last_time);
    assert_int_equal(counters->inodes, inodes);
}

void compare_trees(struct fixture *f, const struct model *m)
{
    for (uint64_t ino = 1; ino < m->inodes; ino++)
        compare_inode(f, m, ino);
    compare_held(f, m);
    compare_leases(f, m);
    compare_tokens(f, m);
    compare_counters(&f->tree->counters, m);
}
