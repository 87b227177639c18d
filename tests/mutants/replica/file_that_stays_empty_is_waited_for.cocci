// Reads go on waiting for a file that nobody fills.
// killers: test_emptied
@@
@@
emptied_stays(...)
{
<...
- *file = (struct emptied_file){0};
...>
}
