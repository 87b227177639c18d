// A name is looked up as it is today.
// killers: test_echo, test_echo_answer
@@
@@
look_up(...)
{
<...
- !found
+ found || !found
...>
}
