// Of the directories that a PUT has made, only the one that held the key goes with it.
// killers: test_tree_implied, test_tree_random
@@
expression E;
@@
implied_prune(...)
{
<...
- while (E)
+ if (E)
  {
  ...
  }
...>
}
