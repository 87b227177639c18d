// A snapshot of a format that this version does not know is read as if it were the newest.
// killers: test_tree_formats
@@
@@
add_header(...)
{
<...
- format > record_format
+ 0
...>
}
