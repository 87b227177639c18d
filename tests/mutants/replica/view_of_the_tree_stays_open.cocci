// The tree that was served stays open until somebody asks for another one.
// killers: test_fetching
@@
@@
serving_piece_read(...)
{
<...
- serving_close_reader(s);
+ ;
...>
}
