// A look by name at a file that was emptied at the same node does not wait.
// killers: test_fs
@@
@@
is_its_own(...)
{
<...
- file && !r->by_path && fs_file_is_emptied(file)
+ file && fs_file_is_emptied(file)
...>
}
