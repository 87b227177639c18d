/* Random entries for trees, and what the model says that each must answer. */
#ifndef QUORUMFS_TESTS_TREE_SCRIPT_H
#define QUORUMFS_TESTS_TREE_SCRIPT_H

#include "tree_fixture.h"
#include "tree_model.h"

enum { SCRIPT_ENTRIES = 4000 };

struct script {
    struct buffer entry[SCRIPT_ENTRIES];
    int status[SCRIPT_ENTRIES];
    struct model *model; /* after the last */
};

struct script *script_new(uint64_t seed);
void script_free(struct script *s);

/* The next entry, one operation or a list, stamped by `stamps`; the model goes on by it. The caller
 * frees. */
struct buffer script_next(struct fixture *stamps, struct model **m, uint64_t *seed, int *status);
/* Applies an entry, which must answer this. */
void script_run(struct fixture *f, const struct buffer *entry, int expected);

#endif
