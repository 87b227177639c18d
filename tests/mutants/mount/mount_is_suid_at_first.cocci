// A mount without options honours setuid bits and devices.
// killers: test_mount
@@
@@
attributes_of(...)
{
<...
- uint64_t set = ATTRIBUTES_AT_FIRST;
+ uint64_t set = 0;
...>
}
