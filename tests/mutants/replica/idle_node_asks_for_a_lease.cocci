// The question that an idle node asks now and then asks for a lease, so that writes wait for it.
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
