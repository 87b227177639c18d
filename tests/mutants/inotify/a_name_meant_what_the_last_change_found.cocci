// A name that changed twice is looked up as it was before the last change.
// killers: test_echo
@@
@@
fs_echo_found(...)
{
<...
- first = record;
+ if (!first) first = record;
...>
}
