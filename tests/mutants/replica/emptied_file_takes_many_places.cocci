// A file that is emptied again is remembered again.
// killers: test_emptied
@@
@@
emptied_applied(...)
{
<...
- !file
+ true
...>
}
