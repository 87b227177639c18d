// The paths are looked at, and whatever is found there is taken for what was open.
// killers: test_places
@@
expression S;
@@
places_look(...)
{
<...
- if (S == -ENOENT || S == -ENOTDIR)
-     return fault_set(...);
...>
}
