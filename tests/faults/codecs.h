/* Everything that turns bytes into structures and back, each as one thing to try without memory. */
#ifndef QUORUMFS_TESTS_FAULTS_CODECS_H
#define QUORUMFS_TESTS_FAULTS_CODECS_H

#include <stdbool.h>

struct codec {
    const char *name; /* NULL: the end of the list */
    /* Goes through it once, under the allocator of alloc.h. True: it came out, and right; false: it
     * was refused for lack of memory, and nothing is left over. */
    bool (*run)(void);
};

extern const struct codec codecs[];

#endif
