/* Branches of a command: IF and ELSE say which of its operations run.
 *
 *   IF... then... ELSE else...
 *
 * Conditions look at the tree as the operations before them have left it. The first condition that
 * does not hold skips what follows, up to ELSE; ELSE reverses that. So either `then` runs or
 * `else` does. The results of the conditions say which, also for a command that is repeated. */
#include "store/tree_internal.h"

#include <assert.h>
#include <errno.h>

/* Whether tree_resolve has found a key; a directory is none. */
static bool is_key(int status, const struct attr *attr)
{
    return status == 0 && !S_ISDIR(attr->mode);
}

int op_if(struct change *c, const struct op *op, struct op_result *out)
{
    assert(!c->skipping);
    struct attr attr = {0};
    int status = key_find(c->tree, &c->as, op->name, &attr);
    if (status < 0 && status != -ENOENT && status != -ENOTDIR)
        return status;
    bool found = is_key(status, &attr);
    bool unless = op->flags & OP_IF_ABSENT && found;
    bool missing = op->flags & (OP_IF_EXISTS | OP_IF_REVISION) && !found;
    bool changed = op->flags & OP_IF_REVISION && attr.revision != op->revision;
    out->existed = !unless && !missing && !changed;
    c->skipping = !out->existed;
    return 0;
}

int op_else(struct change *c, const struct op *op, struct op_result *out)
{
    c->skipping = !c->skipping;
    return 0;
}
