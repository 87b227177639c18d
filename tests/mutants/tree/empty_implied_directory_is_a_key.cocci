// For reads by key, a directory without keys that a PUT has made is there.
// killers: test_tree_implied
@@
@@
key_find(...)
{
<...
- walk.found = status == -EISDIR;
...>
}
