// The dead mount goes before the new one comes, and uncovers the files beneath.
// killers: test_mount
@@
@@
uncover(...)
{
<...
- int status = take_dead_away(ground->path, 1, fault);
+ int status = take_dead_away(ground->path, 0, fault);
...>
}
