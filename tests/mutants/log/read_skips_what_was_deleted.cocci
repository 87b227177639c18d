// A read of the log skips entries that were deleted: the tree of the node that fetches them lacks
// what they did.
// killers: test_log
@@
typedef uint64_t;
@@
log_db_read(...)
{
<...
- status == 0 || (uint64_t)sqlite3_column_int64(list, 0) != first + *count
+ status == 0
...>
}
