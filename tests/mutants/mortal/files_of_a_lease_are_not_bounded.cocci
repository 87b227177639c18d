// A lease may have any number of files.
// killers: test_tree_mortal
@@
@@
check_lease(...)
{
<...
- lease.files >= LEASE_FILES_MAX
+ false
...>
}
