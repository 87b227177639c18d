// A log without what the tree has applied is taken for one that a snapshot has overtaken.
// killers: test_log
@@
@@
log_fit_to_tree(...)
{
<...
- applied != snapshot
+ false
...>
}
