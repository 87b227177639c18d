/* Tokens: each acts as a user, for those who know it. They are in a table of their own, which no
 * key, mount or listing leads to; of the token itself there is only a hash. */
#include "store/tree_internal.h"

#include "command/key.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

/* ---- Rows ---- */

static void take_bytes(struct bytes from, uint8_t *to, size_t max, size_t *len)
{
    *len = from.len < max ? from.len : max; /* a row of a sound tree fits */
    if (*len > 0)
        memcpy(to, from.data, *len);
}

/* Steps a query of TOKEN_COLUMNS: 0 or -ENOENT. */
static int token_read(struct tree *tree, sqlite3_stmt *query, struct tree_token *token)
{
    size_t hash_len;
    int status = tree_step(tree, query);
    if (status <= 0)
        return status < 0 ? status : -ENOENT;
    struct caller *caller = &token->caller;
    caller->token = column_number(query, 0);
    take_bytes(sql_column_bytes(query, 1), token->name, sizeof token->name, &token->name_len);
    take_bytes(sql_column_bytes(query, 2), token->hash, sizeof token->hash, &hash_len);
    caller->uid = (uint32_t)column_number(query, 3);
    caller->gid = (uint32_t)column_number(query, 4);
    int groups = caller_take_groups(sql_column_bytes(query, 5), caller);
    token->read_only = column_number(query, 6);
    take_bytes(sql_column_bytes(query, 7), token->path, sizeof token->path, &token->path_len);
    token->made = sqlite3_column_int64(query, 8);
    token->expires = sqlite3_column_int64(query, 9);
    sqlite3_reset(query);
    if (groups < 0 || hash_len != sizeof token->hash)
        return tree_damaged(tree, "a token is malformed");
    return 0;
}

int token_get(struct tree *tree, uint64_t id, const struct tree_token **token)
{
    *token = &tree->token;
    if (id == tree->token.caller.token)
        return id == 0 ? -ENOENT : 0;
    sqlite3_stmt *query = tree_query(tree, QUERY_TOKEN);
    bind_number(query, 1, id);
    int status = token_read(tree, query, &tree->token);
    if (status < 0)
        token_forget(tree);
    return status;
}

void token_forget(struct tree *tree)
{
    tree->token.caller.token = 0;
}

int tree_token_find(struct tree *tree, const uint8_t hash[TOKEN_HASH_BYTES],
                    struct tree_token *token)
{
    sqlite3_stmt *query = tree_query(tree, QUERY_TOKEN_HASH);
    sql_bind_bytes(query, 1, bytes_of(hash, TOKEN_HASH_BYTES));
    return token_read(tree, query, token);
}

int tree_token_next(struct tree *tree, struct bytes after, struct tree_token *token)
{
    sqlite3_stmt *query = tree_query(tree, QUERY_TOKEN_NEXT);
    sql_bind_bytes(query, 1, after);
    return token_read(tree, query, token);
}

/* ---- Operations ---- */

/* The path may be empty; else it is a key. */
static int check_path(struct bytes path)
{
    const char *why;
    return path.len > 0 ? key_check(path, &why) : 0;
}

/* What can be said of it without the tree: 0 or -EINVAL, or an error of key_check. */
static int check_add(const struct change *c, const struct op *op)
{
    const char *why;
    struct caller caller;
    int status = token_name_check(op->name, &why);
    if (status == 0 && op->data.len < TOKEN_HASH_BYTES)
        status = -EINVAL;
    if (status == 0)
        status = caller_take_groups(
            bytes_of(op->data.data + TOKEN_HASH_BYTES, op->data.len - TOKEN_HASH_BYTES), &caller);
    if (status == 0 && (op->mtime < 0 || (op->mtime > 0 && op->mtime <= (int64_t)c->time)))
        status = -EINVAL;
    return status < 0 ? status : check_path(op->name2);
}

/* Gives a number of a query about tokens that have not expired; `bytes` is its second parameter, if
 * it has one. */
