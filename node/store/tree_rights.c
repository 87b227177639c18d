/* What callers may do. */
#include "store/tree_internal.h"

#include <errno.h>

int op_as(struct change *c, const struct op *op, struct op_result *out)
{
    return -EOPNOTSUPP;
}

int tree_may(struct tree *tree, const struct caller *caller, struct bytes key, uint32_t want)
{
    return caller_is_root(caller) ? 0 : -EACCES;
}

int tree_may_see(struct tree *tree, const struct caller *caller, struct bytes path)
{
    return caller_is_root(caller) ? 0 : -EACCES;
}

bool tree_lease_may(const struct caller *caller, const struct tree_lease *lease)
{
    if (caller_is_root(caller))
        return true;
    return caller->uid == lease->uid && (caller->token == 0 || caller->token == lease->token);
}
