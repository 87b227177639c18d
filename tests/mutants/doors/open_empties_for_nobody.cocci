// The truncation of open(2) does not say that contents follow.
// killers: test_fs
@@
@@
open_empty(...)
{
<...
- .flags = OP_FOR_OPEN
+ .flags = 0
...>
}