static int count_valid(struct change *c, enum tree_query which, struct bytes bytes, uint64_t *count)
{
    sqlite3_stmt *query = tree_query(c->tree, which);
    bind_number(query, 1, c->time);
    if (sqlite3_bind_parameter_count(query) > 1)
        sql_bind_bytes(query, 2, bytes);
    int status = tree_step(c->tree, query);
    *count = status > 0 ? column_number(query, 0) : 0;
    sqlite3_reset(query);
    return status < 0 ? status : 0;
}

/* Another token has the name or the bytes or, in one command, the id; or there are too many. */
static int check_others(struct change *c, const struct op *op)
{
    const struct tree_token *token;
    uint64_t names = 0, hashes = 0, all = 0;
    int status = token_get(c->tree, c->revision, &token);
    if (status != -ENOENT)
        return status < 0 ? status : -EINVAL;
    status = count_valid(c, QUERY_TOKEN_NAME, op->name, &names);
    if (status == 0)
        status =
            count_valid(c, QUERY_TOKEN_HASHES, bytes_of(op->data.data, TOKEN_HASH_BYTES), &hashes);
    if (status == 0)
        status = count_valid(c, QUERY_TOKEN_COUNT, (struct bytes){0}, &all);
    if (status == 0 && names + hashes > 0)
        status = -EEXIST;
    if (status == 0 && all >= TOKENS_MAX)
        status = -EDQUOT;
    return status;
}

static int remove_expired(struct change *c)
{
    sqlite3_stmt *query = tree_query(c->tree, QUERY_TOKEN_EXPIRE);
    bind_number(query, 1, c->time);
    token_forget(c->tree);
    return tree_run(c->tree, query);
}

static int token_insert(struct change *c, const struct op *op)
{
    const uint8_t *groups = op->data.data + TOKEN_HASH_BYTES;
    sqlite3_stmt *query = tree_query(c->tree, QUERY_TOKEN_ADD);
    bind_number(query, 1, c->revision);
    sql_bind_bytes(query, 2, op->name);
    sql_bind_bytes(query, 3, bytes_of(op->data.data, TOKEN_HASH_BYTES));
    bind_number(query, 4, op->uid);
    bind_number(query, 5, op->gid);
    sql_bind_bytes(query, 6, bytes_of(groups, op->data.len - TOKEN_HASH_BYTES));
    bind_number(query, 7, op->flags & OP_READ_ONLY ? 1 : 0);
    sql_bind_bytes(query, 8, op->name2);
    bind_number(query, 9, c->time);
    bind_number(query, 10, (uint64_t)op->mtime);
    return tree_run(c->tree, query);
}

/* Those that have expired make room for it. */
int op_token_add(struct change *c, const struct op *op, struct op_result *out)
{
    int status = check_add(c, op);
    if (status == 0)
        status = check_others(c, op);
    if (status == 0)
        status = remove_expired(c);
    return status < 0 ? status : token_insert(c, op);
}

int op_token_remove(struct change *c, const struct op *op, struct op_result *out)
{
    sqlite3_stmt *query = tree_query(c->tree, QUERY_TOKEN_REMOVE);
    sql_bind_bytes(query, 1, op->name);
    int status = tree_run(c->tree, query);
    if (status < 0)
        return status;
    token_forget(c->tree);
    out->existed = sqlite3_changes(c->tree->sql.db) > 0;
    return out->existed ? 0 : -ENOENT;
}

/* ---- In a snapshot ---- */

/* What SQL cannot say of the rows: names, paths. */
int tokens_check(struct sql *sql)
{
    sqlite3_stmt *query;
    int status = sql_prepare(sql, "SELECT name, path FROM token", &query);
    if (status < 0)
        return status;
    while ((status = sql_step(sql, query)) > 0) {
        const char *why;
        if (token_name_check(sql_column_bytes(query, 0), &why) < 0 ||
            check_path(sql_column_bytes(query, 1)) < 0) {
            status = -EBADMSG;
            break;
        }
    }
    sqlite3_finalize(query);
    return status;
}
