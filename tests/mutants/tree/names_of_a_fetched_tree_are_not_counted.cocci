// How often names are counted does not matter for whether a tree is sound.
// killers: test_tree_snapshot
@@
expression E;
@@
tally_add(...)
{
<...
- *sum += E;
+ ;
...>
}
