// Observers are not told that a snapshot took the place of the tree.
// killers: test_fetching
@@
@@
installed(...)
{
<...
- observers_replaced(...);
...>
}
