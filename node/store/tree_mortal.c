/* Files and leases whose time runs out.
 *
 * A mortal file is marked in its `rdev`, which has no other meaning for a regular file: so a change
 * of any other file costs one test. Its row of `ttl` has either its ttl in ms, which counts from
 * its last change (the revision in its inode), or the lease with which it goes. A lease's time
 * counts from when it was made or renewed (the revision in its row).
 *
 * The tree measures no time. The leader does (expiry.c of the replica), and proposes EXPIRE or
 * LEASE_END with the revision that it saw: if there is another one by then, nothing happens. */
#include "store/tree_internal.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

enum { STIRRED_MIN = 16 }; /* keys: room at first */

/* ---- What the last entry has changed ---- */

int mortal_stir(struct tree *tree, uint64_t key)
{
    if (tree->stirred_count > 0 && tree->stirred[tree->stirred_count - 1] == key)
        return 0;
    if (tree->stirred_count == tree->stirred_max) {
        uint32_t max = tree->stirred_max > 0 ? 2 * tree->stirred_max : STIRRED_MIN;
        uint64_t *stirred = realloc(tree->stirred, max * sizeof *stirred);
        if (!stirred)
            return tree_fail(tree, -ENOMEM, "out of memory for files that go away");
        tree->stirred = stirred;
        tree->stirred_max = max;
    }
    tree->stirred[tree->stirred_count++] = key;
    return 0;
}

const uint64_t *tree_stirred(const struct tree *tree, uint32_t *count)
{
    *count = tree->stirred_count;
    return tree->stirred;
}

int mortals_load(struct tree *tree)
{
    int64_t files, leases = 0;
    int status = sql_number(&tree->sql, "SELECT count(*) FROM ttl", &files);
    if (status == 0)
        status = sql_number(&tree->sql, "SELECT count(*) FROM lease", &leases);
    if (status == 0)
        tree->mortals = (struct mortal_counts){(uint64_t)files, (uint64_t)leases};
    return status;
}

/* ---- Rows ---- */

/* 0 or -ENOENT. One of the two is 0. */
static int ttl_get(struct tree *tree, uint64_t ino, uint64_t *ms, uint64_t *lease)
{
    sqlite3_stmt *query = tree_query(tree, QUERY_TTL);
    bind_number(query, 1, ino);
    int status = tree_step(tree, query);
    if (status <= 0)
        return status < 0 ? status : -ENOENT;
    *ms = column_number(query, 0);
    *lease = column_number(query, 1);
    sqlite3_reset(query);
    return 0;
}

int tree_ttl(struct tree *tree, const struct attr *attr, uint64_t *ms, uint64_t *lease)
{
    const struct inode inode = {.attr = *attr};
    *ms = *lease = 0;
    int status = inode_is_mortal(&inode) ? ttl_get(tree, attr->ino, ms, lease) : 0;
    return status == -ENOENT ? 0 : status; /* it is gone, and kept for reading */
}

int mortal_is_leased(struct tree *tree, const struct inode *inode, bool *leased)
{
    uint64_t ms, lease = 0;
    int status = ttl_get(tree, inode->attr.ino, &ms, &lease);
    *leased = lease != 0;
    return status == -ENOENT ? tree_damaged(tree, "a file that goes away has no ttl") : status;
}

int tree_lease_get(struct tree *tree, uint64_t id, struct tree_lease *lease)
{
    sqlite3_stmt *query = tree_query(tree, QUERY_LEASE);
    bind_number(query, 1, id);
    int status = tree_step(tree, query);
    if (status <= 0)
        return status < 0 ? status : -ENOENT;
    *lease = (struct tree_lease){.id = id,
                                 .ms = column_number(query, 0),
                                 .revision = column_number(query, 1),
                                 .files = (uint32_t)column_number(query, 2),
                                 .uid = (uint32_t)column_number(query, 3),
                                 .token = column_number(query, 4)};
    sqlite3_reset(query);
    return 0;
}

static int lease_set(struct tree *tree, const struct tree_lease *lease)
{
    sqlite3_stmt *query = tree_query(tree, QUERY_LEASE_SET);
    bind_number(query, 1, lease->id);
    bind_number(query, 2, lease->ms);
    bind_number(query, 3, lease->revision);
    bind_number(query, 4, lease->files);
    bind_number(query, 5, lease->uid);
    bind_number(query, 6, lease->token);
    return tree_run(tree, query);
}

