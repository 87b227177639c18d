// A lost piece of a snapshot is not sent again.
// killers: test_fetching
@@
@@
serving_received(...)
{
<...
- serving_send_again(s);
+ ;
...>
}
