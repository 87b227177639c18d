// A listing that goes on behind a directory whose path is too long goes into it.
// killers: test_tree_ways
@@
expression E;
@@
keys_seek(...)
{
<...
- E || k->len > PATH_BYTES_MAX
+ E
...>
}
