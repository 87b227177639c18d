// Each heartbeat is a debug line.
// killers: test_describe
@@
expression d, pid, m;
@@
line_of_message(...)
{
<...
- is_heartbeat(m) || is_repeated(d, pid, m)
+ is_repeated(d, pid, m)
...>
}
