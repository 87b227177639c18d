// After a crash, entries of the log below a snapshot are believed that may never have been decided.
// killers: test_tree_snapshot
@@
@@
writer_mark_again(...)
{
<...
- status = sql_exec(&w->grown->sql, text);
+ status = 0;
...>
}
