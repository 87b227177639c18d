/* A node never removes or cuts the WAL of its log, and does not open a log without it. Tests that
 * change a closed log.db by SQLite alone, which removes it, put an empty one in its place. */
#ifndef QUORUMFS_TESTS_LOG_WAL_H
#define QUORUMFS_TESTS_LOG_WAL_H

#include "store/log_db.h"

#include <assert.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

/* Makes the WAL as long as it must be; what it holds stays. */
static inline void log_wal_restore(const char *folder)
{
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/log.db-wal", folder);
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    int status = fd < 0 ? -1 : 0;
    if (status == 0 && lseek(fd, 0, SEEK_END) < LOG_WAL_BYTES)
        status = ftruncate(fd, LOG_WAL_BYTES);
    assert(status == 0);
    close(fd);
}

#endif
