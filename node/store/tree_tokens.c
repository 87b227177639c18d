/* Tokens. */
#include "store/tree_internal.h"

#include <errno.h>

int op_token_add(struct change *c, const struct op *op, struct op_result *out)
{
    return -EOPNOTSUPP;
}

int op_token_remove(struct change *c, const struct op *op, struct op_result *out)
{
    return -EOPNOTSUPP;
}

int tree_token_find(struct tree *tree, const uint8_t hash[TOKEN_HASH_BYTES],
                    struct tree_token *token)
{
    return -ENOENT;
}

int tree_token_next(struct tree *tree, struct bytes after, struct tree_token *token)
{
    return -ENOENT;
}
