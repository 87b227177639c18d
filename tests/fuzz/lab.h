/* A key tree for experiments: a little of everything in it, and each experiment is undone. */
#ifndef QUORUMFS_TESTS_FUZZ_LAB_H
#define QUORUMFS_TESTS_FUZZ_LAB_H

#include "fuzz.h"

#include "store/tree_internal.h"

enum { LAB_NODE = 1, LAB_CLUSTER = 77, LAB_SEQUENCES = 16 };

struct lab {
    struct folder *folder;
    struct tree *tree;
    struct counters counters; /* of the beginning, to which lab_undo returns */
    bool trash, kept;
};

/* The tree of this process, made at the first call. */
struct lab *lab_of_process(void);
/* Rolls back what was applied since the beginning. Nothing may have been committed. */
void lab_undo(struct lab *lab);
/* Does what tree_commit does, but for the end of the transaction. */
void lab_settle(struct lab *lab);
/* Right after lab_settle: the tables hold a tree. */
void lab_check(struct lab *lab);

/* A new tree, as at the beginning; the old one is closed and removed. lab_snapshot was called. */
void lab_renew(struct lab *lab);

/* The snapshot of the beginning; it stays valid. */
struct bytes lab_snapshot(void);
/* tree_writer_add and tree_writer_install; return the status of their callback. */
int lab_add(struct tree_writer *writer, struct bytes piece);
int lab_install(struct tree_writer *writer);

#endif
