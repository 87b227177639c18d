// The connection of the checkpoints does not sync: what it reports durable is not.
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
