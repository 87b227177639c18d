// The file that an entry has emptied is told after the next entry too.
// killers: test_emptied
@@
@@
changes_forget(...)
{
<...
- tree->emptied = 0;
...>
}
