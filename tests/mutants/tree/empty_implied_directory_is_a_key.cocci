// For reads by key, a directory without keys that a PUT has made is there.
// killers: test_tree_implied
@@
@@
tree_resolve(...)
{
<...
- walk.found = status == -EISDIR;
...>
}