/* One file more or less goes with the lease. */
static int lease_count(struct tree *tree, uint64_t id, uint64_t ino, bool more)
{
    struct tree_lease lease;
    int status = tree_lease_get(tree, id, &lease);
    if (status == -ENOENT || (status == 0 && !more && lease.files == 0))
        return tree_damaged(tree, "a lease does not know its files");
    if (status < 0)
        return status;
    lease.files += more ? 1 : -1;
    sqlite3_stmt *query = tree_query(tree, more ? QUERY_LEASE_FILE_ADD : QUERY_LEASE_FILE_DELETE);
    bind_number(query, 1, id);
    bind_number(query, 2, ino);
    status = tree_run(tree, query);
    return status < 0 ? status : lease_set(tree, &lease);
}

/* The file is to have this row; without one, both numbers are 0. */
static int ttl_change(struct tree *tree, uint64_t ino, uint64_t ms, uint64_t lease)
{
    uint64_t old_ms, old_lease = 0;
    int status = ttl_get(tree, ino, &old_ms, &old_lease);
    bool had = status == 0, has = ms > 0 || lease > 0;
    if (status == -ENOENT)
        status = 0;
    if (status == 0 && old_lease != lease && old_lease > 0)
        status = lease_count(tree, old_lease, ino, false);
    if (status == 0 && old_lease != lease && lease > 0)
        status = lease_count(tree, lease, ino, true);
    if (status < 0 || (!had && !has))
        return status;
    sqlite3_stmt *query = tree_query(tree, has ? QUERY_TTL_SET : QUERY_TTL_DELETE);
    bind_number(query, 1, ino);
    if (has) {
        bind_number(query, 2, ms);
        bind_number(query, 3, lease);
    }
    tree->mortals.files += has;
    tree->mortals.files -= had;
    return tree_run(tree, query);
}

int mortal_forget(struct change *c, struct inode *inode)
{
    if (!inode_is_mortal(inode))
        return 0;
    inode->attr.rdev = 0;
    int status = mortal_stir(c->tree, inode->attr.ino);
    return status < 0 ? status : ttl_change(c->tree, inode->attr.ino, 0, 0);
}

/* ---- Giving a file its ttl ---- */

static bool is_ttl(uint64_t ms)
{
    return ms >= TTL_MS_MIN && ms <= TTL_MS_MAX;
}

/* Whether one more file may be mortal; `inode` is NULL for a new one. */
static int check_file(const struct tree *tree, const struct inode *inode)
{
    if (inode && inode->attr.nlink > MORTAL_LINKS_MAX)
        return -EMLINK;
    bool one_more = !inode || !inode_is_mortal(inode);
    return one_more && tree->mortals.files >= MORTAL_FILES_MAX ? -EDQUOT : 0;
}

int op_ttl(struct change *c, const struct op *op, struct op_result *out)
{
    struct inode inode;
    uint64_t ms = 0, lease;
    int status = inode_get(c->tree, op->ino, &inode);
    if (status == 0)
        status = data_check_regular(&inode);
    if (status == 0 && inode.attr.nlink == 0)
        status = -ENOENT;
    if (status == 0)
        status = rights_check(&c->as, &inode.attr, CALLER_WRITE);
    if (status == 0 && op->size > 0)
        status = rights_remove_all(c, &inode);
    if (status == 0 && op->size > 0)
        status = is_ttl(op->size) ? check_file(c->tree, &inode) : -EINVAL;
    else if (status == 0)
        status = tree_ttl(c->tree, &inode.attr, &ms, &lease);
    if (status == 0 && op->size == 0 && ms == 0)
        status = -ENODATA;
    if (status < 0)
        return status;
    inode.attr.rdev = op->size > 0 ? RDEV_MORTAL : 0;
    status = mortal_stir(c->tree, op->ino);
    if (status == 0)
        status = ttl_change(c->tree, op->ino, op->size, 0);
    if (status == 0)
        status = inode_set(c, &inode);
    change_inode(c, CHANGE_ATTRIBUTES, &inode);
    out->attr = inode.attr;
    return status;
}

/* The lease, if the caller may use it: 0, -EKEYEXPIRED or -EPERM. */
static int lease_find(struct change *c, uint64_t id, struct tree_lease *lease)
{
    int status = tree_lease_get(c->tree, id, lease);
    if (status == -ENOENT)
        return -EKEYEXPIRED;
    return status == 0 && c->as.caller && !tree_lease_may(c->as.caller, lease) ? -EPERM : status;
}

/* The lease must take one file more, unless the file goes with it already. */
static int check_lease(struct change *c, const struct op *op, const struct inode *inode)
{
    struct tree_lease lease;
    uint64_t ms, of_file = 0;
    int status = lease_find(c, op->lease, &lease);
    if (status == 0 && inode)
        status = tree_ttl(c->tree, &inode->attr, &ms, &of_file);
    if (status < 0 || of_file == op->lease)
        return status;
    return lease.files >= LEASE_FILES_MAX ? -EDQUOT : 0;
}

