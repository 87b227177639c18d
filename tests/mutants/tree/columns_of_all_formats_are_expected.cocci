// An older snapshot is read as if its rows had the columns of today.
// killers: test_tree_formats
@@
@@
writer_begin(...)
{
<...
- table_insert(&w->sql, table, w->format, 1, &w->inserts[i])
+ table_insert(&w->sql, table, record_format, 1, &w->inserts[i])
...>
}
