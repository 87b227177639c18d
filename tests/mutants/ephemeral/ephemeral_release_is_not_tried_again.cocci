// What could not be given up at once stays.
// killers: test_fs
@@
@@
undone_done(...)
{
<...
- outcome == REPLICA_DONE || fs->stopping
+ true
...>
}
