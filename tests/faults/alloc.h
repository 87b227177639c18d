/* An allocator that says no: malloc, calloc and realloc of everything that is linked in are
 * replaced
 * (--wrap, see meson.build), and fail at the n-th call between alloc_begin and alloc_end. */
#ifndef QUORUMFS_TESTS_FAULTS_ALLOC_H
#define QUORUMFS_TESTS_FAULTS_ALLOC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* From now on the allocation number `at`, from 1, fails; `stays`: and all after it. 0: none. */
void alloc_fail(uint64_t at, bool stays);
bool alloc_failed(void);    /* since alloc_fail */
uint64_t alloc_count(void); /* allocations since alloc_fail, within the brackets */

/* Around calls of the product; allocations of the test itself do not count. */
void alloc_begin(void);
void alloc_end(void);

/* The same for libraries that are told their allocator. */
void *alloc_malloc(size_t bytes);

#endif
