// The digest of the history is computed in another way than in the former version: just as good by
// itself, but in a half-upgraded cluster nodes that are right would be condemned.
// killers: test_former_snapshot
@@
expression a, b, c, d;
@@
history_add(...)
{
<...
- XXH3_64bits_withSeed(a, b, XXH3_64bits(c, d))
+ XXH3_64bits_withSeed(c, d, XXH3_64bits(a, b))
...>
}
