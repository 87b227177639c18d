// A program waits for the contents of the file that it has emptied itself.
// killers: test_fs
@@
@@
is_its_own(...)
{
<...
- fs_file_is_emptied(file)
+ !fs_file_is_emptied(file)
...>
}
