/* Folders of unit tests, in memory if possible: none of them cuts the power (tests/faults does),
 * and most of their time would go by in waiting for the disk. UNIT_TMP names another place. */
#ifndef QUORUMFS_TESTS_SCRATCH_H
#define QUORUMFS_TESTS_SCRATCH_H

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { SCRATCH_BYTES = 64 };

/* Makes a folder. The caller removes it. */
static inline void scratch_folder(char path[SCRATCH_BYTES])
{
    const char *in = getenv("UNIT_TMP");
    if (!in)
        in = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
    int len = snprintf(path, SCRATCH_BYTES, "%s/quorumfs-unit-XXXXXX", in);
    assert(len < SCRATCH_BYTES);
    const char *made = mkdtemp(path);
    assert(made);
}

#endif
