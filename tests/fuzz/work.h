/* Background work without threads: work.c takes uv_queue_work's place, and jobs wait until they are
 * done here. */
#ifndef QUORUMFS_TESTS_FUZZ_WORK_H
#define QUORUMFS_TESTS_FUZZ_WORK_H

/* Does everything that waits, and everything that is asked for meanwhile. */
void work_all(void);

#endif
