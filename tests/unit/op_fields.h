/* Comparing the fields of operations: <kind>_equal for each kind of field that OPERATION_FIELDS
 * (command/operations.h) lists, beside bytes_equal. */
#ifndef QUORUMFS_TESTS_OP_FIELDS_H
#define QUORUMFS_TESTS_OP_FIELDS_H

#include <stdbool.h>
#include <stdint.h>

static inline bool u32_equal(uint32_t a, uint32_t b)
{
    return a == b;
}

static inline bool u64_equal(uint64_t a, uint64_t b)
{
    return a == b;
}

static inline bool time_equal(int64_t a, int64_t b)
{
    return a == b;
}

#endif
