/* The key tree as it should be, in memory and as plainly as possible: what random tests compare
 * with. */
#ifndef QUORUMFS_TESTS_TREE_MODEL_H
#define QUORUMFS_TESTS_TREE_MODEL_H

#include "tree_workload.h"

enum { MODEL_INODES = 16384, MODEL_NAMES = 4096 };

struct model_inode {
    uint32_t mode; /* 0: does not exist */
    uint32_t nlink;
    bool held;
    uint64_t parent;
    size_t size;
    uint8_t *bytes;  /* WORKLOAD_FILE_MAX of them, for a file */
    uint32_t xattrs; /* a bit for each name */
};

struct model_name {
    uint64_t parent, ino; /* ino 0: unused */
    char name[16];
};

struct model {
    uint32_t inodes; /* the next number */
    struct model_inode inode[MODEL_INODES];
    struct model_name name[MODEL_NAMES];
};

struct model *model_new(void);
struct model *model_copy(const struct model *m);
void model_free(struct model *m);
/* 0 or the negative errno. */
int model_apply(struct model *m, const struct op *op);
/* The inode with this name, or 0. */
uint64_t model_find(const struct model *m, uint64_t parent, struct bytes name);

#endif
