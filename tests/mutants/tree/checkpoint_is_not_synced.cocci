// The connection of the checkpoints does not sync: the index that it reports is not durable.
// killers: test_tree_once, test_tree_snapshot, test_tree_random, power
@@
expression E;
@@
checkpoint_open(...)
{
<...
  sql_exec(&cp->sql, E)
+ + sql_exec(&cp->sql, "PRAGMA synchronous = OFF")
...>
}
