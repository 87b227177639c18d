// A lost piece of a snapshot is not sent again.
// killers: test_fetching
@@
@@
serving_received(...)
{
<...
- send_again(s);
+ ;
...>
}
