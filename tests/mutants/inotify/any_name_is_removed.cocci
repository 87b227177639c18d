// The helper is told that a name is gone which it was not to remove.
// killers: test_echo_answer
@@
@@
remove_name(...)
{
<...
- is_ordered(a, 0, a->header.nodeid, take_name(a))
+ true
...>
}
