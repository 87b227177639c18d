// The tree that was served stays open until somebody asks for another one.
// killers: test_fetching
@@
@@
piece_read(...)
{
<...
- reader_close(s);
+ ;
...>
}
