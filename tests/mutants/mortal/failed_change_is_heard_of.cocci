// The timers hear of a change that was undone.
// killers: test_tree_mortal
@@
@@
take_effect(...)
{
<...
- tree->stirred_count = stirred;
...>
}
