/* libuv's thread pool without threads: a job that was queued runs, and is reported, when the test
 * says so. So the same seed gives the same order of everything. uv_queue_work is replaced by the
 * linker (--wrap, see meson.build). */
#ifndef QUORUMFS_TESTS_FAULTS_POOL_H
#define QUORUMFS_TESTS_FAULTS_POOL_H

#include <stdbool.h>

/* Runs and reports what is queued, also what that queues. */
void pool_run(void);
/* A job is running now, as it would on a thread. */
bool pool_working(void);

#endif
