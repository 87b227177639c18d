/* Compares a tree and its answers with the model's; a difference fails the test. */
#ifndef QUORUMFS_TESTS_TREE_COMPARE_H
#define QUORUMFS_TESTS_TREE_COMPARE_H

#include "tree_fixture.h"
#include "tree_model.h"

/* The answer to a command. */
void compare_results(const struct command_result *result, const struct command_result *expected);
/* Everything that can be read, and the rest of the database. */
void compare_trees(struct fixture *f, const struct model *m);

#endif
