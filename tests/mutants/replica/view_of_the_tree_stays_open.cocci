// A snapshot that was served stays open until another one is asked for.
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
