// A snapshot's rows are believed without the check that their table describes.
// killers: test_tree_formats
@@
@@
tree_check(...)
{
<...
- status = check_rows(sql);
...>
}
