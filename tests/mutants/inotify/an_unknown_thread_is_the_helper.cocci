// A process that the kernel does not know here is taken for the helper.
// killers: test_echo_answer
@@
@@
fs_echo_answer(...)
{
<...
- fs->echo.helper.pid == 0 || len < sizeof a.header
+ len < sizeof a.header
...>
}
