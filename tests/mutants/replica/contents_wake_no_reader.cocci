// Reads wait for the whole moment although the contents are there.
// killers: test_emptied
@@
@@
emptied_applied(...)
{
<...
- let_go_on(e, need_not_wait);
+ ;
...>
}
