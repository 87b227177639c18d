/* Random entries for trees, and the answers that each must get according to the model. */
#ifndef QUORUMFS_TESTS_TREE_SCRIPT_H
#define QUORUMFS_TESTS_TREE_SCRIPT_H

#include "tree_fixture.h"
#include "tree_model.h"
#include "tree_workload.h"

#if defined(__SANITIZE_ADDRESS__)
enum { SCRIPT_ENTRIES = 1500 }; /* sanitizers are slow */
#else
enum { SCRIPT_ENTRIES = 4000 };
#endif
enum { SCRIPT_NODES = 3 };

/* The nodes that ask: a fixture of each, for its stamps. */
struct script_nodes {
    struct fixture node[SCRIPT_NODES];
    uint64_t time;
};

/* Entries, and the status that each must get. */
struct script {
    struct buffer entry[SCRIPT_ENTRIES];
    int status[SCRIPT_ENTRIES];
    struct model *model; /* after the last */
};

struct script_nodes script_nodes(void);
struct script *script_new(uint64_t seed);
void script_free(struct script *s);

/* The next entry, one operation or a list, of one of the nodes, and the answer that it must get;
 * the model goes on by it. The caller frees both. */
struct buffer script_next(struct script_nodes *nodes, struct model **m, uint64_t *seed,
                          struct command_result *expected);
/* Applies an entry, which must answer this. */
void script_run(struct fixture *f, const struct buffer *entry, int expected);

#endif
