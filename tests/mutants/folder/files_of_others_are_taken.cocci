// A file that another user has put there is taken for the node's own.
// killers: test_folder
@@
@@
folder_check_file(...)
{
<...
- if (file.st_uid != geteuid())
-     return folder_refuse_owner(...);
...>
}
