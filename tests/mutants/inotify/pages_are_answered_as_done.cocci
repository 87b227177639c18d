// A page that is written back in a call of the helper is taken for the helper's.
// killers: test_echo_answer
@@
@@
echo_answer(...)
{
<...
- return false;
+ return true;
...>
}
