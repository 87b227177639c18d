// A snapshot holds all columns that this version has, even if its receiver reads an older format.
// killers: test_tree_formats
@@
@@
read_row(...)
{
<...
- table_select(&r->sql, &tree_tables[r->table], r->format, &r->cursor)
+ table_select(&r->sql, &tree_tables[r->table], record_format, &r->cursor)
...>
}
