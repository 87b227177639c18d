// Entries are applied when they are in the log, not when they are decided.
// killers: test_replica
@@
@@
may_apply(...)
{
<...
- tree_applied(r->tree) < r->turn.decided
+ tree_applied(r->tree) < r->status.accepted
...>
}
