// A commit of many pages is followed by one as large.
// killers: test_tree_cache
@@
@@
adapt_changes_max(...)
{
<...
- uint64_t max = (uint64_t)tree->changes * COMMIT_PAGES / (uint64_t)(pages > 0 ? pages : 1);
+ uint64_t max = COMMIT_CHANGES_MAX;
...>
}
