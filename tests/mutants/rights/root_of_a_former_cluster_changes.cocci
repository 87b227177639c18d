// A cluster of the first version is taken for a new one.
// killers: test_levels
@@
@@
is_new(...)
{
<...
- return level_of(r) == LEVEL_MIN && r->cluster.identity.cluster != former;
+ return level_of(r) == LEVEL_MIN;
...>
}
