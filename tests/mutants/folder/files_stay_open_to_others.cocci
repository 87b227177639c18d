// A file that others may read stays so.
// killers: test_folder
@@
expression E;
@@
folder_check_file(...)
{
<...
- if ((file.st_mode & 0077) && E)
-     return fault_set(...);
...>
}
