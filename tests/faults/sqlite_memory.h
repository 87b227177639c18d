/* SQLite's allocator, which fails at the n-th allocation when it is told so. */
#ifndef QUORUMFS_TESTS_FAULTS_SQLITE_MEMORY_H
#define QUORUMFS_TESTS_FAULTS_SQLITE_MEMORY_H

#include <stdbool.h>
#include <stdint.h>

/* Before anything else of SQLite. */
void sqlite_memory_register(void);

/* From now on the allocation number `at`, from 1, fails; `stays`: and all after it. 0: none. */
void sqlite_memory_fail(uint64_t at, bool stays);
bool sqlite_memory_failed(void);    /* since then */
uint64_t sqlite_memory_count(void); /* allocations since then */

#endif
