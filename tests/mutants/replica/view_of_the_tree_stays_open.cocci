// A snapshot that was served stays open until another one is asked for.
// killers: test_fetching
@@
@@
serving_rows_read(...)
{
<...
- serving_close_reader(s);
+ ;
...>
}
