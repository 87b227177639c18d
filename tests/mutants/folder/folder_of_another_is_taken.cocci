// The folder of another user is taken for the node's own.
// killers: test_folder
@@
expression S;
@@
folder_check_itself(...)
{
<...
- if (S && folder.st_uid != geteuid())
-     return folder_refuse_owner(...);
...>
}
