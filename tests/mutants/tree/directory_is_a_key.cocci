// A condition takes a directory for a key that exists.
// killers: test_tree_branch
@@
expression S, A;
@@
is_key(...)
{
<...
- S == 0 && !S_ISDIR(A)
+ S == 0
...>
}
