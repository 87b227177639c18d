// An Accepted without news is a debug line.
// killers: test_describe
@@
@@
is_repeated(...)
{
<...
- return repeated;
+ return false;
...>
}
