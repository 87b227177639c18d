// The question that a node asks now and then, though nobody reads from it, asks for a lease: writes
// wait for it.
// killers: test_reads
@@
@@
reads_ask(...)
{
<...
- read->done != nobody_asked
+ 1
...>
}
