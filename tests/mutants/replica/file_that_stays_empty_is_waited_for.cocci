// Reads go on waiting for a file that nobody fills.
// killers: test_emptied
@@
@@
emptied_stays(...)
{
<...
- let_go_on(e, is_forgotten);
...>
}
