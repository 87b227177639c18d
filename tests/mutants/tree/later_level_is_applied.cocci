// A level beyond this version is applied like any other.
// killers: test_tree_cluster
@@
@@
command_check(...)
{
<...
- status = -EPROTONOSUPPORT;
+ ;
...>
}
