/* A tree and what it answers, beside the model's; a difference fails the test. */
#ifndef QUORUMFS_TESTS_TREE_COMPARE_H
#define QUORUMFS_TESTS_TREE_COMPARE_H

#include "tree_fixture.h"
#include "tree_model.h"

/* What a command answered. */
void compare_results(const struct command_result *result, const struct command_result *expected);
/* All that can be read, and what is in the database besides. */
void compare_trees(struct fixture *f, const struct model *m);

#endif
