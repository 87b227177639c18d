/* The cluster as its log describes it: the feature level, and the addresses of the members. This is
 * little and is often looked at, so memory has a copy of the tables. */
#include "store/tree_internal.h"

#include "command/level.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

/* Copies an address. One that is too long, which no row of a sound tree is, gets cut. */
static void take_addr(char to[TREE_ADDR_MAX], struct bytes from)
{
    size_t len = from.len < TREE_ADDR_MAX ? from.len : TREE_ADDR_MAX - 1;
    if (len > 0)
        memcpy(to, from.data, len);
    to[len] = '\0';
}

static int load_level(struct tree *tree, struct tree_cluster *cluster)
{
    int64_t level;
    int status = sql_number(&tree->sql, "SELECT level FROM cluster", &level);
    cluster->level = (uint32_t)level;
    return status;
}

static int load_members(struct tree *tree, struct tree_cluster *cluster)
{
    sqlite3_stmt *query;
    int status =
        sql_prepare(&tree->sql, "SELECT node, addr, peer_addr FROM member ORDER BY node", &query);
    if (status < 0)
        return status;
    while ((status = sql_step(&tree->sql, query)) > 0 && cluster->count < TREE_MEMBERS_MAX) {
        struct tree_member *member = &cluster->members[cluster->count++];
        member->node = (uint32_t)column_number(query, 0);
        take_addr(member->addr, sql_column_bytes(query, 1));
        take_addr(member->peer_addr, sql_column_bytes(query, 2));
    }
    sqlite3_finalize(query);
    if (status > 0)
        return sql_damaged(&tree->sql, "it has too many members");
    return status;
}

int cluster_load(struct tree *tree)
{
    struct tree_cluster cluster = {.version = tree->cluster.version + 1};
    int status = load_level(tree, &cluster);
    if (status == 0)
        status = load_members(tree, &cluster);
    if (status == 0)
        tree->cluster = cluster;
    return status;
}

const struct tree_cluster *tree_cluster(const struct tree *tree)
{
    return &tree->cluster;
}

/* The root of a tree that has just been founded gets an owner, unless somebody has been faster. A
 * cluster of a former version has left the first level before, and its root stays as it is. */
static int give_root(struct change *c, const struct op *op)
{
    struct inode root;
    if (op->mode == 0 || c->tree->cluster.level > LEVEL_MIN || op->size < LEVEL_RIGHTS)
        return 0;
    int status = inode_get(c->tree, INO_ROOT, &root);
    if (status < 0 || root.attr.mode != ROOT_MODE || root.attr.uid != 0 || root.attr.gid != 0)
        return status;
    root.attr.mode = S_IFDIR | (op->mode & 07777);
    root.attr.uid = op->uid;
    root.attr.gid = op->gid;
    change_inode(c, CHANGE_ATTRIBUTES, &root);
    return inode_set(c, &root);
}

/* The level only rises. One that this program does not know never comes here: command_check has
 * refused it. */
int op_level(struct change *c, const struct op *op, struct op_result *out)
{
    struct tree_cluster *cluster = &c->tree->cluster;
    out->existed = op->size <= cluster->level;
    if (out->existed)
        return 0;
    assert(op->size <= LEVEL_MAX);
    int status = give_root(c, op);
    if (status < 0)
        return status;
    cluster->level = (uint32_t)op->size;
    cluster->version++;
    sqlite3_stmt *set = tree_query(c->tree, QUERY_LEVEL_SET);
    bind_number(set, 1, op->size);
    return tree_run(c->tree, set);
}

/* NULL: there is no room for another member. */
static struct tree_member *member_find_or_add(struct tree_cluster *cluster, uint32_t node)
{
    assert(cluster->count <= TREE_MEMBERS_MAX);
    for (uint32_t i = 0; i < cluster->count; i++) {
        if (cluster->members[i].node == node)
            return &cluster->members[i];
    }
    if (cluster->count == TREE_MEMBERS_MAX)
        return NULL;
    cluster->members[cluster->count] = (struct tree_member){.node = node};
    return &cluster->members[cluster->count++];
}

static bool is_addr(struct bytes addr)
{
    return addr.len > 0 && addr.len < TREE_ADDR_MAX && !memchr(addr.data, 0, addr.len);
}

int op_member(struct change *c, const struct op *op, struct op_result *out)
{
    if (!is_addr(op->name) || !is_addr(op->name2))
        return -EINVAL;
    struct tree_member *member = member_find_or_add(&c->tree->cluster, c->node);
    if (!member)
        return -ENOSPC;
    take_addr(member->addr, op->name);
    take_addr(member->peer_addr, op->name2);
    c->tree->cluster.version++;
    sqlite3_stmt *set = tree_query(c->tree, QUERY_MEMBER_SET);
    bind_number(set, 1, c->node);
    sql_bind_bytes(set, 2, op->name);
    sql_bind_bytes(set, 3, op->name2);
    return tree_run(c->tree, set);
}
