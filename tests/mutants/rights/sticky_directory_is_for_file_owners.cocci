// The owner of a sticky directory may not remove the files of others in it.
// killers: test_tree_rights, test_tree_random
@@
@@
caller_may_unlink(...)
{
<...
- caller->uid == dir->uid
+ false
...>
}
