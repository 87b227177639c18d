/* The digest of the history: a hash of every entry that was applied and of its result, each mixed
 * with the digest before it. If two nodes have applied the same number of entries and have the same
 * digest, they did the same and saw the same; digests that differ once differ ever after. Its cost
 * does not depend on the size of the tree, unlike that of tree_digest, so it does not see a
 * difference that no entry has met yet. */
#include "store/tree_internal.h"

#include <errno.h>
#include <xxhash.h>

/* A new counter cannot simply be added to the digest: former versions do not know it, and theirs
 * would differ. */
#define PUT_COUNTER(name, first, format)                                                           \
    _Static_assert(format == RECORD_FORMAT_OLDEST, #name ": how do nodes without it agree?");      \
    if (&counters->name != &counters->digest)                                                      \
        buffer_put_u64(out, counters->name);

/* The previous digest comes first. */
static void put_counters(struct buffer *out, const struct counters *counters)
{
    buffer_put_u64(out, counters->digest);
    COUNTERS(PUT_COUNTER, PUT_COUNTER);
}

int history_add(struct tree *tree, struct bytes entry, const struct command_result *result)
{
    struct buffer *outcome = &tree->outcome;
    outcome->len = 0;
    put_counters(outcome, &tree->counters);
    result_encode(result, outcome);
    if (outcome->failed)
        return tree_fail(tree, -ENOMEM, "out of memory for a digest");
    tree->counters.digest =
        XXH3_64bits_withSeed(outcome->data, outcome->len, XXH3_64bits(entry.data, entry.len));
    return 0;
}

uint64_t tree_history(const struct tree *tree)
{
    return tree->counters.digest;
}

uint64_t tree_time(const struct tree *tree)
{
    return tree->counters.last_time;
}
