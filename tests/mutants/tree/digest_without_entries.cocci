// The digest covers the effects of an entry, but not the entry itself.
// killers: test_tree_history
@@
@@
history_add(...)
{
<...
- XXH3_64bits(entry.data, entry.len)
+ 0
...>
}