int mortal_check_put(struct change *c, const struct op *op, const struct inode *inode)
{
    if (op->ttl && op->lease)
        return -EINVAL;
    if (op->ttl == TTL_NONE)
        return 0;
    int status = op->lease ? check_lease(c, op, inode) : is_ttl(op->ttl) ? 0 : -EINVAL;
    return status < 0 ? status : check_file(c->tree, inode);
}

/* A PUT that says nothing of it leaves a ttl as it is, and loosens the file from a lease. */
void mortal_mark_put(const struct op *op, struct inode *inode, bool leased)
{
    if (op->ttl == TTL_NONE || (op->ttl == 0 && op->lease == 0 && leased))
        inode->attr.rdev = 0;
    else if (op->ttl || op->lease)
        inode->attr.rdev = RDEV_MORTAL;
}

int mortal_put(struct change *c, const struct op *op, const struct inode *inode)
{
    bool mortal = inode_is_mortal(inode);
    if (mortal && op->ttl == 0 && op->lease == 0)
        return 0;
    int status = mortal_stir(c->tree, inode->attr.ino);
    if (status < 0)
        return status;
    return ttl_change(c->tree, inode->attr.ino, mortal ? op->ttl : 0, op->lease);
}

/* ---- Going away ---- */

/* Removes the file by all its names, of which it has MORTAL_LINKS_MAX at most, and the implied
 * directories that hold nothing else. */
static int mortal_remove(struct change *c, uint64_t ino)
{
    struct inode inode, dir;
    struct way way;
    int status = inode_get(c->tree, ino, &inode);
    for (bool last = false; status == 0 && !last;) {
        last = inode.attr.nlink == 1;
        status = way_first(c->tree, ino, &way);
        if (status == -ENOENT)
            return tree_damaged(c->tree, "a file that goes away has no name");
        struct bytes name = bytes_of(way.name, way.len);
        if (status == 0)
            status = inode_get(c->tree, way.parent, &dir);
        if (status == 0)
            status = changes_keep_name(c, &name);
        if (status == 0)
            status = name_remove(c, &dir, name, &inode, 0);
        if (status == 0)
            status = implied_prune(c, &dir);
    }
    return status == -ESTALE ? tree_damaged(c->tree, "a file that goes away does not exist")
                             : status;
}

/* It may have been renewed or removed since it was proposed: then nothing happens. */
int op_expire(struct change *c, const struct op *op, struct op_result *out)
{
    struct tree_mortal mortal;
    int status = op->ino < TREE_LEASE ? tree_mortal_get(c->tree, op->ino, &mortal) : -ENOENT;
    if (status == -ENOENT || (status == 0 && mortal.revision != op->revision))
        return 0;
    out->existed = status == 0;
    return status < 0 ? status : mortal_remove(c, op->ino);
}

/* ---- Leases ---- */

int op_lease(struct change *c, const struct op *op, struct op_result *out)
{
    struct tree_lease lease;
    if (!is_ttl(op->size) || op->lease < 1 || op->lease > LEASE_ID_MAX)
        return -EINVAL;
    int status = tree_lease_get(c->tree, op->lease, &lease);
    if (status != -ENOENT)
        return status < 0 ? status : -EEXIST;
    if (c->tree->mortals.leases >= LEASES_MAX)
        return -EDQUOT;
    c->tree->mortals.leases++;
    lease = (struct tree_lease){.id = op->lease, .ms = op->size, .revision = c->revision};
    if (c->as.caller) {
        lease.uid = c->as.caller->uid;
        lease.token = c->as.caller->token;
    }
    status = mortal_stir(c->tree, op->lease | TREE_LEASE);
    return status < 0 ? status : lease_set(c->tree, &lease);
}

int op_lease_renew(struct change *c, const struct op *op, struct op_result *out)
{
    struct tree_lease lease;
    int status = lease_find(c, op->lease, &lease);
    if (status == 0)
        status = mortal_stir(c->tree, op->lease | TREE_LEASE);
    if (status < 0)
        return status;
    lease.revision = c->revision;
    out->offset = lease.ms;
    return lease_set(c->tree, &lease);
}

