// A mount has setuid programs and devices although nobody has asked for them.
// killers: test_mount
@@
expression A, B;
@@
attributes_of(...)
{
<...
- uint64_t set = A | B;
+ uint64_t set = 0;
...>
}
