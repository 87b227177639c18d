/* The digest of the history: a hash of every entry that was applied and of what it brought about,
 * each mixed with the digest before it. Two nodes that have applied as many entries and have the
 * same digest did the same and saw the same; what differs once differs ever after. It costs what an
 * entry costs, whatever the size of the tree (that is tree_digest's), and so it does not see a
 * difference that no entry has met yet. */
#include "store/tree_internal.h"

#include <errno.h>
#include <xxhash.h>

/* A counter that former versions do not know must not come into the digest as it is: theirs would
 * differ. */
#define PUT_COUNTER(name, first, format)                                                           \
    _Static_assert(format == RECORD_FORMAT_OLDEST, #name ": how do nodes without it agree?");      \
    if (&counters->name != &counters->digest)                                                      \
        buffer_put_u64(out, counters->name);

/* The digest before it comes first. */
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
