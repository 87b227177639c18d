// Others may still make names in the folder.
// killers: test_folder
@@
expression S, E;
@@
folder_check_itself(...)
{
<...
- if (S && (folder.st_mode & 0022) && E)
-     status = -errno;
...>
}
