// Observers are not told that a snapshot took the place of the tree.
// killers: test_fetching
@@
@@
fetching_installed(...)
{
<...
- observers_replaced(...);
...>
}
