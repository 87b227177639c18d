// A write that comes while the one before is told is not told.
// killers: test_echo
@@
@@
is_again(...)
{
<...
- !last->begun
+ true
...>
}
