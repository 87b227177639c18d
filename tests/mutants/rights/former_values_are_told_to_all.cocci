// Whoever replaces or removes a file is told the value that it may not read.
// killers: test_tree_rights, test_tree_random
@@
@@
collect_old(...)
{
<...
- rights_check(&c->as, &inode->attr, CALLER_READ) < 0
+ false
...>
}
