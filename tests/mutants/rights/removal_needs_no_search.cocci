// A name is removed from a directory that can be written, but not searched.
// killers: test_tree_rights, test_tree_random
@@
@@
may_remove_dir(...)
{
<...
- return status < 0 ? status : rights_remove(&c->as, &parent.attr, &dir->attr);
+ return status;
...>
}