/* In one entry: no reader sees some of its files without the others. */
int op_lease_end(struct change *c, const struct op *op, struct op_result *out)
{
    struct tree_lease lease;
    uint64_t files[LEASE_FILES_MAX];
    uint32_t count;
    int status = lease_find(c, op->lease, &lease);
    bool timely = op->revision > 0; /* its time is up, unless it was renewed */
    if (timely && (status == -EKEYEXPIRED || (status == 0 && lease.revision != op->revision)))
        return 0;
    if (status == 0)
        status = tree_lease_files(c->tree, op->lease, files, &count);
    for (uint32_t i = 0; status == 0 && i < count; i++)
        status = mortal_remove(c, files[i]);
    if (status == 0)
        status = mortal_stir(c->tree, op->lease | TREE_LEASE);
    if (status < 0)
        return status;
    out->existed = true;
    out->offset = count;
    c->tree->mortals.leases--;
    sqlite3_stmt *query = tree_query(c->tree, QUERY_LEASE_DELETE);
    bind_number(query, 1, op->lease);
    return tree_run(c->tree, query);
}

/* ---- Reading ---- */

int tree_mortal_get(struct tree *tree, uint64_t key, struct tree_mortal *mortal)
{
    struct tree_lease lease;
    struct inode inode;
    uint64_t id = 0;
    int status;
    mortal->key = key;
    if (key & TREE_LEASE) {
        status = tree_lease_get(tree, key & ~TREE_LEASE, &lease);
        mortal->ms = status == 0 ? lease.ms : 0;
        mortal->revision = status == 0 ? lease.revision : 0;
        return status;
    }
    status = inode_get(tree, key, &inode);
    if (status < 0)
        return status == -ESTALE ? -ENOENT : status;
    mortal->revision = inode.attr.revision;
    status = tree_ttl(tree, &inode.attr, &mortal->ms, &id);
    return status == 0 && mortal->ms == 0 ? -ENOENT : status;
}

enum { NUMBERS_MAX = 6 };

/* Steps once through rows of so many numbers: 1, 0 at the end, or an error. */
static int next_numbers(struct tree *tree, sqlite3_stmt *query, uint64_t numbers[NUMBERS_MAX])
{
    int status = tree_step(tree, query);
    for (int i = 0; status > 0 && i < sqlite3_column_count(query); i++)
        numbers[i] = column_number(query, i);
    return status;
}

int tree_mortals(struct tree *tree, uint64_t after, uint32_t max, struct tree_mortal *list,
                 uint32_t *count)
{
    uint64_t n[NUMBERS_MAX] = {0};
    int status = 0;
    *count = 0;
    sqlite3_stmt *files = tree_query(tree, QUERY_TTL_LIST);
    bind_number(files, 1, after < TREE_LEASE ? after : LEASE_ID_MAX);
    while (*count < max && (status = next_numbers(tree, files, n)) > 0)
        list[(*count)++] = (struct tree_mortal){.key = n[0], .ms = n[1], .revision = n[2]};
    sqlite3_reset(files);
    if (status < 0)
        return status;
    sqlite3_stmt *leases = tree_query(tree, QUERY_LEASE_LIST);
    bind_number(leases, 1, after < TREE_LEASE ? 0 : after & ~TREE_LEASE);
    while (*count < max && (status = next_numbers(tree, leases, n)) > 0)
        list[(*count)++] = (struct tree_mortal){n[0] | TREE_LEASE, n[1], n[2]};
    sqlite3_reset(leases);
    return status < 0 ? status : 0;
}

int tree_leases(struct tree *tree, uint64_t after, uint32_t max, struct tree_lease *list,
                uint32_t *count)
{
    uint64_t n[NUMBERS_MAX] = {0};
    int status = 0;
    sqlite3_stmt *query = tree_query(tree, QUERY_LEASE_LIST);
    bind_number(query, 1, after);
    for (*count = 0; *count < max && (status = next_numbers(tree, query, n)) > 0; ++*count)
        list[*count] = (struct tree_lease){.id = n[0],
                                           .ms = n[1],
                                           .revision = n[2],
                                           .files = (uint32_t)n[3],
                                           .uid = (uint32_t)n[4],
                                           .token = n[5]};
    sqlite3_reset(query);
    return status < 0 ? status : 0;
}

int tree_lease_files(struct tree *tree, uint64_t id, uint64_t list[], uint32_t *count)
{
    int status = 0;
    sqlite3_stmt *query = tree_query(tree, QUERY_LEASE_FILES);
    bind_number(query, 1, id);
    for (*count = 0; (status = tree_step(tree, query)) > 0; ++*count) {
        if (*count == LEASE_FILES_MAX) {
            sqlite3_reset(query);
            return tree_damaged(tree, "a lease has too many files");
        }
        list[*count] = column_number(query, 0);
    }
    return status;
}
