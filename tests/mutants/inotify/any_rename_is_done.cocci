// The helper is told that a rename is done which it was not to make.
// killers: test_echo_answer
@@
@@
echo_move(...)
{
<...
- is_ordered(a, 0, a->header.nodeid, from) && is_ordered(a, 1, in.newdir, to)
+ true
...>
}
