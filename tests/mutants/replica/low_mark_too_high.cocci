// The low mark of a new command is its own sequence: results of older ones that still wait are
// dropped.
// killers: test_writes
@@
@@
writes_make(...)
{
<...
- oldest ? oldest->sequence : w->sequence
+ w->sequence
...>
}
