// A PUT gives a ttl to a file that its caller may not remove.
// killers: test_tree_rights, test_tree_random
@@
@@
may_put(...)
{
<...
- return status == 0 && mortal ? rights_remove_all(c, &walk->inode) : status;
+ return status;
...>
}
