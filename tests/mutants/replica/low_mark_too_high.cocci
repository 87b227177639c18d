// The low mark of a new command is its own sequence: results of older ones that still wait are
// dropped.
// killers: test_writes
@@
@@
write_new(...)
{
<...
- oldest ? oldest->sequence : w->sequence
+ w->sequence
...>
}
