// A link in place of a file of the node is followed.
// killers: test_folder
@@
@@
folder_check_file(...)
{
<...
- if (!S_ISREG(file.st_mode))
-     return fault_set(...);
...>
}
