/* Applying entries: a command takes effect once, wholly or not at all, and the same on every node.
 *
 * Nothing of the machine matters: numbers come from the counters, the time from the command, and
 * never runs backwards. A single operation checks everything before its first change; a list is
 * undone by a savepoint when one of its operations fails. */
#include "store/tree_internal.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

static operation *const operations[OP_TYPE_END] = {
    [OP_PUT] = op_put,           [OP_DELETE] = op_delete,     [OP_WRITE] = op_write,
    [OP_APPEND] = op_append,     [OP_TRUNCATE] = op_truncate, [OP_PUNCH] = op_punch,
    [OP_ALLOCATE] = op_allocate, [OP_CREATE] = op_create,     [OP_MKNOD] = op_mknod,
    [OP_MKDIR] = op_mkdir,       [OP_SYMLINK] = op_symlink,   [OP_LINK] = op_link,
    [OP_UNLINK] = op_unlink,     [OP_RMDIR] = op_rmdir,       [OP_RENAME] = op_rename,
    [OP_SETATTR] = op_setattr,   [OP_SETXATTR] = op_setxattr, [OP_REMOVEXATTR] = op_removexattr,
    [OP_RELEASE] = op_release,
};

/* Reads the stamp, and every operation once, so that nothing malformed is found halfway. */
static bool is_command(struct bytes entry, struct command_view *view)
{
    struct command_view probe;
    struct op op;

    if (command_read(entry, view) < 0)
        return false;
    probe = *view;
    for (uint32_t i = 0; i < probe.count; i++) {
        if (command_next(&probe, &op) < 0)
            return false;
    }
    return reader_left(&probe.ops) == 0;
}

/* Returns 0 or the errno of the operation that failed, whose position is then in the result. */
static int run_operations(struct change *c, struct command_view view)
{
    for (uint32_t i = 0; i < view.count; i++) {
        struct op op;
        int status = command_next(&view, &op);
        assert(status == 0);
        status = operations[op.type](c, &op, &c->result->ops[i]);
        if (c->tree->broken)
            return c->tree->broken;
        if (status < 0) {
            c->result->failed_op = i;
            return status;
        }
    }
    return 0;
}

static int run_statement(struct tree *tree, enum tree_query query)
{
    return tree_run(tree, tree_query(tree, query));
}

static int run_list(struct change *c, const struct command_view *view)
{
    int failed, status = run_statement(c->tree, QUERY_SAVE);

    if (status < 0)
        return status;
    failed = run_operations(c, *view);
    if (failed < 0 && c->tree->broken == 0) {
        cache_clear(c->tree->cache);
        status = run_statement(c->tree, QUERY_UNDO);
    }
    if (status == 0 && c->tree->broken == 0)
        status = run_statement(c->tree, QUERY_UNSAVE);
    return status < 0 ? status : failed;
}

static uint64_t time_of(const struct tree *tree, const struct stamp *stamp)
{
    uint64_t proposed = stamp->time < TIME_MAX ? stamp->time : TIME_MAX;

    return proposed > tree->counters.last_time ? proposed : tree->counters.last_time + 1;
}

/* Carries the command out; what became of it is in the result. Returns only failures of the
 * database. */
static int take_effect(struct change *c, const struct command_view *view)
{
    struct command_result *result = c->result;
    struct tree *tree = c->tree;
    struct counters before = tree->counters;

    result->ops = calloc(view->count, sizeof(*result->ops));
    if (result->ops == NULL)
        return tree_fail(tree, -ENOMEM, "out of memory for a result");
    result->count = view->count;
    c->time = time_of(tree, &view->stamp);
    tree->counters.last_time = c->time;
    result->status = view->count > 1 ? run_list(c, view) : run_operations(c, *view);
    if (result->status < 0) {
        tree->counters = before;
        free(result->ops);
        result->ops = NULL;
        result->count = 0;
        buffer_free(&result->old);
        changes_forget(tree);
    }
    if (tree->broken)
        return tree->broken;
    return session_keep(tree, &view->stamp, result);
}

static int apply_command(struct change *c, const struct command_view *view, bool *repeated)
{
    enum session_verdict verdict;
    int status = session_enter(c, &view->stamp, &verdict);

    if (status < 0)
        return status;
    *repeated = verdict != SESSION_NEW;
    return verdict == SESSION_NEW ? take_effect(c, view) : 0;
}

int tree_apply(struct tree *tree, struct bytes entry, bool mine, struct command_result *result,
               bool *repeated)
{
    uint64_t revision = tree->counters.applied + 1;
    struct change c = {.tree = tree, .revision = revision, .mine = mine, .result = result};
    struct command_view view;
    int status = tree_begin(tree);

    *result = (struct command_result){.revision = revision};
    *repeated = false;
    changes_forget(tree);
    if (status < 0)
        return status;
    if (is_command(entry, &view)) {
        c.node = view.stamp.node;
        c.time = time_of(tree, &view.stamp);
        status = apply_command(&c, &view, repeated);
    } else {
        result->status = -EBADMSG;
    }
    if (status == 0) {
        tree->counters.applied++;
        status = history_add(tree, entry, result);
    }
    if (status < 0)
        command_result_free(result);
    return status;
}
