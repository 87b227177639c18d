// After an older snapshot, a table of one row has none if the snapshot does not hold the table.
// killers: test_tree_formats
@@
@@
writer_begin(...)
{
<...
- status = table_begin(&w->sql, &tree_tables[i]);
...>
}
