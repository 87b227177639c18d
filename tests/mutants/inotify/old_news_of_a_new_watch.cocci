// Whoever watches since a rename hears of what came before it.
// killers: test_echo
@@
@@
fs_echo_queue_done(...)
{
<...
- before->state == FS_ECHO_UNDECIDED && before->ino == item->ino
+ false
...>
}
