/* The rights of callers: what the kernel would refuse by a name, the tree refuses by the key.
 *
 * path_resolution(7): every directory on the way is searched. open(2): a value that replaces one
 * needs the right to write the file; a new name, that to write and search its directory. unlink(2):
 * so does a removal, and in a sticky directory it is for the owner of the file or of the directory.
 * A file that goes away by itself loses all its names, so to give it a ttl or a lease needs the
 * right to remove each of them.
 *
 * A command says as whom it acts, with AS, and is checked where it is applied, by the tree as the
 * operations before have left it: no change of a mode or of a token comes in between. Whatever
 * cannot be checked by a name is refused. */
#include "store/tree_internal.h"

#include "command/key.h"

#include <errno.h>
#include <string.h>

int rights_of(struct tree *tree, const struct caller *caller, uint64_t time, struct rights *rights)
{
    *rights = (struct rights){0};
    if (caller_is_root(caller))
        return 0;
    rights->caller = caller;
    if (caller->token == 0)
        return 0;
    int status = token_get(tree, caller->token, &rights->token);
    if (status < 0)
        return status == -ENOENT ? -EKEYREVOKED : status;
    rights->caller = &rights->token->caller;
    return token_is_over(rights->token, time) ? -EKEYREVOKED : 0;
}

/* Whether `path` is `above`, or below it. */
static bool is_at_or_below(struct bytes path, struct bytes above)
{
    return path.len >= above.len && bytes_equal(bytes_of(path.data, above.len), above) &&
           (path.len == above.len || above.len == 0 || path.data[above.len] == '/');
}

bool rights_cover(const struct rights *rights, struct bytes path)
{
    const struct tree_token *token = rights->token;
    return !token || is_at_or_below(path, bytes_of(token->path, token->path_len));
}

int rights_remove(const struct rights *rights, const struct attr *dir, const struct attr *inode)
{
    int status = rights_check(rights, dir, CALLER_WRITE | CALLER_SEARCH);
    if (status == 0 && rights->caller && !caller_may_unlink(rights->caller, dir, inode))
        status = -EPERM;
    return status;
}

/* ---- Operations ---- */

int op_as(struct change *c, const struct op *op, struct op_result *out)
{
    struct caller *caller = &c->tree->caller;
    if (out != c->result->ops) /* the first operation has the first result */
        return -EINVAL;
    int status = caller_read(op, caller);
    return status < 0 ? status : rights_of(c->tree, caller, c->time, &c->as);
}

/* A tree_name_cb that keeps the names, for the time when the tree may be used. */
static bool keep_way(void *arg, uint64_t parent, struct bytes name)
{
    struct buffer *names = arg;
    buffer_put_u64(names, parent);
    buffer_put_bytes(names, name);
    return true;
}

static int check_name(struct change *c, uint64_t parent, struct bytes name,
                      const struct inode *inode)
{
    struct inode dir;
    struct buffer path = {0};
    int status = inode_get(c->tree, parent, &dir);
    if (status == 0)
        status = rights_remove(&c->as, &dir.attr, &inode->attr);
    if (status == 0 && c->as.token)
        status = tree_path(c->tree, parent, name, &path);
    if (status == 0 && !rights_cover(&c->as, bytes_of(path.data, path.len)))
        status = -EACCES;
    buffer_free(&path);
    return status;
}

int rights_remove_all(struct change *c, const struct inode *inode)
{
    struct buffer names = {0};
    if (!c->as.caller)
        return 0;
    int status = tree_names(c->tree, inode->attr.ino, keep_way, &names);
    if (status == 0 && names.failed)
        status = tree_fail(c->tree, -ENOMEM, "out of memory for names");
    struct reader r = reader_of(bytes_of(names.data, names.len));
    while (status == 0 && reader_left(&r) > 0) {
        uint64_t parent = reader_u64(&r);
        status = check_name(c, parent, reader_bytes(&r), inode);
    }
    buffer_free(&names);
    return status;
}

int rights_operation(const struct change *c, const struct op *op)
{
    bool changes = true, by_path = false;
    switch (op->type) {
    case OP_IF:
        by_path = true;
        changes = false;
        break;
    case OP_ELSE:
    case OP_FENCE:
        changes = false;
        break;
    case OP_PUT:
    case OP_DELETE:
        by_path = true;
        break;
    case OP_TTL:
    case OP_LEASE:
    case OP_LEASE_RENEW:
    case OP_LEASE_END:
        break;
    default:
        return -EPERM;
    }
    if (changes && c->as.token && c->as.token->read_only)
        return -EROFS;
    return by_path && !rights_cover(&c->as, op->name) ? -EACCES : 0;
}

void rights_kill_priv(const struct change *c, const struct op *op, struct inode *inode)
{
    const struct caller *caller = c->as.caller;
    if (!caller) {
        inode_kill_priv(inode, op);
    } else if (caller->uid != 0) {
        struct op killing = {.flags = OP_KILL_PRIV};
        killing.outsider = !caller_in_group(caller, inode->attr.gid);
        inode_kill_priv(inode, &killing);
    }
}

/* ---- Reads ---- */

int tree_may(struct tree *tree, const struct caller *caller, struct bytes key, uint32_t want)
{
    struct rights rights;
    struct attr attr;
    if (caller_is_root(caller))
        return 0;
    int status = rights_of(tree, caller, tree_time(tree), &rights);
    if (status < 0)
        return status;
    if (want & CALLER_WRITE && rights.token && rights.token->read_only)
        return -EROFS;
    if (!rights_cover(&rights, key))
        return -EACCES;
    status = key_find(tree, &rights, key, &attr);
    if (status == 0)
        status = rights_check(&rights, &attr, want);
    return status == -EACCES || tree->broken ? status : 0;
}

/* The last directory on the way to `path` that is there; the path's own name, behind its last
 * slash, does not matter. 0, -EACCES, or an error. */
static int last_directory(struct tree *tree, const struct rights *rights, struct bytes path,
                          struct inode *dir)
{
    int status = inode_get(tree, INO_ROOT, dir);
    while (status == 0 && path.len > 0 && memchr(path.data, '/', path.len)) {
        struct inode inode;
        struct bytes name = key_next(&path);
        status = rights_check(rights, &dir->attr, CALLER_SEARCH);
        if (status == 0)
            status = name_lookup(tree, dir->attr.ino, name, &inode);
        if (status == -ENOENT || (status == 0 && !inode_is(&inode, S_IFDIR)))
            return 0;
        *dir = inode;
    }
    return status;
}

int rights_list(struct tree *tree, const struct rights *rights, struct bytes path)
{
    struct inode dir;
    int status = last_directory(tree, rights, path, &dir);
    return status < 0 ? status : rights_check(rights, &dir.attr, CALLER_READ);
}

int tree_may_see(struct tree *tree, const struct caller *caller, struct bytes path)
{
    struct rights rights;
    if (caller_is_root(caller))
        return 0;
    int status = rights_of(tree, caller, tree_time(tree), &rights);
    if (status < 0)
        return status;
    bool above =
        rights.token && is_at_or_below(bytes_of(rights.token->path, rights.token->path_len), path);
    if (!above && !rights_cover(&rights, path))
        return -EACCES;
    return rights_list(tree, &rights, path);
}

bool tree_lease_may(const struct caller *caller, const struct tree_lease *lease)
{
    if (caller_is_root(caller))
        return true;
    return caller->uid == lease->uid && (caller->token == 0 || caller->token == lease->token);
}
