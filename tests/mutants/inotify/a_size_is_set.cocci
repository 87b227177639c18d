// The helper sets a size.
// killers: test_echo_answer
@@
@@
set_attr(...)
{
<...
- (in.valid & ~times)
+ false
...>
}
