/* Applying entries: a command takes effect once, wholly or not at all, and the same on every node.
 *
 * So nothing depends on the machine: numbers come from the counters, and the time comes from the
 * command. A single operation checks everything before its first change; a list is undone by a
 * savepoint if one of its operations fails. */
#include "store/tree_internal.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#define OPERATION_ENTRY(name, number, function, level) [OP_##name] = op_##function,
static operation *const operations[OP_TYPE_END] = {OPERATIONS(OPERATION_ENTRY)};
#undef OPERATION_ENTRY

/* Returns 0 or the errno of the operation that failed, whose position is then in the result. */
static int run_operations(struct change *c, struct command_view view)
{
    for (uint32_t i = 0; i < view.count; i++) {
        struct op op;
        int status = command_next(&view, &op);
        assert(status == 0);
        if (c->skipping && op.type != OP_ELSE)
            continue;
        assert(op.type < OP_TYPE_END && operations[op.type]);
        c->op = &op;
        status = c->as.caller ? rights_operation(c, &op) : 0;
        if (status == 0)
            status = operations[op.type](c, &op, &c->result->ops[i]);
        assert(status <= 0);
        if (c->tree->broken)
            return c->tree->broken;
        if (status == 0 && names_exceeded(c->tree)) /* a list: one alone does not come so far */
            status = -E2BIG;
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

/* Several operations, inside a savepoint: if one fails, those before it are undone, in the database
 * and in what is kept in memory of it. */
static int run_list(struct change *c, const struct command_view *view)
{
    assert(c->tree->writing);
    int status = run_statement(c->tree, QUERY_SAVE);
    if (status < 0)
        return status;
    int failed = run_operations(c, *view);
    if (failed < 0 && c->tree->broken == 0) {
        cache_clear(c->tree->cache);
        token_forget(c->tree);
        status = run_statement(c->tree, QUERY_UNDO);
        if (status == 0)
            status = c->tree->broken = cluster_load(c->tree);
        if (status == 0)
            status = c->tree->broken = locks_load(c->tree);
        if (status == 0)
            status = c->tree->broken = ephemerals_load(c->tree);
    }
    if (status == 0 && c->tree->broken == 0)
        status = run_statement(c->tree, QUERY_UNSAVE);
    return status < 0 ? status : failed;
}

/* The time that the command carries, or if that is not later than the last command's, the next
 * nanosecond: what nodes propose in the same moment comes in some order, and times follow it.
 *
 * From level 3 on, when the last time is ahead by more than that explains, it was wrong, and time
 * comes back. Before, one node whose clock was ahead dated everything, until it was overtaken. */
static uint64_t time_of(const struct tree *tree, const struct stamp *stamp)
{
    uint64_t last = tree->counters.last_time;
    uint64_t proposed = stamp->time < TIME_MAX ? stamp->time : TIME_MAX;
    bool comes_back =
        tree->cluster.level >= LEVEL_TIMES && last > proposed && last - proposed > TIME_BACK_MAX;
    return proposed > last || comes_back ? proposed : last + 1;
}

/* Carries the command out, and keeps its result. Returns only failures of the database. */
static int take_effect(struct change *c, const struct command_view *view)
{
    struct command_result *result = c->result;
    struct tree *tree = c->tree;
    struct counters before = tree->counters;
    struct mortal_counts mortals = tree->mortals;
    uint32_t told = tree->told.count, stirred = tree->stirred_count;
    struct events_mark events = events_mark(tree);
    result->ops = calloc(view->count, sizeof *result->ops);
    if (!result->ops)
        return tree_fail(tree, -ENOMEM, "out of memory for a result");
    result->count = view->count;
    c->time = time_of(tree, &view->stamp);
    tree->counters.last_time = c->time;
    result->status = view->count > 1 ? run_list(c, view) : run_operations(c, *view);
    if (result->status < 0) {
        tree->counters = before;
        tree->mortals = mortals;
        tree->stirred_count = stirred;
        free(result->ops);
        result->ops = NULL;
        result->count = 0;
        buffer_free(&result->old);
        changes_undo(tree, told);
        events_undo(tree, events);
    }
    if (tree->broken)
        return tree->broken;
    return session_keep(tree, &view->stamp, result);
}

/* Exactly once: only a command that its session has not seen takes effect. */
static int apply_command(struct change *c, const struct command_view *view, bool *repeated)
{
    enum session_verdict verdict;
    int status = session_enter(c, &view->stamp, &verdict);
    if (status < 0)
        return status;
    *repeated = verdict != SESSION_NEW;
    return verdict == SESSION_NEW ? take_effect(c, view) : 0;
}

/* The tree is not broken by it: a later version goes on with the same entry. */
static int refuse_later_version(struct tree *tree)
{
    return fault_set(&tree->sql.fault, -EPROTONOSUPPORT,
                     "entry %llu of the log is of a later version of quorumfs than this one "
                     "(level <= %d): upgrade this node",
                     (unsigned long long)tree->counters.applied, LEVEL_MAX);
}

int tree_apply(struct tree *tree, struct bytes entry, bool mine, struct command_result *result,
               bool *repeated)
{
    uint64_t revision = tree->counters.applied + 1;
    struct change c = {.tree = tree, .revision = revision, .mine = mine, .result = result};
    struct command_view view;
    int readable = command_check(entry, &view);
    *result = (struct command_result){.revision = revision};
    *repeated = false;
    changes_forget(tree);
    tree->names = tree->pruned = 0;
    if (readable == -EPROTONOSUPPORT && !tree->broken)
        return refuse_later_version(tree);
    int status = tree_begin(tree);
    if (status < 0)
        return status;
    events_begin(tree);
    if (readable == 0) {
        c.node = view.stamp.node;
        c.time = time_of(tree, &view.stamp);
        status = apply_command(&c, &view, repeated);
    } else {
        result->status = readable;
    }
    if (status == 0)
        status = events_end(&c);
    if (status == 0) {
        tree->counters.applied++;
        assert(tree->counters.applied == revision);
        status = history_add(tree, entry, result);
    }
    if (status < 0)
        command_result_free(result);
    return status;
}
